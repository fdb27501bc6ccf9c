"""The words of the notation: codes, what counts as a name, and a fault with its place."""

from __future__ import annotations

import re

from msgspec import NODEFAULT

from onefold.core.errors import ConfigError
from onefold.core.part import Part, fields
from onefold.operators.composing.verifier import Verifier
from onefold.operators.model import Model
from onefold.operators.votes.blend import Blend
from onefold.operators.votes.counting import Majority
from onefold.verbs import Operator

CODES: dict[str, type[Operator]] = {"E": Model, "J": Blend, "V": Verifier, "M": Majority}
"""Letters that stand for operators; every other operator is called by its own name."""

SHORT = {"temp": "temperature"}
"""Parameters that may be written shorter."""

CONSTANTS = {"true": True, "false": False, "null": None, "inf": float("inf")}
"""Values with a word of their own; a text that reads like one stands in quotes."""

ANSWER = "answer"
"""The name of a graph's last flow where it has none."""

GIVEN = {"panel": ("members", "vote"), "chain": ("steps",), "graph": ("nodes", "output")}
"""What a flow itself says of its operator, so that no parameter behind it may."""

NAME = re.compile(r"[^\W\d]\w*(?:-(?!>)\w+)*")
MODEL = re.compile(r"[^\W\d](?:[\w.:/+~%]|-(?!>))*(?<![.:])")
TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"')
NUMBER = re.compile(r"-?(?:inf\b|(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)")

MAPPING = re.compile(r"""\s*(?:[{[#%|>&*-]|[\w."'-]+\s*:(?:\s|$))""")
HEAD = re.compile(r"\s*\(*\s*\d*\s*\$?[\w-]*\s*[(@!=]")

WIDTH = 72


def fault(text: str, at: int, said: str) -> ConfigError:
    """The error for something wrong at a place: what, then its line with a caret below."""
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    column = at - start
    line = text[start : len(text) if end < 0 else end].replace("\t", " ")
    cut = max(0, column - WIDTH // 2) if len(line) > WIDTH else 0
    shown = line[cut : cut + WIDTH]
    number = text.count("\n", 0, at) + 1
    place = f"line {number}, column" if "\n" in text.strip() else "column"
    return ConfigError(
        f"notation, {place} {column + 1}: {said}\n  {shown}\n  {' ' * (column - cut)}^"
    )


def held(cls: type[Part]) -> str | None:
    """The field that what stands behind `@` fills: the first operator that a part must be given."""
    for name, field in fields(cls).items():
        one = field.kind is not None and not field.many and field.default is NODEFAULT
        if one and issubclass(field.kind, Operator):
            return name
    return None


def is_notation(text: str) -> bool:
    """Whether a text that may be a recipe in YAML, or a model's name, is notation instead."""
    return not MAPPING.match(text) and ("->" in text or bool(HEAD.match(text)))
