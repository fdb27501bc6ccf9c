"""A frontier of cost and quality as text, for terminals."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from string import ascii_lowercase

from onefold.lab.bench.curves import Point, frontier

WIDTH, HEIGHT = 58, 13


def picture(points: Sequence[Point]) -> str:
    """Cost to the right (each column a factor), quality upwards; capitals nobody beats.

    Points are lettered in their order. Where two fall on one place, the one on the frontier shows.
    """
    best = {id(point) for point in frontier(points)}
    costs = [log10(point.usd) for point in points]
    low, high = min(costs), max(costs)
    bottom = min(point.quality for point in points) // 0.1 * 0.1
    top = min(1.0, max(point.quality for point in points) // 0.1 * 0.1 + 0.1)
    grid = [[" "] * WIDTH for _ in range(HEIGHT)]
    order = sorted(range(len(points)), key=lambda place: id(points[place]) in best)
    for place in order:
        point, letter = points[place], ascii_lowercase[place]
        x = round((costs[place] - low) / ((high - low) or 1.0) * (WIDTH - 1))
        y = round((top - point.quality) / ((top - bottom) or 1.0) * (HEIGHT - 1))
        grid[y][x] = letter.upper() if id(point) in best else letter
    lines = []
    for row, signs in enumerate(grid):
        share = top - (top - bottom) * row / (HEIGHT - 1)
        label = f"{share:>5.0%} " if row % 4 == 0 else " " * 6
        lines.append(f"{label}│{''.join(signs)}".rstrip())
    lines.append(f"      └{'─' * WIDTH}")
    ends = f"${10**low * 1000:.3f}", f"${10**high * 1000:.3f} for 1,000 questions"
    lines.append(f"       {ends[0]}{ends[1].rjust(WIDTH - len(ends[0]))}")
    return "\n".join(lines)
