"""Conditions: whether a node of a graph runs, by a comparison or by what an operator says."""

from __future__ import annotations

import re
from abc import abstractmethod
from ast import literal_eval
from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne
from typing import TYPE_CHECKING, Any

from onefold.core.errors import ConfigError, Unreadable
from onefold.core.part import Part, coerce
from onefold.core.query import Query
from onefold.core.registry import lookup, register
from onefold.operators.graph.paths import ITEM, Path, path
from onefold.runtime.trace import Span, current
from onefold.verbs import Operator, label, perform

COMPARED = re.compile(r"(\S+?)\s*(==|!=|<=|>=|<|>|\snot in\s|\sin\s|\scontains\s)\s*(.+)")
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge,
    "in": lambda left, right: left in right,
    "not in": lambda left, right: left not in right,
    "contains": lambda left, right: right in left,
}  # fmt: skip
CONSTANTS = {"true": True, "false": False, "null": None, "none": None}
WRITTEN = "write a.value == 'yes', a.confidence < 0.8, a.value, not a.value, or name an operator"


class Condition(Part, abstract=True):
    """Says whether a node runs. A text is a comparison; a function or an operator is asked."""

    @abstractmethod
    async def holds(self, query: Query, look: Callable[[Path], Any]) -> bool:
        """Whether it does, for the node's query; `look` follows a path to any node's answer."""

    @abstractmethod
    def _paths(self) -> tuple[Path, ...]:
        """The paths that it looks at."""

    @classmethod
    def _from_text(cls, text: str) -> Any:
        if lookup(Operator, text) is not None:
            return Holds(text)
        try:
            return Where(text)
        except ConfigError:
            if ":" in text and " " not in text:  # a model
                return Holds(text)
            raise

    @classmethod
    def _from_part(cls, part: Part) -> Any:
        return Holds(part) if isinstance(part, Operator) else None


class Where(Condition, name="where"):
    """A path, or a comparison of a path with a literal or another path.

    test: `judge.value == 'yes'`, `a.confidence < 0.8`, `a.value in ['x', 'y']`, `a.text contains
        'sorry'`, `a.value != b.value`; a path alone holds where it is true, with `not` where not.
    """

    test: str

    async def holds(self, query: Query, look: Callable[[Path], Any]) -> bool:
        left, compared, right = comparison(self.test)
        found = look(left)
        if not compared:
            return bool(found) is not self.test.startswith("not ")
        other = look(right) if isinstance(right, Path) else right
        try:
            return bool(COMPARISONS[compared](found, other))
        except TypeError:
            raise Unreadable(
                f"{self.test}: {found!r:.60} and {other!r:.60} do not compare"
            ) from None

    def _paths(self) -> tuple[Path, ...]:
        left, _, right = comparison(self.test)
        return (left, right) if isinstance(right, Path) else (left,)

    def _check(self) -> None:
        if any(one.root == ITEM for one in self._paths()):
            raise ConfigError(f"{self.test!r}: a condition is about the node, not about each item")

    def _to_text(self) -> str | None:
        return self.test

    def __str__(self) -> str:
        return self.test


class Holds(Condition, name="holds"):
    """An operator whose answer's value is true or false; a function is one, and so is a model
    that is read as `boolean`. It is asked the node's query.
    """

    operator: Operator

    if TYPE_CHECKING:

        def __init__(self, operator: Operator | str | Any) -> None: ...

    async def holds(self, query: Query, look: Callable[[Path], Any]) -> bool:
        name = label(self.operator)
        answer = await perform(self.operator, query, Span("route", name, query, current.get()))
        if answer.value not in (True, False):
            raise Unreadable(
                f"the condition {name} says {answer.value!r:.60}, neither true nor false: return a "
                "bool, or read it as one with Read(operator, 'boolean')",
                model=name,
            )
        return bool(answer.value)

    def _paths(self) -> tuple[Path, ...]:
        return ()

    def _to_text(self) -> str | None:
        text = self.operator._to_text()
        return text if text and coerce(Condition, text) == self else None

    def __str__(self) -> str:
        return label(self.operator)


register(Condition, "function", Holds)


def comparison(test: str) -> tuple[Path, str, Any]:
    """A path, how it is compared, and with what; no comparison where the path stands alone.

    Raises:
        ConfigError: it is no comparison.
    """
    found = COMPARED.fullmatch(test.strip())
    try:
        if found is None:
            return path(test.strip().removeprefix("not ").strip()), "", None
        return path(found[1]), " ".join(found[2].split()), operand(found[3])
    except ConfigError as error:
        raise ConfigError(f"when {test!r}: {error}; {WRITTEN}") from None


def operand(text: str) -> Any:
    """The right side of a comparison: a literal, or a path.

    Raises:
        ConfigError: it is neither.
    """
    if text.lower() in CONSTANTS:
        return CONSTANTS[text.lower()]
    try:
        return literal_eval(text)
    except (ValueError, SyntaxError):
        pass
    try:
        return path(text)
    except ConfigError:
        raise ConfigError(f"{text} is no number, list, quoted text or path: quote texts") from None
