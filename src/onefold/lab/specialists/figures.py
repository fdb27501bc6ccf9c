"""Specialists in numbers: who was used, who was right at what, whether choices were right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from onefold.core.tally import spell
from onefold.experience.experience import Experience, plain
from onefold.fitted.calibration import Bin, reliability
from onefold.lab.measure import Outcome, mean
from onefold.lab.run import Run
from onefold.recording.recording import Draft, Recording
from onefold.routers.analysis import analyse

BINS = 10  # of confidence, of equal width
Tasks = Callable[[str], str] | Mapping[str, str]
Suits = Mapping[str, str | Iterable[str]]


class Given(NamedTuple):
    """One answer: who gave it, of which task, how sure, how good, how long it took.

    score: share of what is right, None where nobody graded. failed: no answer came.
    """

    member: str
    task: str
    confidence: float | None
    score: float | None
    seconds: float | None
    usd: float | None
    failed: bool


class Specialist(Struct, frozen=True):
    """A member's part. Shares lie in [0, 1]; None where nobody told.

    share: of all answers. success: of its answers that came. score: mean of the graded ones.
    seconds_p50, seconds_p99: of those that came.
    """

    member: str
    used: int
    share: float
    success: float
    score: float | None
    confidence: float | None
    seconds_p50: float | None
    seconds_p99: float | None
    usd: float | None


class Task(Struct, frozen=True):
    """A task's part. selected: share that went to a member which suits it, where that is known.

    members: mean score of each member at it.
    """

    task: str
    asked: int
    score: float | None
    confidence: float | None
    selected: float | None
    members: Mapping[str, float]


class Figures(Struct, frozen=True):
    """A run of specialists in numbers.

    selection: share of answers by a member that suits the task, where that is known.
    calibration: expected calibration error, the mean distance of confidence and score in `bins`.
    """

    answers: int
    success: float
    score: float | None
    selection: float | None
    calibration: float | None
    confidence: float | None
    seconds_p50: float | None
    seconds_p99: float | None
    members: tuple[Specialist, ...]
    tasks: tuple[Task, ...]
    bins: tuple[Bin, ...]


def figures(
    source: Run | Recording | Experience,
    tasks: Tasks | None = None,
    suited: Suits | None = None,
) -> Figures:
    """What specialists did in a run, a recording, or a session's experience.

    tasks: a prompt's task, as a function or by prompt; left out, a recording's own, else by
        `analyse`. suited: who suits a task.
    """
    fits = {
        task: {who} if isinstance(who, str) else set(who) for task, who in (suited or {}).items()
    }
    rows = list(given(source, tasks))
    listed = list(dict.fromkeys(row.member for row in rows if row.member))
    kinds = sorted({row.task for row in rows})
    bins = calibrated(rows)
    graded = sum(each.count for each in bins)
    apart = sum(each.count * abs(each.stated - each.right) for each in bins)
    p50, p99 = percentiles(rows)
    return Figures(
        answers=len(rows),
        success=mean([float(not row.failed) for row in rows]),
        score=known(row.score for row in rows),
        selection=selected(rows, fits),
        calibration=apart / graded if graded else None,
        confidence=known(row.confidence for row in rows),
        seconds_p50=p50,
        seconds_p99=p99,
        members=tuple(
            specialist(name, [row for row in rows if row.member == name], len(rows))
            for name in listed
        ),
        tasks=tuple(performed(kind, [r for r in rows if r.task == kind], fits) for kind in kinds),
        bins=bins,
    )


def given(source: Run | Recording | Experience, tasks: Tasks | None) -> Iterator[Given]:
    """The answers of a source."""
    for each in source:
        task = kind(each, tasks)
        if isinstance(each, Outcome):
            answer = each.answer
            score = None if each.correct is None else float(each.correct)
            failed = answer.error is not None
            usd = answer.usage.usd
            yield Given(
                plain(answer.source), task, answer.confidence, score, answer.seconds, usd, failed
            )
        else:
            yield Given(
                plain(each.member),
                task,
                each.confidence,
                grade(each),
                each.seconds,
                each.usd,
                False,
            )


def kind(each: Outcome | Draft, tasks: Tasks | None) -> str:
    """The task of an answer's prompt."""
    if isinstance(tasks, Mapping):
        return tasks.get(each.prompt, "")
    if tasks is not None:
        return tasks(each.prompt)
    own = "" if isinstance(each, Outcome) else each.task
    return own or analyse(each.prompt).task


def grade(draft: Draft) -> float | None:
    """A recorded draft's score: as graded, else by what was right."""
    if draft.score is not None:
        return draft.score
    if draft.correct is not None:
        return float(draft.correct)
    if draft.expected is None or draft.value is None:
        return None
    return float(spell(draft.value) == spell(draft.expected))


def specialist(name: str, rows: list[Given], total: int) -> Specialist:
    """One member's numbers."""
    p50, p99 = percentiles(rows)
    return Specialist(
        name,
        len(rows),
        len(rows) / total,
        mean([float(not row.failed) for row in rows]),
        known(row.score for row in rows),
        known(row.confidence for row in rows),
        p50,
        p99,
        known((row.usd for row in rows), sum),
    )


def performed(task: str, rows: list[Given], fits: Mapping[str, set[str]]) -> Task:
    """One task's numbers."""
    board: dict[str, list[float]] = {}
    for row in rows:
        if row.score is not None:
            board.setdefault(row.member, []).append(row.score)
    return Task(
        task,
        len(rows),
        known(row.score for row in rows),
        known(row.confidence for row in rows),
        selected(rows, fits),
        {name: mean(scores) for name, scores in board.items()},
    )


def selected(rows: Iterable[Given], fits: Mapping[str, set[str]]) -> float | None:
    """The share of answers whose member suits the task, of those where it is known who does."""
    return known(float(row.member in fits[row.task]) for row in rows if row.task in fits)


def calibrated(rows: Iterable[Given]) -> tuple[Bin, ...]:
    """Stated confidence beside the score of graded answers, in tenths; none where nothing is."""
    pairs = [
        (row.confidence, row.score)
        for row in rows
        if row.confidence is not None and row.score is not None
    ]
    if not pairs:
        return ()
    stated, scores = zip(*pairs, strict=True)
    return tuple(reliability(stated, scores, BINS, "width"))


def known(
    values: Iterable[float | None], total: Callable[[list[float]], float] = mean
) -> float | None:
    """The mean (or another total) of what is known; None where nothing is."""
    there = [value for value in values if value is not None]
    return total(there) if there else None


def percentiles(rows: Iterable[Given]) -> tuple[float | None, float | None]:
    """The median and the 99th percentile of seconds, None where nothing is known."""
    import numpy as np

    seconds = [row.seconds for row in rows if row.seconds is not None and not row.failed]
    if not seconds:
        return None, None
    p50, p99 = np.percentile(seconds, (50, 99))
    return float(p50), float(p99)
