"""The judge that knows: an answer is compared with the right one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from onefold.core.answer import Answer
from onefold.core.errors import Unreadable
from onefold.core.query import Query
from onefold.core.tally import spell
from onefold.verbs import Judge, read


class CheckedAnswer(Judge, name="checked"):
    """1 for the right answer, 0 for another: for measuring, and for tests of what rests on judges.

    An answer that is to be tried rather than compared, such as code by its tests, is judged by a
    function: `@of.judge`.

    answers: what is right, by the query's id or its prompt; read as the answer is.
    relative: difference allowed between numbers, as a share of the right one.
    """

    answers: Mapping[str, Any]
    relative: Annotated[float, Meta(ge=0)] = 1e-6

    async def score(self, query: Query, answer: Answer) -> float:
        key = query.id if query.id in self.answers else query.prompt
        right = self.answers.get(key)
        if right is None:
            raise Unreadable(f"nobody said what is right for {key[:80]!r}: put it into answers")
        value = read(answer.text, query) if answer.value is None else answer.value
        if value is None:
            raise Unreadable(
                f"{answer.source or 'an answer'} could not be read: {answer.text[:80]!r}",
                model=answer.source,
            )
        wanted = read(right, query) if isinstance(right, str) else right
        return float(same(value, right if wanted is None else wanted, self.relative))


def same(value: Any, right: Any, relative: float) -> bool:
    """Whether two values are the same, numbers within a tolerance."""
    if isinstance(value, bool) or isinstance(right, bool):
        return value is right
    if isinstance(value, int | float) and isinstance(right, int | float):
        return abs(value - right) <= relative * abs(right)
    return spell(value) == spell(right)
