"""What jit functions cost, and how close they come to the longest chain of their calls.

    python benchmarks/graphs/jit.py [--calls 300] [--runs 1000]

Models are scripted and take as long as they are told to, on the wall clock. A call's own cost is
that of `await op(query)` in one task group, measured beside it. Time is the CPU's, the best of
five, so that other work on the machine counts little; walls are the best of five too.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import table

import onefold as of
from onefold.promises.captured import capture
from onefold.promises.function import jit

TRIES = 5
CHAIN = 0.6  # seconds of the longest chain in each timed program


def slow(name: str, seconds: float = 0.0) -> of.Model:
    """A model that takes so long."""
    return of.Model(name, provider=of.Fake((f"{name} says",), seconds=(seconds,)))


FREE = slow("free")
SHORT, LONG, JUDGE = slow("short", 0.1), slow("long", 0.4), slow("judge", 0.1)


@jit
def uneven(question: str) -> Any:
    """Two branches, short then long and long then short: a barrier would wait for both longs."""
    left = LONG(question, SHORT(question))
    right = SHORT(question, LONG(question))
    return JUDGE(question, left, right)


@jit
def branching(question: str) -> Any:
    """Values decide: three drafts, and more where one of them says so."""
    drafts = [SHORT(f"{question} {number}") for number in range(3)]
    if "short" in drafts[0].text:
        drafts += [LONG(f"{question} {number}") for number in range(3)]
    return JUDGE(question, *drafts)


@jit
async def awaited(question: str) -> Any:
    """The same diamond under `async def`."""
    left = LONG(question, SHORT(question))
    right = SHORT(question, LONG(question))
    return JUDGE(question, left, right)


def programs(calls: int) -> dict[str, Callable[[], Any]]:
    """So many calls of a model that takes no time, in every way in which they can be written."""

    @of.operator
    async def grouped(query: of.Query) -> str:
        async with asyncio.TaskGroup() as group:
            for _ in range(calls):
                group.create_task(FREE(query))
        return "done"

    @jit
    async def beside_awaited(question: str) -> Any:
        return [FREE(question) for _ in range(calls)]

    @jit
    def beside(question: str) -> Any:
        return [FREE(question) for _ in range(calls)]

    @jit
    def chained(question: str) -> Any:
        draft = FREE(question)
        for _ in range(calls - 1):
            draft = FREE(question, draft)
        return draft

    @jit
    def used(question: str) -> Any:
        return sum(len(FREE(question).text) for _ in range(calls))

    return {
        "await in one task group, no jit": lambda: grouped("?"),
        "side by side, `async def`": lambda: beside_awaited("?"),
        "side by side, `def`": lambda: beside("?"),
        "each the draft of the next, `def`": lambda: chained("?"),
        "each used before the next, `def`": lambda: used("?"),
    }


async def costs(calls: int) -> list[list[object]]:
    """CPU a call of each way, in microseconds."""
    rows = []
    for name, program in programs(calls).items():
        spent = []
        for _ in range(TRIES):
            before = time.process_time()
            await program()
            spent.append(time.process_time() - before)
        rows.append([name, f"{min(spent) / calls * 1e6:.0f}"])
    return rows


async def walls() -> list[list[object]]:
    """How much longer than its longest chain each program took, in milliseconds."""
    rows = []
    for function in (uneven, awaited, branching):
        over = []
        for _ in range(TRIES):
            with capture() as runs:
                await function("?")
            (run,) = runs
            over.append((run.seconds - CHAIN, run))
        most, run = min(over, key=lambda pair: pair[0])
        rows.append(
            [
                function.name,
                len(run.calls),
                f"{CHAIN * 1000:.0f}",
                f"{most * 1000:.1f}",
                f"{run.work:.2f}",
                f"{run.speedup:.2f}",
            ]
        )
    return rows


async def leaks(runs: int) -> list[list[object]]:
    """What is left of concurrent runs of a function with ten calls."""

    @jit
    async def ten(question: str) -> Any:
        return FREE(question, *[FREE(question) for _ in range(9)])

    rows = []
    for turn in range(3):
        before = time.process_time()
        await asyncio.gather(*(ten("?") for _ in range(runs)))
        spent = (time.process_time() - before) / runs / 10
        gc.collect()
        left = len(asyncio.all_tasks()) - 1
        rows.append([turn + 1, runs, f"{spent * 1e6:.0f}", left, f"{len(gc.get_objects()):,}"])
    return rows


def main() -> None:
    """Print the tables."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--calls", type=int, default=300)
    asked.add_argument("--runs", type=int, default=1000)
    given = asked.parse_args()
    table(["calls", "CPU a call, µs"], asyncio.run(costs(given.calls)))
    head = [
        "program",
        "calls",
        "longest chain, ms",
        "over it, ms",
        "one by one, s",
        "times as fast",
    ]
    table(head, asyncio.run(walls()))
    head = ["turn", "runs at once", "CPU a call, µs", "tasks left", "objects held"]
    table(head, asyncio.run(leaks(given.runs)))


if __name__ == "__main__":
    main()
