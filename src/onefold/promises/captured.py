"""What one run of a jit function did: its calls, what they waited for, how much time that won."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from msgspec import Struct

from onefold.core.usage import NOTHING, Usage

WIDTH = 32


class Made(Struct, frozen=True):
    """A call that was made.

    place, code: file and line on which it was written, and what stands there.
    needs: the calls whose promises it was given, by their place in the run.
    after: the calls whose values the function had used before it made this one.
    began, ended: seconds since the function started.
    runs: what jit functions below it did.
    """

    name: str
    place: str = ""
    code: str = ""
    needs: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    began: float = 0.0
    ended: float = 0.0
    failed: bool = False
    usage: Usage = NOTHING
    runs: tuple[Captured, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it ran."""
        return self.ended - self.began

    @property
    def work(self) -> float:
        """Seconds that it would take with one call after the other."""
        return sum(run.work for run in self.runs) if self.runs else self.seconds


class Captured(Struct, frozen=True):
    """One run of a jit function, as `with capture() as runs` brings it.

    seconds: how long it took. `print` shows its calls in time, `mermaid()` what waits for what.
    """

    name: str
    calls: tuple[Made, ...] = ()
    seconds: float = 0.0

    @property
    def work(self) -> float:
        """Seconds that its calls would take one after the other."""
        return sum(call.work for call in self.calls)

    @property
    def critical(self) -> float:
        """Seconds of its longest chain of calls that wait for each other: no run is shorter."""
        ends: list[float] = []
        for call in self.calls:
            waits = (ends[i] for i in (*call.needs, *call.after))
            ends.append(max(waits, default=0.0) + call.seconds)
        return max(ends, default=0.0)

    @property
    def speedup(self) -> float:
        """How many times as fast as one call after the other it was."""
        return self.work / self.seconds if self.seconds else 1.0

    def mermaid(self) -> str:
        """A Mermaid flowchart: solid arrows carry answers, dotted ones only say `not before`."""
        lines = ["flowchart LR"]
        for number, call in enumerate(self.calls):
            style = ":::failed" if call.failed else ""
            lines.append(f'    c{number}["{escaped(call.name)}<br/>{call.seconds:.2f} s"]{style}')
        lines += [
            f"    c{before} {arrow} c{number}"
            for number, found in enumerate(self._edges())
            for before, arrow in found
        ]
        if any(call.failed for call in self.calls):
            lines.append("    classDef failed stroke-dasharray: 4")
        return "\n".join(lines)

    def _edges(self) -> Iterator[list[tuple[int, str]]]:
        """Each call's arrows: what it was given, and what else it had to wait for."""
        above: list[int] = []  # the calls before each one, as bits
        for call in self.calls:
            given = dict.fromkeys(call.needs)
            waits = [number for number in call.after if number not in given]
            every = [*given, *waits]
            hidden = 0
            for number in every:
                hidden |= above[number]
            said = [number for number in waits if not hidden >> number & 1]
            yield [*((number, "-->") for number in given), *((number, "-.->") for number in said)]
            for number in every:
                hidden |= 1 << number
            above.append(hidden)

    def __str__(self) -> str:
        wide = max((len(call.name) for call in self.calls), default=0)
        rows = [
            f"  {call.name:<{wide}}  {self._bar(call)}  {call.seconds:6.2f} s  {call.place}"
            f"{'  failed' if call.failed else ''}"
            for call in self.calls
        ]
        said = (
            f"{self.name}: {len(self.calls)} calls in {self.seconds:.2f} s, {self.work:.2f} s one "
            f"by one, {self.speedup:.1f} times as fast; critical path {self.critical:.2f} s"
        )
        return "\n".join([said, *rows])

    def _bar(self, call: Made) -> str:
        """When a call ran, drawn along the time of the whole run."""
        scale = WIDTH / self.seconds if self.seconds else 0.0
        start = min(WIDTH - 1, int(call.began * scale))
        length = max(1, min(WIDTH, round(call.ended * scale)) - start)
        return ("·" * start + "█" * length).ljust(WIDTH, "·")


@contextmanager
def capture() -> Iterator[list[Captured]]:
    """Capture each run of a jit function that is made in the block: `with capture() as runs`."""
    runs: list[Captured] = []
    token = captures.set(runs)
    try:
        yield runs
    finally:
        captures.reset(token)


def escaped(name: str) -> str:
    """A name that Mermaid takes for nothing but text."""
    return name.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;").replace("\n", " ")


captures: ContextVar[list[Captured] | None] = ContextVar("onefold_captures", default=None)
