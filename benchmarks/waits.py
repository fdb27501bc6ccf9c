"""H3: 10,000 and 100,000 waits at once, on one loop and on threads; no seed, nothing is drawn.

python benchmarks/waits.py

Each row is a fresh process. All waits begin together and last as long as the row says; the wall
time beyond that is what starting and ending them took. 4,000 threads are the most that is tried
(our choice, not the machine's limit); what more would hold is extrapolated, and said so.
What threads cost differs from run to run, so their rows are medians of five.
`collector rarer` is gc.set_threshold(50_000, 20, 50).
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from house import resident
from measuring import apart, table

import onefold as of

COUNTS = (1_000, 4_000, 10_000, 100_000)
OFF, RARER = "panel of 3, collector off", "panel of 3, collector rarer"
TURNS = {"a thread each": 5}
WAITS = {
    "a thread each": 4_000,
    "bare asyncio": 100_000,
    "model": 100_000,
    "panel of 3": 100_000,
    RARER: 100_000,
    OFF: 100_000,
}


def figures(count: int, seconds: float, before: float, work) -> dict[str, float]:
    """Wall, CPU and memory of some work; `work` returns KiB held while all were waiting."""
    wall, cpu = time.perf_counter(), time.process_time()
    held = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "over": wall - seconds,
        "seconds": seconds,
        "cpu": cpu / count * 1e6,
        "kib": (held - before) / count,
        "peak": peak / 1024,
    }


def threads(count: int) -> dict[str, float]:
    """A pool with a thread for each wait: what blocking clients do."""
    seconds = 10.0
    all_here = threading.Barrier(count + 1)

    def wait() -> None:
        all_here.wait()
        time.sleep(seconds)

    def work() -> float:
        with ThreadPoolExecutor(count) as pool:
            waits = [pool.submit(wait) for _ in range(count)]
            all_here.wait()
            held = resident()
            for each in waits:
                each.result()
        return held

    return figures(count, seconds, resident(), work)


def loop(what: str, count: int) -> dict[str, float]:
    """One event loop with bare sleeps, model calls, or panels of three (count is calls)."""
    seconds = max(10.0, count / 2_500)
    panels = count // 3
    fakes = [of.Model(f"m{i}", provider=of.Fake(("4",), seconds=(seconds,))) for i in range(3)]

    async def main() -> float:
        if what == "bare asyncio":
            tasks = [asyncio.create_task(asyncio.sleep(seconds)) for _ in range(count)]
        elif what == "model":
            tasks = [asyncio.create_task(fakes[0](f"q{i}")) for i in range(count)]
        else:
            panel = of.Panel(fakes)
            tasks = [asyncio.create_task(panel(f"q{i}")) for i in range(panels)]
        for _ in range(20):
            await asyncio.sleep(0)
        assert not any(task.done() for task in tasks), "not all were waiting at once"
        held = resident()
        for answer in await asyncio.gather(*tasks):
            assert answer is None or answer.text == "4"
        return held

    gc.collect()
    if what == OFF:
        gc.disable()
    if what == RARER:
        gc.set_threshold(50_000, 20, 50)
    return figures(count, seconds, resident(), lambda: asyncio.run(main()))


def spread(times: list[float]) -> str:
    """The median, and from where to where where there are several."""
    if len(times) == 1:
        return f"{times[0]:.0f}"
    return f"{median(times):.0f} ({min(times):.0f} to {max(times):.0f})"


def main() -> None:
    """All rows."""
    rows = []
    measured: dict[tuple[str, int], dict[str, float]] = {}
    for what, most in WAITS.items():
        for count in COUNTS:
            if count > most or (what != "a thread each" and count == 4_000):
                continue
            turns = [apart(__file__, what, count) for _ in range(TURNS.get(what, 1))]
            got = {name: median(turn[name] for turn in turns) for name in turns[0]}
            measured[what, count] = got
            rows.append(
                (
                    what,
                    f"{count:,}",
                    f"{got['seconds']:.0f}",
                    f"{got['over']:.1f}",
                    spread([turn["cpu"] for turn in turns]),
                    f"{got['kib']:.1f}",
                    f"{got['peak']:.0f}",
                )
            )
    head = ("waits at once", "calls", "each waits s", "wall beyond that s")
    table((*head, "CPU µs a call", "KiB a call", "peak MiB"), rows)
    most = max(count for what, count in measured if what == "a thread each")
    thread, panel = measured["a thread each", most], measured["panel of 3", 100_000]
    print(f"\nExtrapolated from {most:,} threads, 100,000 would hold", end=" ")
    print(f"{thread['kib'] * 100_000 / 2**20:.1f} GiB", end=" ")
    print(f"and need as many stacks; calls in panels hold {panel['kib'] * 1e5 / 2**20:.2f} GiB.")
    print(f"Thread to panel's call: {thread['kib'] / panel['kib']:.1f} times the memory,", end=" ")
    print(f"{thread['cpu'] / panel['cpu']:.1f} times the CPU.")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        what, count = sys.argv[1], int(sys.argv[2])
        print(json.dumps(threads(count) if what == "a thread each" else loop(what, count)))
    else:
        main()
