"""Pieces of a reply on their way from the thread that writes it to the loop that waits for it."""

from __future__ import annotations

from asyncio import Queue, get_running_loop
from concurrent.futures import Future
from contextlib import suppress
from typing import Any


class Pieces:
    """What a thread tells, for `async for` on the loop that made it."""

    def __init__(self) -> None:
        self.told: Queue[str | None] = Queue()
        self.loop = get_running_loop()

    def tell(self, piece: str | None) -> None:
        """Hand over a piece, from any thread; None is the end."""
        with suppress(RuntimeError):  # the loop may be closed by now
            self.loop.call_soon_threadsafe(self.told.put_nowait, piece)

    def until(self, done: Future[Any]) -> Pieces:
        """Those told before the reply is whole, or has failed."""
        done.add_done_callback(lambda _: self.tell(None))
        return self

    def __aiter__(self) -> Pieces:
        return self

    async def __anext__(self) -> str:
        piece = await self.told.get()
        if piece is None:
            raise StopAsyncIteration
        return piece
