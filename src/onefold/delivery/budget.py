"""A cap on what a session may spend: reserved before a call, settled after it."""

from __future__ import annotations

from onefold.core.errors import BudgetExceeded, ConfigError
from onefold.core.usage import NOTHING, Usage, dollars


class Budget:
    """At most so many US dollars, tokens, calls. What runs is counted at its estimate.

    Raises:
        ConfigError: a cap is negative or NaN.
    """

    def __init__(
        self, usd: float | None = None, *, tokens: int | None = None, calls: int | None = None
    ) -> None:
        for name, cap in (("usd", usd), ("tokens", tokens), ("calls", calls)):
            if cap is not None and not cap >= 0:
                raise ConfigError(f"budget {name}={cap!r}: a cap is zero or more")
        self.usd = usd
        self.tokens = tokens
        self.calls = calls
        self.spent: Usage = NOTHING
        self.held: Usage = NOTHING

    def reserve(self, estimate: Usage, model: str) -> None:
        """Set aside what a call will probably cost.

        Raises:
            BudgetExceeded: it does not fit in what is left; nothing was called.
        """
        would = self.spent + self.held + estimate
        if self.usd is not None and (would.usd is None or would.usd > self.usd * (1 + 1e-9)):
            left = self.usd - ((self.spent + self.held).usd or 0.0)
            raise BudgetExceeded(
                f"a call to {model} may cost {dollars(estimate.usd)}, "
                f"{dollars(max(left, 0.0))} of {dollars(self.usd)} are left: raise the budget"
            )
        if self.tokens is not None and would.tokens > self.tokens:
            raise BudgetExceeded(
                f"{would.tokens} tokens would pass the cap of {self.tokens}: raise it"
            )
        if self.calls is not None and would.calls > self.calls:
            raise BudgetExceeded(
                f"{would.calls} calls would pass the cap of {self.calls}: raise it"
            )
        self.held += estimate

    def settle(self, estimate: Usage, usage: Usage) -> None:
        """Replace a reservation by what was really used."""
        held, back = self.held, estimate
        self.held = Usage(
            held.tokens_in - back.tokens_in,
            held.tokens_cached - back.tokens_cached,
            held.tokens_out - back.tokens_out,
            None if held.usd is None or back.usd is None else max(0.0, held.usd - back.usd),
            held.calls - back.calls,
        )
        self.spent += usage
