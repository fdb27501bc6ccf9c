"""What calls bear: leaks, heavy tails, outages, budgets, kills. Started by wires.py.

python benchmarks/strain.py leaks|hedging|storm|budget|kill URL, URL being upstream.py's address.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from statistics import median
from typing import Any
from urllib.request import urlopen

from measuring import SEED, percent, table

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))

from contenders import resident  # noqa: E402 (its folder is named above)
from ours import entry  # noqa: E402

import onefold as of  # noqa: E402
from onefold.delivery.journal import Journal  # noqa: E402
from onefold.runtime.trace import Span  # noqa: E402

MIXES = {  # median and sigma of the lognormal, share of slow calls, how many times slower
    "5 % ten times as long": (0.2, 0.3, 0.05, 10.0),
    "2 % ten times as long": (0.2, 0.3, 0.02, 10.0),
    "5 % thirty times as long": (0.2, 0.3, 0.05, 30.0),
    "10 % ten times as long": (0.2, 0.3, 0.1, 10.0),
    "one wide lognormal, sigma 1": (0.2, 1.0, 0.0, 1.0),
}
KILLS = 100  # of each way to ask
RATE = 100.0  # calls a second that arrive
ASKED = "question {}: what is the answer to it?"


def told(url: str, what: str = "count") -> dict[str, Any]:
    """What the service was asked so far."""
    with urlopen(f"{url}/{what}", timeout=60) as reply:
        return json.loads(reply.read())


async def ask(model: Any, count: int, in_flight: int, first: int = 0) -> Counter[str]:
    """So many calls, so many at once; how they ended, by the names of errors."""
    left = iter(range(first, first + count))
    ends: Counter[str] = Counter()

    async def worker() -> None:
        for number in left:
            try:
                await model(of.Query(ASKED.format(number), id=str(number)))
                ends["ok"] += 1
            except of.OnefoldError as error:
                ends[type(error).__name__] += 1

    await asyncio.gather(*[worker() for _ in range(min(in_flight, count))])
    return ends


def alive() -> dict[str, int]:
    """What is there: spans, tasks, open files and sockets, objects."""
    for _ in range(3):
        gc.collect()
    objects = gc.get_objects()
    return {
        "spans": sum(isinstance(one, Span) for one in objects),
        "tasks": sum(isinstance(one, asyncio.Task) for one in objects),
        "all_tasks": len(asyncio.all_tasks()),
        "open files and sockets": len(os.listdir("/proc/self/fd")),
        "objects": len(objects),
    }


def leaks(url: str) -> None:
    """100,000 calls: what is left of them."""
    rows = []

    async def whole(with_journal: bool) -> None:
        model = of.Model("m")
        await ask(model, 10_000, 64)
        before, memory, began = alive(), resident(), time.perf_counter()
        sizes = [memory]
        for turn in range(10):
            ends = await ask(model, 10_000, 64, 10_000 * (turn + 1))
            assert ends == {"ok": 10_000}, ends
            gc.collect()
            sizes.append(resident())
        after, taken = alive(), time.perf_counter() - began
        grown = [f"{(size - memory) / 1024:.1f}" for size in sizes[1:]]
        said = "with journal" if with_journal else "no journal"
        for what in before:
            rows.append((said, what, before[what], after[what], after[what] - before[what]))
        rows.append((said, "resident, MiB", f"{memory / 1024:.1f}", f"{sizes[-1] / 1024:.1f}",
                     f"{grown[-1]} (each 10,000: {' '.join(grown)})"))  # fmt: skip
        rows.append((said, "wall s", "", f"{taken:.0f}", ""))

    for with_journal in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            journal = Path(folder) / "journal.db" if with_journal else None
            with of.Session({"m": entry(f"{url}/plain/v1", 64)}, budget=1e6, journal=journal):
                asyncio.run(whole(with_journal))
    table(("100,000 calls after 10,000", "what", "before", "after", "grown"), rows)


class Tail(of.Provider, name="tail"):
    """A service in virtual time whose latency has a heavy tail.

    median, sigma: seconds, of a lognormal. slow: share of calls that take `times` as long.
    """

    median: float
    sigma: float
    slow: float
    times: float
    seed: int

    async def complete(self, request: of.Request) -> of.Reply:
        chance = LUCK.setdefault(self, Random(self.seed))
        seconds = self.median * chance.lognormvariate(0, self.sigma)
        STARTED[self] += 1
        await asyncio.sleep(seconds * (self.times if chance.random() < self.slow else 1.0))
        return of.Reply("4", 20, 0, 128)


LUCK: dict[Tail, Random] = {}
STARTED: Counter[Tail] = Counter()


def quantile(seconds: list[float], share: float) -> float:
    """The value that `share` of them do not pass."""
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


async def arriving(model: Any, count: int, rate: float, seed: int) -> list[float]:
    """Seconds that calls take which arrive at random (Poisson), whoever is still under way."""
    chance, loop = Random(seed), asyncio.get_running_loop()
    seconds: list[float] = []

    async def one(number: int) -> None:
        began = loop.time()
        await model(ASKED.format(number))
        seconds.append(loop.time() - began)

    async with asyncio.TaskGroup() as group:
        due = loop.time()
        for number in range(count):
            due += chance.expovariate(rate)
            await asyncio.sleep(due - loop.time())
            group.create_task(one(number))
    return seconds


def simulated(mix: str, hedge: dict | None, seed: int, count: int = 10_000) -> tuple[float, ...]:
    """P50, P99, P99.9 in seconds and the share of extra calls, in virtual time."""
    tail = Tail(*MIXES[mix], seed)
    LUCK.pop(tail, None)
    STARTED[tail] = 0
    guards = {"limits": {"concurrency": 1000}, "retry": {}, "breaker": {}, "hedge": hedge}
    deployment = {"provider": tail, "price": {"tokens_in": 0.15, "tokens_out": 0.6}, **guards}
    with of.Session({"m": deployment}):
        seconds = of.instantly(arriving(of.Model("m"), count, RATE, seed))
    found = [quantile(seconds, share) for share in (0.5, 0.99, 0.999)]
    return (*found, STARTED[tail] / count - 1)


def compared(mix: str, hedge: dict, seeds: range, count: int = 10_000) -> tuple[str, ...]:
    """P99 without and with, by how much less, and the extra calls, over seeds."""
    plain = [simulated(mix, None, seed, count) for seed in seeds]
    hedged = [simulated(mix, hedge, seed, count) for seed in seeds]
    cuts = [1 - with_it[1] / without[1] for with_it, without in zip(hedged, plain, strict=True)]
    far = [1 - with_it[2] / without[2] for with_it, without in zip(hedged, plain, strict=True)]
    extra = [one[3] for one in hedged]
    return (
        f"{median(one[0] for one in plain):.2f} → {median(one[0] for one in hedged):.2f}",
        f"{median(one[1] for one in plain):.2f} → {median(one[1] for one in hedged):.2f}",
        f"{percent(median(cuts), 0)} ({percent(min(cuts), 0)} to {percent(max(cuts), 0)})",
        percent(median(far), 0),
        f"{percent(median(extra), 2)} (at most {percent(max(extra), 2)})",
    )


def hedging(url: str) -> None:
    """The slowest hundredth with and without hedges, simulated and on loopback."""
    head = ("P50 s", "P99 s", "P99 cut, median (range)", "P99.9 cut", "extra calls")
    seeds = range(SEED, SEED + 5)
    rows = [(mix, *compared(mix, {}, seeds)) for mix in MIXES]
    table(("simulated, default settings", *head), rows)
    first, rows = next(iter(MIXES)), []
    for extra in (0.01, 0.02, 0.05, 0.1):
        for share in (0.9, 0.95, 0.98):
            hedge = {"extra": extra, "quantile": share}
            rows.append((f"extra {extra}, quantile {share}", *compared(first, hedge, seeds[:3])))
    for after in (0.3, 0.5):
        rows.append((f"extra 0.05, after {after} s", *compared(first, {"after": after}, seeds[:3])))
    table((f"simulated: {first}", *head), rows)
    rows = []
    behaviour = "median=0.02,sigma=0.3,tail=0.05,times=10"
    for name, hedge in (("none", None), ("default", {}), ("after 40 ms", {"after": 0.04})):
        found, extras = [], []
        for seed in seeds[:3]:
            told(url, f"reset/{seed}")
            deployment = entry(f"{url}/{behaviour}/v1", 1000, hedge=hedge)
            with of.Session({"m": deployment}, budget=1e6):
                seconds = asyncio.run(arriving(of.Model("m"), 3_000, 300.0, seed))
            found.append([quantile(seconds, share) * 1000 for share in (0.5, 0.99, 0.999)])
            extras.append(told(url)["requests"] / 3_000 - 1)
        cells = [f"{median(one[place] for one in found):.0f}" for place in range(3)]
        rows.append((name, *cells, percent(median(extras), 2)))
    head = ("loopback, 20 ms, 5 % ten times", "P50 ms", "P99 ms", "P99.9 ms", "extra calls")
    table(head, rows)


def storm(url: str) -> None:
    """A service that fails every time: how many requests it gets a call."""
    rows = []
    guards: dict[str, dict[str, Any]] = {
        "default": {},
        "no breaker": {"breaker": None},
        "no breaker, no retry budget (share 1)": {"breaker": None, "retry": {"share": 1.0}},
    }
    for said, off in guards.items():
        for count in (100, 1_000, 10_000):
            if "share" in said and count > 1_000:
                continue
            told(url, "reset")
            with of.Session({"m": entry(f"{url}/fail=503/v1", 64, **off)}, budget=1e6):
                ends = asyncio.run(ask(of.Model("m"), count, 64))
            requests = told(url)["requests"]
            rows.append(
                (said, f"{count:,}", f"{requests:,}", f"{requests / count:.3f}", dict(ends))
            )
    table(("503 always, 64 in flight", "calls", "requests", "requests a call", "ends"), rows)


def budget(url: str) -> None:
    """10,000 calls at once under a cap of half of what they would cost."""
    rows, price = [], of.Price(0.15, 0.6)
    for said, most in (("max_tokens=500", 500), ("no max_tokens", None)):
        for seed in range(SEED, SEED + 3):
            told(url, f"reset/{seed}")
            cap = 10_000 * price.usd(of.Usage(20, 0, 125 if most else 64))
            deployment = entry(f"{url}/write=random,delay=0.05/v1", 1000)
            began = time.perf_counter()
            with of.Session({"m": deployment}, budget=cap) as session:
                model = of.Model("m", max_tokens=most)
                ends = asyncio.run(ask(model, 10_000, 10_000))
                spent = session.budget.spent if session.budget else of.Usage()
            seen = told(url)
            paid = price.usd(of.Usage(seen["tokens_in"], 0, seen["tokens_out"], calls=0))
            rows.append(
                (
                    said,
                    seed,
                    f"{cap:.5f}",
                    f"{paid:.5f}",
                    f"{paid - cap:+.6f}",
                    percent(paid / cap, 2),
                    f"{(spent.usd or 0.0) - paid:+.2e}",
                    dict(ends),
                    f"{time.perf_counter() - began:.1f}",
                )
            )
    head = ("10,000 at once", "seed", "cap $", "upstream $", "upstream − cap", "of the cap")
    table((*head, "booked − upstream", "ends", "wall s"), rows)


def child(url: str, folder: str, way: str) -> None:
    """Ask 400 questions and say which replies came; killed by its parent."""
    questions = [of.Query(ASKED.format(number), id=str(number)) for number in range(400)]
    models = {"m": entry(f"{url}/keep,median=0.03/v1", 32)}
    os.write(1, b"ready\n")
    if way == "run":
        with of.Session(models) as session:
            of.run(of.Model("m"), questions, out=folder, session=session, concurrency=32,
                   progress=lambda outcome: seen(outcome.id))  # fmt: skip
        return
    with of.Session(models, journal=Path(folder) / "journal.sqlite"):

        async def whole() -> None:
            left, model = iter(questions), of.Model("m")

            async def worker() -> None:
                for query in left:
                    await model(query)
                    seen(query.id)

            await asyncio.gather(*[worker() for _ in range(32)])

        asyncio.run(whole())


def seen(number: str) -> None:
    """Tell the parent that the caller has this reply."""
    os.write(1, f"{number}\n".encode())


def killed(url: str, way: str, kills: int, chance: Random) -> dict[str, int]:
    """One run, killed as often at random times, resumed to its end; what was lost or paid twice."""
    told(url, "reset")
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        while True:
            process = subprocess.Popen(
                [sys.executable, __file__, "child", url, folder, way], stdout=subprocess.PIPE
            )
            assert process.stdout, "its pipe is open"
            assert process.stdout.readline() == b"ready\n"
            if counts["kills"] < kills:
                time.sleep(chance.uniform(0.0, 0.45))
                if process.poll() is None:
                    counts["kills"] += 1
                process.kill()
            replies = {line.decode() for line in process.stdout.read().splitlines(keepends=True)
                       if line.endswith(b"\n")}  # fmt: skip
            ended = process.wait() == 0
            assert ended or process.returncode == -9, "it died by itself"
            file = Path(folder) / "journal.sqlite"
            if not file.exists():  # it was killed before it had one
                continue
            journal = Journal(file)
            kept = {row[0] for row in journal.store.read(
                "SELECT query FROM calls WHERE status = 'ok'")}  # fmt: skip
            unfinished = journal.unfinished
            journal.close()
            counts["lost"] += len({reply.strip() for reply in replies} - kept)
            counts["worst"] = max(counts["worst"], unfinished - counts["unfinished"])
            counts["unfinished"] = unfinished
            if ended:
                break
    time.sleep(0.1)
    asked = told(url)["asked"]
    counts["doubles"] = sum(asked.values()) - len(asked)
    counts["unasked"] = 400 - len(asked)
    return dict(counts)


def kill(url: str) -> None:
    """200 kills at random points: what was lost, what was paid twice, what was reported."""
    rows, chance = [], Random(SEED)
    for way, said in (("session", "Session(journal=…)"), ("run", "of.run(…, out=…)")):
        total: Counter[str] = Counter()
        under, worst, runs = 0, 0, 0
        while total["kills"] < KILLS:
            runs += 1
            found = killed(url, way, 4, chance)
            worst = max(worst, found.pop("worst", 0))
            total.update(found)
            under += found.get("unfinished", 0) < found["doubles"]
        rows.append(
            (
                said,
                total["kills"],
                f"{runs} × 400",
                total["lost"],
                total["unasked"],
                total["doubles"],
                total["unfinished"],
                under,
                f"{worst} of 32",
            )
        )
    head = ("kill -9", "kills", "runs", "replies seen and not kept", "questions left out")
    more = (
        "asked twice upstream",
        "reported unfinished",
        "runs that report fewer",
        "most at a kill",
    )
    table((*head, *more), rows)


WAYS = {"leaks": leaks, "hedging": hedging, "storm": storm, "budget": budget, "kill": kill}

if __name__ == "__main__":
    if sys.argv[1] == "child":
        child(*sys.argv[2:])
    else:
        WAYS[sys.argv[1]](sys.argv[2])
