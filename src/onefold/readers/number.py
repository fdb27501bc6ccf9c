"""The reader that compares answers as numbers."""

from __future__ import annotations

import re
import unicodedata
from math import isfinite
from typing import Literal

from onefold.core.query import Query
from onefold.readers.stated import statements
from onefold.verbs import Reader

VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"
# Repetitions are possessive or counted, so that no text makes the search slower than linear.
SIGNED = r"""
    (?: (?P<minus> (?<![\w)\]}%]) [-−–‒﹣－] )
      | (?P<apart> (?: \A | (?<=[=:≈(]) | (?<=[=:≈][ ]) ) [-−–] ) [ ] )?
    (?: (?P<currency> [$€£¥₹] ) [ ]? (?P<inner> [-−–] (?=[\d.]) )? )?
"""
PLAIN = r"""
    (?: (?P<mixed> [0-9]{1,15}+ ) [ ] (?= [0-9]{1,15}+ / [0-9] ) )?
    (?: (?P<european> [1-9][0-9]{0,2}+ (?: (?:\.[0-9]{3}){1,12}+ ,[0-9]++ | (?:\.[0-9]{3}){2,12}+
                      (?![\d.]) ) )
      | (?P<grouped> [1-9][0-9]{0,14}+ (?: (?P<by>[,'’\u00a0\u202f\u2009]) [0-9]{3}
                     (?: (?P=by) [0-9]{3} ){0,12}+ | (?:,[0-9]{2}(?=,)){1,9}+ ,[0-9]{3} ) (?![0-9])
                     (?: \.[0-9]*+ )? )
      | (?P<comma> (?<![(\[,]) (?: 0,[0-9]{1,15}+ | [0-9]{1,15}+ ,[0-9]{1,2}+ )
                   (?! [\d,] | [ ]?[)\]] ) )
      | (?P<digits> [0-9]++ (?: \.[0-9]*+ )? | (?<![\w.]) \.[0-9]++ ) )
    (?P<exponent> e[-+−]?[0-9]++ )?
    (?: / (?P<under> [0-9]++ (?: \.[0-9]++ )? ) (?![/\d]) )?
    (?: (?:\.[0-9]++)++ | -[0-9]{1,2}+-[0-9]{1,2}+ (?!\d) | (?: /[0-9]{1,4}+ ){2}
      | (?: :[0-9]{2} (?!\d) ){1,2} )?+  # the rest of a version, a date, a time
"""
WIDE = rf"""
    (?: 0x(?P<hex> [0-9a-f]++ )
      | (?: (?P<units> [0-9]{{1,15}}+ ) [ ]? )? (?P<vulgar> [{VULGAR}] )
      | {PLAIN} (?: [ ]?(?:[x×*]|\\times|\\cdot)[ ]?10 (?P<raised>\^\{{?[-−]?[0-9]{{1,4}}) )?
                (?P<power> \^\{{?[-−]?[0-9]{{1,4}} )? )
"""
FLAGS = re.VERBOSE | re.IGNORECASE
FIRST = re.compile(SIGNED + PLAIN, FLAGS)
STATED = re.compile(SIGNED + WIDE, FLAGS)
FRACTION = re.compile(r"\\[dt]?frac\s?\{(-?[0-9.]{1,30})\}\s?\{([0-9.]{1,30})\}")
CLAUSE = re.compile(r"[,;.:](?=\s)|\b(?:because|since)\b|\n")
BRACKETS = re.compile(r"(?:[^\d\n:]{0,40}:)?[\s*$€£¥₹−-]{0,4}\(")


