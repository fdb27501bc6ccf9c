"""A query with what was right: what learning and the lab eat."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from onefold.core.answer import Answer
from onefold.core.query import Query


class Example(Struct, frozen=True):
    """A query, the right answer as a value, and answers that were given to it."""

    query: Query
    expected: Any = None
    answers: tuple[Answer, ...] = ()
