"""What a run was worth: right answers, agreement, money and time, in all and by member."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from onefold.core.answer import Answer
from onefold.core.tally import spell, wilson
from onefold.core.usage import NOTHING, Usage
from onefold.lab.grading import right


class Outcome(Struct, frozen=True):
    """One question of a run: what was asked, what came, and whether it was right.

    correct: None where nobody said what is right.
    """

    id: str
    prompt: str
    answer: Answer
    expected: Any = None
    correct: bool | None = None


class Statistics(Struct, frozen=True):
    """A run in numbers. Shares lie in [0, 1]; times are seconds; money is US dollars.

    accuracy: right answers among the graded questions, failures counted as wrong; None where
        nothing was graded. interval: its 95 % Wilson score interval.
    agreement: mean over answered questions. abstentions: share of drafts that could not be read.
    seconds_*: over answered questions; percentiles interpolate linearly.
    usd_per_correct: None without right answers or with unknown prices.
    """

    questions: int
    answered: int
    failed: int
    success: float
    accuracy: float | None
    interval: tuple[float, float] | None
    agreement: float
    abstentions: float
    seconds_mean: float
    seconds_p50: float
    seconds_p95: float
    seconds_p99: float
    usage: Usage
    usd_per_question: float | None
    usd_per_correct: float | None


class Member(Struct, frozen=True):
    """One member's part in a run.

    accuracy: right ones among its graded answers, abstentions counted as wrong.
    with_winner: share of its readable answers that the panel followed.
    pivotal: questions whose winner would be another one without it.
    """

    member: str
    asked: int
    answered: int
    abstained: int
    failed: int
    cancelled: int
    accuracy: float | None
    with_winner: float | None
    pivotal: int
    tokens_in: int
    tokens_out: int
    usd: float | None
    seconds_mean: float


def statistics(outcomes: Iterable[Outcome]) -> Statistics:
    """The numbers of a run; all zero for an empty one."""
    import numpy as np

    listed = list(outcomes)
    good = [outcome.answer for outcome in listed if outcome.answer.error is None]
    seconds = np.array([answer.seconds for answer in good] or [0.0])
    p50, p95, p99 = (float(x) for x in np.percentile(seconds, (50, 95, 99)))
    usage = sum((outcome.answer.usage for outcome in listed), NOTHING)
    graded = [bool(outcome.correct) for outcome in listed if outcome.correct is not None]
    drafts = [d for answer in good for d in answer.leaves if d.status in ("answered", "abstained")]
    return Statistics(
        questions=len(listed),
        answered=len(good),
        failed=len(listed) - len(good),
        success=len(good) / len(listed) if listed else 0.0,
        accuracy=sum(graded) / len(graded) if graded else None,
        interval=wilson(sum(graded) / len(graded), len(graded)) if graded else None,
        agreement=mean([answer.agreement for answer in good]),
        abstentions=mean([float(draft.status == "abstained") for draft in drafts]),
        seconds_mean=float(seconds.mean()),
        seconds_p50=p50,
        seconds_p95=p95,
        seconds_p99=p99,
        usage=usage,
        usd_per_question=None if usage.usd is None else usage.usd / max(1, len(listed)),
        usd_per_correct=usage.usd / sum(graded) if usage.usd is not None and sum(graded) else None,
    )


def by_member(outcomes: Iterable[Outcome], reads: Any = None) -> list[Member]:
    """A row for each member of the panels in a run, in order of appearance.

    reads: a function from what is right to the value that a right draft has.
    """
    board: dict[str, list[tuple[Outcome, Answer]]] = {}
    for outcome in outcomes:
        for draft in outcome.answer.drafts or (outcome.answer,):
            if draft.source:
                board.setdefault(draft.source, []).append((outcome, draft))
    return [member_row(name, rows, reads) for name, rows in board.items()]


def member_row(name: str, rows: Sequence[tuple[Outcome, Answer]], reads: Any) -> Member:
    """One member's numbers."""
    drafts = [draft for _, draft in rows]
    status = [draft.status for draft in drafts]
    came = [(o, d) for o, d in rows if d.status in ("answered", "abstained")]
    graded = [right(d.value, reads(o)) for o, d in came if reads and o.expected is not None]
    followed = [
        spell(d.value) == spell(o.answer.value)
        for o, d in came
        if d.value is not None and o.answer.error is None
    ]
    usage = sum((draft.usage for draft in drafts), NOTHING)
    pivotal = sum(bool(o.answer.tally and name in o.answer.tally.pivotal) for o, _ in came)
    return Member(
        name,
        len(rows),
        status.count("answered"),
        status.count("abstained"),
        status.count("failed"),
        status.count("cancelled"),
        mean(graded) if graded else None,
        mean(followed) if followed else None,
        pivotal,
        usage.tokens_in,
        usage.tokens_out,
        usage.usd,
        mean([draft.seconds for _, draft in came]),
    )


def mean(values: Sequence[float]) -> float:
    """The mean, 0 for none."""
    return float(sum(values) / len(values)) if values else 0.0