class Number(Reader, name="number"):
    """The number that a text gives as its answer, as a finite float.

    mode: `stated` finds the answer that the text states, else its last number; `first` takes the
    first plain decimal number. Percentages keep their figure: `50%` reads as 50.
    """

    mode: Literal["stated", "first"] = "stated"

    def read(self, text: str, query: Query) -> float | None:
        if not isinstance(text, str):
            return None
        text = text.strip()
        if self.mode == "first":
            return worth(FIRST.search(text))
        text = spelled(text)
        field = False
        for statement in statements(text):
            value = quantity(statement.said, whole=statement.field)
            if value is not None:
                return value
            field = field or statement.field
        return None if field else worth(concluding(text))


def quantity(said: str, *, whole: bool) -> float | None:
    """The number in a short statement: what its first clause comes to, else its first number."""
    clause = CLAUSE.split(said, maxsplit=1)[0]
    _, equals, result = clause.rpartition("=")
    found = STATED.search(result) if equals else None
    return worth(found or STATED.search(said), whole=whole)


def concluding(text: str) -> re.Match[str] | None:
    """The last number of a text; one that is glued to a letter (m2, x_1) only if no other is."""
    free = glued = None
    for match in STATED.finditer(text):
        before = text[match.start() - 1 : match.start()]
        if before.isalpha() or before in ("_", "^"):
            glued = match
        else:
            free = match
    return free or glued


def worth(match: re.Match[str] | None, *, whole: bool = True) -> float | None:
    """The value of a matched number, None where it is beyond all bounds; whole: nothing was cut."""
    if match is None:
        return None
    found = match.groupdict()
    try:
        value = magnitude(found)
    except (OverflowError, ZeroDivisionError):
        return None
    below = found["minus"] or found["inner"] or (found["apart"] and not bullet(match))
    value = -value if below or (whole and bracketed(match)) else value
    return value + 0.0 if isfinite(value) else None  # + 0.0 turns -0.0 into 0.0


def magnitude(found: dict[str, str | None]) -> float:
    """A number without its sign."""
    if found.get("hex"):
        return float(int(found["hex"] or "", 16))
    if found.get("vulgar"):
        return float(found["units"] or 0) + unicodedata.numeric(found["vulgar"] or "")
    if found["european"]:
        value = float(found["european"].replace(".", "").replace(",", "."))
    elif found["comma"]:
        value = float(found["comma"].replace(",", "."))
    elif found["grouped"]:
        value = float(re.sub("[^0-9.]", "", found["grouped"]))
    else:
        value = float((found["digits"] or "") + (found["exponent"] or "").replace("−", "-"))
    if found["under"]:
        value /= float(found["under"])
    if found["mixed"]:
        value += float(found["mixed"])
    if found.get("raised"):
        value *= 10.0 ** exponent(found["raised"])
    elif found.get("power"):
        value **= exponent(found["power"])
    return value


def exponent(text: str | None) -> int:
    """The whole number in `^5` or `^{-5`."""
    return int((text or "").strip("^{").replace("−", "-"))


def bullet(match: re.Match[str]) -> bool:
    """Whether a dash at the very start opens a list rather than a negative number."""
    return match.start() == 0 and "\n- " in match.string


def bracketed(match: re.Match[str]) -> bool:
    """Whether the whole text is an amount in brackets, which accountants write for a negative."""
    before, after = match.string[: match.start()], match.string[match.end() :]
    if len(before) > 50 or len(after) > 10 or match["minus"] or match["inner"]:
        return False
    named = ":" in before and not (match["currency"] or "$" in before)
    return bool(BRACKETS.fullmatch(before)) and not named and after.strip(" .*%$€£¥") == ")"


def spelled(text: str) -> str:
    """The text with ASCII digits, and with LaTeX's own spellings of numbers made plain."""
    if not text.isascii():
        text = text.translate(
            {ord(c): str(unicodedata.decimal(c)) for c in set(text) if c.isdecimal()}
        )
    if "\\" in text or "{,}" in text:
        for latex, plain in (("\\$", "$"), ("\\%", "%"), ("\\,", ""), ("\\!", ""), ("{,}", ",")):
            text = text.replace(latex, plain)
        text = FRACTION.sub(r" \1/\2", text)
    return text
