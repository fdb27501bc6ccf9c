"""What can be seen of a prompt without understanding it: lengths, options, digits, numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import log1p, sqrt

import numpy as np

from onefold.fitted.sparse import Floats

OPTION = re.compile(r"\n[ (]?[A-J][.):][ \t]*([^\n]*)")
NUMBER = re.compile(rb"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?")
PARTS = (b"half", b"twice", b"doubl", b"tripl", b"times", b"third", b"quarter", b"fraction", b"/")
DIGITS = 15  # of a number that are read
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


NO_DIGIT, NO_CAPITAL, NO_END = map(
    other_than, (b"0123456789", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b".?!\n")
)


NUMBERS = bytes(byte if byte in b"0123456789,." else 32 for byte in range(256))
"""Everything that no number holds becomes a space: so the search for numbers is short."""


def seen(prompts: Sequence[str]) -> Floats:
    """What can be seen of prompts: (prompts, len(SEEN)), not standardised.

    Answer options are lines that begin with a letter from A to J and a mark.
    """
    return np.array([features(prompt) for prompt in prompts]).reshape(-1, len(SEEN))


def features(prompt: str) -> list[float]:
    """What can be seen of one prompt, in the order of SEEN."""
    letters, share = len(prompt), 1.0 / max(1, len(prompt))
    first = OPTION.search(prompt)
    plain = prompt.encode("utf-8", "replace")
    sizes = [len(option) for option in OPTION.findall(prompt, first.start())] if first else [0]
    mean = sum(sizes) / len(sizes)
    spread = sqrt(max(0.0, sum([size * size for size in sizes]) / len(sizes) - mean * mean))
    digits = len(plain.translate(None, NO_DIGIT))
    said = NUMBER.findall(b" ".join(plain.translate(NUMBERS).split())) if digits else []
    numbers = [log1p(float(number.replace(b",", b"")[:DIGITS])) for number in said] or [0.0]
    lowered = plain.lower()
    return [
        log1p(letters),
        log1p(first.start() if first else letters),
        log1p(plain.count(b" ") + plain.count(b"\n")),
        log1p(mean),
        log1p(min(sizes)),
        log1p(spread),
        share * digits,
        share * len(plain.translate(None, NO_CAPITAL)),
        log1p(len(plain.translate(None, NO_END))),
        log1p(len(said)),
        log1p(len(set(said))),
        max(numbers),
        min(numbers),
        sum(numbers) / len(numbers),
        log1p(sum([b"." in number for number in said])),
        log1p(sum([lowered.count(part) for part in PARTS])),
    ]
