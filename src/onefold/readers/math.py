"""The reader that compares answers as mathematical expressions."""

from __future__ import annotations

from typing import Any

from onefold.core.errors import MissingExtra
from onefold.core.query import Query
from onefold.readers.stated import statements
from onefold.verbs import Reader

LONGEST = 1_000
LARGEST_POWER = 1_000
LARGEST_EXPANDED = 12
MOST_PARTS = 200


class Math(Reader, name="math"):
    """The expression a text gives as its answer, in one spelling for all that are equal.

    Numbers, polynomials, fractions, roots, sets, intervals, tuples and matrices meet their equals;
    sums, integrals and limits are compared as they stand. Parsed by Math-Verify (Hugging Face).

    Raises:
        MissingExtra: the extra `math` is not installed.
    """

    def read(self, text: str, query: Query) -> str | None:
        parse = parser()
        if not isinstance(text, str):
            return None
        for source in sources(text.strip()):
            expression = parsed(parse, source)
            if expression is not None:
                return spelled(expression)
        return None


def parser() -> Any:
    """Math-Verify's `parse`."""
    try:
        from math_verify import parse
        from math_verify import parser as module
    except ImportError:
        raise MissingExtra("math", "the math reader") from None
    # Its timeouts are signals, which only the main thread may use; `sources` bounds the work.
    module.TIMEOUT_WARNING_SHOWN = True
    return parse


def sources(text: str) -> list[str]:
    """What to parse, best first: the stated answers, the whole, the end of it."""
    found = []
    for statement in statements(text):
        said = statement.said.strip(" $*`.").removeprefix("\\(").removesuffix("\\)").strip()
        if said and not any(len(word) > 3 and word.isalpha() for word in said.split()):
            found.append(f"${said}$")
        else:
            found.append(statement.said)
    if "\n" not in text and "$" not in text and " " not in text.replace(" + ", "").replace(", ", ""):
        found.append(f"${text}$")
    found.append(text[-LONGEST:])
    return [source for source in found if len(source) <= LONGEST]


def parsed(parse: Any, source: str) -> Any:
    """The sympy expression in a source, None where there is none."""
    if "\\binom" in source or source.count("{") + source.count("(") > MOST_PARTS:
        return None
    try:
        found = parse(source, parsing_timeout=None, fallback_mode="no_fallback")
    except (RecursionError, ValueError, TypeError, AttributeError):
        return None
    return found[0] if found and not isinstance(found[0], str) else None
