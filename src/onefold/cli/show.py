"""`onefold show`: why one question of a finished run was answered as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from onefold.core.errors import ConfigError, unknown
from onefold.core.explain import short
from onefold.lab.book import ANSWERS, read_outcomes
from onefold.lab.measure import Outcome


def show(
    out: Annotated[Path, typer.Argument(help="The folder of a run.")],
    question: Annotated[
        str | None, typer.Argument(help="A question's id; without it, the least agreed ones.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="How many to list without an id.")] = 10,
) -> None:
    """Explain one decision of a run: who said what, who was pivotal, who dissented, who failed."""
    outcomes = {outcome.id: outcome for outcome in read_outcomes(out / ANSWERS)}
    if not outcomes:
        raise ConfigError(f"{out} holds no run: there is no {ANSWERS} in it")
    if question is None:
        ranked = sorted(
            outcomes.values(), key=lambda o: -1.0 if o.answer.error else o.answer.agreement
        )
        for outcome in ranked[:most]:
            sure = "failed" if outcome.answer.error else f"{outcome.answer.agreement:.2f}"
            mark = {True: "right", False: "wrong", None: ""}[outcome.correct]
            typer.echo(f"{outcome.id}  {sure}  {mark}  {short(outcome.prompt, 60)}")
        return
    if question not in outcomes:
        raise unknown("question", question, list(outcomes)[:10_000])
    outcome = outcomes[question]
    typer.echo(f"question  {short(outcome.prompt, 400)}")
    if outcome.expected is not None:
        verdict = "right" if outcome.correct else "wrong"
        typer.echo(f"expected  {outcome.expected} ({verdict})")
    typer.echo(outcome.answer.explain())


def agreed(outcome: Outcome) -> float:
    """How far a question's members agreed; failed questions come first."""
    return -1.0 if outcome.answer.error else outcome.answer.agreement
