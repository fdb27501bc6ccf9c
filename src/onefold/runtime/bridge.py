"""The one bridge from blocking code to the async core: a loop of its own, in a thread."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from contextvars import Context, copy_context
from typing import Any, TypeVar

from onefold.core.errors import OnefoldError

Result = TypeVar("Result")
PATIENCE = 5.0  # seconds that cancelled work may take to tidy up


class Bridge:
    """Runs coroutines on one background loop; started when first needed, and anew after a fork."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.owner = 0
        self.thread: threading.Thread | None = None

    def started(self) -> asyncio.AbstractEventLoop:
        """The running loop."""
        with self.lock:
            if self.loop is None or self.owner != os.getpid():
                self.loop = asyncio.new_event_loop()
                self.owner = os.getpid()
                self.thread = threading.Thread(
                    target=serve, args=(self.loop,), name="onefold", daemon=True
                )
                self.thread.start()
            return self.loop

    def submit(
        self, work: Coroutine[Any, Any, Result], context: Context | None = None
    ) -> Future[Result]:
        """Start work now and return its future; cancelling the future cancels the work."""
        loop = self.started()
        done: Future[Result] = Future()

        def begin() -> None:
            task = loop.create_task(work, context=context or here)
            task.add_done_callback(settle)
            done.add_done_callback(
                lambda f: loop.call_soon_threadsafe(task.cancel) if f.cancelled() else None
            )

        def settle(task: asyncio.Task[Result]) -> None:
            if task.cancelled():
                done.cancel()
            elif not done.cancelled():
                failure = task.exception()
                if failure is None:
                    done.set_result(task.result())
                else:
                    done.set_exception(failure)

        here = copy_context()
        loop.call_soon_threadsafe(begin)
        return done

    def run(self, work: Coroutine[Any, Any, Result], context: Context | None = None) -> Result:
        """Run work to its end and return its result; Ctrl-C cancels it.

        Raises:
            OnefoldError: called on the bridge's own loop, where waiting would never end.
        """
        if threading.current_thread() is self.thread and self.owner == os.getpid():
            work.close()
            raise OnefoldError(
                "a coroutine cannot block for an answer: write `await op(query)` there"
            )
        ended = threading.Event()
        future = self.submit(finishing(work, ended), context)
        try:
            return future.result()
        except BaseException:
            if future.cancel():
                ended.wait(PATIENCE)
            raise

    def iterate(self, items: AsyncIterator[Result]) -> Iterator[Result]:
        """Walk an async iterator from blocking code; leaving early closes it."""
        context = copy_context()

        async def following() -> tuple[bool, Any]:
            try:
                return True, await anext(items)
            except StopAsyncIteration:
                return False, None

        try:
            while True:
                more, item = self.run(following(), context)
                if not more:
                    return
                yield item
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                self.run(close(), context)


def serve(loop: asyncio.AbstractEventLoop) -> None:
    """Run the loop for good: what a task raises to end the process is told to who waits for it."""
    while not loop.is_closed():
        try:
            loop.run_forever()
        except BaseException:
            continue


async def finishing(work: Coroutine[Any, Any, Result], ended: threading.Event) -> Result:
    """The work, saying when it is over, cancelled or not."""
    try:
        return await work
    finally:
        ended.set()


bridge = Bridge()
