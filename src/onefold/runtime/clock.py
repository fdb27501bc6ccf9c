"""A loop whose clock jumps: waiting costs no time, and everything keeps its order."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from math import ulp
from typing import Any, TypeVar

Result = TypeVar("Result")


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time, for simulations and tests: no wall clock, no sleep.

    When nothing is ready it moves its clock to the next timer. Real sockets and threads still
    work, but time does not wait for them while a timer is set.
    """

    _clock_resolution: float

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self.now


class _Jumping(selectors.DefaultSelector):
    """Turns a wait for a timer into a jump of the loop's clock."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self.loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self.loop.now += timeout
            self.loop._clock_resolution = max(1e-9, ulp(self.loop.now))
        return ready


def instantly(work: Coroutine[Any, Any, Result]) -> Result:
    """Run work to its end in virtual time, whatever it waits for."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
