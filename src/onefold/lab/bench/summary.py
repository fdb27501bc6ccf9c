"""Results in numbers: a row for each system, and the figures of all of them together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from onefold.core.tally import wilson
from onefold.fitted.calibration import Bin, ece, reliability
from onefold.fitted.votes.crowd import voters
from onefold.lab.bench.compare import resampled, tokens
from onefold.lab.bench.curves import Point, aiq, frontier, hull, swept
from onefold.lab.bench.matrices import oracle, pairs
from onefold.lab.bench.results import Result, Results

Floats = NDArray[np.float64]
DRAWS = 2_000
BINS = 15


class Summary(Struct, frozen=True):
    """One system in numbers; shares in [0, 1], money in US dollars, None where unknown.

    quality: mean score, failures counted as 0; the accuracy where scores are 0 or 1. low, high:
        its 95 % interval, Wilson's where scores are 0 or 1, else a bootstrap.
    gain: quality minus that of the best single member, gain_low to gain_high its 95 % paired
        bootstrap interval; None where no member was benched. The best member is chosen on these
        very questions, which flatters it.
    usd_per_correct: dollars for each unit of score.
    unanswered: share without a readable answer; None where only scores are known.
    calls, tokens, usd_per_question, seconds_mean: means a question.
    ece, brier, log_loss: of the stated confidence. estimated: some tokens or dollars are estimates.
    frontier: nobody is as good for less. hull: no random mixture of others is either.
    """

    system: str
    family: str
    questions: int
    graded: int
    quality: float | None
    low: float | None
    high: float | None
    gain: float | None
    gain_low: float | None
    gain_high: float | None
    usd: float | None
    usd_per_question: float | None
    usd_per_correct: float | None
    estimated: bool
    tokens: float | None
    calls: float | None
    seconds_mean: float | None
    seconds_p50: float | None
    seconds_p95: float | None
    unanswered: float | None
    confident: int
    ece: float | None
    brier: float | None
    log_loss: float | None
    frontier: bool = False
    hull: bool = False


class Curve(Struct, frozen=True):
    """A family between the cheapest and the best member of known cost, by its share of that cost.

    apgr: mean share of the quality gap recovered. cpt50, cpt80: percent of the cost that recovers
    50 % and 80 % of the gap. Straight in between: a random mixture of neighbours.
    """

    family: str
    systems: int
    apgr: float
    cpt50: float
    cpt80: float


class Figures(Struct, frozen=True):
    """All systems together; None where unknown.

    best: the best single member, and best_quality its mean score. oracle: the mean score if the
    best member were known for each question, oracle_usd its mean cost. gap: oracle minus best.
    winner: the best system of all, by its mean score; closed: the share of the gap that it closes.
    voters: how many independent voters the members are worth. same_mistake: share of questions
    on which two members give the same wrong answer, mean over pairs.
    aiq_members, aiq: mean height of the hull of members and of all systems, over all their costs.
    """

    questions: int
    systems: int
    members: int
    best: str | None = None
    best_quality: float | None = None
    oracle: float | None = None
    oracle_usd: float | None = None
    gap: float | None = None
    winner: str | None = None
    winner_quality: float | None = None
    closed: float | None = None
    voters: float | None = None
    same_mistake: float | None = None
    aiq_members: float | None = None
    aiq: float | None = None
    curves: tuple[Curve, ...] = ()


def summary(results: Results, seed: int = 0) -> list[Summary]:
    """A row for each system, in order of appearance."""
    best = best_member(results)
    gains = gained(results, best, seed)
    points = placed(results)
    ahead = {point.name for point in frontier(points)}
    corners = {point.name for point in hull(points)}
    return [
        numbers(name, rows, gains.get(name), seed, name in ahead, name in corners)
        for name, rows in results.by_system.items()
    ]


def numbers(
    name: str,
    rows: Sequence[Result],
    gain: tuple[float, float, float] | None,
    seed: int,
    ahead: bool,
    corner: bool,
) -> Summary:
    """One system's row."""
    graded = [row for row in rows if row.score is not None]
    scores = np.array([row.score for row in graded], np.float64)
    mean, low, high = spread(scores, seed)
    gains = gain or (None, None, None)
    spent, paid = (known([row.usd for row in each]) for each in (rows, graded))
    seconds = known([row.seconds for row in rows if row.error is None])
    trust = trusted(rows)
    return Summary(
        system=name,
        family=rows[0].family,
        questions=len(rows),
        graded=len(graded),
        quality=mean,
        low=low,
        high=high,
        gain=gains[0],
        gain_low=gains[1],
        gain_high=gains[2],
        usd=None if spent is None else float(spent.sum()),
        usd_per_question=average(spent),
        usd_per_correct=float(paid.sum() / scores.sum()) if paid is not None and mean else None,
        estimated=any(row.estimated for row in rows),
        tokens=average(known([tokens(row) for row in rows])),
        calls=average(known([row.calls for row in rows])),
        seconds_mean=average(seconds),
        seconds_p50=None if seconds is None else float(np.percentile(seconds, 50)),
        seconds_p95=None if seconds is None else float(np.percentile(seconds, 95)),
        unanswered=silent(rows),
        confident=0 if trust is None else trust.count,
        ece=None if trust is None else trust.ece,
        brier=None if trust is None else trust.brier,
        log_loss=None if trust is None else trust.log_loss,
        frontier=ahead,
        hull=corner,
    )


