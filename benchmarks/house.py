"""What the house itself costs: CPU a member call, memory a waiting call, import. No seed needed.

python benchmarks/house.py
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from statistics import median

from measuring import apart, installed, table

import onefold as of

ROUNDS, CALLS, IMPORTS = 7, 3_000, 21
MODULES = (
    "import onefold",
    "import onefold; onefold.Panel",
    "import onefold; onefold.Panel(['fake:4', 'fake:5']).ask('q')",
    "import onefold.face",
    "import aiohttp",
)


async def bare() -> None:
    """The peer: the least that asyncio needs for three calls that give way once."""
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(asyncio.sleep(0))


async def spent(work, calls: int) -> float:
    """CPU seconds that so many runs of some work take."""
    for _ in range(calls // 10):
        await work()
    gc.collect()
    began = time.process_time()
    for _ in range(calls):
        await work()
    return time.process_time() - began


async def per_member() -> dict[str, float]:
    """CPU µs a member call, each way in turn within a round, the median of the rounds."""
    panel = of.Panel(["fake:4", "fake:4", "fake:5"])
    early = of.Panel(["fake:4", "fake:4", "fake:5"], stop="decided")
    single = of.Model("fake:4")
    told = []
    heard = of.Session(listeners=[lambda *_: told.append(None)])

    async def listened() -> None:
        told.clear()
        with heard:
            await panel("q")

    ways = {
        "bare TaskGroup of three sleep(0)": (bare, 3),
        "panel of three, nobody listens": (lambda: panel("q"), 3),
        "panel of three, one listener": (listened, 3),
        "panel of three, stop: decided": (lambda: early("q"), 3),
        "one model, no panel": (lambda: single("q"), 1),
    }
    rounds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (work, calls) in ways.items():
            rounds[name].append(await spent(work, CALLS) / CALLS / calls * 1e6)
    return {name: median(times) for name, times in rounds.items()}


def resident() -> float:
    """KiB of memory this process holds now; Linux."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1024


def held(traced: bool) -> float:
    """KiB that Python has allocated, or that the process holds."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0] / 1024 if traced else resident()


async def waiting(what: str, count: int, traced: bool) -> dict[str, float]:
    """So many questions on one loop, all calls waiting at once: memory, then CPU and wall."""
    seconds = 3600.0 if traced else max(4.0, count / 1000)
    fakes = [of.Model(f"m{i}", provider=of.Fake(("4",), seconds=(seconds,))) for i in range(3)]
    asked = of.Panel(fakes) if what == "panel" else fakes[0]
    calls = count * (3 if what == "panel" else 1)
    questions = [f"question {i}" for i in range(count)]
    before = held(traced)
    wall, cpu = time.perf_counter(), time.process_time()
    if what == "sleep":
        tasks = [asyncio.create_task(asyncio.sleep(seconds)) for _ in questions]
    else:
        tasks = [asyncio.create_task(asked(question)) for question in questions]
    for _ in range(20):
        await asyncio.sleep(0)
    started = time.perf_counter() - wall
    grown = held(traced) - before
    flying = sum(not task.done() for task in tasks)
    assert flying == count, f"only {flying} in flight: raise `seconds`"
    if traced:
        for task in tasks:
            task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=traced)
    assert traced or what == "sleep" or all(answer.text == "4" for answer in done)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "calls": calls,
        "kib": grown / calls,
        "started": started,
        "seconds": seconds,
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "grown": grown / 1024,
        "peak": (peak - before) / 1024,
    }


def imports() -> dict[str, float]:
    """CPU ms of imports in fresh processes, in turn, the median."""
    timed = "import time; began = time.process_time(); {}; print(time.process_time() - began)"
    rounds: dict[str, list[float]] = {module: [] for module in MODULES}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(IMPORTS + 1):
            for module in MODULES:
                command = [sys.executable, "-c", timed.format(module)]
                said = subprocess.run(
                    command, capture_output=True, text=True, check=True, env=installed(folder)
                ).stdout
                if turn:  # the first one writes bytecode
                    rounds[module].append(float(said) * 1000)
    return {module: median(times) for module, times in rounds.items()}


def main() -> None:
    """All of it, as tables."""
    costs = asyncio.run(per_member())
    peer = costs["bare TaskGroup of three sleep(0)"]
    table(
        ("CPU a member call", "µs", "times the bare TaskGroup"),
        ((name, f"{cost:.1f}", f"{cost / peer:.1f}") for name, cost in costs.items()),
    )
    rows = []
    for what, count in (("panel", 10_000), ("model", 30_000), ("sleep", 30_000)):
        traced = apart(__file__, what, count, 1)
        real = apart(__file__, what, count, 0)
        rows.append(
            (
                f"{count:,} × {what}",
                f"{real['calls']:,}",
                f"{traced['kib']:.2f}",
                f"{real['kib']:.2f}",
                f"{real['peak']:.0f}",
                f"{real['started']:.1f}",
                f"{real['wall']:.1f} of which {real['seconds']:.0f} waiting",
                f"{real['cpu']:.1f}",
            )
        )
    head = ("in flight on one loop", "waiting calls", "KiB a call, allocated")
    more = ("KiB a call, resident", "peak growth MiB", "all waiting after s", "wall s", "CPU s")
    table((*head, *more), rows)
    loads = imports()
    peer = loads["import aiohttp"]
    table(
        ("import in a fresh process", "CPU ms", "share of aiohttp"),
        ((f"`{module}`", f"{ms:.1f}", f"{ms / peer:.2f}") for module, ms in loads.items()),
    )


if __name__ == "__main__":
    if len(sys.argv) == 4:
        what, count, traced = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "1"
        if traced:
            tracemalloc.start()
        print(json.dumps(asyncio.run(waiting(what, count, traced))))
    else:
        main()
