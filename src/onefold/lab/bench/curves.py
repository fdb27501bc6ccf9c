"""Cost and quality: frontiers, their convex hull, and what a router's threshold sweeps out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import ArrayLike, NDArray

from onefold.core.errors import ConfigError

Floats = NDArray[np.float64]


class Point(Struct, frozen=True):
    """A system's mean cost of a question in US dollars, and its mean score in [0, 1]."""

    name: str
    usd: float
    quality: float
    family: str = ""


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


def swept(points: Iterable[Point], weak: Point, strong: Point) -> Sweep:
    """A family of systems between a cheap and a dear one, by their share of the dear one's cost.

    0 is the cheap one's cost and 1 the dear one's; systems outside that range are left out.

    Raises:
        ConfigError: the dear one is not dearer.
    """
    span = strong.usd - weak.usd
    if not span > 0:
        raise ConfigError(f"{strong.name} is not dearer than {weak.name}: name them the other way")
    inner = sorted((p.usd, p.quality) for p in points if weak.usd < p.usd < strong.usd)
    found = [(weak.usd, weak.quality), *inner, (strong.usd, strong.quality)]
    usd, quality = np.array(found).T
    return Sweep((usd - weak.usd) / span, quality)


def frontier(points: Iterable[Point]) -> list[Point]:
    """Those that nobody beats at their cost or below, from cheap to dear."""
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (p.usd, -p.quality)):
        if not best or point.quality > best[-1].quality:
            best.append(point)
    return best


def hull(points: Iterable[Point]) -> list[Point]:
    """The corners of what random mixtures of systems reach: concave, from cheap to dear.

    Asking one of two systems at random reaches every point between them, so this is the frontier
    of what can be had without knowing the questions (RouterBench, arXiv 2403.12031).
    """
    corners: list[Point] = []
    for point in frontier(points):
        while len(corners) > 1 and not turns_down(corners[-2], corners[-1], point):
            corners.pop()
        corners.append(point)
    return corners


def turns_down(one: Point, two: Point, three: Point) -> bool:
    """Whether the way from one over two to three bends downwards."""
    first = (two.quality - one.quality) * (three.usd - two.usd)
    then = (three.quality - two.quality) * (two.usd - one.usd)
    return first > then


def reached(corners: Sequence[Point], usd: ArrayLike) -> Floats:
    """The quality that a hull reaches for some dollars a question; 0 below its cheapest corner."""
    costs = [corner.usd for corner in corners]
    wanted = np.asarray(usd, np.float64)
    made: Floats = np.interp(wanted, costs, [corner.quality for corner in corners], left=0.0)
    return made


def aiq(points: Iterable[Point], low: float | None = None, high: float | None = None) -> float:
    """Average improvement in quality: the hull's mean height between two costs (RouterBench).

    low, high: US dollars a question; None takes those of the cheapest and the dearest point, and
    a hull that ends earlier stays at its last height.

    Raises:
        ConfigError: there are no points, or `high` is not above `low`.
    """
    listed = list(points)
    corners = hull(listed)
    if not corners:
        raise ConfigError("no system has a known cost: give prices")
    start = corners[0].usd if low is None else low
    end = max(point.usd for point in listed) if high is None else high
    if not end > start:
        raise ConfigError(f"costs from ${start:g} to ${end:g} leave no range to average over")
    first = min(max(start, corners[0].usd), end)  # below its first corner a hull reaches nothing
    inner = [corner.usd for corner in corners if first < corner.usd < end]
    places = np.array([first, *inner, end])
    return float(np.trapezoid(reached(corners, places), places) / (end - start))
