"""`onefold bench`: many systems on the same questions: cost, quality, calibration, a report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onefold.cli.learning.recorded import reader, recorded
from onefold.cli.models import aligned

if TYPE_CHECKING:
    from onefold.lab.bench.summary import Figures, Summary

SHOWN = 25


def bench(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            help="Recipes (files or texts, named as in cheap=cascade.yaml), models, or members of "
            "the recording. Without any, all recorded members."
        ),
    ] = None,
    recording: Annotated[
        str | None, typer.Option(help="A recording that answers; nothing is asked or paid.")
    ] = None,
    prompts: Annotated[
        str | None, typer.Option(help="Questions to be asked live, with what is right.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for results, figures, plots, report.")] = Path(
        "bench"
    ),
    prices: Annotated[
        str | None, typer.Option(help="Prices of recorded members, as YAML or JSON.")
    ] = None,
    reads: Annotated[
        str | None, typer.Option(help="How answers become comparable, where a recipe is silent.")
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(help="A field of the recipes and its values: stop.at=0.5,0.7,0.9"),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="A column of the recording with an unusual name: value=parsed_answer"),
    ] = None,
    dataset: Annotated[str, typer.Option(help="What the questions are called.")] = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many questions.")
    ] = None,
    instant: Annotated[
        bool, typer.Option("--instant", help="Virtual time, for simulated models.")
    ] = False,
    concurrency: Annotated[int, typer.Option(min=1, help="Questions in flight at once.")] = 64,
    seed: Annotated[int, typer.Option(help="Of the bootstrap intervals.")] = 0,
    png: Annotated[bool, typer.Option("--png", help="Plots as PNG too (extra: plots).")] = False,
) -> None:
    """Compare systems on the same questions: quality, cost, frontier, calibration, shared mistakes.

    Writes results.csv (a row a question and system, for everybody to publish and compare),
    summary.csv, pairs.csv, figures.json, report.html, and each plot as SVG.
    """
    from onefold.lab.bench.bench import bench as benched
    from onefold.lab.bench.page import write_bench
    from onefold.lab.bench.prices import load_prices
    from onefold.lab.bench.summary import figures, summary

    drafts = recorded(recording, column, {}) if recording and column else recording
    results = benched(
        targets or (),
        recording=drafts,
        prompts=prompts,
        prices=load_prices(prices) if prices else None,
        reads=reader(reads),
        vary=vary or (),
        dataset=dataset or Path(recording or prompts or "").stem,
        limit=limit,
        out=out / "runs",
        instant=instant,
        concurrency=concurrency,
        progress=lambda name: typer.echo(f"{name} …", err=True),
    )
    write_bench(results, out, images=png, seed=seed)
    typer.echo(table(summary(results, seed)))
    typer.echo("")
    typer.echo(told(figures(results)))
    for note in results.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"written to {out}: report.html, results.csv, summary.csv, figures.json, …")


def table(rows: Sequence[Summary]) -> str:
    """The systems, best first, those that are no single members at any rate."""
    from onefold.lab.bench.page import between, money, share, short

    ranked = sorted(rows, key=lambda row: -(row.quality or 0.0))
    members = [row.system for row in ranked if row.family == "member"]
    kept = [row for row in ranked if row.system not in members[SHOWN:]]
    lines = [
        (
            "system",
            "quality",
            "95 %",
            "gain",
            "95 %",
            "$ / 1,000",
            "$ / correct",
            "calls",
            "ECE",
            "",
        )
    ]
    for row in kept:
        thousand = None if row.usd_per_question is None else 1000 * row.usd_per_question
        lines.append(
            (
                row.system,
                share(row.quality),
                between(row.low, row.high),
                "" if row.gain is None else f"{100 * row.gain:+.2f}",
                between(row.gain_low, row.gain_high, "+.2f"),
                money(thousand),
                money(row.usd_per_correct),
                short(row.calls),
                "" if row.ece is None else f"{row.ece:.3f}",
                "frontier" if row.hull else "",
            )
        )
    left = len(rows) - len(kept)
    return aligned(lines) + (f"\n… and {left} more members" if left else "")


def told(found: Figures) -> str:
    """The figures of all systems together, in sentences."""
    from onefold.lab.bench.page import share

    lines = [f"{found.questions} questions, {found.systems} systems"]
    if found.best is not None:
        lines.append(f"best single member: {found.best}, {share(found.best_quality)}")
        lines.append(f"best system: {found.winner}, {share(found.winner_quality)}")
    if found.oracle is not None and found.members > 1:
        closed = "" if found.closed is None else f"; {share(found.closed)} of that gap is closed"
        lines.append(f"oracle of the members: {share(found.oracle)}{closed}")
    if found.voters is not None:
        lines.append(
            f"independent voters: {found.voters:.1f} of {found.members}; two members make the same "
            f"mistake on {share(found.same_mistake)} of questions"
        )
    if found.aiq is not None:
        lines.append(f"AIQ: {found.aiq_members:.4f} by members, {found.aiq:.4f} by all systems")
    lines += [
        f"{curve.family}: APGR {curve.apgr:.3f}, CPT50 {curve.cpt50:.1f} %, CPT80 "
        f"{curve.cpt80:.1f} % of the cost between the cheapest and the best member"
        for curve in found.curves
    ]
    return "\n".join(lines)
