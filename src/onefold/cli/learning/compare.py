"""`onefold compare`: two files of results side by side, on the questions that both have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onefold.cli.models import aligned, encoded

if TYPE_CHECKING:
    from onefold.lab.bench.compare import Comparison


def compare(
    first: Annotated[str, typer.Argument(help="Results that `onefold bench` wrote.")],
    second: Annotated[
        str | None, typer.Argument(help="Others; without them, systems of the first file.")
    ] = None,
    one: Annotated[str | None, typer.Option(help="A system of the first file.")] = None,
    two: Annotated[
        str | None, typer.Option(help="What it is compared with, of the second.")
    ] = None,
    draws: Annotated[int, typer.Option(min=100, help="Bootstrap samples.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """Compare systems question by question: paired differences, McNemar's test, cost ratios.

    Systems are matched by name, or named with --one and --two; each dataset is compared by itself.
    """
    from onefold.core.errors import ConfigError
    from onefold.lab.bench.compare import compare as compared
    from onefold.lab.bench.results import Results

    left = Results.load(first)
    if second is None and one is None and two is None:
        raise ConfigError(
            f"name a second file, or two systems of {Path(first).name} (--one, --two): "
            f"{', '.join(left.systems)}"
        )
    right = left if second is None else Results.load(second)
    found = compared(left, right, one, two, draws, seed)
    if json:
        typer.echo(encoded(found))
        return
    typer.echo(table(found))
    for each in found:
        for note in each.notes:
            typer.echo(f"note: {each.one} and {each.two}, {each.dataset}: {note}", err=True)


def table(found: Sequence[Comparison]) -> str:
    """The comparisons, a line each."""
    from onefold.lab.bench.page import between

    lines: list[tuple[str, ...]] = [
        (
            "dataset", "one", "two", "questions", "gain", "95 %", "better", "worse", "p", "cost",
            "time", "tokens", "",
        )
    ]  # fmt: skip
    for each in found:
        ratios = (each.usd_ratio, each.seconds_ratio, each.tokens_ratio)
        lines.append(
            (
                each.dataset,
                f"{each.one} {each.quality_one:.2%}",
                f"{each.two} {each.quality_two:.2%}",
                str(each.questions),
                f"{100 * each.gain:+.2f}",
                between(each.low, each.high, "+.2f"),
                str(each.better),
                str(each.worse),
                f"{each.p:.3g}",
                *("" if r is None else f"{r[0]:.2f} ({r[1]:.2f} to {r[2]:.2f})" for r in ratios),
                each.verdict,
            )
        )
    return aligned(lines)
