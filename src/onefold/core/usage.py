"""Tokens and money: what a call used, and what a model asks for it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from onefold.core.errors import ConfigError

Dollars = Annotated[float, Meta(ge=0)]


class Usage(Struct, frozen=True):
    """What calls used, everything called included. `a + b` adds up; `Usage()` is zero.

    usd: US dollars, or None where a price is unknown: unknown is never free, and a sum with
        an unknown part is unknown.
    calls: paid calls, those answered from a cache not counted.
    estimated: True when a part is an estimate, as for a call that was cancelled half-way.
    tokens_cached, tokens_written: of tokens_in, those read from and written to the service's
        prompt cache. tokens_reasoning: of tokens_out, those of hidden reasoning.
    """

    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    usd: float | None = 0.0
    calls: int = 0
    estimated: bool = False
    tokens_written: int = 0
    tokens_reasoning: int = 0

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.tokens_in + self.tokens_out

    def __add__(self, other: Usage) -> Usage:
        if self is NOTHING:
            return other
        if other is NOTHING:
            return self
        return Usage(
            self.tokens_in + other.tokens_in,
            self.tokens_cached + other.tokens_cached,
            self.tokens_out + other.tokens_out,
            None if self.usd is None or other.usd is None else self.usd + other.usd,
            self.calls + other.calls,
            self.estimated or other.estimated,
            self.tokens_written + other.tokens_written,
            self.tokens_reasoning + other.tokens_reasoning,
        )

    def __str__(self) -> str:
        calls = "1 call" if self.calls == 1 else f"{self.calls} calls"
        return f"{dollars(self.usd)} · {calls} · {self.tokens_in}+{self.tokens_out} tokens"


NOTHING = Usage()


class Sum:
    """A sum of usages that is cheap to add to: it is added up when it is looked at."""

    __slots__ = ("added", "known")

    def __init__(self) -> None:
        self.known = NOTHING
        self.added: list[Usage] = []

    def add(self, usage: Usage) -> None:
        """Add a usage."""
        self.added.append(usage)
        if len(self.added) > 1000:
            self._add_up()

    @property
    def total(self) -> Usage:
        """The sum so far."""
        self._add_up()
        return self.known

    def _add_up(self) -> None:
        added, self.added = self.added, []
        for usage in added:
            self.known += usage


class Price(Struct, frozen=True):
    """List price in US dollars: per million tokens, and per call.

    tokens_cached, tokens_written: price of input tokens read from and written to the service's
        prompt cache; None means as `tokens_in`.
    """

    tokens_in: Dollars
    tokens_out: Dollars
    tokens_cached: Dollars | None = None
    call: Dollars = 0.0
    tokens_written: Dollars | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            price = getattr(self, name)
            if price is not None and not 0 <= price < float("inf"):
                raise ConfigError(f"price {name}={price!r}: a price is zero or more US dollars")

    def usd(self, usage: Usage) -> float:
        """What `usage` costs, in US dollars."""
        return self.of(
            usage.tokens_in,
            usage.tokens_out,
            usage.tokens_cached,
            usage.tokens_written,
            usage.calls,
        )

    def of(
        self, tokens_in: int, tokens_out: int, cached: int = 0, written: int = 0, calls: int = 1
    ) -> float:
        """What so many tokens cost, in US dollars; `cached` and `written` are of `tokens_in`."""
        tokens = tokens_in * self.tokens_in + tokens_out * self.tokens_out
        if cached and self.tokens_cached is not None:
            tokens += cached * (self.tokens_cached - self.tokens_in)
        if written and self.tokens_written is not None:
            tokens += written * (self.tokens_written - self.tokens_in)
        return tokens / 1e6 + calls * self.call


def dollars(usd: float | None) -> str:
    """Money for people: as many digits as it needs, `unknown` where it is."""
    if usd is None:
        return "price unknown"
    if usd >= 1 or usd == 0:
        return f"${usd:.2f}"
    return f"${usd:.6f}".rstrip("0") if usd >= 1e-6 else f"${usd:.12f}".rstrip("0")


def estimated_tokens(text: str) -> int:
    """Tokens of a text before a service has counted them: four characters each, at least one."""
    return (len(text) + 3) // 4 or 1
