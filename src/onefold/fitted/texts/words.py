"""Texts as the words and pairs of words in them, found by their hashes: a vocabulary of numbers."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import accumulate
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onefold.fitted.sparse import Floats, Ints, Sparse

Hashes = NDArray[np.uint64]
SPACE, ALONE, BREAK, WORD = range(4)
KNOWN = 0x30000  # letters that have a kind of their own; those behind are of the last one's
# Scripts that put no space between words are read letter by letter.
UNSPACED = ((0xE00, 0xEFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF),
            (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, KNOWN))  # fmt: skip
ODD = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ over the golden ratio
FIRST = np.uint64(0xBF58476D1CE4E5B9)
BASE = 0xD6E8FEB86659FD93  # of the polynomial in a word's letters, modulo 2⁶⁴; odd, so it inverts
PLACES = 18  # bits of the table that finds a hash
SHIFT = np.uint64(64 - PLACES)
LETTERS = 50_000  # read at a time, so that they stay in the processor's cache


@cache
def kinds() -> NDArray[np.uint8]:
    """What each letter is: part of a word, alone, a line break, or space."""
    found = np.full(KNOWN, ALONE, dtype=np.uint8)
    for code in range(KNOWN):
        letter = chr(code)
        if letter == "_" or unicodedata.category(letter)[0] in "LMN":
            found[code] = WORD
        elif letter.isspace() or unicodedata.category(letter) in ("Cc", "Cf"):
            found[code] = SPACE
    for first, last in UNSPACED:
        found[first : last + 1] = ALONE
    found[ord("\n")] = BREAK
    return found


@cache
def powers(bits: int) -> tuple[Hashes, Hashes]:
    """The first 2^bits powers of BASE, and of its inverse times ODD."""
    up = np.multiply.accumulate(np.full(1 << bits, BASE, dtype=np.uint64))
    down = np.multiply.accumulate(np.full(1 << bits, pow(BASE, -1, 1 << 64), dtype=np.uint64))
    return up, down * ODD


def hashed(texts: Sequence[str]) -> tuple[Hashes, Ints]:
    """The hashes of the words and marks in texts, as they stand, and the text of each.

    Case does not count.
    """
    lowered = [text.lower() for text in texts]
    data = "".join(lowered).encode("utf-32-le", "surrogatepass")
    letters = np.frombuffer(data, np.uint32)
    count = len(letters)
    if not count:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    kind = kinds().take(letters, mode="clip")
    begins = kind == ALONE
    begins[1:] |= kind[1:] != kind[:-1]
    begins[0] = True
    edges = np.zeros(0, np.int64)
    if len(texts) > 1:
        edges = np.fromiter(accumulate(map(len, lowered)), np.int64, len(texts))
        begins[edges[edges < count]] = True
    starts = begins.nonzero()[0]
    up, down = powers(max(12, count.bit_length()))
    words = np.add.reduceat(letters * up[:count], starts)
    words *= down[starts]
    spoken = kind[starts] != SPACE
    words = words[spoken]
    if len(texts) == 1:
        return words, np.zeros(len(words), np.int64)
    return words, edges.searchsorted(starts[spoken], side="right")


def marked(texts: Sequence[str]) -> tuple[Hashes, Ints]:
    """The hashes of all words and pairs of neighbours in texts, and the text of each."""
    words, owners = hashed(texts)
    pairs = words[:-1] * FIRST + words[1:]
    near = owners[1:] == owners[:-1]
    return np.concatenate([words, pairs[near]]), np.concatenate([owners, owners[1:][near]])


class Words:
    """A vocabulary: hashes of words and of pairs of neighbours, and how rare each is.

    keys: (width) hashes, no two of which begin with the same bits. rarity: (width) inverse
    document frequency, smoothed.
    """

    def __init__(self, keys: Hashes, rarity: Floats) -> None:
        self.keys = keys
        self.rarity = rarity
        self._places: NDArray[Any] = np.zeros(1 << PLACES, np.int32)
        self._places[keys >> SHIFT] = np.arange(len(keys))

    @property
    def width(self) -> int:
        """How many there are."""
        return len(self.keys)

    @classmethod
    def of(cls, texts: Sequence[str], fewest: int = 2, most: int = 30_000) -> Words:
        """The vocabulary of texts: what stands in at least `fewest` of them, the `most` common."""
        marks, owners = marked(texts)
        order = np.argsort(marks, kind="stable")
        marks, owners = marks[order], owners[order]
        first = (np.diff(marks, prepend=~marks[:1]) != 0) | (np.diff(owners, prepend=-1) != 0)
        keys, counts = np.unique(marks[first], return_counts=True)
        kept = np.flatnonzero(counts >= fewest)
        kept = kept[np.argsort(-counts[kept], kind="stable")][:most]
        firsts = np.unique(keys[kept] >> SHIFT, return_index=True)[1]
        kept = np.sort(kept[firsts])  # of two that begin alike the more common one stays
        rarity = 1.0 + np.log((1.0 + len(texts)) / (1.0 + counts[kept]))
        return cls(keys[kept], rarity)

    def rows(self, texts: Sequence[str]) -> Sparse:
        """Rows (texts, width) of length 1: how rare is what stands in a text, however often it
        does; a text of which nothing is known is zero.
        """
        if not self.width:
            return Sparse(np.zeros(0), np.zeros(0, np.int64), np.zeros(len(texts) + 1, np.int64), 0)
        if len(texts) == 1:
            return self._row(texts)
        parts = [self._found(texts[first:last]) for first, last in portions(texts)]
        columns = np.concatenate([columns for columns, _ in parts])
        counts = np.concatenate([counts for _, counts in parts])
        values = self.rarity[columns]
        owners = np.repeat(np.arange(len(texts)), counts)
        lengths = np.sqrt(np.bincount(owners, values * values, len(texts)))
        return Sparse(
            values / lengths[owners], columns, np.append(0, np.cumsum(counts)), self.width
        )

    def _row(self, texts: Sequence[str]) -> Sparse:
        """The same for one text, with nothing done that only many need."""
        words, _ = hashed(texts)
        marks = np.concatenate([words, words[:-1] * FIRST + words[1:]])
        columns = self._places.take(marks >> SHIFT)
        columns = columns.compress(self.keys.take(columns) == marks)
        columns.sort()
        new = np.ones(len(columns), np.bool_)
        np.not_equal(columns[1:], columns[:-1], out=new[1:])
        columns = columns.compress(new)
        values = self.rarity.take(columns)
        values /= sqrt(values @ values) or 1.0
        return Sparse(values, columns, np.array([0, len(columns)]), self.width)

    def _found(self, texts: Sequence[str]) -> tuple[Ints, Ints]:
        """The columns of texts, ascending and each once in a text, and how many each has."""
        marks, owners = marked(texts)
        columns = self._places[marks >> SHIFT]
        there = self.keys[columns] == marks
        places = owners[there] * self.width + columns[there]
        places.sort()
        new = np.ones(len(places), np.bool_)
        np.not_equal(places[1:], places[:-1], out=new[1:])
        owners, columns = np.divmod(places[new], self.width)
        return columns, np.bincount(owners, minlength=len(texts))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What an artifact keeps of it."""
        return {"words": self.keys, "rarity": self.rarity.astype(np.float32)}

    @classmethod
    def revived(cls, arrays: Mapping[str, NDArray[Any]]) -> Words:
        """The vocabulary that an artifact kept."""
        return cls(arrays["words"], arrays["rarity"].astype(np.float64))


def portions(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Where to cut texts so that few letters are read at a time: (first, last)."""
    if len(texts) == 1:
        return [(0, 1)]
    heaps = np.cumsum([len(text) for text in texts]) // LETTERS
    cuts = (np.flatnonzero(np.diff(heaps)) + 1).tolist()
    return list(zip([0, *cuts], [*cuts, len(texts)], strict=True))
