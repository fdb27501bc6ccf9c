"""`onefold demo`: the main job on a fresh machine, on models that come with the house."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from secrets import randbelow
from string import ascii_lowercase
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from onefold.core.example import Example
from onefold.delivery.session import Session
from onefold.lab.bench.curves import Point
from onefold.lab.demo.exam import HARD, exam
from onefold.lab.demo.picture import picture
from onefold.lab.demo.ways import PRICES, hard, mixed, router, session
from onefold.lab.measure import Statistics, statistics
from onefold.lab.run import Run, run
from onefold.verbs import Operator

Rows = dict[str, Statistics]


def demo(
    questions: Annotated[int, typer.Option(min=4, help="How many problems each way gets.")] = 50,
    seed: Annotated[int | None, typer.Option(help="The same seed asks the same problems.")] = None,
) -> None:
    """Ask fresh problems of small models in several ways, and compare what each way gives.

    Needs no key and no network: the models come with onefold and run here. They are toys for their
    own kinds of problems; their tokens, mistakes and probabilities are real, their prices stated.
    """
    seed = randbelow(10_000) if seed is None else seed
    began = time.perf_counter()
    typer.echo(
        f"{questions} fresh problems a table, seed {seed}; models that run here, no network."
    )
    with session() as held, TemporaryDirectory() as folder:
        route = router(Path(folder), seed)
        typer.echo("\nProblems of four families: sums, strings, orders, sayings\n")
        told(asked(mixed(route), exam(questions, seed), held))
        typer.echo("\nHard word problems only\n")
        runs = asked(hard(), exam(questions, seed, HARD), held)
        rows = told(runs)
    typer.echo("\nRight answers against cost; nobody beats the capitals\n")
    typer.echo(picture([point(name, numbers) for name, numbers in rows.items()]))
    voted = next(done for name, done in runs.items() if "vote" in name)
    split = min(voted, key=lambda outcome: outcome.answer.agreement)
    typer.echo(f"\nThe least agreed of the vote: {split.prompt}\n{split.answer.explain()}\n")
    priced = ", ".join(
        f"{name} {cost_in:g}/{cost_out:g}" for name, (cost_in, cost_out) in PRICES.items()
    )
    typer.echo(f"prices stated, in US dollars a million tokens in and out: {priced}")
    typer.echo(f"done in {time.perf_counter() - began:.1f} s")


def asked(ways: Mapping[str, Operator], examples: list[Example], held: Session) -> dict[str, Run]:
    """Every way on the same problems."""
    return {
        name: run(way, examples, session=held, concurrency=len(examples))
        for name, way in ways.items()
    }


def told(runs: Mapping[str, Run]) -> Rows:
    """Print the ways side by side; the gain is over the first."""
    rows = {name: statistics(done) for name, done in runs.items()}
    first = next(iter(rows.values()))
    table = [["", "way", "right", "gain", "95 % interval", "$ per 1,000", "agreement"]]
    for letter, (name, numbers) in zip(ascii_lowercase, rows.items(), strict=False):
        low, high = numbers.interval or (0.0, 1.0)
        gain = 100 * ((numbers.accuracy or 0.0) - (first.accuracy or 0.0))
        table.append(
            [
                letter,
                name,
                f"{numbers.accuracy or 0.0:.1%}",
                f"{gain:+.1f}" if numbers is not first else "",
                f"{low:.0%} to {high:.0%}",
                f"{1000 * (numbers.usd_per_question or 0.0):.3f}",
                f"{numbers.agreement:.2f}",
            ]
        )
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for row in table:
        cells = [row[0], row[1].ljust(widths[1]), *map(str.rjust, row[2:], widths[2:])]
        typer.echo("  ".join([cells[0].ljust(1), *cells[1:]]))
    return rows


def point(name: str, numbers: Statistics) -> Point:
    """A way's place in the picture."""
    return Point(name, numbers.usd_per_question or 1e-9, numbers.accuracy or 0.0)
