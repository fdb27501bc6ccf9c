"""Regularised logistic regression, dense or sparse: the one solver behind what is learned."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from onefold.fitted.calibration import sigmoid
from onefold.fitted.sparse import Matrix, product, transposed_product

Floats = NDArray[np.float64]
Loss = Callable[[Floats], tuple[float, Floats]]


class Linear(Struct, frozen=True, eq=False):
    """A linear model: scores = rows @ weights + intercept.

    weights: (width, outputs). intercept: (outputs).
    """

    weights: Floats
    intercept: Floats

    def scores(self, rows: Matrix) -> Floats:
        """Scores (rows, outputs) before any softmax or sigmoid."""
        return product(rows, self.weights) + self.intercept


def softmax(scores: Floats) -> Floats:
    """Probabilities along the last axis."""
    grown = np.exp(scores - scores.max(axis=-1, keepdims=True))
    made: Floats = grown / grown.sum(axis=-1, keepdims=True)
    return made


def multinomial(
    rows: Matrix,
    targets: Floats,
    strength: float = 1.0,
    weight: Floats | None = None,
    offset: Floats | None = None,
    close: float = 1e-6,
) -> Linear:
    """Softmax regression: minimises Σ cross entropy + strength / 2 · ‖weights‖².

    rows: (n, width). targets: (n, classes) shares that sum to 1 in each row. weight: (n) of each
    row. offset: (n, classes) scores to add to. The intercept is not penalised.
    close: as for `minimised`.
    """

    def loss(scores: Floats) -> tuple[Floats, Floats]:
        made = softmax(scores)
        return -(targets * np.log(np.maximum(made, 1e-300))).sum(axis=1), made - targets

    return fitted(rows, targets, strength, weight, offset, loss, close)


def binary(
    rows: Matrix,
    targets: Floats,
    strength: float = 1.0,
    weight: Floats | None = None,
    offset: Floats | None = None,
    close: float = 1e-6,
) -> Linear:
    """One logistic regression for each column of targets (n, outputs), shares in [0, 1].

    A target that is NaN does not count. Otherwise as `multinomial`.
    """
    there = ~np.isnan(targets)
    known = np.where(there, targets, 0.0)

    def loss(scores: Floats) -> tuple[Floats, Floats]:
        terms = np.where(there, np.logaddexp(0.0, scores) - known * scores, 0.0)
        return terms.sum(axis=1), np.where(there, sigmoid(scores) - known, 0.0)

    return fitted(rows, known, strength, weight, offset, loss, close)


def fitted(
    rows: Matrix,
    targets: Floats,
    strength: float,
    weight: Floats | None,
    offset: Floats | None,
    loss: Callable[[Floats], tuple[Floats, Floats]],
    close: float = 1e-6,
) -> Linear:
    """The linear model with the least loss plus penalty."""
    count, width = rows.shape
    outputs = targets.shape[1]
    scale = np.ones(count) if weight is None else weight
    added = 0.0 if offset is None else offset

    def total(flat: Floats) -> tuple[float, Floats]:
        both = flat.reshape(width + 1, outputs)
        each, slope = loss(product(rows, both[:-1]) + both[-1] + added)
        slope = slope * scale[:, None]
        down = np.vstack([transposed_product(rows, slope) + strength * both[:-1], slope.sum(0)])
        penalty = 0.5 * strength * float((both[:-1] ** 2).sum())
        return float((scale * each).sum()) + penalty, down.ravel()

    best = minimised(total, np.zeros((width + 1) * outputs), close=close).reshape(
        width + 1, outputs
    )
    return Linear(best[:-1], best[-1])


def minimised(
    loss: Loss, start: Floats, steps: int = 200, memory: int = 10, close: float = 1e-6
) -> Floats:
    """Where a smooth loss is least, by L-BFGS with a backtracking search (Nocedal 1980).

    loss: point → (value, slope). close: the slope, relative to the first one, at which it ends.
    """
    point, (value, slope) = start, loss(start)
    wanted = close * max(1.0, float(np.abs(slope).max()))
    pairs: deque[tuple[Floats, Floats, float]] = deque(maxlen=memory)
    for _ in range(steps):
        if np.abs(slope).max() <= wanted:
            break
        way = direction(slope, pairs)
        along = float(slope @ way)
        if along >= 0:
            pairs.clear()
            way, along = -slope, -float(slope @ slope)
        length = 1.0 if pairs else min(1.0, 1.0 / float(np.abs(slope).sum()))
        for _ in range(30):
            tried = point + length * way
            new, down = loss(tried)
            if new <= value + 1e-4 * length * along:
                break
            length *= 0.5
        else:
            break
        moved, turned = tried - point, down - slope
        curved = float(moved @ turned)
        if curved > 1e-12:
            pairs.append((moved, turned, 1.0 / curved))
        point, value, slope = tried, new, down
    return point


def direction(slope: Floats, pairs: deque[tuple[Floats, Floats, float]]) -> Floats:
    """The way down that the last steps suggest: minus the inverse curvature times the slope."""
    way, shares = -slope, []
    for moved, turned, inverse in reversed(pairs):
        share = inverse * float(moved @ way)
        way = way - share * turned
        shares.append(share)
    if pairs:
        moved, turned, inverse = pairs[-1]
        way = way / (inverse * float(turned @ turned))
    for (moved, turned, inverse), share in zip(pairs, reversed(shares), strict=True):
        way = way + moved * (share - inverse * float(turned @ way))
    return way
