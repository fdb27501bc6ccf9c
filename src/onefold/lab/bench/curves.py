"""Cost and quality: frontiers, their convex hull, and what a router's threshold sweeps out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import ArrayLike, NDArray

from onefold.core.errors import ConfigError
from onefold.learn.sweep import Sweep

Floats = NDArray[np.float64]


class Point(Struct, frozen=True):
    """A system's mean cost of a question in US dollars, and its mean score in [0, 1]."""

    name: str
    usd: float
    quality: float
    family: str = ""


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
