"""Requests and tokens a minute together: never more in any rolling minute, first come first."""

from __future__ import annotations

from asyncio import get_running_loop
from collections import OrderedDict
from math import ceil, inf
from threading import RLock

from msgspec import Struct

from onefold.core.errors import ConfigError, RateLimited
from onefold.delivery.traffic.settings import Count, check
from onefold.delivery.traffic.waiting import Waiter, finish

WIDTH = 0.5  # seconds of a slot of the log
SLOTS = 121  # a minute, and the slot that is being filled
LATE = 10  # slots that `now` may lag behind what was last heard before it is another clock's
BEHIND = 1.0  # seconds after which a waiter looks for itself why those before it did not call it


class Limits(Struct, frozen=True):
    """What a service allows.

    requests, tokens: at most so many in any rolling minute; None is no limit.
    concurrency: calls at once to start with; it adapts between `least` and `most`.

    Raises:
        ConfigError: a value is out of its range.
    """

    requests: Count | None = None
    tokens: Count | None = None
    concurrency: Count = 20
    most: Count = 1000
    least: Count = 1

    def __post_init__(self) -> None:
        check(self)
        if not self.least <= self.concurrency <= self.most:
            raise ConfigError(
                f"limits concurrency={self.concurrency}: it lies between least={self.least} and "
                f"most={self.most}, move one of them"
            )


