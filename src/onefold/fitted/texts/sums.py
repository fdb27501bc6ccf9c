"""The sums in a text: what stands on either side, and whether it holds.

Reads `47+38:77=85` (with what was reached on the way), `3 cups * 2 = 6 cups`, `$5 × 3 = $15`,
percentages, `a = b = c`, `<<3*5=15>>`. What it cannot read for sure it leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from math import isfinite

from msgspec import Struct

from onefold.fitted.drafts import computed, figure, written
from onefold.fitted.texts.quantities import LIST, joined

Chain = list[float | str]

SCRATCH = re.compile(r"(?<=\d)([-+*/]\d+):\d+(?==)")
NOTED = re.compile(r"<<([^<>]*)>>")
PER = re.compile(r"\s*/\s*(?=[A-Za-z])")
BULLET = re.compile(r"^\s*(?:[-*•]|\(?\d{1,2}[.)])\s+", re.MULTILINE)
CLOCK = re.compile(r"\d{1,2}:\d\d(?!\d)")
MIXED = re.compile(r"(?<![\d./])(\d+) (\d{1,2})/(\d{1,2})(?![\d/])")
MINUS = re.compile(r"((?:^|[=(])\s*)-(?=\d)")
NEGATIVE = re.compile(r"([-+*/]\s*)-(\d[\d,]*(?:\.\d+)?)")
HYPHEN = re.compile(r"(?<=\w)-(?=[A-Za-z])|(?<=[A-Za-z])-(?=\d)")
SCALED = re.compile(
    r"\d[\d,.]*\s*(?:hundred|thousand|million|billion|dozen|pairs?|k)\b", re.IGNORECASE
)
SIGN = re.compile(r"(?<=[A-Za-z])\s+-(?=\d)")
DOUBT = re.compile(
    r"\d\s+(?:[a-z]+\s+){1,2}\$?\d|\d[A-Za-z]|[-+*/]\s*[b-wyzB-WYZ]\b|\b[b-wyzB-WYZ]\s*[-+*/]"
)
CURRENCY = str.maketrans({"£": " ", "¥": " ", "₹": " ", "\u00a0": " ", "⋅": "*", "∗": "*"})
MEASURES = re.compile(
    r"\b(?:(second|minute|hour|day|week|month|year|cent|dollar|inch|feet|foot|yard|mile|ounce|pound"
    r"|gram|ton|pint|quart|gallon|cup|dozen|percent)(?:e?s)?|([cmk]?m|k?g|[mk]?l|lbs?|oz|min|hrs?))\b",
    re.IGNORECASE,
)
ANSWER = re.compile(
    r"(?:\banswer\b[^\d\n=]{0,20}?|####\s*|\\boxed\{\s*|^A:[^\d\n=]{0,9}?)\$?"
    r"(-?\d[\d,]*+(?:\.\d+)?+)(?!\s*[-+*/=×÷]|\s*x\s*\d)",
    re.IGNORECASE | re.MULTILINE,
)


class Sum(Struct, frozen=True):
    """One equation: figures and signs on its left and on its right side.

    first: whether no other equation of the same chain stands before it.
    """

    left: Chain
    right: Chain
    first: bool = True

    @property
    def result(self) -> float:
        """What it arrives at."""
        return figures(self.right)[0] if self.goes_on else worth(self.right)

    @property
    def goes_on(self) -> bool:
        """Whether the right side begins with the result and calculates on: `3+4 = 7+5`."""
        if len(self.right) == 1 or not isinstance(self.right[0], float):
            return False
        left = worth(self.left)
        return not holds(left, worth(self.right)) and holds(left, self.right[0])

    @property
    def operands(self) -> list[float]:
        """The numbers that it brings in; those that only stand for what was there are not in it."""
        own = figures(self.left) if self.first else []
        more = figures(self.right)[1:] if self.goes_on else []
        return [value for value in (*own, *more) if value]

    def right_with(self, exact: dict[float, float]) -> bool:
        """Whether it holds, with the figures as shown or with the exact ones behind them."""
        if self.goes_on or holds(worth(self.left), worth(self.right)):
            return True
        if not exact:
            return False
        sides = [[exact.get(e, e) if isinstance(e, float) else e for e in side] for side in self]
        return holds(worth(sides[0]), worth(self.right)) or holds(*map(worth, sides))

    def __iter__(self) -> Iterator[Chain]:
        return iter((self.left, self.right))


def sums(text: str) -> list[Sum]:
    """The equations in a text, in order; those of a chain `a = b = c` one by one.

    What stands in `<<…>>` counts where nothing else can be read.
    """
    shown = SCRATCH.sub(r"\1", text)
    return read(NOTED.sub("", shown)) or [
        each for note in NOTED.findall(shown) for each in read(note)
    ]


def read(text: str) -> list[Sum]:
    """The equations in a text without notes."""
    found: list[Sum] = []
    for sides in written(plain(text)):
        first = True
        for i, (left, right) in enumerate(pairwise(sides)):
            counted = i > 0 or len(left) > 1
            if counted and computed(left) is not None and computed(right) is not None:
                found.append(Sum(left, right, first))
                first = False
    return found


def plain(text: str) -> str:
    """A text without what looks like a sum and is none: bullets, times of day, lists, scales."""
    text = PER.sub(" ", joined(text).translate(CURRENCY))
    text = CLOCK.sub(" ; ", BULLET.sub(" ; ", HYPHEN.sub(" ", text)))
    text = SCALED.sub(" ; ", LIST.sub(" ; ", text))
    text = MIXED.sub(lambda m: f"({m[1]}+{m[2]}/{m[3]})" if int(m[2]) < int(m[3]) else m[0], text)
    return NEGATIVE.sub(r"\1(0-\2)", MINUS.sub(r"\g<1>0-", SIGN.sub(" ; 0-", text)))


def doubtful(step: str) -> bool:
    """Whether a sum that seems false may be read wrongly: letters as numbers, units that differ."""
    units = {"".join(unit).lower().rstrip("s") for unit in MEASURES.findall(step)}
    return len(units) > 1 or DOUBT.search(NOTED.sub("", step)) is not None


def worth(chain: Chain) -> float:
    """What a side comes to; one that makes no sense is no number."""
    found = computed(chain)
    return float("nan") if found is None else found


def figures(chain: Chain) -> list[float]:
    """The numbers of a side."""
    return [each for each in chain if isinstance(each, float)]


def holds(exact: float, shown: float) -> bool:
    """Whether a number shown is the exact one, perhaps rounded up or down to its last figure.

    A number that could have been shown in full must be: 3.5 may be shown as 4, 85 not as 84.
    """
    slack = 1e-9 * max(1.0, abs(exact))
    if abs(exact - shown) <= slack:
        return True
    if not isfinite(shown):
        return False
    _, _, tail = f"{shown:.12g}".partition(".")
    places = len(tail) if tail.isdigit() else 0
    whole = abs(round(exact, places) - exact) <= slack
    return not whole and abs(exact - shown) < 10.0**-places


def answered(text: str) -> float | None:
    """The number that a text gives as its answer, None where it announces none."""
    found = ANSWER.findall(text)
    return figure(found[-1]) if found else None