def silent(rows: Sequence[Result]) -> float | None:
    """The share of rows without a readable answer, None where only scores are known."""
    if all(row.value is None and row.error is None and row.score is not None for row in rows):
        return None
    return sum(row.value is None for row in rows) / len(rows)


def known(values: Sequence[float | None]) -> Floats | None:
    """Numbers as an array, None where one is unknown or there is none: unknown is never nothing."""
    return None if not values or None in values else np.array(values, np.float64)


def average(values: Floats | None) -> float | None:
    """The mean of what is known."""
    return None if values is None else float(values.mean())


def spread(scores: Floats, seed: int) -> tuple[float | None, float | None, float | None]:
    """The mean of scores with its 95 % interval; None for none."""
    if not len(scores):
        return None, None, None
    mean = float(scores.mean())
    if np.isin(scores, (0.0, 1.0)).all():
        return mean, *wilson(mean, len(scores))
    low, high = np.percentile(resampled(scores[:, None], DRAWS, seed), (2.5, 97.5))
    return mean, float(low), float(high)


def best_member(results: Results) -> str | None:
    """The member with the highest mean score, the cheaper one among equals; None without any."""
    known = [(r, quality(results.by_system[r])) for r in results.members]
    graded = [(name, score) for name, score in known if score is not None]
    if not graded:
        return None
    costs = {point.name: point.usd for point in placed(results)}
    return max(graded, key=lambda pair: (pair[1], -costs.get(pair[0], np.inf)))[0]


def quality(rows: Sequence[Result]) -> float | None:
    """The mean score of some rows, None where none is graded."""
    scores = [row.score for row in rows if row.score is not None]
    return sum(scores) / len(scores) if scores else None


def gained(
    results: Results, best: str | None, seed: int = 0
) -> dict[str, tuple[float, float, float]]:
    """Each system's quality minus the best member's where both are graded: (gain, low, high)."""
    if best is None:
        return {}
    grid = results.grid
    difference = grid.score - grid.score[:, [grid.systems.index(best)]]
    kept = [at for at, column in enumerate(difference.T) if not np.isnan(column).all()]
    difference = difference[:, kept]
    low, high = np.percentile(resampled(difference, DRAWS, seed), (2.5, 97.5), axis=0)
    means = np.nanmean(difference, axis=0)
    return {
        grid.systems[at]: (float(mean), float(below), float(above))
        for at, mean, below, above in zip(kept, means, low, high, strict=True)
        if grid.systems[at] != best
    }


