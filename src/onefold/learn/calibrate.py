"""Fits calibrations: which probability stands behind a score or a vote, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from msgspec import structs
from numpy.typing import ArrayLike, NDArray

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError, ModelError, unknown
from onefold.core.part import coerce
from onefold.core.query import Query
from onefold.core.registry import lookup
from onefold.core.tally import Tally
from onefold.core.usage import Usage
from onefold.fitted.artifact import Artifact
from onefold.fitted.calibration import Calibration, Patterns, ece, log_odds, pattern
from onefold.fitted.votes.crowd import off_diagonal, relations, voters
from onefold.judges.calibrated import KIND as JUDGE
from onefold.judges.calibrated import Calibrated
from onefold.judges.combine import Mean
from onefold.learn.ballots import ABSENT
from onefold.learn.curves import CURVES, GRID, chosen, hedged, isotonic, mapped, positive
from onefold.learn.fit import Fit
from onefold.learn.outcomes import FEWEST, Outcomes, folds, outcomes
from onefold.operators.votes.calibrated import KIND as VOTE
from onefold.operators.votes.calibrated import CalibratedVote
from onefold.recording.recording import Recording
from onefold.runtime.bridge import bridge
from onefold.runtime.relay import together
from onefold.verbs import Judge, Operator, Reader, Vote

Floats = NDArray[np.float64]
Method = Literal["auto", "temperature", "platt", "beta", "isotonic"]


def calibrated(
    method: Method | str,
    scores: ArrayLike,
    right: ArrayLike,
    weight: ArrayLike | None = None,
    seed: int = 0,
) -> Calibration:
    """The calibration of scores (n) in [0, 1] by outcomes (n): shares right in [0, 1], or bools.

    A better score never means a lower probability, and no probability is 0 or 1. Few outcomes
    leave it near their base rate, with a wide band.

    method: `temperature` (Guo et al. 2017) stretches the log-odds; `platt` (Platt 1999) shifts them
        too; `beta` (Kull et al. 2017) bends them; `isotonic` wants their order only. `auto` takes
        the simplest of the last three whose cross-validated log-loss is within one standard error
        of the best; its band is half that method's and half the isotonic one's, so that it stays
        honest where the simple curve does not fit.
    weight: (n) how much each outcome counts.

    Raises:
        ConfigError: no such method, no outcomes, not equally many, or no shares in [0, 1].
    """
    if method != "auto" and method not in CURVES:
        raise unknown("calibration", method, ["auto", *CURVES])
    points = log_odds(scores)
    marks = np.asarray(right, dtype=np.float64)
    counts = np.ones_like(points) if weight is None else np.asarray(weight, dtype=np.float64)
    if points.ndim != 1 or points.shape != marks.shape or points.shape != counts.shape:
        raise ConfigError(
            f"{points.shape} scores, {marks.shape} outcomes and {counts.shape} weights: give as "
            "many of each"
        )
    if not (counts >= 0).all() or not counts.sum() > 0:
        raise ConfigError("there are no outcomes to calibrate by, or weights below 0")
    if not ((marks >= 0) & (marks <= 1)).all():
        raise ConfigError("an outcome is a share right in [0, 1]: leave out what nobody graded")
    automatic = method == "auto"
    if automatic:
        method = chosen(points, marks, counts, seed)
    level, drawn = CURVES[method](points, marks, counts)
    if automatic and method != "isotonic":
        drawn = np.vstack([drawn, isotonic(points, marks, counts)[1]])
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    band = np.minimum(low, level), np.maximum(high, level)
    return Calibration(method, GRID, np.stack([level, *band]), len(points))


def fit_calibration(
    recording: Recording,
    part: Vote | Judge | str | Any = "majority",
    *,
    members: Sequence[str] | None = None,
    reads: Reader | str | None = None,
    method: Method | str = "auto",
    folds: int = 5,
    seed: int = 0,
) -> Fit:
    """Fit a vote's confidence, or a judge's scores, to recorded outcomes.

    part: a vote becomes a `CalibratedVote`, a judge a `Calibrated`. A judge is asked about each
        graded draft: where it asks models, that is paid for. A `Mean` without weights gets them.
    members: the ballots that a vote counts, or whose drafts are judged; None takes all.
    method: of `calibrated`, for a judge; a vote's pattern is always a logistic regression.

    Raises:
        ConfigError: too few questions are graded, or too few could be voted on or scored.
    """
    found = outcomes(recording, reads, members)
    if isinstance(part, str) and lookup(Operator, part) is None:
        part = coerce(Judge, part)
    if isinstance(part, Judge):
        return calibrated_judge(found, part, method, folds, seed)
    return calibrated_vote(found, coerce(Vote, part), folds, seed)


def calibrated_vote(found: Outcomes, vote: Vote, count: int, seed: int) -> Fit:
    """Calibrate a vote by the pattern of its ballots."""
    ballots = found.ballots
    tallies, marks, prompts = [], [], []
    for row in np.flatnonzero(found.labelled):
        tally = vote.count(drafts(found, int(row)))
        mark = graded(found, int(row), tally)
        if mark is not None:
            tallies.append(tally)
            marks.append(mark)
            prompts.append(ballots.prompts[row] or ballots.queries[row])
    enough(len(marks), f"a winner of {vote.name_of_part} that is graded")
    right = np.array(marks)
    independent, cofailure = dependence(found)
    names = tuple(ballots.members)
    stated = np.empty_like(right)
    for train, test in folds_of(prompts, count, seed):
        held = patterns([tallies[i] for i in train], right[train], names)
        stated[test] = held.apply(held.rows([tallies[i] for i in test]))[0]
    made = patterns(tallies, right, names, independent, cofailure)
    before = np.array([tally.agreement for tally in tallies]).clip(0.0, 1.0)
    about = {"part": vote.name_of_part, "labels": len(right), "seed": seed}
    return Fit(
        Artifact(VOTE, about, made.arrays()),
        lambda path, known: CalibratedVote(vote, path, known),
        figures(stated, before, right),
        found.notes + one_class(right),
    )


def drafts(found: Outcomes, row: int) -> list[Answer]:
    """What the members said to a question, as answers, absent ones left out."""
    ballots = found.ballots
    made = []
    for column, source in enumerate(ballots.members):
        draft, code = ballots.drafts[row][column], int(ballots.codes[row, column])
        if draft is not None:
            value = ballots.keys[row][code] if code >= 0 else None
            usage = Usage(usd=draft.usd)
            made.append(Answer(draft.text, value, source, draft.confidence, usage=usage))
    return made


def graded(found: Outcomes, row: int, tally: Tally) -> float | None:
    """How right a vote's winner is, by its first graded supporter; None where nobody knows."""
    ballots, won = found.ballots, tally.winner
    if won is None:
        return None
    code = ballots.keys[row].index(won)
    marks = ballots.score[row, ballots.codes[row] == code]
    known = marks[~np.isnan(marks)]
    return float(known[0]) if len(known) else None


