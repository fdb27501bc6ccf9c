"""What tuning found for people: the promise in words, tables, and the frontier as a plot."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from math import isnan
from pathlib import Path
from typing import Any

from onefold.core.errors import ConfigError
from onefold.core.usage import Price
from onefold.lab.bench.plots import Axis, Mark, Plot, Series, svg
from onefold.lab.recipe import Recipe
from onefold.lab.tuning.candidates import Candidate, Race, lineup_of
from onefold.lab.tuning.promise import LEVEL
from onefold.lab.tuning.recipe import operator_of, recipe_of_tuned, rounded, said
from onefold.lab.tuning.tune import Pick, Tuned
from onefold.recording.tables import write_table
from onefold.verbs import Operator


def write(
    tuned: Tuned,
    folder: str | Path,
    recording: str | Path | None = None,
    models: Mapping[str, Any] | None = None,
    prices: Mapping[str, Price] | None = None,
) -> list[str]:
    """Write recipe.yaml, the fitted file it needs, frontier.csv, frontier.svg and profile.csv.

    recording, models, prices: as for `recipe_of_tuned`. Returns the names of the files.

    Raises:
        ConfigError: the folder cannot be written.
    """
    folder = Path(folder)
    beside = None if recording is None else os.path.relpath(recording, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        operator, fitted = saved(tuned, folder)
        recipe = recipe_of_tuned(tuned, operator, beside, models, prices)
        (folder / "recipe.yaml").write_text(recipe_text(tuned, recipe), encoding="utf-8")
        write_table(folder / "frontier.csv", frontier_rows(tuned))
        write_table(folder / "profile.csv", profile(tuned))
        (folder / "frontier.svg").write_text(svg(frontier_plot(tuned)), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}") from None
    return ["recipe.yaml", *fitted, "frontier.csv", "frontier.svg", "profile.csv"]


def saved(tuned: Tuned, folder: Path) -> tuple[Operator, list[str]]:
    """The pick's operator, and the fitted file that was written for it, if it needs one."""
    system = tuned.pick.system
    if isinstance(system, Candidate):
        return operator_of(system, tuned.reader), []
    name = f"{system.kind}.npz"
    return system.operator(name, system.fit.artifact.save(folder / name)), [name]


def recipe_text(tuned: Tuned, recipe: Recipe) -> str:
    """The recipe as YAML, with what it is and promises as comments."""
    lines = [said(tuned.pick.system), *summary(tuned), *tuned.notes]
    return "".join(f"# {line}\n" for line in lines) + recipe.dump()


def table(tuned: Tuned) -> list[tuple[str, ...]]:
    """The pick, the best single member and the frontier, as rows of text under a head."""
    single = said(tuned.single.system)
    picks = {"recipe": tuned.pick, f"best single: {single}": tuned.single}
    picks |= {said(pick.system): pick for pick in tuned.frontier}
    rows: list[tuple[str, ...]] = [("", "promised", "interval", "$ / 1,000", "interval")]
    for name, pick in picks.items():
        promise = pick.promise
        low, high = (f"{1000 * usd:.3g}" for usd in promise.usd_interval)
        worst, best = promise.quality_interval
        rows.append(
            (
                name,
                f"{promise.quality:.2%}",
                f"{worst:.1%} to {best:.1%}",
                f"{1000 * promise.usd:.3g}",
                f"{low} to {high}",
            )
        )
    return rows


def summary(tuned: Tuned) -> list[str]:
    """The promise in lines of text."""
    best, single = tuned.pick.promise, tuned.single.promise
    rows = [("promised", best), (f"best single, {said(tuned.single.system)}", single)]
    lines = [
        f"{name}: {spoken(p.quality, p.quality_interval)} right at "
        f"{money(p.usd, p.usd_interval)} a question"
        for name, p in (rows if tuned.pick is not tuned.single else rows[:1])
    ]
    lines.append(
        f"both intervals hold together with {LEVEL:.0%} for {best.questions} new questions of the "
        "same kind"
    )
    return lines


def spoken(share: float, interval: tuple[float, float]) -> str:
    """A share with its interval, for people."""
    return f"{share:.2%} ({interval[0]:.2%} to {interval[1]:.2%})"


def money(usd: float, interval: tuple[float, float]) -> str:
    """A cost with its interval, for people."""
    return f"${usd:.3g} (${interval[0]:.3g} to ${interval[1]:.3g})"


def frontier_rows(tuned: Tuned) -> Iterator[dict[str, Any]]:
    """The frontier as rows: what each place on it promises."""
    for pick in tuned.frontier:
        promise = pick.promise
        yield {
            "panel": said(pick.system),
            "usd": rounded(promise.usd),
            "usd_low": rounded(promise.usd_interval[0]),
            "usd_high": rounded(promise.usd_interval[1]),
            "quality": rounded(promise.quality),
            "quality_low": rounded(promise.quality_interval[0]),
            "quality_high": rounded(promise.quality_interval[1]),
            "questions": promise.questions,
        }


def profile(tuned: Tuned) -> Iterator[dict[str, Any]]:
    """Members and the frontier's panels as they were seen: right answers, cost, time, calls.

    What was seen is no promise: panels were chosen by it.
    """
    members = [Candidate((name,), (1.0,)) for name in tuned.board.members]
    panels = [each.system for each in tuned.frontier if isinstance(each.system, Candidate)]
    for candidate in dict.fromkeys([*members, *panels]):
        race = Race(tuned.board, [lineup_of(tuned.board, candidate)])
        score, usd = race.end(candidate.rule)
        calls, seconds = race.effort(tuned.board, candidate.rule)
        yield {
            "panel": said(candidate),
            "quality": rounded(float(score.mean())),
            "usd": rounded(float(usd.mean())),
            "seconds": None if isnan(seconds) else rounded(seconds),
            "calls": rounded(calls),
        }


def frontier_plot(tuned: Tuned) -> Plot:
    """What can be had at which price: members, panels, and the pick."""

    def mark(pick: Pick, named: bool = False) -> Mark:
        low, high = pick.promise.quality_interval
        name = said(pick.system)
        return Mark(pick.promise.usd, pick.promise.quality, name, low, high, named)

    right, usd = tuned.board.score.mean(axis=1), tuned.board.usd.mean(axis=1)
    members = [
        Mark(float(cost), float(share), name, named=True)
        for name, share, cost in zip(tuned.board.members, right, usd, strict=True)
    ]
    positive = bool((usd > 0).all())
    return Plot(
        f"Promised for the next {tuned.pick.promise.questions} questions",
        Axis("US dollars a question", "usd", log=positive),
        Axis("right answers", "share"),
        (
            Series("members, as seen", tuple(members), -1),
            Series("best panel at a price", tuple(map(mark, tuned.frontier)), 0, line=True),
            Series("the recipe", (mark(tuned.pick),), 1),
        ),
    )
