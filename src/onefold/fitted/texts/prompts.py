"""What can be seen of a prompt without understanding it: lengths, options, digits, numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from math import log1p, sqrt

import numpy as np

from onefold.fitted.sparse import Floats

OPTION = re.compile(r"\n[ (]?[A-J][.):][ \t]*([^\n]*)")
NUMBER = re.compile(rb"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?")
PARTS = (b"half", b"twice", b"doubl", b"tripl", b"times", b"third", b"quarter", b"fraction", b"/")
DIGITS = 15  # of a number that are read
NO_OPTIONS, NO_NUMBERS = (0.0,) * 3, (0.0,) * 6
SEEN = (
    "letters of the prompt",
    "letters of the question",
    "words",
    "letters of an option",
    "letters of the shortest option",
    "spread of the options",
    "share of digits",
    "share of capitals",
    "sentences",
    "numbers",
    "different numbers",
    "greatest number",
    "least number",
    "usual number",
    "decimal numbers",
    "parts and multiples",
)
"""What each number of `seen` counts; all but the shares as ln(1 + count)."""


def other_than(kept: bytes) -> bytes:
    """All bytes but some."""
    return bytes(set(range(256)) - set(kept))


NO_DIGIT, NO_CAPITAL, NO_END, NO_BLANK = map(
    other_than, (b"0123456789", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b".?!\n", b" \n")
)
NUMBERS = bytes(byte if byte in b"0123456789,." else 32 for byte in range(256))
"""Everything that no number holds becomes a space: so the search for numbers is short."""


def seen(prompts: Sequence[str]) -> Floats:
    """What can be seen of prompts: (prompts, len(SEEN)), not standardised.

    Answer options are lines that begin with a letter from A to J and a mark.
    """
    found = chain.from_iterable(map(features, prompts))
    return np.fromiter(found, float, len(prompts) * len(SEEN)).reshape(-1, len(SEEN))


def features(prompt: str) -> list[float]:
    """What can be seen of one prompt, in the order of SEEN."""
    letters, share = len(prompt), 1.0 / max(1, len(prompt))
    first = OPTION.search(prompt)
    plain = prompt.encode("utf-8", "replace")
    digits = len(plain.translate(None, NO_DIGIT))
    return [
        log1p(letters),
        log1p(first.start() if first else letters),
        log1p(len(plain.translate(None, NO_BLANK))),
        *(options(prompt, first.start()) if first else NO_OPTIONS),
        share * digits,
        share * len(plain.translate(None, NO_CAPITAL)),
        log1p(len(plain.translate(None, NO_END))),
        *(numbers(plain) if digits else NO_NUMBERS),
        log1p(sum(map(plain.lower().count, PARTS))),
    ]


def options(prompt: str, start: int) -> tuple[float, ...]:
    """Letters of the options from some place on: usual, least, spread."""
    sizes = [len(option) for option in OPTION.findall(prompt, start)]
    mean = sum(sizes) / len(sizes)
    spread = sum([size * size for size in sizes]) / len(sizes) - mean * mean
    return log1p(mean), log1p(min(sizes)), log1p(sqrt(max(0.0, spread)))


def numbers(plain: bytes) -> tuple[float, ...]:
    """Numbers: how many, how many different ones, greatest, least, usual, how many decimal."""
    said = NUMBER.findall(b" ".join(plain.translate(NUMBERS).split()))
    sizes = [log1p(float(number.replace(b",", b"")[:DIGITS])) for number in said]
    return (
        log1p(len(said)),
        log1p(len(set(said))),
        max(sizes),
        min(sizes),
        sum(sizes) / len(sizes),
        log1p(sum([b"." in number for number in said])),
    )
