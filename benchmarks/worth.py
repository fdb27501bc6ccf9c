"""H4: does a panel as good as one GPT-4-class model cost under 10 % of it? Seed 20261121.

python benchmarks/worth.py [--data DIR]

List prices of `prices.json` in the data folder, without those it marks as recalled and without
the o1 models, whose hidden tokens are not in the text. Tokens = characters / 4, an estimate.
"""

from __future__ import annotations

import asyncio
import json
from itertools import combinations
from math import inf
from pathlib import Path

import numpy as np
from measuring import SEED, between, bootstrap, data_folder, percent, table
from reliability import FOLDS, SETS

import onefold as of
from onefold.core.usage import estimated_tokens
from onefold.learn.ballots import Ballots

GPT4O, TURBO, OPUS = "gpt-4o-2024-08-06", "gpt-4-turbo-2024-04-09", "claude-3-opus-20240229"
MINI, FLASH, HAIKU = "gpt-4o-mini-2024-07-18", "gemini-1.5-flash", "claude-3-haiku-20240307"
GEMMA, LLAMA8, LLAMA70 = (
    "gemma-2-9b-it",
    "Meta-Llama-3.1-8B-Instruct",
    "Meta-Llama-3.1-70B-Instruct",
)
SHARE, MARGIN = 0.10, 0.02
Way = tuple[np.ndarray, np.ndarray]


def ways(reads: of.Reader) -> dict[str, of.Operator]:
    """Ways of asking, fixed beforehand; the last ones let agreement decide who is asked next."""
    five = [FLASH, MINI, HAIKU, GEMMA, LLAMA8]

    def chain(last: str) -> of.Panel:
        said = of.Weighted({last: 1.5})  # alone against one it decides, against two it does not
        return of.Panel([FLASH, MINI, last], said, of.Agree(0.6), inf, reads=reads)

    return {
        "mini alone": of.Read(MINI, reads),
        "flash alone": of.Read(FLASH, reads),
        "flash, mini, haiku": of.Panel([FLASH, MINI, HAIKU], reads=reads),
        "flash, mini, haiku, gemma-9b, llama-8b": of.Panel(five, reads=reads),
        "the same five one by one until decided": of.Panel(
            five, stop="decided", stagger=inf, reads=reads
        ),
        "flash and mini, gemma-9b if they differ": chain(GEMMA),
        "flash and mini, llama-70b if they differ": chain(LLAMA70),
        "flash and mini, gpt-4o if they differ": chain(GPT4O),
    }


def priced(folder: Path) -> dict[str, of.Price]:
    """Prices that somebody has seen."""
    listed = json.loads((folder / "prices.json").read_text(encoding="utf-8"))
    return {
        name: of.Price(price["usd_per_mtok_in"], price["usd_per_mtok_out"])
        for name, price in listed.items()
        if "NOT seen" not in price["source"] and not name.startswith("o1")
    }


def replayed(operator: of.Operator, file: Path, prices: dict[str, of.Price]) -> Way:
    """Right or wrong, and US dollars, of each question asked through the real panel."""
    held = of.Recording.load(file)
    known = {name: price for name, price in prices.items() if name in held.members}
    session = of.Session(of.replay(str(file), prices=known))
    queries = [of.Query(held.prompts[name].prompt, id=name) for name in held.queries]
    right, usd = [], []

    async def everything() -> None:
        with session:
            for query in queries:
                try:
                    answer = await operator(query)
                    right.append(bool(held.index[answer.source, query.id][0].correct))
                    usd.append(answer.usage.usd)
                except of.NoAnswer as error:  # nobody's answer could be read
                    right.append(False)
                    usd.append(sum(draft.usage.usd or 0.0 for draft in error.drafts))

    asyncio.run(everything())
    return np.array(right, dtype=float), np.array(usd, dtype=float)


def costs(held: of.Recording, ballots: Ballots, prices: dict[str, of.Price]) -> np.ndarray:
    """US dollars (questions, members)."""
    made = np.full(ballots.codes.shape, np.nan)
    for row, name in enumerate(ballots.queries):
        for column, member in enumerate(ballots.members):
            draft = held.index[member, name][0]
            used = of.Usage(estimated_tokens(draft.prompt), 0, estimated_tokens(draft.text))
            made[row, column] = prices[member].usd(used)
    return made


