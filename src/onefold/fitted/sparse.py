"""Matrices that are mostly zero, as compressed rows: just what linear models on words need."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Sparse(Struct, frozen=True, eq=False):
    """A matrix (rows, width) as compressed sparse rows.

    values, columns: (stored) what is not zero, and its column. starts: (rows + 1) where each
    row's values begin.
    """

    values: Floats
    columns: Ints
    starts: Ints
    width: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, width)."""
        return len(self.starts) - 1, self.width

    @property
    def rows(self) -> Ints:
        """The row of each stored value."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def times(self, weights: Floats) -> Floats:
        """The product with weights (width, outputs) → (rows, outputs)."""
        count = self.shape[0]
        if count == 1:
            alone: Floats = (self.values @ weights.take(self.columns, axis=0))[None]
            return alone
        rows = self.rows
        sums = [np.bincount(rows, self.values * w.take(self.columns), count) for w in weights.T]
        return np.stack(sums, axis=1)

    def transposed_times(self, given: Floats) -> Floats:
        """The product of the transpose with (rows, outputs) → (width, outputs)."""
        rows = self.rows
        sums = [np.bincount(self.columns, self.values * g.take(rows), self.width) for g in given.T]
        return np.stack(sums, axis=1)

    def take(self, rows: Sequence[int] | Ints) -> Sparse:
        """Some of the rows, in the order given."""
        picked = np.asarray(rows, dtype=np.int64)
        lengths = np.diff(self.starts)[picked]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        places = np.repeat(self.starts[picked] - starts[:-1], lengths) + np.arange(starts[-1])
        return Sparse(self.values[places], self.columns[places], starts, self.width)

    def beside(self, dense: Floats) -> Sparse:
        """The same rows with dense columns (rows, more) behind them."""
        count, more = dense.shape
        lengths = np.diff(self.starts)
        starts = self.starts + more * np.arange(count + 1)
        values, columns = np.empty(starts[-1]), np.empty(starts[-1], dtype=np.int64)
        own = np.repeat(starts[:-1] - self.starts[:-1], lengths) + np.arange(len(self.values))
        values[own], columns[own] = self.values, self.columns
        added = (starts[1:] - more)[:, None] + np.arange(more)
        values[added], columns[added] = dense, self.width + np.arange(more)
        return Sparse(values, columns, starts, self.width + more)


Matrix = Floats | Sparse


def product(matrix: Matrix, weights: Floats) -> Floats:
    """A matrix, dense or sparse, times weights (width, outputs)."""
    return matrix.times(weights) if isinstance(matrix, Sparse) else matrix @ weights


def transposed_product(matrix: Matrix, given: Floats) -> Floats:
    """The transpose of a matrix, dense or sparse, times (rows, outputs)."""
    if isinstance(matrix, Sparse):
        return matrix.transposed_times(given)
    return matrix.T @ given
