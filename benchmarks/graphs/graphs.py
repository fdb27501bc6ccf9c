"""Graphs against a run in layers and LangGraph: wall time, CPU a node, size, what is left behind.

python benchmarks/graphs/graphs.py [--rounds 7]

LangGraph takes part where it is installed beside onefold. Waits are real; CPU is process time.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from measuring import SEED, table

import onefold as of

DAG = Mapping[str, tuple[float, Sequence[str]]]
"""Seconds that each node waits, and the nodes that it comes after; listed in a possible order."""

UNEVEN: DAG = {
    "start": (0.05, ()),
    "left": (0.3, ("start",)),
    "left2": (0.1, ("left",)),
    "right": (0.1, ("start",)),
    "right2": (0.3, ("right",)),
    "end": (0.05, ("left2", "right2")),
}
LARGE, CROWD = 10_000, 1_000


def drawn(count: int, seed: int) -> DAG:
    """A random graph with waits from 10 to 100 ms, each node after up to three of the last six."""
    draw = Random(seed)
    dag: dict[str, tuple[float, Sequence[str]]] = {}
    for i in range(count):
        near = range(max(0, i - 6), i)
        chosen = draw.sample(near, min(len(near), draw.randint(1, 3)))
        dag[f"n{i}"] = (draw.randint(10, 100) / 1000, [f"n{j}" for j in sorted(chosen)])
    return dag


def wide(count: int) -> DAG:
    """A binary tree of nodes that do not wait."""
    return {f"n{i}": (0.0, [f"n{(i - 1) // 2}"] if i else []) for i in range(count)}


def critical(dag: DAG) -> float:
    """Seconds along the longest way."""
    ends: dict[str, float] = {}
    for name, (seconds, after) in dag.items():
        ends[name] = seconds + max((ends[one] for one in after), default=0.0)
    return max(ends.values())


def layers(dag: DAG) -> list[list[str]]:
    """The nodes by how many arrows lie before them at most."""
    depth: dict[str, int] = {}
    for name, (_, after) in dag.items():
        depth[name] = 1 + max((depth[one] for one in after), default=-1)
    return [[n for n in dag if depth[n] == level] for level in range(max(depth.values()) + 1)]


async def said(name: str, seconds: float, drafts: Sequence[str]) -> str:
    """What a node does, the same everywhere."""
    await asyncio.sleep(seconds)
    return f"{name}:{len(drafts)}"


class Runner(NamedTuple):
    """A way to run a graph: `make` builds it, what it gives runs it once."""

    name: str
    make: Callable[[DAG], Callable[[], Awaitable[Any]]]


def with_graph(dag: DAG) -> Callable[[], Awaitable[Any]]:
    """Our Graph."""

    def node(name: str, seconds: float, after: Sequence[str]) -> of.Node:
        async def call(query: of.Query) -> str:
            return await said(name, seconds, [draft.text for draft in query.drafts])

        return of.Node(of.operator(call), after=after)

    graph = of.Graph(
        {name: node(name, seconds, after) for name, (seconds, after) in dag.items()},
        output=list(dag)[-1],
    )
    return lambda: graph("q")


def in_layers(dag: DAG) -> Callable[[], Awaitable[Any]]:
    """A task group a layer, with a barrier behind it."""
    levels = layers(dag)

    async def run() -> dict[str, str]:
        texts: dict[str, str] = {}

        async def one(name: str) -> None:
            seconds, after = dag[name]
            texts[name] = await said(name, seconds, [texts[each] for each in after])

        for level in levels:
            async with asyncio.TaskGroup() as group:
                for name in level:
                    group.create_task(one(name))
        return texts

    return run


def with_langgraph(dag: DAG) -> Callable[[], Awaitable[Any]]:
    """LangGraph: a StateGraph whose nodes write into one mapping; edges join where several come."""
    from operator import or_
    from typing import Annotated, TypedDict

    from langgraph.graph import END, START, StateGraph

    State = TypedDict("State", {"texts": Annotated[dict, or_]})  # noqa: UP013 (names are not global)
    builder = StateGraph(State)

    def node(name: str, seconds: float, after: Sequence[str]) -> Callable[..., Any]:
        async def call(state: Any) -> Any:
            texts = [state["texts"][one] for one in after]
            return {"texts": {name: await said(name, seconds, texts)}}

        return call

    for name, (seconds, after) in dag.items():
        builder.add_node(name, node(name, seconds, after))
        builder.add_edge(list(after) if len(after) > 1 else after[0] if after else START, name)
    builder.add_edge(list(dag)[-1], END)
    compiled = builder.compile()
    settings: Any = {"recursion_limit": len(dag) + 10}
    return lambda: compiled.ainvoke({"texts": {}}, settings)


def runners() -> list[Runner]:
    """Everyone who can take part here."""
    found = [Runner("onefold Graph", with_graph), Runner("in layers", in_layers)]
    if find_spec("langgraph") is not None:
        found.append(Runner("LangGraph", with_langgraph))
    return found


async def walls(dag: DAG, rounds: int) -> dict[str, float]:
    """Median wall seconds of a run, each runner in turn within a round."""
    ready = {runner.name: runner.make(dag) for runner in runners()}
    took: dict[str, list[float]] = {name: [] for name in ready}
    for run in ready.values():
        await run()
    for _ in range(rounds):
        for name, run in ready.items():
            began = time.perf_counter()
            await run()
            took[name].append(time.perf_counter() - began)
    return {name: median(each) for name, each in took.items()}


async def cpu(dag: DAG, runs: int, rounds: int) -> dict[str, float]:
    """Median CPU µs a node over what the nodes themselves take."""
    ready = {runner.name: runner.make(dag) for runner in runners()}
    took: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(rounds):
        own = await spent(lambda: said("n", 0.0, ()), runs * len(dag)) / (runs * len(dag))
        for name, run in ready.items():
            took[name].append(await spent(run, runs) / (runs * len(dag)) - own)
    return {name: median(each) * 1e6 for name, each in took.items()}


async def spent(run: Callable[[], Awaitable[Any]], times: int) -> float:
    """CPU seconds of so many runs, one after the other."""
    await run()
    gc.collect()
    began = time.process_time()
    for _ in range(times):
        await run()
    return time.process_time() - began


async def large() -> list[tuple[str, str, str]]:
    """Rows: building and running a graph of models on `fake`."""
    nodes: dict[str, Any] = {"n0": "fake:x"}
    wall, own = time.perf_counter(), time.process_time()
    for i in range(1, LARGE):
        nodes[f"n{i}"] = of.Node("fake:x", after=[f"n{(i - 1) // 2}"])
    graph = of.Graph(nodes, output=f"n{LARGE - 1}")
    built = time.perf_counter() - wall, time.process_time() - own
    answer = await graph("q")
    whole = time.perf_counter() - wall, time.process_time() - own
    assert answer.usage.calls == LARGE
    return [
        ("built and validated", f"{built[0]:.2f}", f"{built[1]:.2f}"),
        ("and run once", f"{whole[0]:.2f}", f"{whole[1]:.2f}"),
    ]


async def crowd(rounds: int) -> list[tuple[int, int, str]]:
    """Rows: tasks and KiB that are left after so many runs at once, a round each."""
    graph = of.Graph(
        {f"n{i}": of.Node("fake:x", after=[f"n{(i - 1) // 2}"] if i else []) for i in range(10)},
        output="n9",
    )
    rows = []
    tracemalloc.start()
    for number in range(1, rounds + 1):
        async with asyncio.TaskGroup() as group:
            for i in range(CROWD):
                group.create_task(graph(f"q{i}"))
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] / 1024
        rows.append((number, len(asyncio.all_tasks()) - 1, f"{held:,.0f}"))
    tracemalloc.stop()
    return rows


async def main(rounds: int) -> None:
    """All tables."""
    dags = {"uneven diamond": UNEVEN, "30 nodes, drawn": drawn(30, SEED)}
    rows = []
    for what, dag in dags.items():
        path = critical(dag)
        for name, seconds in (await walls(dag, rounds)).items():
            over = f"{1000 * (seconds - path):+.1f}"
            rows.append((what, name, f"{path:.3f}", f"{seconds:.3f}", over))
    table(("graph", "run by", "critical path s", "wall s", "over ms"), rows)
    runs, sizes = max(1, 10 * rounds), {"10 nodes": wide(10), "100 nodes": wide(100)}
    rows = [
        (what, name, f"{each:.1f}")
        for what, dag in sizes.items()
        for name, each in (await cpu(dag, runs, rounds)).items()
    ]
    table(("graph", "run by", "CPU µs a node over its own work"), rows)
    table((f"{LARGE:,} nodes on fake", "wall s", "CPU s"), await large())
    table(
        (f"round of {CROWD:,} runs at once", "tasks left", "KiB held"), await crowd(min(rounds, 4))
    )


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("--rounds", type=int, default=7)
    asyncio.run(main(asked.parse_args().rounds))
