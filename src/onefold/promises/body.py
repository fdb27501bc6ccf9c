"""A jit function under way: its calls run side by side, in one task group that ends with it."""

from __future__ import annotations

import sys
from asyncio import (
    CancelledError,
    Semaphore,
    TaskGroup,
    get_running_loop,
)
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from contextvars import copy_context
from inspect import isawaitable, iscoroutinefunction, isgenerator
from threading import Lock
from typing import Any

from onefold.core.answer import Answer, failed
from onefold.core.errors import ConfigError, OnefoldError
from onefold.core.query import Query, asked
from onefold.delivery.session import here
from onefold.functions import called
from onefold.operators.failing import fatal, task_is_cancelled
from onefold.promises.call import Call, arrival, loop_here
from onefold.promises.captured import Captured, captures
from onefold.promises.promise import Promise, Promises, inside, kept
from onefold.runtime.trace import Span, current
from onefold.verbs import Operator, bodies, handed, label, writing


class Body:
    """One run of a jit function.

    query: what its question is asked as. calls: made in it so far, in that order.
    waited: the calls that it has waited for, in that order.
    """

    def __init__(self, name: str, query: Query) -> None:
        span = current.get()
        assert span is not None, "a jit function is called, never answered directly"
        self.name = name
        self.query = query
        self.span: Span = span
        self.loop = get_running_loop()
        self.group = TaskGroup()
        self.lock = Lock()
        self.calls: list[Call] = []
        self.waited: dict[Call, None] = {}
        self.names: dict[str, int] = {}
        self.returned = False
        self.closing = False
        self.failure: BaseException | None = None

    async def run(self, function: Callable[[], Any]) -> Any:
        """What the function returns, its promises kept. Nothing that it started runs on.

        Raises:
            whatever the function raises, or a call of whose failure nobody took notice.
        """
        token = bodies.set(self)
        try:
            async with self.group:
                try:
                    result = await returned(function)
                    self.returned = True
                    self._check(result)
                except BaseException as error:
                    self._close(error)
        except BaseExceptionGroup as failures:
            self.failure = self.failure or failures.exceptions[0]
        finally:
            bodies.reset(token)
            self.closing = True
            if (runs := captures.get()) is not None:
                calls = tuple(call.made() for call in self.calls)
                runs.append(Captured(self.name, calls, self.span.so_far()))
        if self.failure is not None:
            raise self.failure
        return kept(result)

    def call(
        self,
        operator: Operator,
        query: Any,
        drafts: Sequence[Any],
        gate: Semaphore | None = None,
        tolerant: bool = False,
    ) -> Promise:
        """A promise of an operator's answer; the call starts as soon as what it needs is there.

        gate: bounds how many run at once. tolerant: whether a failure is an answer too.
        """
        if self.returned:
            raise ConfigError(f"{self.name} has returned: call {label(operator)} before it does")
        if self.closing:
            raise CancelledError  # ends a thread that nobody waits for any more
        needs = [self._own(promise) for promise in inside((query, drafts))]
        if not needs:
            query = self._asked(query)
        with self.lock:
            call = Call(self, self._named(operator), place(), needs)
            self.calls.append(call)

        def start() -> None:
            if self.closing:
                call.drop()
                return
            work = self._carry(call, operator, query, drafts, gate, tolerant)
            call.task = self.group.create_task(work)
            call.task.add_done_callback(lambda _: call.drop())

        if loop_here() is self.loop:
            start()
        else:
            self.loop.call_soon_threadsafe(start, context=copy_context())
        return Promise(call)

    def look(self, call: Call) -> None:
        """Note that someone sees what came of a call, and that the function waited for it."""
        call.seen = True
        if writing() is self:
            if self.closing and not self.returned:
                raise CancelledError  # ends a thread that nobody waits for any more
            self.waited[call] = None

    def gave(self, result: object) -> bool:
        """Whether a result is the answer of one of its calls, as it came."""
        return any(not call.failed and call.done.result() is result for call in self.calls)

    async def _carry(
        self,
        call: Call,
        operator: Operator,
        query: Any,
        drafts: Sequence[Any],
        gate: Semaphore | None,
        tolerant: bool,
    ) -> None:
        """Wait for what a call needs, make it, and say what came of it."""
        if captures.get() is not None:
            captures.set(call.runs)
        try:
            if call.needs:
                await arrival(call.needs)
                query, drafts = self._asked(kept(query)), kept(drafts)
            async with gate or nullcontext():
                here().ready(operator)
                call.span = Span("draft", call.name, query, self.span)
                answer = await handed(operator, query, drafts, call.span)
        except CancelledError:
            if task_is_cancelled():
                raise
            self._failed(call, OnefoldError(f"{call.name} cancelled itself"), tolerant)
        except Exception as error:
            self._failed(call, error, tolerant)
        else:
            self._note(call, answer)

    def _note(self, call: Call, answer: Answer) -> None:
        """A call's answer is there, for whoever waits and whoever listens."""
        call.keep(answer)
        if self.span.listeners:
            self.span.note("draft", (answer, None))

    def _failed(self, call: Call, error: Exception, tolerant: bool) -> None:
        """A call failed: whoever looks at it hears of it, and if nobody can, the run fails."""
        if tolerant and not fatal(error):
            used = () if call.span is None else (call.span.usage, call.span.seconds)
            self._note(call, failed(call.name, error, *used))
            return
        call.fail(error)
        if self.returned and not call.seen:
            self.failure = self.failure or error
            raise error

    def _check(self, result: Any) -> None:
        """What is wrong with a function that returned: failures that nobody saw, its result."""
        if isgenerator(result):
            raise ConfigError(f"{self.name} returned a generator, which is too late: return a list")
        for promise in inside(result):
            self._own(promise, seen=False)
        for call in self.calls:
            if call.failed and not call.seen:
                call.done.result()

    def _close(self, error: BaseException) -> None:
        """End every call because the function ended without a result."""
        self.failure, self.closing = error, True
        for call in self.calls:
            if call.task is not None:
                call.task.cancel()

    def _own(self, promise: Promise, seen: bool = True) -> Call:
        """The call behind a promise of this run."""
        call = promise._call
        if call.body is not self:
            raise ConfigError(
                f"{promise!r} belongs to another run, of {call.body.name}, and may be stale in "
                f"{self.name}: hand on its answer, `promise.answer`, if that is meant"
            )
        call.seen = call.seen or seen
        return call

    def _asked(self, query: Any) -> Query:
        """The query that a call is asked: the function's own where its question is asked again."""
        if isinstance(query, Answer):
            query = query.text
        if not isinstance(query, str):
            return asked(query)
        if query == self.query.prompt:
            return self.query
        return asked(Query(query, sample=self.query.sample))

    def _named(self, operator: Operator) -> str:
        """What a call is called: its operator's name, numbered from the second one on."""
        name = label(operator)
        count = self.names[name] = self.names.get(name, 0) + 1
        return name if count == 1 else f"{name}#{count}"


async def returned(function: Callable[[], Any]) -> Any:
    """What a function returns; one that blocks runs in a thread, with the context of its run."""
    if iscoroutinefunction(function):
        return await function()
    (result,) = await called(boxed, function)
    if isawaitable(result) and not isinstance(result, Promise | Promises):
        return await result
    return result


def boxed(function: Callable[[], Any]) -> tuple[Any]:
    """What a function returns, in a box: a promise must not be awaited where it is only named."""
    return (function(),)


def place() -> tuple[str, int]:
    """The file and line, outside this house, on which the call under way was written."""
    frame = first = sys._getframe(2)
    while frame.f_globals.get("__name__", "").startswith("onefold."):
        if frame.f_back is None:
            frame = first
            break
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno
