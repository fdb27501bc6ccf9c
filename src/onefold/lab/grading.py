"""Whether an answer is right: what is right is read by the same reader as the answer was."""

from __future__ import annotations

from typing import Any

from onefold.core.answer import Answer
from onefold.core.example import Example
from onefold.core.part import walk
from onefold.core.query import Query
from onefold.core.tally import spell
from onefold.readers.text import LowercaseTrim
from onefold.verbs import Operator, Reader


def graded(operator: Operator, example: Example, answer: Answer) -> bool | None:
    """Whether an operator's answer is right, None where nobody said what is right."""
    if example.expected is None:
        return None
    return right(answer.value, expected_value(operator, example))


def expected_value(operator: Operator, example: Example) -> Any:
    """The value that a right answer has."""
    reader = reader_of(operator, example.query)
    return reader.read(spell(example.expected), example.query)


def reader_of(operator: Operator, query: Query) -> Reader:
    """The reader that makes an operator's answers comparable."""
    for part in walk(operator):
        found = getattr(part, "reads", None)
        if isinstance(found, Reader):
            return found
    return query.reads if isinstance(query.reads, Reader) else LowercaseTrim()


def right(value: Any, expected: Any) -> bool:
    """Whether a value is what was expected: the same spelling, or the same number."""
    if value is None or expected is None:
        return False
    if isinstance(value, float) and isinstance(expected, float):
        return abs(value - expected) <= 1e-9 * max(1.0, abs(expected))
    return spell(value) == spell(expected)