def patterns(
    tallies: Sequence[Tally],
    right: Floats,
    members: tuple[str, ...],
    independent: float | None = None,
    cofailure: float | None = None,
) -> Patterns:
    """The logistic regression of outcomes on how the ballots fell, with a standard normal prior on
    the weights of standardised terms and of members' stands, so that few outcomes say little.
    """
    terms = np.array([pattern(tally) for tally in tallies])
    spread = terms.std(axis=0)
    made = Patterns(
        members,
        terms.mean(axis=0),
        np.where(spread > 1e-9, spread, 1.0),
        np.empty(0),
        np.empty(0),
        len(right),
        independent,
        cofailure,
    )
    rows = made.rows(tallies)
    precision = np.append(0.0, np.ones(rows.shape[1] - 1))
    weights, covariance = mapped(*hedged(rows, right, np.ones(len(right))), precision)
    return structs.replace(made, weights=weights, covariance=covariance)


def dependence(found: Outcomes) -> tuple[float | None, float | None]:
    """How many independent members the drafts are worth, and how often two of them fail alike.

    Both None for one member, or where too few questions are graded for all.
    """
    ballots = found.ballots
    known = ~np.isnan(ballots.score) & (ballots.codes > ABSENT)
    if len(ballots.members) < 2 or known.all(axis=1).sum() < FEWEST:
        return None, None
    related, alike = relations(ballots.score, known, ballots.codes)
    return voters(related), float(off_diagonal(alike).mean())


def calibrated_judge(found: Outcomes, judge: Judge, method: str, count: int, seed: int) -> Fit:
    """Calibrate a judge by its scores of the graded drafts; weigh several judges that have none."""
    asked, answers, right, rows = judgeable(found)
    judges = judge.judges if isinstance(judge, Mean) and not judge.weights else (judge,)
    told: list[str] = []
    scored = bridge.run(scores_of(judges, asked, answers, told))
    kept = ~np.isnan(scored).all(axis=1)
    why = f" ({told[0]})" if told else ""
    enough(int(kept.sum()), f"a score by {judge.name_of_part}{why}")
    scored, right, rows = scored[kept], right[kept], rows[kept]
    weight, stated = shares(right, rows), np.empty(len(right))
    for train, test in folds_of(list(rows), count, seed):
        trust = trusted(scored[train], right[train], weight[train])
        held = calibrated(method, mixed(scored[train], trust), right[train], weight[train], seed)
        stated[test] = held.apply(mixed(scored[test], trust))
    trust = trusted(scored, right, weight)
    scores = mixed(scored, trust)
    made = calibrated(method, scores, right, weight, seed)
    if len(judges) > 1:
        judge = structs.replace(judge, weights=tuple(trust.tolist()))
    notes = found.notes + one_class(right)
    if told:
        notes += (f"{len(told)} scores could not be had, such as: {told[0]}",)
    about = {"part": judge.name_of_part, "labels": len(right), "seed": seed, "method": made.method}
    return Fit(
        Artifact(JUDGE, about, made.arrays()),
        lambda path, known: Calibrated(judge, path, known),
        {"method": made.method, **figures(stated, scores, right)},
        notes,
    )


