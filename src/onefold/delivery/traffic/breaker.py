"""A breaker: a deployment that fails, or is too slow, is left alone for a while, then probed."""

from __future__ import annotations

from math import inf
from typing import Literal

from msgspec import Struct

from onefold.delivery.traffic.settings import Count, Duration, PositiveShare, Seconds, check

State = Literal["closed", "open", "half-open"]
BUCKETS = 10
LONGEST = 8  # times `rest`, however often it opens again


class Breaking(Struct, frozen=True):
    """When a deployment is left alone.

    failures: share of failed calls in the window that opens the breaker, in (0, 1].
    slow: seconds beyond which a call counts as slow; None never. slow_share: share of slow calls
        that opens it, in (0, 1].
    least: calls in the window before it may open. window: seconds that are looked back.
    rest: seconds that it stays open; doubled each time it opens again, up to eightfold.
    probes: calls let through after the rest, all of which must pass, none of them slowly.

    Raises:
        ConfigError: a value is out of its range.
    """

    failures: PositiveShare = 0.5
    slow: Seconds | None = None
    slow_share: PositiveShare = 0.8
    least: Count = 10
    window: Duration = 30.0
    rest: Duration = 10.0
    probes: Count = 2

    def __post_init__(self) -> None:
        check(self)


class Breaker:
    """The state of one deployment's breaker (Nygard, Release It!, 2007).

    Closed it counts, over a sliding window of ten buckets; open it refuses; half-open it lets
    probes through. `admit` gives a ticket that the call's outcome names: outcomes of calls from
    before the last change of state then count for nothing.
    """

    __slots__ = (
        "admitted", "bad", "bad_in", "calls", "calls_in", "closed", "late", "late_in", "opened",
        "passes", "per_second", "rest", "settings", "slot", "slow", "ticket",
    )  # fmt: skip

    def __init__(self, settings: Breaking | None = None) -> None:
        self.settings = settings = settings or Breaking()
        self.slow = inf if settings.slow is None else settings.slow
        self.per_second = BUCKETS / settings.window
        self.ticket = 1
        self.opened = 0.0
        self.slot = 0
        self._close()

    def state(self, now: float) -> State:
        """`closed` calls pass, `open` none does, `half-open` probes do."""
        if self.closed:
            return "closed"
        return "open" if self._left(now) > 0 else "half-open"

    def wait(self, now: float) -> float:
        """Seconds until a call may pass; 0.0 now. While all probes are out, one rest."""
        if self.closed:
            return 0.0
        left = self._left(now)
        if left > 0 or self.admitted < self.settings.probes:
            return left
        return self.settings.rest

    def admit(self, now: float) -> int:
        """A ticket for one call, or 0 where none may pass; half-open it is a probe's."""
        if self.closed:
            return self.ticket
        if self._left(now) > 0 or self.admitted >= self.settings.probes:
            return 0
        self.admitted += 1
        return self.ticket

    def passed(self, now: float, seconds: float, ticket: int = 0) -> None:
        """A call succeeded after so many seconds."""
        if ticket and ticket != self.ticket:
            return
        if not self.closed:
            self._probed(now, seconds <= self.slow)
            return
        slot = int(now * self.per_second)
        if slot != self.slot:
            self._turn(slot)
        self.calls += 1
        self.calls_in[slot % BUCKETS] += 1
        if seconds > self.slow:
            self.late += 1
            self.late_in[slot % BUCKETS] += 1
            self._judge(now)

    def failed(self, now: float, ticket: int = 0) -> None:
        """A call failed in a way that speaks against the deployment."""
        if ticket and ticket != self.ticket:
            return
        if not self.closed:
            self._probed(now, False)
            return
        slot = int(now * self.per_second)
        if slot != self.slot:
            self._turn(slot)
        self.calls += 1
        self.calls_in[slot % BUCKETS] += 1
        self.bad += 1
        self.bad_in[slot % BUCKETS] += 1
        self._judge(now)

    def released(self, ticket: int = 0) -> None:
        """A call ended without a verdict, as when cancelled: a probe gives its place back."""
        if not self.closed and self.admitted > self.passes and ticket in (0, self.ticket):
            self.admitted -= 1

    def _left(self, now: float) -> float:
        """Seconds of rest that are left, while it is not closed."""
        if now < self.opened:  # another clock: it never rests longer than `rest`
            self._open(now, self.rest)
        return max(0.0, self.opened + self.rest - now)

    def _judge(self, now: float) -> None:
        """Open where the window holds enough calls and too large a share was bad or slow."""
        settings, calls = self.settings, self.calls
        if calls >= settings.least and (
            self.bad >= settings.failures * calls or self.late >= settings.slow_share * calls
        ):
            self._open(now, settings.rest)

    def _probed(self, now: float, well: bool) -> None:
        """A call ended while it is not closed: it counts if it was a probe."""
        if self.admitted == self.passes or self._left(now) > 0:
            return
        if not well:
            self._open(now, min(2 * self.rest, LONGEST * self.settings.rest))
            return
        self.passes += 1
        if self.passes >= self.settings.probes:
            self.ticket += 1
            self._close()

    def _open(self, now: float, rest: float) -> None:
        """Refuse calls for `rest` seconds; probes may follow."""
        self.ticket += 1
        self.closed = False
        self.opened = now
        self.rest = rest
        self.admitted = self.passes = 0

    def _close(self) -> None:
        """Let calls pass, with an empty window."""
        self.closed = True
        self.rest = self.settings.rest
        self.admitted = self.passes = 0
        self._clear()

    def _clear(self) -> None:
        """Forget the window."""
        self.calls = self.bad = self.late = 0
        self.calls_in = [0] * BUCKETS
        self.bad_in = [0] * BUCKETS
        self.late_in = [0] * BUCKETS

    def _turn(self, slot: int) -> None:
        """Move on to a bucket; those that fell out of the window are emptied."""
        if self.slot - BUCKETS < slot < self.slot:  # told late, of a bucket that still counts
            return
        if not 0 < slot - self.slot < BUCKETS:  # long idle, or another clock
            self._clear()
        for passing in range(self.slot + 1, slot + 1) if self.calls else ():
            place = passing % BUCKETS
            self.calls -= self.calls_in[place]
            self.bad -= self.bad_in[place]
            self.late -= self.late_in[place]
            self.calls_in[place] = self.bad_in[place] = self.late_in[place] = 0
        self.slot = slot