class Limiter:
    """A sliding-window log of the last minute, in slots of half a second.

    What was admitted counts until its whole slot is a minute old. So the limit holds in every
    rolling minute, whereas a token bucket (GCRA) that lets the whole limit burst would admit
    almost twice that; and the whole limit may still be used at once.
    """

    __slots__ = (
        "asked", "asked_in", "left", "left_tokens", "lock", "queue", "queued", "queued_tokens",
        "requests", "resume", "shift", "slot", "spent", "spent_in", "tokens",
    )  # fmt: skip

    def __init__(self, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self.requests = inf if limits.requests is None else limits.requests
        self.tokens = inf if limits.tokens is None else limits.tokens
        self.lock = RLock()  # a coroutine that is collected gives back while the lock is held
        self.queue: OrderedDict[Waiter, None] = OrderedDict()
        self.queued = self.queued_tokens = self.left = self.left_tokens = 0
        self.asked = self.spent = 0
        self.asked_in = [0] * SLOTS
        self.spent_in = [0] * SLOTS
        self.slot = self.shift = 0
        self.resume = 0.0

    @property
    def waiting(self) -> int:
        """Calls that wait for room."""
        return len(self.queue)

    def admit(self, tokens: int, now: float) -> bool:
        """Take room for one request and its tokens, if there is some and nobody waits for it."""
        with self.lock:
            if self.queue:
                return False
            slot = int(now / WIDTH) + self.shift
            if slot != self.slot:
                self._turn(slot)
            return self._take(tokens, now)

    async def reserve(self, tokens: int, until: float | None = None) -> float:
        """Wait for room for one request and its tokens; the loop time at which it was taken.

        Tokens beyond the whole limit wait for a minute in which nothing else was used.

        Raises:
            RateLimited: room cannot come before `until` (loop time); `retry_after` says when.
        """
        loop = get_running_loop()
        now = loop.time()
        if self.admit(tokens, now):
            return now
        waiter = Waiter(loop, tokens)
        try:
            with self.lock:
                self._join(waiter)
            while True:
                with self.lock:
                    now = loop.time()
                    if not waiter.granted:
                        self._serve(now)
                    if waiter.granted:
                        return waiter.since
                    wait = self._wait(waiter, now)
                    if until is not None and now + wait > until:
                        raise self._refusal(wait, now)
                    waiter.future = loop.create_future()
                    due = now + wait
                    if waiter is not next(iter(self.queue)):
                        due += BEHIND if until is None else min(BEHIND, until - due)
                timer = loop.call_at(due, finish, waiter.future)
                try:
                    await waiter.future
                finally:
                    timer.cancel()
        except BaseException:
            self._withdraw(waiter, loop.time())
            raise

    def settle(self, reserved: int, used: int, since: float, now: float) -> None:
        """Correct the tokens of a call, admitted at `since`, by what it really used."""
        if used == reserved or self.tokens == inf:
            return
        with self.lock:
            slot = int(now / WIDTH) + self.shift
            if slot != self.slot:
                self._turn(slot)
            if used > reserved:
                self.spent += used - reserved
                self.spent_in[self.slot % SLOTS] += used - reserved
                return
            self._give(0, reserved - used, since)
            if self.queue:
                self._serve(now, True)

    def refund(self, reserved: int, since: float, now: float) -> None:
        """Give the request, admitted at `since`, and its tokens back: nothing was sent."""
        with self.lock:
            self._turn(int(now / WIDTH) + self.shift)
            self._give(1, reserved, since)
            self._serve(now, True)

    def pause(self, seconds: float, now: float) -> None:
        """Admit nobody for so long: the service said Retry-After."""
        if 0 < seconds < inf:
            with self.lock:
                self._turn(int(now / WIDTH) + self.shift)
                self.resume = max(self.resume, now + self.shift * WIDTH + seconds)

    def wait(self, now: float, tokens: int = 0) -> float:
        """Seconds until one more call, with so many tokens, would be admitted; 0.0 now."""
        with self.lock:
            self._turn(int(now / WIDTH) + self.shift)
            requests = self.queued - self.left + 1 if self.queue else 1
            ahead = self.queued_tokens - self.left_tokens if self.queue else 0
            return self._until(requests, ahead + min(tokens, self.tokens), now)

    def _turn(self, slot: int) -> None:
        """Move on to a slot; those a minute old no longer count."""
        last = self.slot
        if slot <= last:
            if slot < last - LATE:  # another clock: go on from here, block nobody
                self.shift += last - slot
            return
        if slot - last >= SLOTS:
            self.asked = self.spent = 0
            self.asked_in = [0] * SLOTS
            self.spent_in = [0] * SLOTS
        else:
            for passing in range(last + 1, slot + 1):
                place = passing % SLOTS
                self.asked -= self.asked_in[place]
                self.spent -= self.spent_in[place]
                self.asked_in[place] = self.spent_in[place] = 0
        self.slot = slot

    def _take(self, tokens: int, now: float) -> bool:
        """Take room, if there is some."""
        if self.asked >= self.requests:
            return False
        if self.spent + tokens > self.tokens and (self.spent or tokens <= self.tokens):
            return False
        if self.resume and self._paused(now) > 0:
            return False
        place = self.slot % SLOTS
        self.asked += 1
        self.asked_in[place] += 1
        self.spent += tokens
        self.spent_in[place] += tokens
        return True

    def _give(self, requests: int, tokens: int, since: float) -> None:
        """Give room back where it was taken; a refund from a younger slot would admit too much."""
        slot = int(since / WIDTH) + self.shift
        if self.slot - SLOTS < slot <= self.slot:
            place = slot % SLOTS
            requests = min(requests, self.asked_in[place])
            tokens = min(tokens, self.spent_in[place])
            self.asked -= requests
            self.asked_in[place] -= requests
            self.spent -= tokens
            self.spent_in[place] -= tokens

    def _paused(self, now: float) -> float:
        """Seconds that the service still asks for."""
        left = self.resume - self.shift * WIDTH - now
        if left <= 0:
            self.resume = left = 0.0
        return left

    def _join(self, waiter: Waiter) -> None:
        """Queue up."""
        self.queued += 1
        self.queued_tokens += int(min(waiter.tokens, self.tokens))
        waiter.requests_due = self.queued
        waiter.tokens_due = self.queued_tokens
        self.queue[waiter] = None

    def _quit(self, waiter: Waiter) -> None:
        """Leave the queue, served or not."""
        del self.queue[waiter]
        self.left += 1
        self.left_tokens += int(min(waiter.tokens, self.tokens))

    def _serve(self, now: float, sooner: bool = False) -> None:
        """Let those in who have waited longest, as many as there is room for.

        sooner: whether the next may now be served earlier than it expects to be.
        """
        if not self.queue:
            return
        self._turn(int(now / WIDTH) + self.shift)
        while self.queue:
            waiter = next(iter(self.queue))
            if not self._take(waiter.tokens, now):
                if sooner:
                    waiter.wake()
                return
            sooner = True
            self._quit(waiter)
            waiter.since = now
            waiter.granted = waiter.wake()
            if not waiter.granted:
                self._give(1, waiter.tokens, now)

    def _withdraw(self, waiter: Waiter, now: float) -> None:
        """Undo what a call that waits no longer had asked for, or had just got."""
        with self.lock:
            if waiter.granted:
                self._give(1, waiter.tokens, waiter.since)
            elif waiter in self.queue:
                self._quit(waiter)
            self._serve(now, True)

    def _wait(self, waiter: Waiter, now: float) -> float:
        """Seconds until a queued call can be served at the earliest."""
        head = next(iter(self.queue))
        first = self._until(1, min(head.tokens, self.tokens), now)
        if waiter is head:
            return first
        due = waiter.tokens_due - self.left_tokens
        return max(first, self._until(waiter.requests_due - self.left, due, now))

    def _until(self, requests: int, tokens: float, now: float) -> float:
        """Seconds until the log has room for all of these, at the earliest."""
        room = max(
            expiry(self.asked_in, self.slot, self.asked, requests, self.requests),
            expiry(self.spent_in, self.slot, self.spent, tokens, self.tokens),
        )
        wait = (room - self.shift) * WIDTH - now if room > self.slot else 0.0
        return max(wait, self._paused(now)) if self.resume else wait

    def _refusal(self, wait: float, now: float) -> RateLimited:
        """The error for a call whose room comes too late."""
        if self._paused(now) >= wait:
            why = "the service asked for a pause"
        else:
            caps = ((self.requests, "requests"), (self.tokens, "tokens"))
            named = " and ".join(f"{cap} {what}" for cap, what in caps if cap < inf)
            why = f"the limit is {named} a minute"
        return RateLimited(
            f"no room for {wait:.1f} s, later than this call's deadline: {why}; allow it more "
            "time, raise the limits, or add a deployment",
            retry_after=wait,
        )


def expiry(taken: list[int], slot: int, total: int, wanted: float, limit: float) -> int:
    """The slot in which `wanted` more fit under the limit, when all is used as soon as it can be.

    taken: what was used in each slot of the ring, `total` in all; slot: the present one.
    """
    if total + wanted <= limit:
        return slot
    rounds = max(0, ceil(wanted / limit) - 1)
    excess = total + wanted - (rounds + 1) * limit
    if excess <= 0:
        return slot + rounds * SLOTS
    for old in range(slot - SLOTS + 1, slot + 1):
        excess -= taken[old % SLOTS]
        if excess <= 0:
            return old + (rounds + 1) * SLOTS
    return slot + (rounds + 1) * SLOTS
