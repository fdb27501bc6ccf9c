"""Choosing among played candidates: what is wanted, and which one has it by all that is seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from onefold.lab.tuning.board import Flags, Rows
from onefold.lab.tuning.candidates import Played

Floats = NDArray[np.float64]
CAUTION = 0.5
EQUAL = 1e-6


class Wish(Struct, frozen=True):
    """What is wanted: the best for so many US dollars a question, or the cheapest of a quality.

    usd: mean cost of a question at most. quality: mean score at least, in [0, 1].
    """

    usd: float = float("inf")
    quality: float | None = None


class Chosen(Struct, frozen=True):
    """The candidate that is taken, and the single member to beat, by their places."""

    panel: int
    single: int


class Choice:
    """What some questions say of played candidates; `of` chooses by it.

    A candidate is worth its paired gain over the best single member less half a standard error:
    what differs little from what is known has little to prove.
    """

    def __init__(self, played: Played, rows: Rows) -> None:
        self.played, self.count = played, len(rows)
        self.rows = np.zeros(played.board.questions, np.float32)
        self.rows[rows] = 1.0
        self.means = self._mean(played.score)
        self.squares = self._mean(played.score**2)
        self.costs = self._mean(played.usd)
        spread = np.maximum(self._mean(played.usd**2) - self.costs**2, 0.0)
        self.upper = self.costs + np.sqrt(spread / max(1, self.count))
        self.alone: Flags = np.array([len(lineup.order) == 1 for lineup, _ in played.made])
        self.everyone = np.ones_like(self.alone)
        self.gains: dict[int, Floats] = {}

    def _mean(self, matrix: NDArray[np.float32]) -> Floats:
        """The mean over the rows, for each candidate."""
        return np.asarray(matrix @ self.rows, dtype=float) / max(1, self.count)

    def of(self, wish: Wish) -> Chosen:
        """The best candidate and the best single member for a wish."""
        return self._dearest(wish.usd) if wish.quality is None else self._cheapest(wish.quality)

    def _dearest(self, usd: float) -> Chosen:
        """The best whose mean cost stays below a bound by a standard error."""
        usd *= 1 + EQUAL
        within = self.upper <= usd
        alone = self.alone & within
        if not alone.any():
            alone = self.alone & (self.costs <= max(usd, self.costs[self.alone].min()))
        single = best(self.means, self.costs, alone)
        within[single] = True
        return Chosen(best(self._gain(single), self.costs, within), single)

    def _cheapest(self, quality: float) -> Chosen:
        """The cheapest that is good enough; the best where none is."""
        top = best(self.means, self.costs, self.alone)
        sure = self.means[top] + self._gain(top)
        single = cheapest(self.means, self.costs, self.alone, quality)
        return Chosen(cheapest(sure, self.costs, self.everyone, quality), single)

    def _gain(self, known: int) -> Floats:
        """Paired gains over a known candidate, less a share of their standard errors."""
        if known not in self.gains:
            score = self.played.score
            cross = np.asarray(score @ (self.rows * score[known]), dtype=float) / self.count
            moved = np.maximum(self.squares + self.squares[known] - 2 * cross, 0.0)
            gain = self.means - self.means[known]
            gain -= CAUTION * np.sqrt((moved + 1 / self.count) / self.count)
            gain[known] = 0.0
            self.gains[known] = gain
        return self.gains[known]


def best(worth: Floats, costs: Floats, allowed: Flags) -> int:
    """The place of the highest worth, the cheapest among equals."""
    top = worth[allowed].max()
    return int(np.argmin(np.where(allowed & (worth >= top - EQUAL), costs, np.inf)))


def cheapest(worth: Floats, costs: Floats, allowed: Flags, least: float) -> int:
    """The place of the lowest cost whose worth is enough; the best where none is."""
    enough = allowed & (worth >= least - EQUAL)
    if not enough.any():
        return best(worth, costs, allowed)
    return int(np.argmin(np.where(enough, costs, np.inf)))


def choices(played: Played, rows: Rows, wishes: Sequence[Wish]) -> list[Chosen]:
    """What is chosen for each wish by what these rows say."""
    choice = Choice(played, rows)
    return [choice.of(wish) for wish in wishes]
