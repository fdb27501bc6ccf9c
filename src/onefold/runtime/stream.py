"""Events while an answer is made: words and drafts as they come, then the answer."""

from __future__ import annotations

from asyncio import Future, create_task, get_running_loop
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Literal

from msgspec import Struct

from onefold.core.answer import Answer
from onefold.core.tally import Tally
from onefold.runtime.bridge import bridge
from onefold.runtime.trace import Listener, Phase, Span


class Event(Struct, frozen=True):
    """One thing that happened while an answer was made.

    kind: `token` brings a piece of the final text; `draft` a member's answer and the count so
        far; `answer` the end.
    source: who said it.
    """

    kind: Literal["token", "draft", "answer"]
    source: str = ""
    text: str = ""
    answer: Answer | None = None
    tally: Tally | None = None

    @property
    def votes(self) -> dict[str, float]:
        """The count so far."""
        return self.tally.votes if self.tally else {}

    @property
    def agreement(self) -> float:
        """The leader's share so far."""
        return self.tally.agreement if self.tally else 0.0


class Stream:
    """Events of one call, for `async for` and for `for`. Leaving early cancels the call."""

    def __init__(self, call: Callable[[Listener], Awaitable[Answer]]) -> None:
        self.call = call

    def __aiter__(self) -> AsyncIterator[Event]:
        return events(self.call)

    def __iter__(self) -> Iterator[Event]:
        return bridge.iterate(events(self.call))


async def events(call: Callable[[Listener], Awaitable[Answer]]) -> AsyncIterator[Event]:
    """Run a call with a listener and yield what it tells."""
    loop = get_running_loop()
    told: deque[Event | None] = deque()
    more: Future[None] = loop.create_future()

    def tell(event: Event | None) -> None:
        told.append(event)
        if not more.done():
            more.set_result(None)

    def listen(phase: Phase, span: Span, what: str, value: Any) -> None:
        if phase != "note":
            return
        if what == "token":
            tell(Event("token", span.name, value))
        elif what == "draft":
            draft, tally = value
            tell(Event("draft", draft.source, draft.text, draft, tally))

    async def whole() -> Answer:
        try:
            return await call(listen)
        finally:
            tell(None)

    task = create_task(whole())
    try:
        while True:
            await more
            while told:
                event = told.popleft()
                if event is None:
                    break
                yield event
            else:
                more = loop.create_future()
                continue
            break
        answer = await task
        yield Event("answer", answer.source, answer.text, answer, answer.tally)
    finally:
        if task.done():
            task.cancelled() or task.exception()  # who leaves early does not hear of a failure
        else:
            task.cancel()
            try:
                await task
            except BaseException:
                if not task.done():
                    raise
