"""What asking will take, before anything is paid: least, expected and worst case, as values."""

from __future__ import annotations

from msgspec import Struct

from onefold.core.usage import dollars

SHOWN = 40  # nodes of a graph that a plan prints


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


class Task(Struct, frozen=True):
    """A node of a planned graph: what it waits for, its expected cost, when it starts.

    critical: whether it is on the critical path, which nothing but a quicker node shortens.
    """

    name: str
    after: tuple[str, ...] = ()
    cost: Cost = FREE
    start: float = 0.0
    critical: bool = False

    def row(self) -> list[str]:
        """A line of a table: name, what it waits for, seconds from and to, dollars, critical."""
        ends = self.start + self.cost.seconds
        times = f"{self.start:,.1f} to {ends:,.1f} s"
        about = [", ".join(self.after), times, dollars(self.cost.usd)]
        return [self.name, *about, "critical" if self.critical else ""]


class Plan(Struct, frozen=True):
    """Least, expected and worst case of asking `queries` questions one after the other.

    expected: under `assumption`, where a stop may end a panel early.
    tasks: of a graph, its nodes as expected for the first question.
    """

    least: Cost = FREE
    expected: Cost = FREE
    worst: Cost = FREE
    queries: int = 1
    assumption: str = ""
    tasks: tuple[Task, ...] = ()

    @property
    def critical(self) -> tuple[str, ...]:
        """Of a graph: the nodes on the critical path, in their order."""
        on_it = sorted((task.start, i) for i, task in enumerate(self.tasks) if task.critical)
        return tuple(self.tasks[index].name for _, index in on_it)

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
            self.tasks or other.tasks,
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
        lines = table([["", "least", "expected", "worst"], *self.rows()])
        if self.tasks:
            rows = [task.row() for task in self.tasks[:SHOWN]]
            more = len(self.tasks) - len(rows)
            lines += ["", *table([["node", "after", "expected", "US dollars", ""], *rows], 2)]
            lines += [f"… and {more} more"] if more else []
        return "\n".join([*lines, self.assumption] if self.assumption else lines)


def table(rows: list[list[str]], texts: int = 1) -> list[str]:
    """Rows as lines of even columns, the first `texts` of them flush left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if i < texts else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
