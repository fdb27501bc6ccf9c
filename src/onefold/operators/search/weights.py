"""From scores to shares: softmax, systematic resampling, whole numbers that sum as they should."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, exp


def softmax(scores: Sequence[float | None], temperature: float) -> list[float]:
    """Shares in proportion to exp(score / temperature), summing to 1.

    What has no score gets nothing, unless nothing has one: then all get the same.
    """
    known = [score for score in scores if score is not None]
    if not known:
        return [1.0 / len(scores)] * len(scores)
    top = max(known)
    raw = [0.0 if score is None else exp((score - top) / temperature) for score in scores]
    total = sum(raw)
    return [each / total for each in raw]


def systematic(weights: Sequence[float], count: int, start: float) -> list[int]:
    """How often each is drawn among `count`: count · weight as expected, off by less than 1.

    weights: sum to 1. start: one uniform draw in [0, 1).
    Source: Carpenter, Clifford and Fearnhead, «Improved particle filter», 1999.
    """
    copies, passed, below = [], 0, 0.0
    for weight in weights:
        below += weight * count
        taken = min(count, max(passed, ceil(below - start)))
        copies.append(taken - passed)
        passed = taken
    last = max(place for place, weight in enumerate(weights) if weight > 0)
    copies[last] += count - passed  # what rounding left of the sum
    return copies


def apportioned(weights: Sequence[float], total: int) -> list[int]:
    """Whole numbers in proportion to weights, which sum to `total`; the largest remainders gain.

    weights: sum to 1.
    """
    exact = [weight * total for weight in weights]
    counts = [int(each) for each in exact]
    order = sorted(range(len(exact)), key=lambda i: (counts[i] - exact[i], i))
    for place in order[: total - sum(counts)]:
        counts[place] += 1
    return counts


def evenly(total: int, among: int) -> list[int]:
    """`total` spread over `among` places, the first ones getting what does not divide."""
    each, more = divmod(total, among)
    return [each + (place < more) for place in range(among)]