def placed(results: Results) -> list[Point]:
    """The systems whose cost and quality are both known, as points."""
    found = []
    for name, rows in results.by_system.items():
        score, usd = quality(rows), average(known([row.usd for row in rows]))
        if score is not None and usd is not None:
            found.append(Point(name, usd, score, rows[0].family))
    return found


def figures(results: Results) -> Figures:
    """The figures of all systems together."""
    grid = results.grid
    counts = len(grid.questions), len(grid.systems), len(results.members)
    best = best_member(results)
    if best is None:
        return Figures(*counts)
    members = grid.of(results.members)
    score, usd = oracle(members)
    top = quality(results.by_system[best]) or 0.0
    above = float(np.nanmean(score))
    qualities = {name: quality(rows) or 0.0 for name, rows in results.by_system.items()}
    winner = max(qualities, key=lambda name: qualities[name])
    gap = above - top
    together = pairs(members)
    apart = ~np.eye(len(members.systems), dtype=bool)
    mistakes = together.same_mistake[apart]
    points = placed(results)
    return Figures(
        *counts,
        best,
        top,
        above,
        None if np.isnan(usd).any() else float(usd.mean()),
        gap,
        winner,
        qualities[winner],
        (qualities[winner] - top) / gap if gap > 0 else None,
        voters(np.nan_to_num(together.correlation)) if len(members.systems) > 1 else None,
        None if np.isnan(mistakes).all() else float(np.nanmean(mistakes)),
        *areas(points),
        curves(points),
    )


def areas(points: Sequence[Point]) -> tuple[float | None, float | None]:
    """AIQ of the members and of all systems, over the costs of all; None without a range."""
    members = [point for point in points if point.family == "member"]
    if not members:
        return None, None
    low, high = min(p.usd for p in members), max(p.usd for p in points)
    if not high > low:
        return None, None
    return aiq(members, low, high), aiq(points, low, high)


def curves(points: Sequence[Point]) -> tuple[Curve, ...]:
    """Each family between the cheapest and the best member of known cost, where there is a gap."""
    members = [point for point in points if point.family == "member"]
    if not members:
        return ()
    weak = min(members, key=lambda point: point.usd)
    strong = max(members, key=lambda point: (point.quality, -point.usd))
    if not (strong.usd > weak.usd and strong.quality > weak.quality):
        return ()
    found = []
    for family in dict.fromkeys(p.family for p in points if p.family not in ("", "member")):
        held = [point for point in points if point.family == family]
        sweep = swept(held, weak, strong)
        found.append(Curve(family, len(held), sweep.apgr, sweep.cpt(50), sweep.cpt(80)))
    return tuple(found)


class Reliability(Struct, frozen=True):
    """Stated confidence against what was right, over graded answers that state one.

    count: such answers. ece, ece_width: expected calibration error in 15 bins of equal mass and of
    equal width. brier: mean squared error (Brier 1950). log_loss: mean of −ln of the probability
    given to what happened, in nats, each kept within [1e-6, 1 − 1e-6].
    mean: mean confidence minus share right; positive is too sure. bins: of equal mass.
    """

    count: int
    ece: float
    ece_width: float
    brier: float
    log_loss: float
    mean: float
    bins: tuple[Bin, ...]


def trusted(rows: Iterable[Result]) -> Reliability | None:
    """The reliability of one system, None where no graded answer states a confidence."""
    stated = [(r.confidence, r.score) for r in rows if r.confidence is not None]
    held = np.array([(said, score) for said, score in stated if score is not None], np.float64)
    if not held.size:
        return None
    confidence, score = held.T
    kept = np.clip(confidence, 1e-6, 1 - 1e-6)
    loss = -(score * np.log(kept) + (1 - score) * np.log1p(-kept))
    return Reliability(
        len(held),
        ece(confidence, score, BINS),
        ece(confidence, score, BINS, "width"),
        float(((confidence - score) ** 2).mean()),
        float(loss.mean()),
        float((confidence - score).mean()),
        tuple(reliability(confidence, score, BINS)),
    )
