"""A cap on what may be spent: reserved before a call, settled after it, never exceeded."""

from __future__ import annotations

from asyncio import CancelledError, Future, get_running_loop
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf

from onefold.core.errors import BudgetExceeded, ConfigError
from onefold.core.usage import NOTHING, Sum, Usage, dollars

ROUNDING = 1 + 1e-9


class Budget:
    """At most so many US dollars, tokens, calls, and seconds from the first call on.

    What runs is counted at what was reserved for it. A call that would fit if nothing else ran
    waits for what runs to be settled.

    metered: whether the length of replies matters to a cap.

    Raises:
        ConfigError: a cap is negative or NaN.
    """

    def __init__(
        self,
        usd: float | None = None,
        *,
        tokens: int | None = None,
        calls: int | None = None,
        seconds: float | None = None,
    ) -> None:
        caps = {"usd": usd, "tokens": tokens, "calls": calls, "seconds": seconds}
        for name, cap in caps.items():
            if cap is not None and not cap >= 0:
                raise ConfigError(f"budget {name}={cap!r}: a cap is zero or more")
        self.usd = usd
        self.tokens = tokens
        self.calls = calls
        self.seconds = seconds
        self.metered = usd is not None or tokens is not None
        self.until: float | None = None
        self.waiting: deque[Place] = deque()
        self._sum = Sum()
        self._spent = Amount()
        self.held = Amount()

    @property
    def spent(self) -> Usage:
        """What was used so far."""
        return self._sum.total

    def reserve(self, estimate: Usage, model: str) -> bool:
        """Set aside what a call may use; False where it must wait its turn first.

        Raises:
            BudgetExceeded: it does not fit in what is left, whatever else ends; nothing was called.
        """
        if self.seconds is not None:
            self._check_time()
        if self.waiting or not self._fits(estimate, self.held):
            self._refuse(estimate, model)
            return False
        self.held.add(estimate, 1)
        return True

    async def turn(self, estimate: Usage, model: str) -> None:
        """Wait until what runs has been settled, and set aside what a call may use.

        Raises:
            BudgetExceeded: it no longer fits; nothing was called.
        """
        place = Place(get_running_loop().create_future(), estimate, model)
        self.waiting.append(place)
        try:
            await place.turn
        except CancelledError:
            if place.held:
                self.settle(estimate, NOTHING)
            elif place in self.waiting:
                self.waiting.remove(place)
            raise

    def settle(self, estimate: Usage, usage: Usage) -> None:
        """Replace a reservation by what was really used."""
        if estimate is not NOTHING:
            self.held.add(estimate, -1)
        if usage is not NOTHING:
            self._spent.add(usage, 1)
            self._sum.add(usage)
        while self.waiting:
            place = self.waiting[0]
            error = None
            try:
                self._refuse(place.estimate, place.model)
            except BudgetExceeded as refused:
                error = refused
            else:
                if not self._fits(place.estimate, self.held):
                    return
                self.held.add(place.estimate, 1)
                place.held = True
            self.waiting.popleft()
            place.wake(error)

    def affordable(self, least: Usage, price: float) -> int | None:
        """Tokens that a reply may have, so that it still fits; None: any number.

        least: what the call uses without them. price: US dollars a million of them.
        """
        most = inf
        if self.usd is not None and price > 0:
            most = (self.usd - self._spent.usd - (least.usd or 0.0)) * 1e6 / price
        if self.tokens is not None:
            most = min(most, self.tokens - self._spent.tokens - least.tokens)
        return None if most == inf else max(0, int(most))

    def _fits(self, more: Usage, held: Amount) -> bool:
        """Whether so much more may be spent, beside what was spent and what is held."""
        spent, usd = self._spent, more.usd
        if self.usd is not None and (
            usd is None or spent.unknown or spent.usd + held.usd + usd > self.usd * ROUNDING
        ):
            return False
        if self.tokens is not None and spent.tokens + held.tokens + more.tokens > self.tokens:
            return False
        return self.calls is None or spent.calls + held.calls + more.calls <= self.calls

    def _refuse(self, more: Usage, model: str) -> None:
        """Refuse what would not fit even if nothing else ran."""
        if self._fits(more, NONE):
            return
        spent = self._spent
        unknown = more.usd is None or spent.unknown
        if self.usd is not None and (unknown or spent.usd + (more.usd or 0.0) > self.usd):
            left = max(self.usd - spent.usd, 0.0)
            raise BudgetExceeded(
                f"a call to {model} may cost {dollars(more.usd)}, "
                f"{dollars(left)} of {dollars(self.usd)} are left: raise the budget"
            )
        tokens = spent.tokens + more.tokens
        if self.tokens is not None and tokens > self.tokens:
            raise BudgetExceeded(f"{tokens} tokens would pass the cap of {self.tokens}: raise it")
        calls = spent.calls + more.calls
        raise BudgetExceeded(f"{calls} calls would pass the cap of {self.calls}: raise it")

    def _check_time(self) -> None:
        """Start the clock with the first call, refuse calls once it has run out."""
        now = get_running_loop().time()
        if self.until is None:
            self.until = now + (self.seconds or 0.0)
        if now >= self.until:
            raise BudgetExceeded(f"the {self.seconds:g} seconds of the budget are over: raise it")


class Amount:
    """Running totals that caps are compared with; `unknown` counts usages without a price."""

    __slots__ = ("calls", "tokens", "unknown", "usd")

    def __init__(self) -> None:
        self.usd = 0.0
        self.tokens = 0
        self.calls = 0
        self.unknown = 0

    def add(self, usage: Usage, times: int) -> None:
        """Add a usage, or with -1 take it away."""
        if usage.usd is None:
            self.unknown += times
        else:
            self.usd += times * usage.usd
        self.tokens += times * (usage.tokens_in + usage.tokens_out)
        self.calls += times * usage.calls
        if not self.calls and times < 0:
            self.usd = 0.0  # what rounding left


NONE = Amount()


class Place:
    """A call that waits for its turn; `held` once its share is set aside."""

    __slots__ = ("estimate", "held", "model", "turn")

    def __init__(self, turn: Future[None], estimate: Usage, model: str) -> None:
        self.turn = turn
        self.estimate = estimate
        self.model = model
        self.held = False

    def wake(self, error: Exception | None) -> None:
        """Let it go on, in whichever loop it waits."""
        self.turn.get_loop().call_soon_threadsafe(self._settle, error)

    def _settle(self, error: Exception | None) -> None:
        if self.turn.done():
            return
        if error is None:
            self.turn.set_result(None)
        else:
            self.turn.set_exception(error)


@contextmanager
def bounded(seconds: float | None, budget: Budget | None) -> Iterator[None]:
    """Bound every call made inside: by a deadline in so many seconds, by a budget of its own."""
    until, held = deadline.get(), budgets.get()
    if seconds is not None:
        mine = get_running_loop().time() + seconds
        until = mine if until is None else min(until, mine)
    tokens = deadline.set(until), budgets.set(held if budget is None else (*held, budget))
    try:
        yield
    finally:
        deadline.reset(tokens[0])
        budgets.reset(tokens[1])


budgets: ContextVar[tuple[Budget, ...]] = ContextVar("onefold_budgets", default=())
deadline: ContextVar[float | None] = ContextVar("onefold_deadline", default=None)
