"""What a call to a service costs, against other libraries in the same run, and what it bears.

python benchmarks/wires.py calls|load|stream|imports|leaks|hedging|storm|budget|kill|all

Costs are CPU time of the calling process alone, contenders in turn within each round; every
contender runs in an environment of its own, made at the first run. Loopback is their service.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

from measuring import ROOT, installed, table

PEERS = ROOT / "benchmarks" / ".peers"
HERE = ROOT / "benchmarks"
PACKAGES = {
    "onefold": (),
    "openai": ("openai",),
    "litellm": ("litellm!=1.82.7,!=1.82.8",),  # these two carried malware
}
LIVES = {"openai": "openai", "litellm": "litellm", "router": "litellm"}  # the others: with us
SLOW = {"openai": 8, "litellm": 16, "router": 20}  # times fewer calls
ROUNDS = int(os.environ.get("ONEFOLD_BENCH_ROUNDS", "9"))
SAID = {
    "aiohttp": "raw aiohttp + json",
    "msgspec": "raw aiohttp + msgspec",
    "openai": "openai SDK",
    "litellm": "litellm.acompletion",
    "router": "litellm Router",
    "model": "**onefold, `await model(prompt)`**",
    "model-journal": "onefold, the same, no journal",
    "deliver": "onefold, the corridor alone",
    "deliver-journal": "onefold, the corridor alone, no journal",
    "provider": "onefold, its wire alone, no corridor",
    "model-journal-budget-guards": "onefold, `await model(prompt)`, everything off",
}


def python(name: str) -> Path:
    """The interpreter of an environment, made once."""
    folder = PEERS / name
    interpreter = folder / "bin" / "python"
    if not interpreter.exists():
        venv.create(folder, with_pip=True)
        for wanted in PACKAGES[name]:
            pip(interpreter, wanted)
        if name == "onefold":
            pip(interpreter, str(ROOT))
    return interpreter


def pip(interpreter: Path, *wanted: str) -> None:
    """Install packages."""
    command = [interpreter, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*command, *wanted], check=True)


def refreshed() -> Path:
    """The environment with this tree installed as users install it, as it is now."""
    interpreter = python("onefold")
    pip(interpreter, "--no-deps", "--force-reinstall", str(ROOT))
    return interpreter


def version(name: str, package: str) -> str:
    """The version of a package in an environment."""
    asked = f"import importlib.metadata as m; print(m.version({package!r}))"
    done = subprocess.run([python(name), "-c", asked], capture_output=True, text=True, check=True)
    return f"{package} {done.stdout.strip()}"


def surroundings() -> dict[str, str]:
    """The environment of a contender: no proxy, nothing fetched at import, bytecode kept."""
    kept = {name: text for name, text in os.environ.items() if "proxy" not in name.lower()}
    kept.pop("PYTHONPATH", None)
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}


class Contender:
    """One way to call, waiting in a process of its own for orders."""

    def __init__(self, name: str) -> None:
        self.name = name
        command = [python(LIVES.get(name, "onefold")), HERE / "peers" / "contenders.py", name]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=surroundings()
        )

    def carry(self, url: str, **order: object) -> dict:
        """Carry out one order; leaves where a call failed."""
        assert self.process.stdin, "its pipes are open"
        assert self.process.stdout, "its pipes are open"
        self.process.stdin.write(json.dumps({"url": url, **order}) + "\n")
        self.process.stdin.flush()
        while not (line := self.process.stdout.readline()).startswith("{"):
            assert line, f"{self.name} died"
        told = json.loads(line)
        assert order.get("may_fail") or not told["failed"], (self.name, told["why"])
        return told

    def close(self) -> None:
        """Let it end."""
        assert self.process.stdin, "its pipes are open"
        self.process.stdin.close()
        self.process.wait()


@contextmanager
def upstream() -> Iterator[str]:
    """The service, in a process of its own; gives its address."""
    process = subprocess.Popen(
        [sys.executable, HERE / "upstream.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout, "its pipes are open"
    assert process.stdin, "its pipes are open"
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.stdin.close()
        process.wait()


@contextmanager
def contenders(names: Sequence[str]) -> Iterator[list[Contender]]:
    """Contenders, ready."""
    ready = [Contender(name) for name in names]
    try:
        yield ready
    finally:
        for one in ready:
            one.close()


Costs = dict[str, list[float]]


def rounds(names: Sequence[str], behaviour: str, what: str, count: int, in_flight: int) -> Costs:
    """CPU µs a call of each contender in each round."""
    costs: Costs = {name: [] for name in names}
    with upstream() as url, contenders(names) as ready:
        for _ in range(ROUNDS):
            for one in ready:
                calls = max(2 * in_flight, count // SLOW.get(one.name, 1))
                order = {"what": what, "count": calls, "in_flight": in_flight}
                told = one.carry(f"{url}/{behaviour}/v1", **order)
                costs[one.name].append(told["cpu"] / calls * 1e6)
    return costs


def ratio(costs: Costs, name: str, peer: str) -> str:
    """The median over the rounds of what one costs in peers, and its quartiles."""
    found = [mine / theirs for mine, theirs in zip(costs[name], costs[peer], strict=True)]
    if len(found) < 2:
        return f"{found[0]:.2f}"
    low, middle, high = quantiles(found, n=4, method="inclusive")
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def calls() -> None:
    """One call through the whole corridor, 64 in flight."""
    ours = [name for name in SAID if name.startswith(("model", "deliver", "provider"))]
    peers = ["aiohttp", "msgspec", "openai", "litellm", "router"]
    names = [*peers, *ours]
    costs = rounds(names, "plain", "call", 4_000, 64)
    rows = []
    for name in names:
        mine = ratio(costs, "model", name) if name in peers else ""
        rows.append(
            (
                SAID[name],
                f"{median(costs[name]):,.0f}",
                f"{min(costs[name]):,.0f}",
                ratio(costs, name, "aiohttp"),
                ratio(costs, name, "model") if name in peers else "",
                mine,
            )
        )
    head = ("one call, 64 in flight", "CPU µs, median", "least", "times raw aiohttp + json")
    table((*head, "times onefold", "onefold is times it"), rows)
    about = [version("onefold", "aiohttp"), version("openai", "openai")]
    print("\n", ", ".join([*about, version("litellm", "litellm")]))


def load() -> None:
    """512 in flight against 64; then 2,000 in flight with replies that take two seconds."""
    names = ("aiohttp", "model", "model-journal")
    costs: dict[tuple[str, int], list[float]] = {}
    with upstream() as url, contenders(names) as ready:
        for _ in range(ROUNDS):
            for one in ready:
                for in_flight in (64, 512):
                    order = {"what": "call", "count": 4_096, "in_flight": in_flight}
                    told = one.carry(f"{url}/plain/v1", **order)
                    costs.setdefault((one.name, in_flight), []).append(told["cpu"] / 4_096 * 1e6)
    rows = []
    for name in names:
        both = {"64": costs[name, 64], "512": costs[name, 512]}
        cells = [f"{median(both[key]):,.0f}" for key in both]
        rows.append((SAID[name], *cells, ratio(both, "512", "64")))
    table(("CPU µs a call", "64 in flight", "512 in flight", "ratio"), rows)
    rows = []
    for name in ("aiohttp", "model", "model-journal", "provider", "openai", "litellm"):
        taken: dict[str, list[float]] = {"failed": [], "late": [], "kib": [], "cpu": []}
        for _ in range(3):
            with upstream() as url, contenders([name]) as (one,):
                order = {"what": "call", "count": 2_000, "in_flight": 2_000, "warm": 64}
                told = one.carry(f"{url}/delay=2/v1", may_fail=True, **order)
            taken["failed"].append(told["failed"])
            taken["late"].append(told["wall"] - 2)
            taken["kib"].append(told["kib"] / 2_000)
            taken["cpu"].append(told["cpu"] / 2_000 * 1e6)
        rows.append(
            (
                SAID[name],
                f"{max(taken['failed']):.0f}",
                f"{median(taken['late']):.2f} ({min(taken['late']):.2f})",
                f"{median(taken['kib']):.1f}",
                f"{median(taken['cpu']):,.0f}",
            )
        )
    head = ("2,000 in flight, replies after 2 s", "failed", "wall − 2 s, median of 3 (least)")
    table((*head, "KiB a call", "CPU µs a call"), rows)


def stream() -> None:
    """A stream of 67 events: in one piece, and each in a piece of its own."""
    names = ("aiohttp", "msgspec", "openai", "litellm", "model", "model-journal", "provider")
    for behaviour, said in (("plain", "in one piece"), ("pace=0.002", "each by itself, 2 ms")):
        few = names if behaviour == "plain" else ("aiohttp", "msgspec", "model", "provider")
        costs = rounds(few, behaviour, "stream", 600 if behaviour == "plain" else 200, 16)
        rows = []
        for name in few:
            rows.append(
                (
                    SAID[name].replace("await model(prompt)", "model.stream(prompt)"),
                    f"{median(costs[name]) / 67:.1f}",
                    f"{min(costs[name]) / 67:.1f}",
                    ratio(costs, name, "aiohttp"),
                    ratio(costs, name, "model"),
                )
            )
        head = (f"67 events {said}, 16 streams", "CPU µs an event, median", "least")
        table((*head, "times raw aiohttp + json", "times onefold"), rows)


def imports() -> None:
    """Imports in fresh processes; what the base install brings."""
    interpreter = refreshed()
    entry = '{"m": {"provider": {"openai": {"model": "m", "base_url": "http://127.0.0.1/v1"}}}}'
    modules = {
        "`import aiohttp`": ("onefold", "import aiohttp"),
        "`import onefold`": ("onefold", "import onefold"),
        "`import onefold; onefold.Model`": ("onefold", "import onefold; onefold.Model"),
        "`import onefold; onefold.Model; import aiohttp`": (
            "onefold",
            "import onefold; onefold.Model; import aiohttp",
        ),
        "a session with a model, and aiohttp": (
            "onefold",
            f"import onefold; onefold.Session({entry}); onefold.Model('m'); import aiohttp",
        ),
        "`import openai`": ("openai", "import openai"),
        "`import litellm`": ("litellm", "import litellm"),
    }
    timed = "import time; began = time.process_time(); {}; print(time.process_time() - began)"
    costs: Costs = {said: [] for said in modules}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(22):
            for said, (name, line) in modules.items():
                if name == "litellm" and turn > 7:
                    continue
                printed = subprocess.run(
                    [python(name), "-c", timed.format(line)],
                    capture_output=True,
                    text=True,
                    check=True,
                    env={**surroundings(), **installed(folder), **NO_FETCH},
                ).stdout
                if turn:  # the first one writes bytecode
                    costs[said].append(float(printed.splitlines()[-1]) * 1000)
    rows = []
    for said, taken in costs.items():
        peer = costs["`import aiohttp`"][: len(taken)]
        found = median(a / b for a, b in zip(taken, peer, strict=True))
        rows.append((said, f"{median(taken):.0f}", f"{min(taken):.0f}", f"{found:.2f}"))
    table(("fresh process", "CPU ms, median", "least", "times `import aiohttp`"), rows)
    rows = []
    for name in PACKAGES:
        count, whole, rest = weight(python(name) if name != "onefold" else interpreter)
        rows.append((name, count, f"{whole:.1f}", f"{rest:.1f}"))
    table(("fresh environment", "distributions", "MB", "MB without numpy"), rows)


NO_FETCH = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def weight(interpreter: Path) -> tuple[int, float, float]:
    """Distributions in an environment without pip, their MB, and the same without numpy."""
    (site,) = (interpreter.parent.parent / "lib").glob("python*/site-packages")
    own = ("pip", "setuptools", "wheel", "_distutils", "distutils", "pkg_resources")
    count = sum(not path.name.startswith(own) for path in site.glob("*.dist-info"))
    sizes = {"all": 0, "numpy": 0}
    for path in site.rglob("*"):
        top = path.relative_to(site).parts[0]
        if path.is_file() and not top.startswith(own) and "__pycache__" not in path.parts:
            size = path.stat().st_size
            sizes["all"] += size
            sizes["numpy"] += size if top.startswith("numpy") else 0
    return count, sizes["all"] / 1e6, (sizes["all"] - sizes["numpy"]) / 1e6


def strained(what: str) -> None:
    """What only we are measured on, in the environment that has us."""
    interpreter = python("onefold")
    with upstream() as url:
        command = [interpreter, HERE / "strain.py", what, url]
        subprocess.run(command, check=True, env=surroundings())


COSTS = {"calls": calls, "load": load, "stream": stream, "imports": imports}
STRAINS = ("leaks", "hedging", "storm", "budget", "kill")


def main() -> None:
    """What is asked for, or all of it."""
    asked = sys.argv[1:] or ["all"]
    names = [*COSTS, *STRAINS] if asked == ["all"] else asked
    for name in names:
        if name not in (*COSTS, *STRAINS):
            sys.exit(f"no measurement {name!r}: {', '.join((*COSTS, *STRAINS))}, all")
    refreshed()
    for name in names:
        print(f"\n## {name}", flush=True)
        if name in COSTS:
            COSTS[name]()
        else:
            strained(name)


if __name__ == "__main__":
    main()
