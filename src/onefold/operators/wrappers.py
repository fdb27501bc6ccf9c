"""Operators that hold one operator and change one thing about it."""

from __future__ import annotations

from asyncio import timeout
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError, TimedOut
from onefold.core.query import Query
from onefold.delivery.budget import Budget, bounded
from onefold.delivery.session import here
from onefold.verbs import Operator, Reader, label, perform


class Named(Operator, name="named"):
    """An operator under a name of its own; `{name: operator}` in a list of members means this."""

    name: str
    operator: Operator

    if TYPE_CHECKING:

        def __init__(self, name: str, operator: Operator | str | Any) -> None: ...

    async def answer(self, query: Query) -> Answer:
        return (await perform(self.operator, query)).but(source=self.name)

    def _check(self) -> None:
        if not self.name.strip():
            raise ConfigError("a member's name is empty: give it one, or list it without a name")


class Within(Operator, name="within"):
    """An operator with a deadline, a budget, or both, for each question.

    seconds: when they have passed, everything below it is cancelled; nothing below waits or tries
        again for longer than that.
    usd, tokens, calls: what everything below it may use; a call that does not fit is not made.
    """

    operator: Operator
    seconds: Annotated[float, Meta(gt=0)] | None = None
    usd: Annotated[float, Meta(ge=0)] | None = None
    tokens: Annotated[int, Meta(ge=0)] | None = None
    calls: Annotated[int, Meta(ge=0)] | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            operator: Operator | str | Any,
            seconds: float | None = None,
            usd: float | None = None,
            tokens: int | None = None,
            calls: int | None = None,
        ) -> None: ...

    async def answer(self, query: Query) -> Answer:
        bounds = (self.usd, self.tokens, self.calls)
        with bounded(self.seconds, None if bounds == (None, None, None) else self._budget()):
            if self.seconds is None:
                return await perform(self.operator, query)
            try:
                async with timeout(self.seconds) as limit:
                    return await perform(self.operator, query)
            except TimeoutError:
                if not limit.expired():
                    raise
                name = label(self.operator)
                raise TimedOut(f"{name} took longer than {self.seconds:g} s", model=name) from None

    def _budget(self) -> Budget:
        return Budget(self.usd, tokens=self.tokens, calls=self.calls)

    def _check(self) -> None:
        if (self.seconds, self.usd, self.tokens, self.calls) == (None, None, None, None):
            raise ConfigError("within needs a bound: seconds, usd, tokens or calls")


class Cached(Operator, name="cached"):
    """An operator whose answers the session keeps: the same query asked again costs nothing.

    seconds: how long an answer counts.
    """

    operator: Operator
    seconds: Annotated[float, Meta(gt=0)] = float("inf")

    if TYPE_CHECKING:

        def __init__(
            self, operator: Operator | str | Any, seconds: float = float("inf")
        ) -> None: ...

    async def answer(self, query: Query) -> Answer:
        answers = here().answers
        key = f"{self.operator!r}\n{query!r}"
        answer = answers.get(key, self.seconds)
        if answer is None:
            answer = await perform(self.operator, query)
            answers.put(key, answer)
        return answer


class Read(Operator, name="read"):
    """An operator whose answers are read by a reader of its own."""

    operator: Operator
    reads: Reader

    if TYPE_CHECKING:

        def __init__(self, operator: Operator | str | Any, reads: Reader | str | Any) -> None: ...

    async def answer(self, query: Query) -> Answer:
        return await perform(self.operator, query.but(reads=self.reads))
