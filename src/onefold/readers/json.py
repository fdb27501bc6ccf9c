"""The reader that compares answers as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from math import isfinite
from typing import Any, Literal

from onefold.core.errors import ConfigError
from onefold.core.query import Query
from onefold.verbs import Reader

DEEPEST = 100
LAST = 100
DIGITS = 400
STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(-?\d{1,9})\]")
STARTS = re.compile(r'\{\s{0,99}["}]|\[\s{0,99}(?:["{\[\]\d-]|true|false|null)')
MARKS = re.compile(r'\\.|["{}\[\]]', re.DOTALL)
FENCE = re.compile(r"[ \t]{0,9}(?:json[c5l]?)?[ \t]{0,9}\n", re.IGNORECASE)


class Json(Reader, name="json"):
    """The JSON in a text: the whole, the last fenced block, or the last object in the prose.

    An array without an object in it counts only where no object stands. JSON null abstains.

    path: where the value stands, as in `answer.value` or `items[0].name`; empty is all of it.
    otherwise: whether a text without JSON abstains or stands for itself.
    """

    path: str = ""
    otherwise: Literal["abstain", "text"] = "abstain"

    def read(self, text: str, query: Query) -> Any:
        if not isinstance(text, str):
            return None
        found = False
        for value in documents(text):
            found = True
            for step in steps(self.path):
                value = inside(value, step)
            if value is not None:
                return value
        return text if self.otherwise == "text" and not found else None

    def _check(self) -> None:
        if "".join(match[0] for match in STEP.finditer(self.path)) != self.path:
            raise ConfigError(f"path: {self.path!r} is no path; write it like items[0].name")


def documents(text: str) -> Iterator[Any]:
    """The JSON values of a text, best first."""
    text = text.strip()
    spans = extents(text)
    if spans == [(0, len(text))] or text[:1] not in ("{", "["):
        for value in decoded(text):
            yield value
            return
    for block in text.split("```")[1::2][::-1]:
        tag = FENCE.match(block)
        inner = (block[tag.end() :] if tag else block).strip()
        if extents(inner) == [(0, len(inner))] or inner[:1] not in ("{", "["):
            yield from decoded(inner)
    lists = []
    for start, end in spans[: -LAST - 1 : -1]:
        for value in decoded(text[start:end]):
            if structured(value):
                yield value
            else:
                lists.append(value)
    yield from lists


def structured(value: Any) -> bool:
    """Whether it is an object or a list of some; other lists may be mere references like [1]."""
    return isinstance(value, dict) or any(isinstance(item, dict) for item in value)


def extents(text: str) -> list[tuple[int, int]]:
    """Where brackets open and close again, outermost only, in one pass; none if nested too deep."""
    found: list[tuple[int, int]] = []
    open_at: list[tuple[str, int]] = []
    quoted = False
    start = STARTS.search(text)
    for mark in MARKS.finditer(text, start.start() if start else len(text)):
        sign, place = mark[0], mark.start()
        if sign == '"':
            quoted = not quoted and bool(open_at)
        elif quoted or sign[0] == "\\":
            continue
        elif sign in "{[":
            if open_at or STARTS.match(text, place):
                open_at.append((sign, place))
            if len(open_at) > DEEPEST:
                return []
        elif open_at:
            opener, begin = open_at.pop()
            if opener + sign not in ("{}", "[]"):
                open_at.clear()
                continue
            while found and found[-1][0] > begin:
                found.pop()
            found.append((begin, place + 1))
    return found


def decoded(text: str) -> Iterator[Any]:
    """The value of a JSON text, or nothing; line breaks inside strings are let pass."""
    if text[:1] in ("", "`"):
        return
    try:
        yield json.loads(
            text, strict=False, parse_int=whole, parse_float=finite, parse_constant=finite
        )
    except (ValueError, RecursionError):
        return


def whole(text: str) -> int | float:
    """A whole number; beyond all sensible length it is read as a float, in linear time."""
    return int(text) if len(text) < DIGITS else finite(text)


def finite(text: str) -> float:
    """A number, refused where it is none or has no end."""
    value = float(text)
    if not isfinite(value):
        raise ValueError(text)
    return value


def steps(path: str) -> Iterator[str | int]:
    """The keys and indices of a path."""
    for match in STEP.finditer(path):
        yield match[1] if match[1] is not None else int(match[2])


def inside(value: Any, step: str | int) -> Any:
    """What a value holds under a key or at an index, None where it holds nothing there."""
    if isinstance(step, str):
        return value.get(step) if isinstance(value, dict) else None
    if isinstance(value, list) and -len(value) <= step < len(value):
        return value[step]
    return None
