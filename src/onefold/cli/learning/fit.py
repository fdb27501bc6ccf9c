"""`onefold fit`: a part learned from a recording, as a file and as the YAML that uses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer

from onefold.cli.models import aligned
from onefold.core.errors import ConfigError

if TYPE_CHECKING:
    from onefold.learn.fit import Fit

Kind = Literal["router", "judge", "reward", "vote", "cascade"]
USES = {
    "router": "goes under `route:` of a panel",
    "judge": "goes under `judge:` of a panel",
    "reward": "goes into the vote `ranked`, under its `judges:`",
    "vote": "goes under `vote:` of a panel",
    "cascade": "is a whole panel: an operator, or a recipe as it stands",
}


def fit(
    kind: Annotated[Kind, typer.Argument(help="What to fit.")],
    recording: Annotated[str, typer.Argument(help="Graded drafts: JSONL, JSON, CSV, Parquet.")],
    out: Annotated[
        Path | None,
        typer.Option(help="The fitted file, KIND.npz by default; its YAML lies beside."),
    ] = None,
    members: Annotated[
        str | None, typer.Option(help="Whom it is fitted for, with commas; all by default.")
    ] = None,
    reads: Annotated[str | None, typer.Option(help="How answers become comparable.")] = None,
    prices: Annotated[
        str | None, typer.Option(help="Prices by member, as YAML or JSON, where none is recorded.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="A field and its column: value=parsed_answer")
    ] = None,
    budget_usd: Annotated[
        float | None, typer.Option(help="cascade: US dollars a question may cost on average.")
    ] = None,
    quality: Annotated[
        float | None, typer.Option(help="cascade: share of right answers wanted.")
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Of the cross-validation.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the folds.")] = 0,
) -> None:
    """Fit a router, judge, reward, vote or cascade to graded drafts, cross-validated.

    Prints figures from questions that were not fitted on, and notes on what was fallen back to.
    """
    from onefold.cli.learning.recorded import listed, reader, recorded
    from onefold.core.spec import dump
    from onefold.lab.bench.prices import load_prices

    wishes = {"usd": budget_usd, "quality": quality}
    given = {name: value for name, value in wishes.items() if value is not None}
    if given and kind != "cascade":
        raise ConfigError(f"a {kind} has no budget and no quality: they are for a cascade")
    held = recorded(recording, column, load_prices(prices) if prices else {})
    made = fitter(kind)(
        held, members=listed(members), reads=reader(reads), folds=folds, seed=seed, **given
    )
    path = out or Path(f"{kind}.npz")
    part = made.make(path.name, made.artifact.save(path))
    beside = path.with_suffix(".yaml")
    beside.write_text(f"# {USES[kind]}\n{dump(part)}", encoding="utf-8")
    tell(made)
    typer.echo(f"written to {path} and {beside}")


def fitter(kind: Kind) -> Callable[..., Fit]:
    """The function that fits a kind of part."""
    if kind == "router":
        from onefold.learn.routers.router import fit_router

        return fit_router
    if kind == "judge":
        from onefold.learn.judge import fit_judge

        return fit_judge
    if kind == "reward":
        from onefold.learn.reward import fit_reward

        return fit_reward
    if kind == "vote":
        from onefold.learn.votes.vote import fit_vote

        return fit_vote
    from onefold.learn.cascade import fit_cascade

    return fit_cascade


def tell(made: Fit) -> None:
    """Print a fit's figures, and its notes to standard error."""
    lines = [(name, spoken(value)) for name, value in flattened(made.figures)]
    if lines:
        typer.echo(aligned(lines))
    for note in made.notes:
        typer.echo(f"note: {note}", err=True)


def flattened(figures: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Figures by name, those of figures within figures by both names."""
    found: list[tuple[str, Any]] = []
    for name, value in figures.items():
        whole = f"{before}{name}".replace("_", " ")
        found += flattened(value, f"{whole} ") if isinstance(value, Mapping) else [(whole, value)]
    return found


def spoken(value: Any) -> str:
    """A figure for people."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return " to ".join(map(spoken, value)) if len(value) == 2 else ", ".join(map(spoken, value))
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
