"""The curves of calibrations: log-odds in, log-odds out, each with draws of what else it may be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onefold.fitted.calibration import CLOSE, log_odds, sigmoid

Floats = NDArray[np.float64]
Curve = Callable[[Floats, Floats, Floats], tuple[Floats, Floats]]
"""From log-odds of scores, outcomes and counts (n): log-odds at GRID, and DRAWS rows of them."""
EDGE = float(log_odds(1 - CLOSE))
GRID = np.linspace(-EDGE, EDGE, 257)
DRAWS = 400
FOLDS = 5


def temperature(points: Floats, marks: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Log-odds times one number, which few outcomes leave near 1."""
    weights, covariance = mapped(points[:, None], marks, counts, 1.0, 1.0)
    return curve(GRID[:, None], np.maximum(weights, 0.0), covariance)


def platt(points: Floats, marks: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Log-odds times one number plus another."""
    return rising(points[:, None], GRID[:, None], marks, counts)


def beta(points: Floats, marks: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """A weighted sum of ln s and −ln(1 − s), plus a number."""
    return rising(sides(points), sides(GRID), marks, counts)


def sides(odds: Floats) -> Floats:
    """ln s and −ln(1 − s) from the log-odds of s: (n, 2)."""
    return np.stack([-np.logaddexp(0.0, -odds), np.logaddexp(0.0, odds)], axis=1)


def rising(rows: Floats, grid: Floats, marks: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """A logistic regression on terms that grow with the score, none of which may weigh below 0."""
    centre = counts @ rows / counts.sum()
    kept, weights, covariance = positive(rows - centre, marks, counts)
    return curve(beside_one((grid - centre)[:, kept]), weights, covariance)


def positive(
    rows: Floats, marks: Floats, counts: Floats
) -> tuple[NDArray[np.int64], Floats, Floats]:
    """The columns whose weights are not below 0, the weights behind an intercept, their covariance.

    The column that weighs least goes first, until none weighs below 0.
    """
    kept = np.arange(rows.shape[1])
    while True:
        precision = np.append(0.0, np.ones(len(kept)))
        given = hedged(beside_one(rows[:, kept]), marks, counts)
        weights, covariance = mapped(*given, precision)
        if (weights[1:] >= 0).all():
            return kept, weights, covariance
        kept = np.delete(kept, np.argmin(weights[1:]))


def hedged(rows: Floats, marks: Floats, counts: Floats) -> tuple[Floats, Floats, Floats]:
    """One more outcome, half right and half wrong, in the middle: none is ever certain."""
    middle = np.eye(1, rows.shape[1])
    return np.vstack([rows, middle]), np.append(marks, 0.5), np.append(counts, 1.0)


def beside_one(rows: Floats) -> Floats:
    """Rows (n, width) behind a column of ones."""
    return np.column_stack([np.ones(len(rows)), rows])


def mapped(
    rows: Floats,
    marks: Floats,
    counts: Floats,
    precision: ArrayLike,
    around: ArrayLike = 0.0,
) -> tuple[Floats, Floats]:
    """The most probable weights (width) of a logistic regression and their covariance (Laplace).

    precision, around: of each weight's Gaussian prior.
    """
    prior = np.broadcast_to(np.asarray(precision, float), rows.shape[1])
    middle = np.broadcast_to(np.asarray(around, float), rows.shape[1])
    weights: Floats = middle.copy()

    def loss(tried: Floats) -> float:
        odds = rows @ tried
        misfit = float(counts @ (np.logaddexp(0.0, odds) - marks * odds))
        return misfit + 0.5 * float(prior @ (tried - middle) ** 2)

    for _ in range(50):
        stated = sigmoid(rows @ weights)
        slope = rows.T @ (counts * (stated - marks)) + prior * (weights - middle)
        curvature = (rows.T * (counts * stated * (1 - stated))) @ rows + np.diag(prior)
        covariance = np.asarray(np.linalg.pinv(curvature, hermitian=True), np.float64)
        way, length, now = covariance @ slope, 1.0, loss(weights)
        while length > 1e-6 and loss(weights - length * way) > now:
            length *= 0.5
        weights = weights - length * way
        if np.abs(way).max() < 1e-9:
            break
    return weights, covariance


def curve(grid: Floats, weights: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Log-odds at rows (k, width), and DRAWS of them from the weights' distribution."""
    chance = np.random.default_rng(0)
    drawn = chance.multivariate_normal(weights, covariance, DRAWS, method="eigh")
    return np.asarray(grid @ weights), drawn @ grid.T


def isotonic(points: Floats, marks: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Draws from each bin's Beta posterior, made ascending, and their mean.

    Source: the projection posterior of Chakraborty and Ghosal 2021. Bins grow with the cube root
    of the outcomes; each begins with one to four imagined outcomes at the base rate, the more the
    rarer the rarer outcome is.
    """
    base = float((counts @ marks + 0.5) / (counts.sum() + 1.0))
    wanted = max(2, round(2 * np.cbrt(len(points))))
    edges = np.unique(np.quantile(points, np.linspace(0, 1, wanted + 1)[1:-1]))
    places = np.unique(np.searchsorted(edges, points, side="right"), return_inverse=True)[1]
    size = np.bincount(places, counts)
    right = np.bincount(places, counts * marks)
    knots: Floats = np.bincount(places, points) / np.bincount(places)
    chance = np.random.default_rng(0)
    prior = min(0.5 / min(base, 1 - base), 4.0)
    drawn: Floats = chance.beta(
        right + prior * base, size - right + prior * (1 - base), (DRAWS, len(size))
    )
    ordered = ascending(drawn, np.asarray(size + prior, np.float64)).clip(0.0, 1.0)
    levels = log_odds(np.vstack([ordered.mean(axis=0), ordered]))
    found = np.array([np.interp(GRID, knots, level) for level in levels])
    return found[0], found[1:]


def ascending(values: Floats, weight: Floats) -> Floats:
    """The nearest ascending rows (draws, k) by weighted squares: the max-min formula."""
    masses = np.cumsum(np.append(0.0, weight))
    sums = np.cumsum(np.pad(values * weight, ((0, 0), (1, 0))), axis=1)
    first, last = np.indices((len(weight), len(weight)))
    there = first <= last
    mass = np.where(there, masses[last + 1] - masses[first], 1.0)
    means = np.where(there, (sums[:, last + 1] - sums[:, first]) / mass, np.inf)
    least = np.minimum.accumulate(means[:, :, ::-1], axis=2)[:, :, ::-1]
    best: Floats = np.where(there, least, -np.inf).max(axis=1)
    return best


CURVES: dict[str, Curve] = {
    "temperature": temperature,
    "platt": platt,
    "beta": beta,
    "isotonic": isotonic,
}


def chosen(points: Floats, marks: Floats, counts: Floats, seed: int) -> str:
    """The simplest method within one standard error of the best cross-validated log-loss."""
    count = len(points)
    if count < 2 * FOLDS:
        return "platt"
    fold = np.random.default_rng(seed).permutation(count) % FOLDS
    losses = {}
    for method in ("platt", "beta", "isotonic"):
        stated = np.empty(count)
        for each in range(FOLDS):
            test = fold == each
            level, _ = CURVES[method](points[~test], marks[~test], counts[~test])
            stated[test] = np.interp(points[test], GRID, level)
        losses[method] = counts * (np.logaddexp(0.0, stated) - marks * stated)
    best = min(losses, key=lambda method: float(losses[method].sum()))
    behind = {method: loss - losses[best] for method, loss in losses.items()}
    near = (m for m, b in behind.items() if b.mean() <= b.std() / np.sqrt(count))
    return next(near)