def search(ballots: Ballots, usd: np.ndarray, reference: int) -> tuple[Way, list[str]]:
    """The most accurate cheap way, chosen on four folds and measured on the fifth, in turn.

    Ways: every majority of up to five members, and two members with a third if they differ.
    """
    cap = SHARE * usd[:, reference].mean()
    cheap = [m for m in range(len(ballots.members)) if usd[:, m].mean() < cap]
    made: dict[str, Way] = {}
    for size in (1, 2, 3, 4, 5):
        for group in combinations(cheap, size):
            names = [ballots.members[m] for m in group]
            spent = usd[:, group].sum(axis=1)
            if spent.mean() < 1.2 * cap:
                made[" + ".join(names)] = ballots.vote(names).correct, spent
    for one, two in combinations(cheap, 2):
        codes = ballots.codes[:, [one, two]]
        differ = (codes[:, 0] != codes[:, 1]) | (codes[:, 0] < 0)
        for last in range(len(ballots.members)):
            spent = usd[:, one] + usd[:, two] + differ * usd[:, last]
            if last not in (one, two, reference) and spent.mean() < 1.2 * cap:
                names = [ballots.members[m] for m in (one, two, last)]
                right = ballots.vote(names, {names[2]: 1.5}).correct
                made[f"{names[0]} + {names[1]}, else {names[2]}"] = right, spent
    number = len(ballots.queries)
    right, spent, chosen = np.zeros(number), np.zeros(number), []
    for test in np.array_split(np.random.default_rng(SEED).permutation(number), FOLDS):
        train = np.setdiff1d(np.arange(number), test)
        limit = SHARE * usd[train, reference].mean()
        fit = [name for name, way in made.items() if way[1][train].mean() < limit]
        name = max(fit, key=lambda name: (made[name][0][train].mean(), -made[name][1].mean()))
        chosen.append(name)
        right[test], spent[test] = made[name][0][test], made[name][1][test]
    return (right, spent), chosen


def row(name: str, way: Way, reference: Way) -> list[str]:
    """A way beside the reference."""
    difference = way[0] - reference[0]
    low, high = bootstrap(difference)
    ratio = way[1].mean() / reference[1].mean()
    verdict = "better" if low > 0 else "as good" if low >= -MARGIN else "open"
    if high < 0:
        verdict = "worse"
    reached = "yes" if ratio < SHARE and verdict in ("better", "as good") else "no"
    return [
        name,
        percent(way[0].mean(), 2),
        f"{difference.mean():+.1%} ({between((low, high))})",
        verdict,
        f"{way[1].mean() * 1000:.3f}",
        percent(ratio),
        reached,
    ]


def measure(name: str, file: Path, reads: of.Reader, prices: dict[str, of.Price]) -> None:
    """The tables of one data set."""
    held = of.Recording.load(file)
    known = [member for member in held.members if member in prices]
    ballots = Ballots(held, reads, known)
    usd = costs(held, ballots, prices)
    asked = {way: replayed(part, file, prices) for way, part in ways(reads).items()}
    for reference in (GPT4O, TURBO, OPUS):
        if reference not in known:
            continue
        column = known.index(reference)
        alone = ballots.correct[:, column].astype(float), usd[:, column]
        found, chosen = search(ballots, usd, column)
        print(f"\n### {name} against {reference}: {percent(alone[0].mean(), 2)} right, ", end="")
        print(f"${alone[1].mean() * 1000:.3f} a 1,000 questions")
        rows = [row(way, spent, alone) for way, spent in asked.items()]
        rows.append(row("found on four folds, measured on the fifth", found, alone))
        head = ("way", "right", "difference (95 %)", "verdict", "$ a 1,000", "of its cost")
        table((*head, "H4"), rows)
        print(f"\nFound, a fold each: {'; '.join(chosen)}.")


def main() -> None:
    """Both data sets."""
    folder = data_folder("prices.json", *(file for _, file, _ in SETS))
    for name, file, reads in SETS:
        measure(name, folder / file, reads, priced(folder))


if __name__ == "__main__":
    main()
