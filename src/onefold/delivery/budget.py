"""A cap on what may be spent: reserved before a call, settled after it, never exceeded."""

from __future__ import annotations

from asyncio import CancelledError, Future, get_running_loop
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from onefold.core.errors import BudgetExceeded, ConfigError
from onefold.core.usage import NOTHING, Usage, dollars

ROUNDING = 1 + 1e-9


class Budget:
    """At most so many US dollars, tokens, calls, and seconds from the first call on.

    What runs is counted at what was reserved for it. A call that would fit if nothing else ran
    waits for what runs to be settled.

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
        self.spent: Usage = NOTHING
        self.held: Usage = NOTHING
        self.until: float | None = None
        self.waiting: deque[Place] = deque()

    @property
    def bounds_tokens(self) -> bool:
        """Whether the length of replies matters to a cap."""
        return self.usd is not None or self.tokens is not None

    def reserve(self, estimate: Usage, model: str) -> bool:
        """Set aside what a call may use; False where it must wait its turn first.

        Raises:
            BudgetExceeded: it does not fit in what is left, whatever else ends; nothing was called.
        """
        if self.seconds is not None:
            self._check_time()
        self._refuse(self.spent + estimate, estimate, model)
        if self.waiting or not self._fits(self.spent + self.held + estimate):
            return False
        self.held += estimate
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
        held, back = self.held, estimate
        if back is not NOTHING:
            self.held = Usage(
                held.tokens_in - back.tokens_in,
                0,
                held.tokens_out - back.tokens_out,
                None if held.usd is None or back.usd is None else max(0.0, held.usd - back.usd),
                held.calls - back.calls,
            )
            if not self.held.calls:
                self.held = NOTHING
        self.spent += usage
        while self.waiting:
            place = self.waiting[0]
            error = None
            try:
                self._refuse(self.spent + place.estimate, place.estimate, place.model)
            except BudgetExceeded as refused:
                error = refused
            else:
                if not self._fits(self.spent + self.held + place.estimate):
                    return
                self.held += place.estimate
                place.held = True
            self.waiting.popleft()
            place.wake(error)

    def affordable(self, tokens_in: Usage, price_out: float) -> int | None:
        """Tokens that a reply may have at most, so that it still fits; None: any number."""
        most: list[float] = []
        if self.usd is not None and price_out > 0:
            left = self.usd - (self.spent.usd or 0.0) - (tokens_in.usd or 0.0)
            most.append(left * 1e6 / price_out)
        if self.tokens is not None:
            most.append(self.tokens - self.spent.tokens - tokens_in.tokens_in)
        return None if not most else max(0, int(min(most)))

    def _fits(self, would: Usage) -> bool:
        """Whether so much may be spent in all."""
        if self.usd is not None and (would.usd is None or would.usd > self.usd * ROUNDING):
            return False
        if self.tokens is not None and would.tokens > self.tokens:
            return False
        return self.calls is None or would.calls <= self.calls

    def _refuse(self, would: Usage, estimate: Usage, model: str) -> None:
        """Refuse what would not fit even if nothing else ran."""
        if self._fits(would):
            return
        if self.usd is not None and (would.usd is None or would.usd > self.usd * ROUNDING):
            left = max(self.usd - (self.spent.usd or 0.0), 0.0)
            raise BudgetExceeded(
                f"a call to {model} may cost {dollars(estimate.usd)}, "
                f"{dollars(left)} of {dollars(self.usd)} are left: raise the budget"
            )
        if self.tokens is not None and would.tokens > self.tokens:
            raise BudgetExceeded(
                f"{would.tokens} tokens would pass the cap of {self.tokens}: raise it"
            )
        raise BudgetExceeded(f"{would.calls} calls would pass the cap of {self.calls}: raise it")

    def _check_time(self) -> None:
        """Start the clock with the first call, refuse calls once it has run out."""
        now = get_running_loop().time()
        if self.until is None:
            self.until = now + (self.seconds or 0.0)
        if now >= self.until:
            raise BudgetExceeded(f"the {self.seconds:g} seconds of the budget are over: raise it")


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
