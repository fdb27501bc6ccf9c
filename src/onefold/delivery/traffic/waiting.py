"""A call that waits for its turn, woken on its own loop from whichever thread has room for it."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Future, _get_running_loop


class Waiter:
    """One waiting call.

    granted: whether it got its turn; set under its queue's lock.
    tokens: what it asks for. requests_due, tokens_due: all that had ever joined the queue when it
        did, itself included. since: loop time at which it got its turn.
    """

    __slots__ = ("future", "granted", "loop", "requests_due", "since", "tokens", "tokens_due")

    def __init__(self, loop: AbstractEventLoop, tokens: int = 0) -> None:
        self.loop = loop
        self.future: Future[None] = loop.create_future()
        self.granted = False
        self.tokens = tokens
        self.requests_due = 0
        self.tokens_due = 0
        self.since = 0.0

    def wake(self) -> bool:
        """Let it go on; False where its loop is closed, so that nobody waits any more."""
        if _get_running_loop() is self.loop:
            finish(self.future)
            return True
        try:
            self.loop.call_soon_threadsafe(finish, self.future)
        except RuntimeError:
            return False
        return True


def finish(future: Future[None]) -> None:
    """Resolve a future that may already be done or cancelled."""
    if not future.done():
        future.set_result(None)