def judgeable(found: Outcomes) -> tuple[list[Query], list[Answer], Floats, NDArray[np.int64]]:
    """The graded drafts: what was asked, what was said, how right it is, which question it was."""
    ballots = found.ballots
    asked, answers, marks, rows = [], [], [], []
    for row in np.flatnonzero(found.labelled):
        query = Query(ballots.prompts[row], id=ballots.queries[row])
        for answer in drafts(found, int(row)):
            mark = ballots.score[row, ballots.members.index(answer.source)]
            if not np.isnan(mark):
                asked.append(query)
                answers.append(answer)
                marks.append(mark)
                rows.append(row)
    return asked, answers, np.array(marks), np.array(rows)


async def scores_of(
    judges: Sequence[Judge],
    asked: Sequence[Query],
    answers: Sequence[Answer],
    told: list[str],
    most: int = 32,
) -> Floats:
    """What judges score answers: (answers, judges), NaN where there is none and `told` says why.

    most: how many scores are asked for at a time.
    """
    made: list[float] = []

    async def score(index: int) -> float:
        place, judge = divmod(index + len(made), len(judges))
        try:
            return float(await judges[judge].score(asked[place], answers[place]))
        except ModelError as error:
            told.append(str(error))
            return float("nan")

    while len(made) < len(answers) * len(judges):
        made += await together(score, min(most, len(answers) * len(judges) - len(made)))
    return np.array(made).reshape(len(answers), len(judges))


def trusted(scored: Floats, right: Floats, weight: Floats) -> Floats:
    """How much each judge counts, by a logistic regression: (judges) that sum to 1, none below 0.

    All count the same where none tells right from wrong.
    """
    width = scored.shape[1]
    if width == 1:
        return np.ones(1)
    there = ~np.isnan(scored)
    number = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, scored, 0.0).sum(axis=0) / number
    off = np.where(there, scored - mean, 0.0)
    spread = np.sqrt((off**2).sum(axis=0) / number)
    kept, weights, _ = positive(off / np.maximum(spread, 1e-9), right, weight)
    counts = np.zeros(width)
    counts[kept] = weights[1:] / np.maximum(spread[kept], 1e-9)
    total = counts.sum()
    return counts / total if total > 0 else np.full(width, 1 / width)


def mixed(scored: Floats, trust: Floats) -> Floats:
    """The weighted mean of the scores that are there; of all alike where those weigh nothing."""
    there = ~np.isnan(scored)
    counts = np.where(there, trust, 0.0)
    counts = np.where(counts.sum(axis=1, keepdims=True) > 0, counts, there)
    total = (np.where(there, scored, 0.0) * counts).sum(axis=1)
    made: Floats = (total / counts.sum(axis=1)).clip(0.0, 1.0)
    return made


def shares(right: Floats, groups: NDArray[np.int64]) -> Floats:
    """How much each outcome counts: drafts to one question are right and wrong together.

    One of m to a question counts as 1 / (1 + (m − 1) r), with r their correlation within
    questions (Kish's design effect), so that the band stays honest.
    """
    _, places, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    size = sizes[places].astype(np.float64)
    off = right - right.mean()
    sums = np.bincount(places, off)
    pairs, variance = float((sizes * (sizes - 1)).sum()), float((off**2).mean())
    together = float((sums**2).sum() - (off**2).sum())
    related = together / pairs / variance if pairs and variance else 0.0
    made: Floats = 1.0 / (1.0 + (size - 1.0) * max(0.0, min(1.0, related)))
    return made


def folds_of(keys: Sequence[Any], count: int, seed: int) -> Any:
    """Splits by key, fewer where there are too few keys.

    Raises:
        ConfigError: there is one key only.
    """
    return folds(keys, max(2, min(count, len(set(keys)))), seed)


def enough(count: int, what: str) -> None:
    """Refuse to calibrate on next to nothing.

    Raises:
        ConfigError: there are fewer than FEWEST.
    """
    if count < FEWEST:
        raise ConfigError(f"{count} graded questions have {what}, and {FEWEST} are needed")


def one_class(right: Floats) -> tuple[str, ...]:
    """A note where every outcome is the same."""
    if right.min() < right.max():
        return ()
    word = "right" if right.min() >= 0.5 else "wrong"
    return (f"every outcome is {word}: the probability is near the base rate for all",)


def figures(stated: Floats, before: Floats, right: Floats) -> dict[str, float]:
    """How well probabilities fit outcomes, held out; `before`: the scores as they were."""
    kept = np.clip(stated, 1e-9, 1 - 1e-9)
    loss = -(right * np.log(kept) + (1 - right) * np.log(1 - kept))
    return {
        "labels": len(right),
        "right": float(right.mean()),
        "ece": ece(stated, right),
        "ece_before": ece(before, right),
        "brier": float(((stated - right) ** 2).mean()),
        "brier_before": float(((before - right) ** 2).mean()),
        "log_loss": float(loss.mean()),
    }
