"""H2: does hedging cut the 99th percentile by more than 25 %? Virtual time, seed 20261121.

python benchmarks/hedging.py [--data DIR]

Model A: each call takes a log-normal time of its own, median 1 s, and costs the same.
Model B: recorded answers, each taking a log-normal start of median 0.5 s and 15 ms a token
(characters / 4) of its own length; cancelled calls are booked at the model's mean length.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import numpy as np
from measuring import SEED, data_folder, table
from msgspec.structs import replace

import onefold as of

SIGMAS = (0.25, 0.5, 0.75, 1.0)
PERCENTILES = (50, 75, 90, 95, 99)
QUESTIONS, AT_ONCE, DRAWS, RESAMPLED = 10_000, 100, 8, 400
PRIMARY, BACKUP = "gpt-4o-mini-2024-07-18", "gemini-1.5-flash"


class Taken:
    """What a way of asking took: seconds of each question, calls and dollars a question."""

    def __init__(self, spent: list[tuple[float, int, float]]) -> None:
        seconds, calls, usd = (np.array(column) for column in zip(*spent, strict=True))
        self.seconds = seconds
        self.calls = float(calls.mean())
        self.usd = float(usd.mean())

    def at(self, percentile: float) -> float:
        """Seconds at a percentile."""
        return float(np.percentile(self.seconds, percentile))


def asked(operator: of.Operator, queries: list[of.Query], session: of.Session) -> Taken:
    """All questions through an operator, in virtual time, a few at once."""
    line = iter(enumerate(queries))
    spent: list[tuple[float, int, float]] = [(0.0, 0, 0.0)] * len(queries)

    async def worker() -> None:
        for place, query in line:
            answer = await operator(query)
            spent[place] = (answer.seconds, answer.usage.calls, answer.usage.usd or 0.0)

    async def all_of_them() -> None:
        with session:
            await asyncio.gather(*(worker() for _ in range(AT_ONCE)))

    of.instantly(all_of_them())
    return Taken(spent)


def cut(single: Taken, hedged: Taken) -> tuple[float, float, float]:
    """Share by which P99 falls, with its 95 % bootstrap interval over questions."""
    chance = np.random.default_rng(SEED)
    draws = []
    for _ in range(RESAMPLED):
        picks = chance.integers(0, len(single.seconds), len(single.seconds))
        was, now = np.percentile([single.seconds[picks], hedged.seconds[picks]], 99, axis=1)
        draws.append(1 - now / was)
    low, high = np.percentile(draws, (2.5, 97.5))
    return 1 - hedged.at(99) / single.at(99), float(low), float(high)


def row(name: str, single: Taken, hedged: Taken) -> list[str]:
    """A way of hedging beside asking one model."""
    share, low, high = cut(single, hedged)
    return [
        name,
        f"{hedged.at(50):.2f}",
        f"{hedged.at(99):.2f}",
        f"{share:.0%} ({low:.0%} to {high:.0%})",
        "yes" if low > 0.25 else "no" if high < 0.25 else "open",
        f"{hedged.calls - single.calls:+.1%}",
        f"{hedged.usd / single.usd - 1:+.1%}",
        "yes" if hedged.at(99) < single.at(50) else "no",
    ]


HEAD = (
    *("one backup after", "P50 s", "P99 s", "P99 cut", "over 25 %?"),
    *("calls a question", "dollars", "P99 below a single's P50?"),
)


def drawn_times() -> None:
    """Model A: independent log-normal times, one model asked again as its own backup."""
    queries = [of.Query(f"question {i}") for i in range(QUESTIONS)]
    for sigma in SIGMAS:
        model = of.Sim(1.0, latency=of.Latency(1.0, sigma), price=(1.0, 0.0), seed=SEED)
        session = of.Session({"service": model})
        single = asked(of.Model("service"), queries, session)
        rows = [["alone", f"{single.at(50):.2f}", f"{single.at(99):.2f}", "", "", "", "", ""]]
        for percentile in PERCENTILES:
            after = single.at(percentile)
            hedged = asked(of.hedged(["service"] * 2, after=after), queries, session)
            rows.append(row(f"P{percentile} ({after:.2f} s)", single, hedged))
        for count in (3, 5, 7):
            hedged = asked(of.hedged(["service"] * count, after=0.0), queries, session)
            rows.append(row(f"no delay: first of {count} at once", single, hedged))
        print(f"\nModel A, sigma {sigma}: {QUESTIONS:,} questions")
        table(HEAD, rows)


def recorded_lengths(recording: Path) -> None:
    """Model B: a long answer is long for the backup too, so the times are correlated."""
    held = of.Recording.load(recording)
    queries = [
        of.Query(held.prompts[name].prompt, id=name, sample=sample)
        for name in held.queries
        for sample in range(DRAWS)
    ]
    prices = {PRIMARY: of.Price(0.15, 0.6), BACKUP: of.Price(0.075, 0.3)}
    for sigma in (0.5, 1.0):
        latency = of.Latency(0.5, sigma, 0.015)
        models = of.replay(str(recording), prices=prices, latency=latency)
        session = of.Session({name: typical(models[name], held) for name in prices})
        single = asked(of.Model(PRIMARY), queries, session)
        rows = [["alone", f"{single.at(50):.2f}", f"{single.at(99):.2f}", "", "", "", "", ""]]
        for backup in (PRIMARY, BACKUP):
            for percentile in (50, 75, 90, 95):
                after = single.at(percentile)
                hedged = asked(of.hedged([PRIMARY, backup], after=after), queries, session)
                name = "itself" if backup == PRIMARY else backup
                rows.append(row(f"P{percentile} ({after:.2f} s), {name}", single, hedged))
        print(f"\nModel B, {PRIMARY} hedged, sigma {sigma}: 653 questions × {DRAWS} draws")
        table(HEAD, rows)


def typical(model: of.Deployment, held: of.Recording) -> of.Deployment:
    """The model, knowing how long it speaks: a call that was cancelled is booked at that."""
    said = [len(draft.text) / 4 for draft in held if draft.member == model.name]
    return replace(model, typical_tokens=round(sum(said) / len(said)))


def main() -> None:
    """Both models of latency."""
    drawn_times()
    sys.stdout.flush()
    recorded_lengths(data_folder("zeroeval_gsm8k.parquet") / "zeroeval_gsm8k.parquet")


if __name__ == "__main__":
    main()
