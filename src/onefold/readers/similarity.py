"""How much two texts are alike, letter by letter."""

from __future__ import annotations

from unicodedata import normalize


def similarity(first: str, second: str) -> float:
    """1 − edit distance ÷ length of the longer text, in [0, 1]; case and outer space do not count.

    Bit-parallel (Myers 1999, in Hyyrö's form for whole texts), so long answers stay affordable.
    """
    a, b = (normalize("NFC", normalize("NFC", text).strip().lower()) for text in (first, second))
    return 1.0 if a == b else 1.0 - distance(a, b) / max(len(a), len(b))


def distance(a: str, b: str) -> int:
    """The least number of letters to insert, delete or replace to make `b` of `a`."""
    if not a:
        return len(b)
    places: dict[str, int] = {}
    for place, letter in enumerate(a):
        places[letter] = places.get(letter, 0) | 1 << place
    every = (1 << len(a)) - 1
    top = 1 << len(a) >> 1
    up, down, edits = every, 0, len(a)
    for letter in b:
        equal = places.get(letter, 0) | down
        diagonal = ((((equal & up) + up) ^ up) | equal) & every
        less = up & diagonal
        more = down | (every & ~(up | diagonal))
        edits += bool(more & top) - bool(less & top)
        more = (more << 1 | 1) & every
        up = (less << 1 | ~(more | diagonal)) & every
        down = more & diagonal
    return edits
