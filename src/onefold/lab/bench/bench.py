"""Many systems on the same questions, recorded or live, as rows that can be compared."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from onefold.core.errors import ConfigError
from onefold.core.example import Example
from onefold.core.part import coerce, walk
from onefold.core.usage import Price
from onefold.lab.bench.recorded import Stage
from onefold.lab.bench.results import Result, Results, of_outcome
from onefold.lab.bench.systems import System, systems
from onefold.lab.prompts import load_prompts
from onefold.lab.recipe import Recipe
from onefold.lab.run import arun, numbered
from onefold.lab.tuning.reading import found_reader
from onefold.learn.ballots import drawn
from onefold.learn.outcomes import cleaned
from onefold.recording.recording import Recording, opened
from onefold.runtime.bridge import bridge
from onefold.runtime.clock import instantly
from onefold.verbs import Operator, Reader

Progress = Callable[[str], None]


def bench(
    targets: Iterable[Any] | Mapping[str, Any] | Any = (),
    *,
    recording: Recording | str | Path | None = None,
    prompts: Iterable[Example] | str | Path | None = None,
    prices: Mapping[str, Price] | None = None,
    reads: Reader | str | None = None,
    vary: Iterable[str] = (),
    dataset: str = "",
    limit: int | None = None,
    out: str | Path | None = None,
    instant: bool = False,
    concurrency: int = 64,
    progress: Progress | None = None,
) -> Results:
    """Ask the same questions of many systems: from a recording, which costs nothing, or live.

    targets: recipes (files, texts, values), operators, or names of recorded members; a mapping
        names its own. Every recorded member is benched unless some are named.
    recording: its questions, its answers, and its own grading where it has one.
    prompts: the questions of a live bench. out: a folder in which each live run can resume.
    prices: by member, in US dollars per million tokens; what the recipes say fills the gaps.
    reads: makes answers comparable where a recipe does not say how; None takes the one reader that
        the recipes name, else the one by which the recording seems to be graded.
    vary: fields of the recipes and their values, `stop.at=0.5,0.7,0.9`: a system for each.
    dataset: what the questions are called in the results. limit: only the first so many.
    instant: virtual time, for simulated models; a recording always takes it.
    progress: called with each system's name before its turn.

    Raises:
        ConfigError: not exactly one of recording and prompts, or a target is wrong.
    """
    reader = None if reads is None else coerce(Reader, reads)
    if isinstance(targets, str | Path | Operator | Recipe):
        targets = [targets]
    if (recording is None) == (prompts is None):
        raise ConfigError("give the questions: either a recording, or prompts to be asked live")
    if recording is not None:
        return from_recording(
            targets, recording, prices or {}, reader, vary, dataset, limit, progress
        )
    asked = systems(targets, vary)
    if not asked:
        raise ConfigError("nobody to ask: name at least one recipe or model")
    assert prompts is not None
    name = dataset or (Path(prompts).stem if isinstance(prompts, str | Path) else "prompts")
    examples = questions(prompts, reader)[:limit]
    rows: list[Result] = []
    for system in asked:
        if progress:
            progress(system.name)
        folder = None if out is None else Path(out) / filed(system.name)
        rows += live(system, examples, name, folder, instant, concurrency)
    return noted(Results(rows))


def from_recording(
    targets: Iterable[Any] | Mapping[str, Any],
    recording: Recording | str | Path,
    prices: Mapping[str, Price],
    reads: Reader | None,
    vary: Iterable[str],
    dataset: str,
    limit: int | None,
    progress: Progress | None,
) -> Results:
    """A bench that asks nobody."""
    held, notes = cleaned(recording if isinstance(recording, Recording) else opened(str(recording)))
    name = dataset or ("recording" if isinstance(recording, Recording) else Path(recording).stem)
    named: list[str] = []
    if not isinstance(targets, Mapping):
        targets = list(targets)
        named = [target for target in targets if is_member(target, held)]
        targets = [target for target in targets if target not in named]
    asked = systems(targets, vary)
    reads, told = reads or common_reader(asked), ""
    if reads is None:
        reads, told = found_reader(held)
    stage = Stage(held, name, asked, prices, reads, limit)
    rows = [*stage.members(named or None), *stage.rows(progress)]
    results = noted(Results(rows, [*held.faults, *notes]))
    missing = [member for member in held.members if member not in stage.prices]
    if told:
        results.notes.append(told)
    if missing and any(row.usd is None for row in rows):
        names = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if missing[3:] else "")
        results.notes.append(f"no price is known for {names}: give --prices")
    if stage.prices and not any(draft.text or draft.tokens_out for draft in held):
        results.notes.append("no texts were recorded: estimated costs are those of the prompts")
    return results


def common_reader(asked: Iterable[System]) -> Reader | None:
    """The reader that all recipes name, None where they name several, or none."""
    parts = (part for system in asked for part in walk(system.recipe.operator))
    named = {reader for part in parts if (reader := getattr(part, "reads", None)) is not None}
    return named.pop() if len(named) == 1 else None


def is_member(target: Any, recording: Recording) -> bool:
    """Whether a target is a recorded member, or a further draw of one."""
    if not isinstance(target, str):
        return False
    try:
        return bool(drawn(target, recording.members))
    except ConfigError:
        return False


def questions(prompts: Iterable[Example] | str | Path, reads: Reader | None) -> list[Example]:
    """Questions with ids, and with a reader where they have none of their own."""
    listed = load_prompts(prompts) if isinstance(prompts, str | Path) else numbered(prompts)
    return [
        msgspec.structs.replace(each, query=each.query.but(reads=each.query.reads or reads))
        for each in listed
    ]


def live(
    system: System,
    examples: Sequence[Example],
    dataset: str,
    folder: Path | None,
    instant: bool,
    concurrency: int,
) -> Iterator[Result]:
    """A system's rows, from asking it now; in a folder the same call resumes.

    Raises:
        ConfigError: its budget is spent before the last question.
    """
    session = system.recipe.session()
    work = arun(
        system.recipe.operator, examples, out=folder, session=session, concurrency=concurrency
    )
    run = instantly(work) if instant else bridge.run(work)
    if run.stopped:
        raise ConfigError(
            f"{system.name} stopped after {len(run)} of {len(examples)} questions: {run.stopped}; "
            "run the same command to go on"
        )
    return (of_outcome(dataset, system.name, system.family, outcome) for outcome in run)


def filed(name: str) -> str:
    """A system's name as that of a folder."""
    return re.sub(r"[^\w.=-]+", "_", name)[:100]


def noted(results: Results) -> Results:
    """The results with notes on what is missing or estimated in them."""
    grid = results.grid
    total = len(grid.questions)
    ungraded = sum(all(r.score is None for r in rows) for rows in results.by_system.values())
    if ungraded:
        results.notes.append(f"nobody said what is right for {ungraded} systems: no quality")
    for name, rows in results.by_system.items():
        if len(rows) < total:
            results.notes.append(
                f"{name} has answers to {len(rows)} of {total} questions: its figures are of those"
            )
    if any(row.estimated for row in results):
        results.notes.append("tokens that nobody counted are estimated at four characters each")
    return results
