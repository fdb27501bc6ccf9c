"""`onefold run`: many questions from a file through one recipe, resumable."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from onefold.cli.log import unfinished
from onefold.cli.models import aligned
from onefold.core.errors import ConfigError
from onefold.core.usage import NOTHING, Usage, dollars
from onefold.delivery.session import Session
from onefold.lab.book import ANSWERS, JOURNAL, locked
from onefold.lab.measure import Outcome
from onefold.lab.prompts import load_prompts
from onefold.lab.recipe import Recipe, load_recipe
from onefold.lab.report import write_report
from onefold.lab.run import Run, arun
from onefold.runtime.bridge import bridge
from onefold.runtime.clock import instantly

FILES = (
    ANSWERS, JOURNAL, f"{JOURNAL}-wal", f"{JOURNAL}-shm", "answers.csv", "members.csv",
    "recording.jsonl", "statistics.json", "report.txt", "recipe.yaml",
)  # fmt: skip


def run(
    config: Annotated[
        str, typer.Argument(help="A recipe: a YAML, TOML or JSON file, its text, or notation.")
    ],
    prompts: Annotated[
        str, typer.Argument(help="Questions: JSON, JSONL, CSV, Parquet, or - for standard input.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results; run again to resume.")] = Path(
        "results"
    ),
    replay: Annotated[
        str | None, typer.Option(help="A recording that answers instead of live models.")
    ] = None,
    instant: Annotated[
        bool, typer.Option("--instant", help="Virtual time, for replayed and simulated models.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many questions.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Questions in flight at once.")] = 32,
    budget: Annotated[float | None, typer.Option(help="US dollars the run may cost.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw an earlier run away.")] = False,
) -> None:
    """Ask many questions, write every answer, and report accuracy, agreement, time and money.

    The same command resumes after an interruption and pays nothing twice.
    """
    recipe = replayed(load_recipe(config), replay, instant)
    questions = load_prompts(prompts)[:limit]
    if fresh:
        discard(out)
    killed(out)
    session = recipe.session(**({} if budget is None else {"budget": budget}))
    with Bar(len(questions)) as bar:
        work = arun(
            recipe.operator,
            questions,
            out=out,
            session=session,
            concurrency=concurrency,
            progress=bar.step,
        )
        try:
            done = instantly(work) if instant else bridge.run(work)
        except KeyboardInterrupt:
            typer.echo(f"stopped; {out} holds what was paid: run the same to go on", err=True)
            raise typer.Exit(130) from None
    finish(done, recipe, out, session)


def killed(out: Path) -> None:
    """Say what an earlier run that was killed here may have paid for in vain.

    Raises:
        ConfigError: another run is writing there, or its journal cannot be read.
    """
    if not (out / JOURNAL).is_file():
        return
    with locked(out):
        count = unfinished(out / JOURNAL)
    if count:
        calls = "1 call was" if count == 1 else f"{count} calls were"
        typer.echo(
            f"{calls} under way when a run into {out} was killed: at most so many are paid twice "
            f"(onefold log {out} --status begun)",
            err=True,
        )


def used(session: Session) -> None:
    """Say what each model used just now, beside what was estimated for it beforehand."""
    spent = session.usage()
    if not spent:
        return
    lines: list[tuple[str, ...]] = [
        ("model", "calls", "failed", "tokens", "estimated tokens", "cost", "estimated cost")
    ]
    for name, each in sorted(spent.items()):
        counts = (each.calls, each.failed, each.used.tokens, each.estimated.tokens)
        costs = (dollars(each.used.usd), dollars(each.estimated.usd))
        lines.append((name, *map(str, counts), *costs))
    typer.echo(aligned(lines), err=True)


def discard(out: Path) -> None:
    """Delete an earlier run, and nothing else that lies in its folder.

    Raises:
        ConfigError: the folder holds no run.
    """
    if not out.exists():
        return
    if not (out / JOURNAL).is_file():
        raise ConfigError(f"{out} holds no run, so --fresh deletes nothing: name a run's folder")
    with locked(out):
        for name in FILES:
            (out / name).unlink(missing_ok=True)


def replayed(recipe: Recipe, recording: str | None, instant: bool) -> Recipe:
    """The recipe, answered from a recording where one is given; in real time it does not wait."""
    return recipe if recording is None else recipe.replayed(recording, 1.0 if instant else 0.0)


def finish(done: Run, recipe: Recipe, out: Path, session: Session) -> None:
    """Write the report beside the answers and print it."""
    write_report(done, out)
    (out / "recipe.yaml").write_text(recipe.dump(), encoding="utf-8")
    typer.echo((out / "report.txt").read_text(encoding="utf-8"))
    typer.echo(f"written to {out}: answers.jsonl, answers.csv, members.csv, statistics.json, …")
    used(session)
    if done.stopped:
        typer.echo(f"stopped early: {done.stopped}\nRun the same command to go on.", err=True)
        raise typer.Exit(3)


@dataclass
class Bar:
    """Progress on a terminal: how many, how long still, and dollars so far."""

    total: int
    usage: Usage = NOTHING
    live: Any = field(default=None, repr=False)
    update: Callable[..., None] | None = field(default=None, repr=False)

    def __enter__(self) -> Bar:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
            from rich.progress import TimeRemainingColumn as Remaining

            columns = (
                BarColumn(),
                MofNCompleteColumn(),
                Remaining(),
                TextColumn("{task.fields[usd]}"),
            )
            self.live = Progress(*columns, console=Console(stderr=True))
            self.live.start()
            task = self.live.add_task("questions", total=self.total, usd="")
            self.update = lambda **said: self.live.update(task, **said)
        return self

    def step(self, outcome: Outcome) -> None:
        """One question more is answered."""
        self.usage += outcome.answer.usage
        if self.update:
            self.update(advance=1, usd=dollars(self.usage.usd))

    def __exit__(self, *raised: object) -> None:
        if self.live:
            self.live.stop()
