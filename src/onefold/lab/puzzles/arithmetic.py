"""Arithmetic as short lines, `47+38:77=85`: a result, and what was reached on the way to it."""

from __future__ import annotations

LARGEST = 499  # every number in a problem and its solution


def plus(a: int, b: int) -> tuple[str, int]:
    """The line for a sum: tens first, then units."""
    return line(a, "+", b, a + b // 10 * 10, a + b)


def minus(a: int, b: int) -> tuple[str, int]:
    """The line for a difference: tens first, then units."""
    return line(a, "-", b, a - b // 10 * 10, a - b)


def times(a: int, b: int) -> tuple[str, int]:
    """The line for a product: the tens of the larger factor first."""
    a, b = max(a, b), min(a, b)
    return line(a, "*", b, a // 10 * 10 * b, a * b)


def over(a: int, b: int) -> tuple[str, int]:
    """The line for a division without remainder: the tens of the result first."""
    return line(a, "/", b, a // b // 10 * 10, a // b)


def line(a: int, sign: str, b: int, partial: int, result: int) -> tuple[str, int]:
    """A line; what was reached on the way is left out where it says nothing new."""
    way = "" if partial in (0, a, b, result) else f":{partial}"
    return f"{a}{sign}{b}{way}={result}", result
