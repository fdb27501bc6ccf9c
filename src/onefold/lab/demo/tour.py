"""The demo from end to end: every way asked the same problems, and what each gains and costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from string import ascii_lowercase
from tempfile import TemporaryDirectory

from onefold.core.example import Example
from onefold.delivery.session import Session
from onefold.lab.bench.curves import Point
from onefold.lab.demo.exam import HARD, exam
from onefold.lab.demo.picture import picture
from onefold.lab.demo.ways import PRICES, hard, mixed, router, session
from onefold.lab.measure import Statistics, statistics
from onefold.lab.run import Run, run
from onefold.verbs import Operator

Runs = dict[str, Run]


def tour(questions: int, seed: int, say: Callable[[str], object]) -> None:
    """Ask so many fresh problems a table in every way, and say what came of it."""
    began = time.perf_counter()
    say(f"{questions} fresh problems a table, seed {seed}; models that run here, no network.")
    with session() as held, TemporaryDirectory() as folder:
        route = router(Path(folder), seed)
        say("\nProblems of four families: sums, strings, orders, sayings\n")
        say(table(rows(asked(mixed(route), exam(questions, seed), held))))
        say("\nHard word problems only\n")
        runs = asked(hard(), exam(questions, seed, HARD), held)
    found = rows(runs)
    say(table(found))
    say("\nRight answers against cost; nobody beats the capitals\n")
    say(picture([point(name, numbers) for name, numbers in found.items()]))
    voted = next(done for name, done in runs.items() if "vote" in name)
    split = min(voted, key=lambda outcome: outcome.answer.agreement)
    say(f"\nThe least agreed of the vote: {split.prompt}\n{split.answer.explain()}\n")
    prices = ", ".join(f"{name} {paid:g}/{told:g}" for name, (paid, told) in PRICES.items())
    say(f"prices stated, in US dollars a million tokens in and out: {prices}")
    say(f"done in {time.perf_counter() - began:.1f} s")


def asked(ways: Mapping[str, Operator], examples: list[Example], held: Session) -> Runs:
    """Every way on the same problems."""
    count = len(examples)
    return {n: run(way, examples, session=held, concurrency=count) for n, way in ways.items()}


def rows(runs: Mapping[str, Run]) -> dict[str, Statistics]:
    """What each way comes to."""
    return {name: statistics(done) for name, done in runs.items()}


def table(found: Mapping[str, Statistics]) -> str:
    """The ways side by side; the gain, in points, is over the first."""
    first = next(iter(found.values()))
    lines = [["way", "right", "gain", "95 % interval", "$ per 1,000", "agreement"]]
    for name, numbers in found.items():
        low, high = numbers.interval or (0.0, 1.0)
        gain = 100 * ((numbers.accuracy or 0.0) - (first.accuracy or 0.0))
        lines.append(
            [
                name,
                f"{numbers.accuracy or 0.0:.1%}",
                f"{gain:+.1f}" if numbers is not first else "",
                f"{low:.0%} to {high:.0%}",
                f"{1000 * (numbers.usd_per_question or 0.0):.3f}",
                f"{numbers.agreement:.2f}",
            ]
        )
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    letters = [" ", *ascii_lowercase]
    return "\n".join(
        "  ".join([letter, line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for letter, line in zip(letters, lines, strict=False)
    )


def point(name: str, numbers: Statistics) -> Point:
    """A way's place in the picture."""
    return Point(name, numbers.usd_per_question or 1e-9, numbers.accuracy or 0.0)
