"""Items that are asked for one by one, done together: the batches below single calls."""

from __future__ import annotations

from asyncio import (
    AbstractEventLoop,
    CancelledError,
    Future,
    Handle,
    Task,
    get_running_loop,
)
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from onefold.core.errors import ConfigError, Unreadable

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """`await batcher(item)`: what is asked for at about the same time is done in one batch.

    A batch goes as soon as a turn of the event loop brings nothing new, or `linger` seconds after
    its first item. While `lanes` batches are under way, items wait, and go together.

    work: from the items of a batch, in the order they came, to as many results. It runs in the
        context of the batch's first item.
    most: items in a batch. lanes: batches at a time, on each event loop.
    """

    def __init__(
        self,
        work: Callable[[list[Item]], Coroutine[Any, Any, Sequence[Result]]],
        most: int = 64,
        linger: float = 0.0,
        lanes: int = 1,
    ) -> None:
        if most < 1 or lanes < 1 or not linger >= 0.0:
            raise ConfigError(f"most={most}, lanes={lanes}, linger={linger}: 1, 1 and 0 at least")
        self.work, self.most, self.linger, self.lanes = work, most, linger, lanes
        self.queues: WeakKeyDictionary[AbstractEventLoop, Queue[Item, Result]] = WeakKeyDictionary()

    async def __call__(self, item: Item) -> Result:
        """The item's result.

        Raises:
            Unreadable: the batch came back with another number of results.
            whatever the work raises: for all items of that batch.
        """
        loop = get_running_loop()
        queue = self.queues.get(loop)
        if queue is None:
            queue = self.queues[loop] = Queue(self)
        return await queue.add(item, loop)


class Queue(Generic[Item, Result]):
    """What one event loop has asked for and not got yet."""

    __slots__ = ("batcher", "running", "seen", "timer", "waiting")

    def __init__(self, batcher: Batcher[Item, Result]) -> None:
        self.batcher = batcher
        self.waiting: list[tuple[Item, Future[Result]]] = []
        self.running: set[Task[None]] = set()
        self.timer: Handle | None = None
        self.seen = 0

    def add(self, item: Item, loop: AbstractEventLoop) -> Future[Result]:
        """Put an item in line."""
        future: Future[Result] = loop.create_future()
        self.waiting.append((item, future))
        if len(self.waiting) >= self.batcher.most:
            self.go(loop)
        elif self.timer is None:
            self.seen = 0
            linger = self.batcher.linger
            if linger:
                self.timer = loop.call_later(linger, self.go, loop)
            else:
                self.timer = loop.call_soon(self.look, loop)
        return future

    def look(self, loop: AbstractEventLoop) -> None:
        """Wait another turn if the last one brought something."""
        if len(self.waiting) > self.seen:
            self.seen = len(self.waiting)
            self.timer = loop.call_soon(self.look, loop)
        else:
            self.go(loop)

    def go(self, loop: AbstractEventLoop) -> None:
        """Start batches of what waits, as many as there are lanes."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.waiting = [each for each in self.waiting if not each[1].done()]
        while self.waiting and len(self.running) < self.batcher.lanes:
            self.start(self.waiting[: self.batcher.most], loop)
            del self.waiting[: self.batcher.most]

    def start(self, batch: list[tuple[Item, Future[Result]]], loop: AbstractEventLoop) -> None:
        """Start one batch; once nobody waits for any of it, it is cancelled."""
        # a task of its own, since it belongs to none of those who wait for it
        task = loop.create_task(self.finish(batch))
        self.running.add(task)

        def left(_: Future[Result]) -> None:
            if all(future.cancelled() for _, future in batch):
                task.cancel()

        def ended(done: Task[None]) -> None:
            self.running.discard(done)
            for _, future in batch:
                future.cancel()  # those that a batch cancelled from outside left behind
            self.go(loop)

        for _, future in batch:
            future.add_done_callback(left)
        task.add_done_callback(ended)

    async def finish(self, batch: list[tuple[Item, Future[Result]]]) -> None:
        """Do a batch, and hand each its result, or all the failure."""
        try:
            results = await self.batcher.work([item for item, _ in batch])
            if len(results) != len(batch):
                raise Unreadable(f"a batch of {len(batch)} came back with {len(results)} results")
        except CancelledError:
            raise
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
