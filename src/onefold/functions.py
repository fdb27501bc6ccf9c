"""Functions as parts: `@operator`, `@judge`, `@marker` and so on, a decorator a kind."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from contextvars import copy_context
from inspect import (
    isasyncgenfunction,
    isawaitable,
    iscoroutinefunction,
    isgeneratorfunction,
    signature,
)
from typing import Any, TypeVar

import msgspec
from msgspec import structs

from onefold.core.answer import Answer, answered
from onefold.core.errors import ConfigError, ModelError, OnefoldError, Unreadable
from onefold.core.part import Part
from onefold.core.query import Query
from onefold.core.registry import lookup, register
from onefold.delivery.provider import Provider, Reply, Request
from onefold.verbs import Judge, Marker, Operator, Race, Reader, Router, Stop

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


class FunctionMarker(Marker, name="function"):
    """A function `(query, steps) -> marks`, all steps at once; a blocking one runs in a thread."""

    call: Callable[..., Any]
    name: str = ""

    async def mark(self, query: Query, steps: Sequence[str]) -> Sequence[float | None]:
        marks = await called(self.call, query, steps)
        return [None if mark is None else float(mark) for mark in marks]

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


class FunctionProvider(Provider, name="function"):
    """A function that is a model: `text -> text`, or `request -> Reply`.

    It takes the text of all messages, or the Request where its first parameter is annotated so or
    named `request`. It returns a text, a Reply, a number, or a mapping with the text under
    `response`, `text` or `content` beside any other field of a Reply. An async generator streams
    pieces of text, and may end with a Reply. A blocking function runs in a thread; when nobody
    waits for it any more, it still runs to its end there.
    """

    call: Callable[..., Any]
    name: str = ""

    async def complete(self, request: Request) -> Reply:
        if self._streams():
            reply = Reply()
            async with aclosing(self.stream(request)) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    reply = piece if isinstance(piece, Reply) else reply
            return reply
        try:
            said = await called(self.call, given(self.call, request))
        except OnefoldError:
            raise
        except Exception as error:
            raise self._failed(error, request) from error
        return replied(said, request.model)

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        if not self._streams():
            async for piece in super().stream(request):
                yield piece
            return
        told: list[str] = []
        last = Reply()
        try:
            async with aclosing(self.call(given(self.call, request))) as pieces:
                async for piece in pieces:
                    if isinstance(piece, str):
                        told.append(piece)
                        yield piece
                    else:
                        last = replied(piece, request.model)
        except OnefoldError:
            raise
        except Exception as error:
            raise self._failed(error, request) from error
        yield last if last.text else structs.replace(last, text="".join(told))

    def __repr__(self) -> str:
        name = getattr(self.call, "__qualname__", "")
        if not name or "<" in name:  # one made anew each time is not known to be the same again
            return f"FunctionProvider({self.call!r})"
        return f"FunctionProvider({self.call.__module__}.{name})"

    def _streams(self) -> bool:
        """Whether the function is an async generator."""
        return isasyncgenfunction(self.call) or isasyncgenfunction(type(self.call).__call__)

    def _failed(self, error: Exception, request: Request) -> ModelError:
        """What the function raised, as one of our errors."""
        who = named(self.call) or "function"
        return ModelError(f"{request.model}: {who} raised {error!r}", model=request.model)

    def _check(self) -> None:
        if isgeneratorfunction(self.call):
            raise ConfigError(
                f"{named(self.call)} is a generator: a model that streams is an async one, "
                "written async def … yield"
            )

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


def marker(call: Callable[..., Any]) -> Marker:
    """Turn a function into a marker, known in configurations by the function's name."""
    return known(FunctionMarker(call, named(call)))


def router(call: Callable[..., Any]) -> Router:
    """Turn a function into a router, known in configurations by the function's name."""
    return known(FunctionRouter(call, named(call)))


def stop(call: Callable[..., Any]) -> Stop:
    """Turn a function into a stop, known in configurations by the function's name."""
    return known(FunctionStop(call, named(call)))


def provider(call: Callable[..., Any]) -> Provider:
    """Turn a function into a model, known in configurations by the function's name."""
    return known(FunctionProvider(call, named(call)))


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
        "decorate it with @onefold.operator (or @reader, @judge, @marker, @router, @stop, "
        "@provider)"
    )


async def called(call: Callable[..., Any], *given: Any) -> Any:
    """The result of a function; a blocking one runs in a thread, with the caller's context."""
    if iscoroutinefunction(call) or iscoroutinefunction(type(call).__call__):
        return await call(*given)
    context = copy_context()
    said = await get_running_loop().run_in_executor(THREADS, context.run, finished, call, given)
    return await said if isawaitable(said) else said


def finished(call: Callable[..., Any], given: tuple[Any, ...]) -> Any:
    """The result of a blocking function.

    Raises:
        RuntimeError: it raised StopIteration, which no future can hold: nobody would ever hear.
    """
    try:
        return call(*given)
    except StopIteration as error:
        raise RuntimeError("the function raised StopIteration") from error


def wants(call: Callable[..., Any], count: int) -> bool:
    """Whether a function takes that many positional arguments."""
    code = getattr(call, "__code__", None)
    return code is not None and code.co_argcount >= count


def given(call: Callable[..., Any], request: Request) -> Request | str:
    """What a function that is a model takes: the whole request, or the text of its messages."""
    try:
        first = next(iter(signature(call).parameters.values()), None)
    except (TypeError, ValueError):  # builtins do not say
        first = None
    if first is not None:
        kind = getattr(first.annotation, "__name__", str(first.annotation))
        if first.name == "request" or kind.rpartition(".")[2] == "Request":
            return request
    return "\n\n".join(message.content for message in request.messages)


def replied(said: Any, who: str) -> Reply:
    """The reply in what a function returned.

    Raises:
        Unreadable: there is no text in it, or a field does not fit.
    """
    if isinstance(said, Reply):
        return said
    if isinstance(said, Answer):
        said = structs.asdict(said)
    elif isinstance(said, str | int | float):
        said = {"text": str(said)}
    if not isinstance(said, Mapping) or not {"response", "text", "content"} & set(said):
        raise Unreadable(
            f"{who}: the function returned {said!r:.80}, which is no reply: return a text, a "
            "Reply, or a mapping with its text under response, text or content",
            model=who,
        )
    names = [name for name in Reply.__struct_fields__ if said.get(name) not in (None, "")]
    fields = {name: said[name] for name in names}
    try:
        return msgspec.convert({**fields, "text": answered(said).text}, Reply)
    except msgspec.ValidationError as error:
        raise Unreadable(f"{who}: the function's reply does not fit: {error}", model=who) from None
