"""The reader that compares answers as mathematical expressions."""

from __future__ import annotations

from importlib import import_module
from itertools import islice
from math import prod
from typing import Any

from onefold.core.errors import MissingExtra
from onefold.core.query import Query
from onefold.readers.stated import statements
from onefold.verbs import Reader

LONGEST = 400
MOST_SOURCES = 4
MOST_PARTS = 150
MOST_POWERS = 20
MOST_TERMS = 300
LARGEST_POWER = 1_000


class Math(Reader, name="math"):
    """The expression that a text gives as its answer, in one spelling for all that are equal.

    Numbers, polynomials, fractions, roots, sets, intervals, tuples and matrices meet their equals;
    sums, integrals and limits compare as they stand. Parsed by Math-Verify (Hugging Face).

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
                return canonical(expression)
        return None


def parser() -> Any:
    """Math-Verify's `parse`."""
    try:
        from math_verify import parse
        from math_verify import parser as module
    except ImportError:
        raise MissingExtra("math", "the math reader") from None
    # Its time limits are signals, which only the main thread may set: we bound the input instead.
    module.TIMEOUT_WARNING_SHOWN = True
    return parse


def algebra() -> Any:
    """sympy, which comes with Math-Verify; it has no types."""
    return import_module("sympy")


def sources(text: str) -> list[str]:
    """What to parse, best first: the stated answers, the whole, the end of it."""
    found = [wrapped(statement.said) for statement in statements(text)]
    found = [*found[: MOST_SOURCES - 2], wrapped(text), text[-LONGEST:]]
    return [source for source in found if len(source) <= LONGEST]


def wrapped(said: str) -> str:
    """A bare formula between dollar signs, where Math-Verify looks for it; prose as it is."""
    bare = said.strip(" $*`.").removeprefix("\\(").removesuffix("\\)").strip()
    prose = any(len(word) > 1 and word.isalpha() for word in bare.split()) or "$" in bare
    return said if prose or not bare else f"${bare}$"


def parsed(parse: Any, source: str) -> Any:
    """The sympy expression in a source, None where there is none."""
    deep = source.count("^") + source.count("**") + source.count("\\sqrt") > MOST_POWERS
    if deep or "\\binom" in source:  # the one thing that Math-Verify works out while it parses
        return None
    try:
        found = parse(source, parsing_timeout=None, fallback_mode="no_fallback")
    except Exception:  # the parser raises what it likes; a source that it cannot take is unread
        return None
    return found[0] if found and not isinstance(found[0], str) else None


def canonical(expression: Any) -> str | None:
    """One text for all expressions that are equal; None where finding it could take for ever."""
    sympy = algebra()

    parts = list(islice(sympy.preorder_traversal(expression), MOST_PARTS + 1))
    if len(parts) > MOST_PARTS:
        return None
    try:
        value = simplest(evaluated(expression))
        if isinstance(value, sympy.Equality) and value.lhs.is_Symbol:
            value = value.rhs
        return None if value.has(sympy.nan, sympy.zoo) else str(value)
    except Exception:  # sympy as well
        return None


def evaluated(expression: Any) -> Any:
    """The expression with its numbers worked out, refusing those that would grow beyond bounds.

    Raises:
        OverflowError: a power or a factorial is too large.
    """
    sympy = algebra()

    if isinstance(expression, sympy.MatrixBase):
        return sympy.ImmutableMatrix(expression.applyfunc(evaluated))
    if isinstance(expression, sympy.Float):
        return sympy.Rational(str(expression))
    if not expression.args or isinstance(expression, sympy.Sum | sympy.Product | sympy.Integral):
        return expression
    args = [evaluated(arg) for arg in expression.args]
    if isinstance(expression, sympy.UnevaluatedExpr):
        return args[0]
    if expression.is_Pow or isinstance(expression, sympy.factorial):
        large = args[-1].is_number and not abs(args[-1]) <= LARGEST_POWER
        if large or (args[0].is_Rational and not abs(args[0]) <= 10**LARGEST_POWER):
            raise OverflowError(str(expression))
    return expression.func(*args)


def simplest(value: Any) -> Any:
    """The value multiplied out and cancelled; in sets, tuples and equations each part of it."""
    sympy = algebra()

    if isinstance(value, sympy.MatrixBase):
        return value.applyfunc(simplest)
    if not isinstance(value, sympy.Expr):
        return value.func(*map(simplest, value.args)) if value.args else value
    if value.has(sympy.Sum, sympy.Product, sympy.Integral, sympy.Limit):
        return value
    if terms(value) > MOST_TERMS:
        raise OverflowError(str(value))
    return sympy.cancel(sympy.radsimp(value))


def terms(value: Any) -> float:
    """About how many terms an expression has, multiplied out over one denominator."""
    sizes = [terms(arg) for arg in value.args]
    if value.is_Pow and value.exp.is_Integer:
        power = abs(int(value.exp))
        return 1.0 if value.base.is_number else float(min(sizes[0], 1e3) ** min(power, 99)) + power
    return float(sum(sizes) if value.is_Add and value.is_polynomial() else prod(sizes))
