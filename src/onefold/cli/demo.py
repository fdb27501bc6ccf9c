"""`onefold demo`: the main job on a fresh machine, with simulated models and no key."""

from __future__ import annotations

import time
from collections.abc import Sequence
from random import Random
from secrets import randbelow
from typing import Annotated

import typer

from onefold.core.example import Example
from onefold.core.query import Query
from onefold.core.usage import dollars
from onefold.delivery.session import Session
from onefold.lab.measure import Statistics, statistics
from onefold.lab.run import Run, arun
from onefold.operators.panel import Panel
from onefold.operators.presets import cascade, hedged, sequential
from onefold.operators.wrappers import Read
from onefold.providers.chance import Latency
from onefold.providers.sim import Sim
from onefold.runtime.clock import instantly
from onefold.verbs import Operator

MODELS = {
    "small": Sim(0.72, latency=Latency(0.4, 0.8), price=(0.10, 0.40)),
    "medium": Sim(0.80, latency=Latency(0.7, 0.8), price=(0.50, 2.00)),
    "middle": Sim(0.81, latency=Latency(0.7, 0.8), price=(0.60, 2.40)),
    "large": Sim(0.88, latency=Latency(1.5, 0.8), price=(3.00, 15.00)),
}


def demo(
    questions: Annotated[int, typer.Option(min=1, help="How many sums to ask.")] = 300,
    seed: Annotated[int | None, typer.Option(help="The same seed asks the same sums.")] = None,
) -> None:
    """Ask fresh questions of simulated models in several ways, and compare what each way gives.

    Needs no key and no network. The models are simulated: they show how panels work, and say
    nothing about any real model.
    """
    seed = randbelow(10_000) if seed is None else seed
    began = time.perf_counter()
    examples = sums(questions, seed)
    typer.echo("SIMULATED models, declared accuracies, fresh sums; no language model is called.")
    typer.echo(f"{questions} questions, seed {seed}\n")
    rows, runs = [], {}
    for name, operator in ways().items():
        runs[name] = asked(operator, examples)
        rows.append((name, statistics(runs[name])))
    typer.echo(compared(rows))
    panel = runs["panel of four, weighted"]
    split = min(panel, key=lambda outcome: outcome.answer.agreement)
    typer.echo(f"\nThe least agreed question of the weighted panel: {split.prompt}")
    typer.echo(f"{split.answer.explain()}\n")
    typer.echo(f"done in {time.perf_counter() - began:.1f} s; the models' own waiting was virtual")


def ways() -> dict[str, Operator]:
    """Single models and panels, from dear to cheap."""
    everyone = list(MODELS)
    cheap = everyone[:3]
    return {
        "large alone": Read("model_large", "number"),
        "small alone": Read("model_small", "number"),
        "panel of four, majority": Panel(members(everyone), reads="number"),
        "panel of four, weighted": Panel(members(everyone), vote="weighted", reads="number"),
        "one by one until two agree": sequential(members(everyone), agree=0.6, reads="number"),
        "cascade until 0.8 sure": cascade(members(everyone), at=0.8, reads="number"),
        "three cheap, weighted": Panel(members(cheap), vote="weighted", reads="number"),
        "hedged large": hedged(members(["large", "medium"]), after=3.0, reads="number"),
    }


def members(names: Sequence[str]) -> list[str]:
    """Models by their names in the demo's session."""
    return [f"model_{name}" for name in names]


def sums(count: int, seed: int) -> list[Example]:
    """Fresh sums with their results."""
    draw = Random(seed)
    made = []
    for number in range(1, count + 1):
        a, b, c = draw.randint(12, 99), draw.randint(3, 29), draw.randint(2, 9)
        made.append(Example(Query(f"What is {a} + {b} * {c}?", id=str(number)), str(a + b * c)))
    return made


def asked(operator: Operator, examples: Sequence[Example]) -> Run:
    """A run in virtual time."""
    session = Session({f"model_{name}": model for name, model in MODELS.items()})
    return instantly(arun(operator, examples, session=session))


def compared(rows: Sequence[tuple[str, Statistics]]) -> str:
    """The ways side by side."""
    table = [["way", "right", "95 % interval", "cost", "median", "99th percentile", "calls"]]
    for name, numbers in rows:
        low, high = numbers.interval or (0.0, 1.0)
        table.append(
            [
                name,
                f"{numbers.accuracy or 0.0:.1%}",
                f"{low:.1%} to {high:.1%}",
                dollars(numbers.usage.usd),
                f"{numbers.seconds_p50:.2f} s",
                f"{numbers.seconds_p99:.2f} s",
                str(numbers.usage.calls),
            ]
        )
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in table
    )
