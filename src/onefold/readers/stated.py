"""Where a text says what its answer is: a JSON field, a box, a heading, a sentence."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

LAST = 8
LONGEST = 2_000

FIELD = re.compile(r"""\\?["'](?:final[_ ]?)?answer\\?["']\s{0,8}:\s{0,8}""", re.IGNORECASE)
MARKER = re.compile(
    r"""
    (?P<box> \\(?:boxed|fbox) \s{0,2} \{ )
  | (?P<rule> ^ \#{4} (?=[ ]?[^#\s]) )
  | (?P<heading> ^ [\s\#*_]{0,8} (?:the\s)? (?:final\s|correct\s)? answer [*_ ]{0,4} $ )
  | (?P<colon> \b answer [*_"`]{0,3} \s{0,3} [:=] )
  | (?P<verb> \b answer [*_"`]{0,3} (?: [ ]to[ ][^.:?!\n]{1,80}? )?
      [ ](?:is|was|are|equals|would[ ]be|should[ ]be|must[ ]be|will[ ]be|comes[ ]to)\b )
    """,
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
OPENING = re.compile(r"[\s*_:`]{0,16}")
ENTRY_END = re.compile(r'[}\n]|,\s{0,8}\\?"')


class Statement(NamedTuple):
    """What stands where the answer is stated.

    before: the sentence up to there, where it is a sentence. field: whether it is a JSON field.
    """

    said: str
    before: str = ""
    field: bool = False


def statements(text: str) -> Iterator[Statement]:
    """The places where the answer is stated, best first: JSON fields, else the last said.

    A JSON field that says something silences the rest: what it says is the answer, readable or not.
    """
    fields = [field for match in last(FIELD, text) if (field := entry(text, match.end()))]
    for field in fields:
        yield from marked(field)
        yield Statement(field, field=True)
    if not fields:
        yield from marked(text)


def marked(text: str) -> Iterator[Statement]:
    """What follows the last few markers, from the end."""
    end = len(text.rstrip())
    for match in last(MARKER, text):
        if match["box"]:
            said = text[match.end() : closing(text, match.end())]
        else:
            start = OPENING.match(text, match.end()).end()  # type: ignore[union-attr]
            said = line(text, start)
            if match["rule"] and start + len(said) < end:
                continue
        if said.strip():
            yield Statement(said.strip(), sentence(text, match.start()) if match["verb"] else "")


def last(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """The last few matches, from the end: few, so that reading each stays linear."""
    return reversed(deque(pattern.finditer(text), maxlen=LAST))


def line(text: str, start: int) -> str:
    """The text from a place to the end of its line."""
    end = text.find("\n", start, start + LONGEST)
    return text[start : start + LONGEST if end < 0 else end]


def sentence(text: str, end: int) -> str:
    """The line up to a place."""
    begin = max(0, end - LONGEST)
    return text[text.rfind("\n", begin, end) + 1 or begin : end]


def closing(text: str, start: int) -> int:
    """Where the brace opened before `start` is closed; the end of the line if it never is."""
    depth = 1
    limit = min(len(text), start + LONGEST)
    for place in range(start, limit):
        depth += (text[place] == "{") - (text[place] == "}")
        if not depth:
            return place
    return start + len(line(text, start))


def entry(text: str, start: int) -> str:
    """The value of a JSON entry, whole JSON or not: a string without its quotes, else as it is."""
    part = text[start : start + LONGEST]
    quote = re.match(r"""\\?["']""", part)
    if quote:
        inner = rf"(?:[^\\]|\\.)*?(?={re.escape(quote[0])})"
        found = re.compile(inner, re.DOTALL).match(part, quote.end())
        return (found[0] if found else part[quote.end() :]).replace("\\\\", "\\").strip()
    if part[:1] in ("{", "["):
        return part.split("\n\n")[0].strip()
    end = ENTRY_END.search(part)
    return (part[: end.start()] if end else part).strip().rstrip(",")
