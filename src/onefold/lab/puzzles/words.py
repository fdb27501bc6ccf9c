"""The words that the problems are made of, from `words.txt`."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def lists() -> dict[str, tuple[str, ...]]:
    """All lists of words by name."""
    lines = (Path(__file__).parent / "words.txt").read_text("utf-8").splitlines()
    named = (line.split(": ", 1) for line in lines)
    return {name: tuple(said.split()) for name, said in named}


def words(name: str) -> tuple[str, ...]:
    """A list of words."""
    return lists()[name]


def pairs(name: str) -> tuple[tuple[str, str], ...]:
    """A list of words and what belongs to them."""
    return tuple((key, value) for key, _, value in (each.partition(":") for each in words(name)))
