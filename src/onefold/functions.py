"""Functions as parts: `@operator`, `@reader`, `@judge`, `@router`, `@stop`."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from onefold.core.answer import Answer, answered
from onefold.core.errors import ConfigError
from onefold.core.part import Part
from onefold.core.query import Query
from onefold.core.registry import lookup, register
from onefold.verbs import Judge, Operator, Race, Reader, Router, Stop

THREADS = ThreadPoolExecutor(1 << 16, "onefold-function")  # never queues: calls may nest
Made = TypeVar("Made", bound=Part)


class FunctionOperator(Operator, name="function"):
    """A function `query -> Answer | text | mapping | number | None` that answers.

    A vote is one too: it reads `query.drafts`. Blocking functions run in a thread.
    """

    call: Callable[..., Any]
    name: str = ""

    async def answer(self, query: Query) -> Answer:
        return answered(await called(self.call, query))

    def _to_text(self) -> str | None:
        return spelled(self)


class FunctionReader(Reader, name="function"):
    """A function `text -> value or None`, or `(text, query) -> …`, that reads."""

    call: Callable[..., Any]
    name: str = ""

    def read(self, text: str, query: Query) -> Any:
        return self.call(text, query) if wants(self.call, 2) else self.call(text)

    def _to_text(self) -> str | None:
        return spelled(self)


class FunctionJudge(Judge, name="function"):
    """A function `(query, answer) -> share` that scores; a blocking one runs in a thread."""

    call: Callable[..., Any]
    name: str = ""

    async def score(self, query: Query, answer: Answer) -> float:
        return float(await called(self.call, query, answer))

    def _to_text(self) -> str | None:
        return spelled(self)


class FunctionRouter(Router, name="function"):
    """A function `query -> {member: weight}` or a list of names, best first."""

    call: Callable[..., Any]
    name: str = ""

    async def route(self, query: Query) -> Mapping[str, float]:
        said = await called(self.call, query)
        if isinstance(said, str):
            return {said: 1.0}
        if isinstance(said, Mapping):
            return said
        names = list(said or ())
        return {name: float(len(names) - i) for i, name in enumerate(names)}

    def _to_text(self) -> str | None:
        return spelled(self)


class FunctionStop(Stop, name="function"):
    """A function `race -> bool` that says when it is enough."""

    call: Callable[..., Any]
    name: str = ""

    def enough(self, race: Race) -> bool:
        return bool(self.call(race))

    def _to_text(self) -> str | None:
        return spelled(self)


def operator(call: Callable[..., Any]) -> Operator:
    """Turn a function into an operator, known in configurations by the function's name."""
    return known(FunctionOperator(call, named(call)))


def reader(call: Callable[..., Any]) -> Reader:
    """Turn a function into a reader, known in configurations by the function's name."""
    return known(FunctionReader(call, named(call)))


def judge(call: Callable[..., Any]) -> Judge:
    """Turn a function into a judge, known in configurations by the function's name."""
    return known(FunctionJudge(call, named(call)))


def router(call: Callable[..., Any]) -> Router:
    """Turn a function into a router, known in configurations by the function's name."""
    return known(FunctionRouter(call, named(call)))


def stop(call: Callable[..., Any]) -> Stop:
    """Turn a function into a stop, known in configurations by the function's name."""
    return known(FunctionStop(call, named(call)))


def named(call: Callable[..., Any]) -> str:
    """A function's own name; a lambda and a callable object have none."""
    name = getattr(call, "__name__", "")
    return name if name.isidentifier() else ""


def known(part: Made) -> Made:
    """The part, registered under its name if it has one."""
    name: str = part.name  # type: ignore[attr-defined]
    if name:
        register(type(part), name, part)
    return part


def spelled(part: Any) -> str | None:
    """The registered name of a function part.

    Raises:
        ConfigError: the function has none, so no configuration can find it again.
    """
    if part.name and lookup(type(part), part.name) == part:
        return str(part.name)
    raise ConfigError(
        f"the function {part.call!r} has no registered name and cannot be written down: "
        "decorate it with @onefold.operator (or @reader, @judge, @router, @stop)"
    )


async def called(call: Callable[..., Any], *given: Any) -> Any:
    """The result of a function; a blocking one runs in a thread, with the caller's context."""
    if iscoroutinefunction(call) or iscoroutinefunction(type(call).__call__):
        return await call(*given)
    context = copy_context()
    return await get_running_loop().run_in_executor(THREADS, lambda: context.run(call, *given))


def wants(call: Callable[..., Any], count: int) -> bool:
    """Whether a function takes that many positional arguments."""
    code = getattr(call, "__code__", None)
    return code is not None and code.co_argcount >= count
