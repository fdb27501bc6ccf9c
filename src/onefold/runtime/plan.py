"""What asking will take, before anything is paid: least, expected and worst case, as values."""

from __future__ import annotations

from msgspec import Struct

from onefold.core.usage import dollars


class Cost(Struct, frozen=True):
    """Calls, tokens, US dollars (None: unknown) and seconds. `a + b` is one after the other."""

    calls: float = 0.0
    tokens_in: float = 0.0
    tokens_out: float = 0.0
    usd: float | None = 0.0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.calls + other.calls,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            None if self.usd is None or other.usd is None else self.usd + other.usd,
            self.seconds + other.seconds,
        )

    def times(self, share: float) -> Cost:
        """A share of it, or a multiple; an unknown price stays unknown unless nothing is left."""
        usd = None if self.usd is None and share else (self.usd or 0.0) * share
        return Cost(
            self.calls * share,
            self.tokens_in * share,
            self.tokens_out * share,
            usd,
            self.seconds * share,
        )

    def lasting(self, seconds: float) -> Cost:
        """The same cost over another time, for parts that run side by side."""
        return Cost(self.calls, self.tokens_in, self.tokens_out, self.usd, seconds)


FREE = Cost()


class Plan(Struct, frozen=True):
    """Least, expected and worst case of asking `queries` questions one after the other.

    expected: under `assumption`, where a stop may end a panel early.
    """

    least: Cost = FREE
    expected: Cost = FREE
    worst: Cost = FREE
    queries: int = 1
    assumption: str = ""

    @property
    def usd(self) -> float | None:
        """Expected US dollars."""
        return self.expected.usd

    @property
    def calls(self) -> float:
        """Expected calls."""
        return self.expected.calls

    def __add__(self, other: Plan) -> Plan:
        return Plan(
            self.least + other.least,
            self.expected + other.expected,
            self.worst + other.worst,
            max(self.queries, other.queries),
            self.assumption or other.assumption,
        )

    def rows(self) -> list[list[str]]:
        """A table: what, least, expected, worst."""
        cases = (self.least, self.expected, self.worst)
        return [
            ["calls", *(f"{case.calls:,.0f}" for case in cases)],
            ["tokens in", *(f"{case.tokens_in:,.0f}" for case in cases)],
            ["tokens out", *(f"{case.tokens_out:,.0f}" for case in cases)],
            ["US dollars", *(dollars(case.usd) for case in cases)],
            ["seconds, one question after the other", *(f"{case.seconds:,.1f}" for case in cases)],
        ]

    def __str__(self) -> str:
        rows = [["", "least", "expected", "worst"], *self.rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in (1, 2, 3))])
            for row in rows
        ]
        return "\n".join([*lines, self.assumption] if self.assumption else lines)
