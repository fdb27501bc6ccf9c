"""`onefold tune`: from a recording to the panel that is worth most, and what it may promise."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from onefold.cli.models import aligned


def tune(
    recording: Annotated[str, typer.Argument(help="Graded drafts: JSONL, JSON, CSV, Parquet.")],
    budget_usd: Annotated[
        float | None, typer.Option(help="US dollars that a question may cost on average.")
    ] = None,
    quality: Annotated[
        float | None, typer.Option(help="Share of right answers wanted, as cheap as possible.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the recipe, tables and plot.")] = Path(
        "tuned"
    ),
    prices: Annotated[
        str | None, typer.Option(help="Prices by member, as YAML or JSON, where none is recorded.")
    ] = None,
    models: Annotated[
        str | None, typer.Option(help="A recipe whose models are the members, to be run live.")
    ] = None,
    members: Annotated[
        str | None, typer.Option(help="Whom to search among, with commas; all by default.")
    ] = None,
    reads: Annotated[
        str | None, typer.Option(help="How answers become comparable; found out by default.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="A field and its column: value=parsed_answer")
    ] = None,
    questions: Annotated[
        int, typer.Option(min=1, help="New questions that the promised intervals are for.")
    ] = 200,
    learned: Annotated[
        bool, typer.Option("--learned", help="Also fit a cascade, a vote and a router: slower.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the folds.")] = 0,
) -> None:
    """Search panels of recorded members: the best for a budget, or the cheapest of a quality.

    Thousands of members, orders, thresholds and votes are played on the recording. The promised
    quality and cost, with intervals, come from questions that the search did not see. Where no
    panel is better there, the recipe is the best single member. Writes recipe.yaml, which
    `onefold run` takes as it stands, frontier.csv, frontier.svg and profile.csv.
    """
    from onefold.cli.learning.recorded import listed, reader, recorded
    from onefold.lab.bench.prices import load_prices
    from onefold.lab.tuning.recipe import load_entries
    from onefold.lab.tuning.report import summary, table, write
    from onefold.lab.tuning.tune import tune as tuned

    entries = load_entries(models) if models else {}
    priced = {**(load_prices(models) if models else {}), **(load_prices(prices) if prices else {})}
    held = recorded(recording, column, priced)
    found = tuned(
        held,
        usd=budget_usd,
        quality=quality,
        members=listed(members) or [name for name in held.members if name in entries] or None,
        reads=reader(reads),
        questions=questions,
        learned=learned,
        seed=seed,
    )
    files = write(found, out, recording, entries, priced)
    typer.echo(aligned(table(found)))
    typer.echo("")
    for line in summary(found):
        typer.echo(line)
    for note in found.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"written to {out}: {', '.join(files)}")
