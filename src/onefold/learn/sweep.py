"""What a preference between a cheap and a dear model recovers as its threshold moves."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import ArrayLike, NDArray

from onefold.core.errors import ConfigError

Floats = NDArray[np.float64]


class Sweep(Struct, frozen=True, eq=False):
    """Quality against the share of a dear model: of its calls, or of its cost.

    share: ascending, from 0 to 1. quality: mean score there, straight in between.
    """

    share: Floats
    quality: Floats

    @property
    def recovered(self) -> Floats:
        """Share of the gap between both ends that is recovered at each place (RouteLLM's PGR).

        Raises:
            ConfigError: the dear model is not better, so there is no gap to recover.
        """
        low, high = self.quality[0], self.quality[-1]
        if not high > low:
            raise ConfigError(
                f"the dear model scores {high:.4f} and the cheap one {low:.4f}: without a gap "
                "between them there is nothing to recover"
            )
        made: Floats = (self.quality - low) / (high - low)
        return made

    @property
    def apgr(self) -> float:
        """Mean share of the gap recovered over all shares (RouteLLM, arXiv 2406.18665)."""
        return float(np.trapezoid(self.recovered, self.share))

    def cpt(self, percent: float) -> float:
        """The least share, in percent, that recovers `percent` % of the gap (RouteLLM)."""
        wanted, recovered = percent / 100, self.recovered
        last = int(np.argmax(recovered >= wanted - 1e-12))
        if last == 0:
            return 0.0
        before, after = recovered[last - 1], recovered[last]
        part = (wanted - before) / (after - before)
        return 100 * float(self.share[last - 1] + part * (self.share[last] - self.share[last - 1]))


def routed(preference: ArrayLike, weak: ArrayLike, strong: ArrayLike) -> Sweep:
    """What a router between two models sweeps out as its threshold moves.

    preference: (questions) how much it prefers the strong one; equal ones are called in random
    order. weak, strong: (questions) scores of both.

    Raises:
        ConfigError: there are no questions, or not equally many of each.
    """
    wish, cheap, dear = (np.asarray(each, np.float64) for each in (preference, weak, strong))
    if wish.ndim != 1 or not wish.size or wish.shape != cheap.shape or wish.shape != dear.shape:
        raise ConfigError(
            f"{wish.shape} preferences, {cheap.shape} and {dear.shape} scores: give one of each a "
            "question, at least one"
        )
    order = np.argsort(-wish, kind="stable")
    gains = np.concatenate([[0.0], np.cumsum((dear - cheap)[order])])
    last = np.flatnonzero(np.append(np.diff(wish[order]) != 0, True)) + 1
    kept = np.concatenate([[0], last])
    return Sweep(kept / len(wish), float(cheap.mean()) + gains[kept] / len(wish))
