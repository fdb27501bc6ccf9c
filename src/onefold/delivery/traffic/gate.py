"""How many calls at once a deployment bears, found by trying: a gate that adapts."""

from __future__ import annotations

from asyncio import get_running_loop
from collections import OrderedDict
from math import inf
from threading import RLock
from typing import Literal

from onefold.delivery.traffic.limits import Limits
from onefold.delivery.traffic.waiting import Waiter

Outcome = Literal["ok", "overloaded", "other"]
DECREASE = 0.7
COOLING = 1.0  # seconds in which at most one decrease counts
SATURATED = 0.8  # share of the limit from which on no call is made for speed's sake alone


class Gate:
    """Lets at most `limit` calls in at once, first come first.

    Additive increase, multiplicative decrease (Chiu & Jain 1989; TCP): while it is full, each
    round of successes raises the limit by one, or doubles it until the first overload (slow
    start); an overload takes it to 0.7 of what it was, once a round and once a second at most.
    """

    __slots__ = ("cut", "exact", "inside", "least", "lock", "most", "queue", "steep")

    def __init__(self, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self.exact = float(limits.concurrency)
        self.least = float(limits.least)
        self.most = float(limits.most)
        self.inside = 0
        self.steep = True
        self.cut = -inf
        self.lock = RLock()  # a coroutine that is collected leaves while the lock is held
        self.queue: OrderedDict[Waiter, None] = OrderedDict()

    @property
    def limit(self) -> int:
        """Calls that may be inside at once."""
        return int(self.exact)

    @property
    def waiting(self) -> int:
        """Calls that wait to enter."""
        return len(self.queue)

    @property
    def saturated(self) -> bool:
        """Whether four fifths of the limit are inside, or calls wait."""
        return self.inside >= SATURATED * int(self.exact) or bool(self.queue)

    def try_enter(self) -> bool:
        """Enter if there is room and nobody waits for it."""
        with self.lock:
            if self.queue or self.inside + 1 > self.exact:
                return False
            self.inside += 1
            return True

    async def enter(self) -> None:
        """Wait to enter; whoever entered must `leave`."""
        if self.try_enter():
            return
        waiter = Waiter(get_running_loop())
        try:
            with self.lock:
                self.queue[waiter] = None
                self._hand_over()
            await waiter.future
        except BaseException:
            with self.lock:
                self.queue.pop(waiter, None)
                self.inside -= waiter.granted
                self._hand_over()
            raise

    def leave(self, now: float, outcome: Outcome = "ok", seconds: float = 0.0) -> None:
        """Make room for the next; `seconds` is how long the call was inside.

        outcome: `ok`, `overloaded` (429, 503, 529 or a time-out), or `other`, which says nothing.
        """
        with self.lock:
            if outcome == "ok":
                exact = self.exact
                if exact < self.most and (self.queue or self.inside + 1 > exact):
                    self.exact = min(self.most, exact + (1.0 if self.steep else 1.0 / exact))
            elif outcome == "overloaded":
                self._lower(now, seconds)
            self.inside -= 1
            if self.queue:
                self._hand_over()

    def _lower(self, now: float, seconds: float) -> None:
        """Lower the limit, unless the call entered before it was last lowered."""
        if now < self.cut:  # another clock
            self.cut = -inf
        if now - seconds >= self.cut and now >= self.cut + COOLING:
            self.cut = now
            self.steep = False
            self.exact = max(self.least, self.exact * DECREASE)

    def _hand_over(self) -> None:
        """Let those in who have waited longest, as many as there is room for."""
        while self.queue and self.inside + 1 <= self.exact:
            waiter, _ = self.queue.popitem(last=False)
            waiter.granted = waiter.wake()
            self.inside += waiter.granted
