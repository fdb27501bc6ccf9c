"""What a session knows of one deployment while it lives, and the way in and out of it."""

from __future__ import annotations

from asyncio import AbstractEventLoop, CancelledError, get_running_loop, timeout_at

from onefold.core.errors import ModelError, RateLimited, Refused, TimedOut, Unreachable
from onefold.core.usage import Sum
from onefold.delivery.traffic.breaker import Breaker, Breaking
from onefold.delivery.traffic.gate import Gate, Outcome
from onefold.delivery.traffic.hedge import Hedge, Hedging, Latencies
from onefold.delivery.traffic.limits import Limiter, Limits
from onefold.delivery.traffic.retry import Retry, RetryBudget
from onefold.delivery.traffic.watch import Watch

BUSY = (429, 503, 529)
LONGEST = 60.0  # seconds that a service's Retry-After may hold back all calls to it


class Pass:
    """What one call holds while it is inside: a breaker's ticket, room in the limits, a place."""

    __slots__ = ("since", "ticket", "tokens")

    def __init__(self, ticket: int, tokens: int, since: float) -> None:
        self.ticket = ticket
        self.tokens = tokens
        self.since = since


class Line:
    """The guards of one deployment, and what went through it.

    A guard whose settings are None is None, and skipped; `guarded` says whether there is one.

    watch: of the loop that made the last call; those of other loops watch on by themselves.
    identity: what its replies depend on besides the request, worked out once.
    latencies: told of every reply once; `hedge` reads the same.
    used, expected: what calls really used, and what was estimated before them.
    calls, failed: calls made, and those of them that failed.
    """

    __slots__ = (
        "breaker", "calls", "expected", "failed", "gate", "guarded", "hedge", "identity",
        "latencies", "limiter", "retries", "used", "watch",
    )  # fmt: skip

    def __init__(
        self,
        limits: Limits | None = None,
        retry: Retry | None = None,
        breaking: Breaking | None = None,
        hedging: Hedging | None = None,
    ) -> None:
        self.limiter = None if limits is None else Limiter(limits)
        self.gate = None if limits is None else Gate(limits)
        self.retries = None if retry is None else RetryBudget(retry)
        self.breaker = None if breaking is None else Breaker(breaking)
        self.latencies = Latencies()
        self.hedge = None if hedging is None else Hedge(hedging, self.latencies)
        self.watch: Watch | None = None
        self.identity = ""
        self.guarded = limits is not None or breaking is not None
        self.used = Sum()
        self.expected = Sum()
        self.calls = 0
        self.failed = 0

    def saturated(self, tokens: int, now: float) -> bool:
        """Whether there is no room for calls that are made for speed's sake alone."""
        if self.gate is not None and self.gate.saturated:
            return True
        if self.limiter is not None and self.limiter.wait(now, tokens) > 0:
            return True
        return self.breaker is not None and self.breaker.state(now) != "closed"

    def wait(self, tokens: int, now: float) -> float:
        """Seconds until one more call would be let in by the breaker and the limits."""
        resting = 0.0 if self.breaker is None else self.breaker.wait(now)
        return max(resting, 0.0 if self.limiter is None else self.limiter.wait(now, tokens))

    def watched(self, seconds: float, loop: AbstractEventLoop) -> Watch:
        """What ends this loop's calls when they take longer than so many seconds."""
        watch = self.watch
        if watch is None or watch.loop is not loop or watch.seconds != seconds:
            watch = self.watch = Watch(seconds, loop)
        return watch

    async def enter(self, tokens: int, until: float | None, who: str) -> Pass:
        """Go in: past the breaker at once or not at all, then as the gate and the limits let.

        Raises:
            Unreachable: the breaker is open. TimedOut, RateLimited: no room before `until`.
        """
        now = get_running_loop().time()
        ticket = 1
        if self.breaker is not None:
            ticket = self.breaker.admit(now)
            if not ticket:
                raise resting(who, self.breaker.wait(now))
        passing = Pass(ticket, tokens, now)
        if self.gate is None or self.limiter is None:
            return passing
        if self.gate.try_enter():
            if self.limiter.admit(tokens, now):
                return passing
        else:
            await self._await_gate(self.gate, ticket, until, who)
        try:
            passing.since = await self.limiter.reserve(tokens, until)
        except BaseException:
            self.gate.leave(now, "other")
            self._release(ticket)
            raise
        return passing

    async def _await_gate(self, gate: Gate, ticket: int, until: float | None, who: str) -> None:
        """Wait for a place at the gate, but not for longer than there is time."""
        try:
            async with timeout_at(until):
                await gate.enter()
        except BaseException as error:
            self._release(ticket)
            if isinstance(error, TimeoutError):
                raise TimedOut(
                    f"{who} has {gate.limit} calls under way, and no place came free in time: "
                    "allow it more time, raise limits.concurrency, or add a deployment",
                    model=who,
                ) from None
            raise

    def _release(self, ticket: int) -> None:
        """Give a breaker's ticket back: nothing was learned."""
        if self.breaker is not None:
            self.breaker.released(ticket)

    def leave(
        self,
        passing: Pass,
        seconds: float,
        used: int,
        error: BaseException | None,
        now: float,
        sent: bool = True,
    ) -> None:
        """Come out after so many seconds, having used so many tokens, with an error or without.

        sent: whether anything was; where nothing was, all that it held is given back.
        """
        if not sent:
            self._release(passing.ticket)
            if self.gate is not None:
                self.gate.leave(now, "other")
            if self.limiter is not None:
                self.limiter.refund(passing.tokens, passing.since, now)
            return
        outcome: Outcome = "ok"
        if error is not None:
            outcome = self._failed(passing, error, now)
        elif self.breaker is not None:
            self.breaker.passed(now, seconds, passing.ticket)
        if self.gate is not None:
            self.gate.leave(now, outcome, seconds)
        if self.limiter is not None:
            held = isinstance(error, CancelledError)  # it may go on there, and use what it held
            used = passing.tokens if held else used
            self.limiter.settle(passing.tokens, used, passing.since, now)

    def _failed(self, passing: Pass, error: BaseException, now: float) -> Outcome:
        """Tell the breaker and the limits of a failure; what it means for the gate."""
        if self.breaker is not None:
            blamed = isinstance(error, ModelError) and not isinstance(error, Refused | RateLimited)
            if blamed:
                self.breaker.failed(now, passing.ticket)
            else:
                self._release(passing.ticket)
        if not isinstance(error, ModelError):
            return "other"
        if error.retry_after and self.limiter is not None:
            self.limiter.pause(min(error.retry_after, LONGEST), now)
        busy = isinstance(error, RateLimited | TimedOut) or error.status in BUSY
        return "overloaded" if busy else "other"


def resting(who: str, seconds: float) -> Unreachable:
    """The error for a call to a deployment that is left alone for now; not to be retried."""
    error = Unreachable(
        f"{who} failed too often and is left alone for another {seconds:.1f} s: wait, or give the "
        "model another deployment",
        model=who,
        retry_after=seconds,
    )
    error.retryable = False
    return error
