"""Ends calls that take too long, with one timer for all calls of a deployment."""

from __future__ import annotations

from asyncio import AbstractEventLoop, CancelledError, Task, TimerHandle, current_task
from collections import deque
from typing import Any

SPARE = 1000  # ended calls that may stay in the line behind one that still runs


class Limit:
    """One call's time. `over` once it has passed and the call was cancelled for it."""

    __slots__ = ("at", "cancelling", "over", "task")

    def __init__(self, at: float, task: Task[Any]) -> None:
        self.at = at
        self.task: Task[Any] | None = task
        self.cancelling = task.cancelling()
        self.over = False

    def meant(self, error: BaseException) -> bool:
        """Whether this limit, and nobody else, cancelled the call (as `asyncio.timeout` tells)."""
        if not self.over or not isinstance(error, CancelledError):
            return False
        task = current_task()
        return task is not None and task.uncancel() <= self.cancelling


class Watch:
    """Calls of one loop in the order in which their time ends, which is that of their start.

    A timer each, as `asyncio.timeout` sets, costs as much as the rest of a deployment's guards.

    seconds: the time that each call has.
    """

    __slots__ = ("ended", "line", "loop", "seconds", "timer")

    def __init__(self, seconds: float, loop: AbstractEventLoop) -> None:
        self.seconds = seconds
        self.loop = loop
        self.line: deque[Limit] = deque()
        self.ended = 0
        self.timer: TimerHandle | None = None

    def begin(self, now: float) -> Limit:
        """Start a call's time, in the task that makes it."""
        task = current_task(self.loop)
        assert task is not None, "calls are made by tasks"
        limit = Limit(now + self.seconds, task)
        self.line.append(limit)
        if self.timer is None:
            self.timer = self.loop.call_at(limit.at, self._sweep)
        return limit

    def end(self, limit: Limit) -> None:
        """A call has ended, in time or not."""
        limit.task = None
        line = self.line
        while line and line[0].task is None:
            line.popleft()
        self.ended += 1
        if self.ended > SPARE + len(line) // 2:
            self.line = deque(one for one in line if one.task is not None)
            self.ended = 0

    def _sweep(self) -> None:
        """Cancel what is over time, and come back when the next one is."""
        now = self.loop.time()
        self.timer = None
        for limit in self.line:
            if limit.task is None or limit.over:
                continue
            if limit.at > now:
                self.timer = self.loop.call_at(limit.at, self._sweep)
                return
            limit.over = True
            limit.task.cancel()
