"""Who agrees with whom, who fails with whom, and what all of them together could know."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from onefold.lab.bench.results import Grid

Floats = NDArray[np.float64]


class Pairs(Struct, frozen=True, eq=False):
    """How systems go together, as symmetric matrices (systems, systems) of shares in [0, 1].

    NaN where two never meet. Of the questions that both were asked:
    agreement: share with the same answer, among those that both answered.
    same_mistake: share with the same wrong answer. both_wrong: share that both get wrong.
    correlation: of their scores, in [-1, 1]; NaN where one of them is always right or wrong.
    """

    systems: list[str]
    agreement: Floats
    same_mistake: Floats
    both_wrong: Floats
    correlation: Floats

    def rows(self) -> Iterator[dict[str, object]]:
        """A row for each pair, for a table."""
        for one in range(len(self.systems)):
            for two in range(one + 1, len(self.systems)):
                yield {
                    "one": self.systems[one],
                    "two": self.systems[two],
                    "agreement": number(self.agreement[one, two]),
                    "same_mistake": number(self.same_mistake[one, two]),
                    "both_wrong": number(self.both_wrong[one, two]),
                    "correlation": number(self.correlation[one, two]),
                }


def number(value: float) -> float | None:
    """A number, None where it is NaN."""
    return None if np.isnan(value) else float(value)


def pairs(grid: Grid) -> Pairs:
    """How the systems of a grid go together."""
    said = grid.codes >= 0
    graded = ~np.isnan(grid.score)
    wrong = graded & (np.nan_to_num(grid.score) < 0.5)
    both_said, both_graded = together(said, said), together(graded, graded)
    equal, mistaken = (np.zeros(both_said.shape) for _ in range(2))
    for column in range(len(grid.systems)):
        same = said & said[:, [column]] & (grid.codes == grid.codes[:, [column]])
        equal[column] = same.sum(axis=0)
        mistaken[column] = (same & wrong & wrong[:, [column]]).sum(axis=0)
    return Pairs(
        grid.systems,
        share(equal, both_said),
        share(mistaken, both_graded),
        share(together(wrong, wrong), both_graded),
        correlation(grid.score),
    )


def together(one: NDArray[np.bool_], two: NDArray[np.bool_]) -> Floats:
    """How many questions have both, for each pair of columns."""
    made: Floats = one.astype(np.float64).T @ two.astype(np.float64)
    return made


def share(part: Floats, whole: Floats) -> Floats:
    """A part of a whole, NaN where the whole is nothing."""
    made: Floats = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return made


def correlation(score: Floats) -> Floats:
    """Pearson's correlation of columns over the rows that both have; NaN where one is constant."""
    there = (~np.isnan(score)).astype(np.float64)
    held = np.nan_to_num(score)
    count = there.T @ there
    mean = share(held.T @ there, count)  # of the first, over the rows of both
    product = share(held.T @ held, count) - mean * mean.T
    spread = share((held**2).T @ there, count) - mean**2
    scale = np.sqrt(np.maximum(spread, 0.0) * np.maximum(spread.T, 0.0))
    made: Floats = np.divide(product, scale, out=np.full(scale.shape, np.nan), where=scale > 1e-12)
    return made.clip(-1.0, 1.0)


def oracle(grid: Grid) -> tuple[Floats, Floats]:
    """The best score that any system has on each question, and the least cost of such a score.

    Both are NaN where nothing is known.
    """
    known = np.where(np.isnan(grid.score), -np.inf, grid.score)
    best = known.max(axis=1, initial=-np.inf)
    cost = np.where(known == best[:, None], grid.usd, np.nan)
    cheapest = np.where(np.isnan(cost), np.inf, cost).min(axis=1, initial=np.inf)
    none = np.isinf(best)
    return np.where(none, np.nan, best), np.where(none | np.isinf(cheapest), np.nan, cheapest)
