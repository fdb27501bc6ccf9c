"""One call made in a jit function: where it was written, what it needs, what came of it."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Task, get_running_loop, wrap_future
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import islice
from linecache import getline
from pathlib import Path
from typing import Protocol

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError, OnefoldError
from onefold.core.usage import NOTHING
from onefold.promises.captured import Captured, Made
from onefold.runtime.trace import Span


class Run(Protocol):
    """The jit function under way in which a call is made."""

    name: str
    span: Span
    loop: AbstractEventLoop
    calls: list[Call]
    waited: dict[Call, None]

    def look(self, call: Call) -> None:
        """Note that someone sees what came of a call."""


class Call:
    """A call on its way from a line of a jit function to its answer.

    file, line: where it was written. needs: the calls whose promises it was given.
    waited: how many calls its function had waited for before it was made.
    span: its place on the trace, once it runs. ended: seconds since its function started.
    seen: whether someone looked at what came of it, so that a failure is not lost.
    runs: what was captured of jit functions below it.
    """

    __slots__ = (
        "body", "done", "ended", "file", "index", "line", "name",
        "needs", "runs", "seen", "span", "task", "waited",
    )  # fmt: skip

    def __init__(self, body: Run, name: str, where: tuple[str, int], needs: list[Call]) -> None:
        self.body = body
        self.name = name
        self.file, self.line = where
        self.needs = needs
        self.index = len(body.calls)
        self.waited = len(body.waited)
        self.span: Span | None = None
        self.ended = 0.0
        self.seen = False
        self.runs: list[Captured] = []
        self.task: Task[None] | None = None
        self.done: Future[Answer] = Future()
        self.done.set_running_or_notify_cancel()  # whoever stops waiting does not cancel it

    @property
    def began(self) -> float:
        """Seconds since its function started; the end of what never ran."""
        return self.ended if self.span is None else self.span.started - self.body.span.started

    @property
    def failed(self) -> bool:
        """Whether it is over and there is no answer."""
        return self.done.done() and self.done.exception() is not None

    @property
    def place(self) -> str:
        """The name of its file, and its line."""
        return f"{Path(self.file).name}:{self.line}"

    @property
    def code(self) -> str:
        """The line itself, where its file can be read."""
        return getline(self.file, self.line).strip()

    def __str__(self) -> str:
        state = "failed" if self.failed else "answered" if self.done.done() else "on its way"
        return f"{self.name}, called at {self.place}, {state}"

    def wait(self) -> Answer:
        """The answer; blocks until it is there.

        Raises:
            ConfigError: in a coroutine, where nobody may block.
            OnefoldError: it never came, because its function ended before.
            whatever the call raised.
        """
        if not self.done.done() and loop_here() is self.body.loop:
            raise ConfigError(
                f"{self}: a coroutine cannot block for it; write `await promise` before its "
                "value is used"
            )
        self.done.exception()
        self.body.look(self)
        return self.done.result()

    async def arrived(self) -> Answer:
        """The answer, awaited; raises as `wait` does."""
        try:
            if not self.done.done():
                await wrap_future(self.done)
        finally:
            if self.done.done():
                self.body.look(self)
        return self.done.result()

    def keep(self, answer: Answer) -> None:
        """The answer is there."""
        self.ended = self.body.span.so_far()
        self.done.set_result(answer)

    def fail(self, error: Exception) -> None:
        """It failed; the error says from now on where the call was made."""
        self.ended = self.body.span.so_far()
        if self.span is not None:  # it failed itself, rather than for want of another
            error.add_note(f"{self.name} was called at {self.file}:{self.line}: {self.code}")
        self.done.set_exception(error)

    def made(self) -> Made:
        """What is known of it, as a value."""
        return Made(
            self.name,
            self.place,
            self.code,
            tuple(dict.fromkeys(need.index for need in self.needs)),
            tuple(call.index for call in islice(self.body.waited, self.waited)),
            self.began,
            self.ended,
            self.failed,
            NOTHING if self.span is None else self.span.usage,
            tuple(self.runs),
        )

    def drop(self) -> None:
        """It is no longer wanted, unless it is over already."""
        if not self.done.done():
            self.fail(
                OnefoldError(
                    f"{self.body.name} ended before {self.name} had answered, which was cancelled"
                )
            )


def loop_here() -> AbstractEventLoop | None:
    """The loop that runs in this thread, if one does."""
    try:
        return get_running_loop()
    except RuntimeError:
        return None


async def arrival(calls: Sequence[Call]) -> None:
    """Wait until all calls of a run have answered; raises as the first one that fails."""
    left = len(calls)
    over = get_running_loop().create_future()

    def hear(done: Future[Answer]) -> None:  # on the loop, where calls end
        nonlocal left
        left -= 1
        if not over.done() and (left == 0 or done.exception() is not None):
            over.set_result(None)

    for call in calls:
        call.done.add_done_callback(hear)
    await over
    for call in calls:
        if call.failed:
            call.done.result()
