"""Texts as the words and pairs of words in them, found by their hashes: a vocabulary of numbers."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onefold.fitted.sparse import Floats, Ints, Sparse

Hashes = NDArray[np.uint64]
# Constants are arrays, since numpy counts with them faster than with numbers.
SPACE, ALONE, BREAK, WORD = (np.array(kind, np.uint8) for kind in range(4))
KNOWN = 0x30000  # letters that have a kind of their own; those behind are of the last one's
# Scripts that put no space between words are read letter by letter.
UNSPACED = ((0xE00, 0xEFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF),
            (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, KNOWN))  # fmt: skip
ODD = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ over the golden ratio
FIRST = np.array(0xBF58476D1CE4E5B9, np.uint64)
BASE = 0xD6E8FEB86659FD93  # of the polynomial in a word's letters, modulo 2⁶⁴; odd, so it inverts
PLACES = 18  # bits of the table that finds a hash
SHIFT = np.array(64 - PLACES, np.uint64)
LETTERS = 50_000  # read at a time, so that they stay in the processor's cache


@cache
def alphabet() -> tuple[NDArray[np.uint8], Hashes]:
    """What each letter is (part of a word, alone, a line break, or space), and its value.

    A letter's value is its lower case's number; that of a space is zero.
    """
    letters = [chr(code) for code in range(KNOWN)]
    sorts = list(map(unicodedata.category, letters))
    found = np.full(KNOWN, ALONE)
    found[[sort[0] in "LMN" for sort in sorts]] = WORD
    found[[sort[0] == "Z" or sort in ("Cc", "Cf") for sort in sorts]] = SPACE
    found[ord("_")] = WORD
    for first, last in UNSPACED:
        found[first : last + 1] = ALONE
    found[ord("\n")] = BREAK
    lowered = "".join(letters).replace("İ", "i").lower()  # the only one that becomes two
    values = np.frombuffer(lowered.encode("utf-32-le", "surrogatepass"), np.uint32)
    return found, np.where(found == SPACE, 0, values).astype(np.uint64)


@cache
def powers(bits: int) -> tuple[Hashes, Hashes]:
    """The first 2^bits powers of BASE, from 1; and of its inverse, from that, times ODD."""
    up = np.multiply.accumulate(np.full(1 << bits, BASE, dtype=np.uint64))
    down = np.multiply.accumulate(np.full(1 << bits, pow(BASE, -1, 1 << 64), dtype=np.uint64))
    return np.append(np.uint64(1), up[:-1]), down * ODD


def hashed(text: str) -> tuple[Hashes, Ints]:
    """The hashes of the words and marks in a text, as they stand, and how many letters precede.

    Case does not count.
    """
    letters = np.frombuffer(f" {text} .".encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds, values = alphabet()
    up, down = powers(max(12, len(letters).bit_length()))
    sums = values.take(letters, mode="clip")
    sums *= up[: len(sums)]
    sums = np.add.accumulate(sums)
    kind = kinds.take(letters, mode="clip")
    before, after = kind[:-1], kind[1:]
    begins = after != before
    begins |= after == ALONE
    begins &= after != SPACE
    edges = begins.nonzero()[0]
    sums, edges = sums.take(edges), edges[:-1]
    words = sums[1:] - sums[:-1]
    words *= down.take(edges)
    return words, edges


def paired(words: Hashes) -> Hashes:
    """The hashes of pairs of neighbours."""
    pairs = words[:-1] * FIRST
    pairs += words[1:]
    return pairs


def marked(texts: Sequence[str]) -> tuple[Hashes, Ints]:
    """The hashes of all words and pairs of neighbours in texts, and where each text's end."""
    words, edges = hashed(" ".join(texts))
    sizes = np.array([len(text) + 1 for text in texts], np.int64)
    ends = edges.searchsorted(sizes.cumsum())
    marks = np.empty(2 * len(words), np.uint64)
    marks[::2] = words
    marks[1:-1:2] = paired(words)
    lasts = ends[np.diff(ends, prepend=0) > 0] - 1
    marks[2 * lasts + 1] = words[lasts]  # the last word has no neighbour and stands twice
    return marks, 2 * ends


class Words:
    """A vocabulary: hashes of words and of pairs of neighbours, and how rare each is.

    keys: (width) hashes, no two of which begin with the same bits. rarity: (width) inverse
    document frequency, smoothed.
    """

    def __init__(self, keys: Hashes, rarity: Floats) -> None:
        self.keys = keys
        self.rarity = rarity
        self._places: NDArray[Any] = np.zeros(1 << PLACES, np.min_scalar_type(len(keys)))
        self._places[keys >> SHIFT] = np.arange(len(keys))

    @property
    def width(self) -> int:
        """How many there are."""
        return len(self.keys)

    @classmethod
    def of(cls, texts: Sequence[str], fewest: int = 2, most: int = 30_000) -> Words:
        """The vocabulary of texts: what stands in at least `fewest` of them, the `most` common."""
        marks, ends = marked(texts)
        order = np.argsort(marks, kind="stable")
        owners = np.arange(len(texts)).repeat(np.diff(ends, prepend=0))
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
        parts = [self._held(part) for part in portions(texts)]
        columns, counts = map(np.concatenate, zip(*parts, strict=True))
        values = self.rarity.take(columns)
        owners = np.arange(len(texts)).repeat(counts)
        values /= np.sqrt(np.bincount(owners, values * values, len(texts))).take(owners)
        starts = np.append(0, counts.cumsum())
        return Sparse(values, columns.astype(np.int64), starts, self.width)

    def folded(self, weights: Floats) -> Floats:
        """Weights (width, outputs) as `sums` takes them: (width + 1, outputs + 1).

        They are times rarity, and its square stands behind them; the last row is zero.
        """
        rarity = self.rarity[:, None]
        return np.pad(np.hstack([rarity * weights, rarity * rarity]), ((0, 1), (0, 0)))

    def sums(self, texts: Sequence[str], folded: Floats) -> Floats:
        """The product of `rows` and the weights that were folded: (texts, outputs)."""
        found = []
        for part in portions(texts):
            columns, counts = self._held(part)
            weights = folded.take(np.append(columns, self.width), axis=0)
            sums = np.add.reduceat(weights, counts.cumsum() - counts)
            nothing = (counts == 0)[:, None]
            sums *= ~nothing
            found.append(sums[:, :-1] / (np.sqrt(sums[:, -1:]) + nothing))
        return np.concatenate(found)

    def alone(self, text: str, folded: Floats) -> Floats:
        """The same as `sums` for one text, with nothing done that only many need: (outputs)."""
        words, _ = hashed(text)
        _, columns = self.known(np.concatenate([words, paired(words)]))
        columns.sort()
        new = np.empty(len(columns), np.bool_)
        new[:1] = True
        np.not_equal(columns[1:], columns[:-1], out=new[1:])
        columns = columns.compress(new)
        sums = np.ones(len(columns)) @ folded.take(columns, axis=0)
        made: Floats = sums[:-1] / (sqrt(sums[-1]) or 1.0)
        return made

    def _held(self, texts: Sequence[str]) -> tuple[Ints, Ints]:
        """The columns of texts, each once in a text, and how many each has."""
        marks, ends = marked(texts)
        there, columns = self.known(marks)
        ends = there.searchsorted(ends)
        owners = np.arange(len(texts)).repeat(np.diff(ends, prepend=0))
        order = columns.argsort(kind="stable")
        sorts, whose = columns.take(order), owners.take(order)
        again = (sorts[1:] == sorts[:-1]) & (whose[1:] == whose[:-1])
        first = np.ones(len(columns), np.bool_)
        first[order[1:].compress(again)] = False
        kept = first.nonzero()[0]
        return columns.take(kept), np.diff(kept.searchsorted(ends), prepend=0)

    def known(self, marks: Hashes) -> tuple[Ints, Ints]:
        """Which hashes the vocabulary knows, and their columns."""
        if not self.width:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        columns = self._places.take(marks >> SHIFT)
        there = (self.keys.take(columns) == marks).nonzero()[0]
        return there, columns.take(there)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What an artifact keeps of it."""
        return {"words": self.keys, "rarity": self.rarity.astype(np.float32)}

    @classmethod
    def revived(cls, arrays: Mapping[str, NDArray[Any]]) -> Words:
        """The vocabulary that an artifact kept."""
        return cls(arrays["words"], arrays["rarity"].astype(np.float64))


def portions(texts: Sequence[str]) -> list[Sequence[str]]:
    """Texts cut so that few letters are read at a time."""
    heaps = np.cumsum([len(text) for text in texts], dtype=np.int64) // LETTERS
    cuts = [0, *(np.flatnonzero(np.diff(heaps)) + 1).tolist(), len(texts)]
    return [texts[first:last] for first, last in pairwise(cuts)]
