"""Talks with real servers that nobody here wrote, over the loopback interface, on our wires.

python benchmarks/servers [WORD...]    only the doors whose name has one of the words

The servers: llama.cpp's own (in the wheel of xllamacpp, with a GGUF file of random weights made on
the spot), transformers' own (`transformers serve`, with a model directory made likewise), and
LiteLLM's proxy, over a mock model and over that llama.cpp. The first run makes an environment for
each under benchmarks/.peers, by pip (2 GB); what follows needs no network: the servers' proxies
point nowhere. The exit status is 0 where every door holds or differs as doors.py says.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path

from checks import held, probed
from doors import DIALECTS, Door, doors

import onefold as of

HERE = Path(__file__).resolve().parent
PEERS = HERE.parent / ".peers"
TINY = HERE / "tiny.py"
NEEDED = {
    "llamacpp": ("xllamacpp==2026.10.11549", "gguf==0.19.0"),
    "transformers": ("torch==2.13.0", "transformers[serving]==5.23.0"),
    "litellm-proxy": ("litellm[proxy]==1.106.2",),  # 1.82.7 and 1.82.8 carried malware
}
PATIENCE = 240.0  # seconds that a server may take to start
NOWHERE = "http://127.0.0.1:9"


def python(name: str) -> Path:
    """The interpreter of an environment, made once; made anew where what it needs has changed."""
    folder = PEERS / name
    made, needed = folder / "made", "\n".join(NEEDED[name])
    if not made.exists() or made.read_text("utf-8") != needed:
        print(f"making {folder.relative_to(HERE.parent.parent)}: {needed.split()}", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        pip = [folder / "bin" / "python", "-m", "pip", "install", "-qq", *NEEDED[name]]
        subprocess.run(pip, check=True)
        made.write_text(needed, "utf-8")
    return folder / "bin" / "python"


def surroundings(home: Path) -> dict[str, str]:
    """The environment of a server: a home that is empty, nothing told, nothing fetched."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    litellm = ("MODEL_COST_MAP", "ANTHROPIC_BETA_HEADERS", "AUTOROUTER_PRESETS", "BLOG_POSTS",
               "POLICY_TEMPLATES")  # fmt: skip
    return {
        **kept,
        **dict.fromkeys(proxies, NOWHERE),
        **{f"LITELLM_LOCAL_{name}": "True" for name in litellm},
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "LITELLM_TELEMETRY": "False",
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HOME": str(home),
        "HF_HOME": str(home / "hub"),
        "OMP_NUM_THREADS": "1",
        "SERVER_KEY": os.environ["SERVER_KEY"],
    }


@contextmanager
def running(name: str, command: Sequence[object], port: int, home: Path) -> Iterator[str]:
    """A server as a child, once it answers; ended by its own process number. Gives its address.

    Raises:
        RuntimeError: it ended, or did not answer in time; shows what it wrote last.
    """
    address = f"http://127.0.0.1:{port}"
    written = home / f"{port}.log"
    with open(written, "wb") as log:
        child = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=surroundings(home),
            cwd=home,
        )
    try:
        until = time.monotonic() + PATIENCE
        while not answers(address):
            if child.poll() is not None or time.monotonic() > until:
                last = written.read_text("utf-8", "replace")[-2000:]
                raise RuntimeError(f"{name} does not answer at {address}:\n{last}")
            time.sleep(0.2)
        yield address
    finally:
        assert child.stdin, "its pipe is open"
        child.stdin.close()
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def answers(address: str) -> bool:
    """Whether a server lists its models."""
    asked = urllib.request.Request(
        f"{address}/v1/models", headers={"authorization": f"Bearer {os.environ['SERVER_KEY']}"}
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(asked, timeout=5) as reply:
            return reply.status == 200
    except (urllib.error.URLError, OSError):
        return False


def free() -> int:
    """A port of the loopback interface that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
        return port


def mocked(name: str, response: str) -> dict[str, object]:
    """A model of LiteLLM's that answers without asking anybody."""
    answer = {"model": f"openai/{name}", "api_key": "none", "mock_response": response}
    return {"model_name": name, "litellm_params": answer}


def config(words: str, vectors: str) -> str:
    """LiteLLM's configuration, as JSON, which is YAML too: mocks, and llama.cpp behind it."""
    real = [
        {"model": "openai/tiny", "api_base": f"{url}/v1", "api_key": "os.environ/SERVER_KEY"}
        for url in (words, vectors)
    ]
    return json.dumps(
        {
            "model_list": [
                {"model_name": "tiny", "litellm_params": real[0]},
                {"model_name": "vectors", "litellm_params": real[1]},
                mocked("mock", "Four, says the mock: é漢🙂."),
                mocked("busy", "litellm.RateLimitError"),
                mocked("window", "litellm.ContextWindowExceededError"),
                mocked("down", "litellm.InternalServerError"),
                mocked("filtered", "Exception: content_filter_policy"),
            ],
            "general_settings": {"master_key": "os.environ/SERVER_KEY"},
            "litellm_settings": {"num_retries": 0, "telemetry": False},
            "router_settings": {"num_retries": 0, "disable_cooldowns": True},
        },
        ensure_ascii=False,
    )


@contextmanager
def servers(home: Path, wanted: set[str]) -> Iterator[dict[str, str]]:
    """The servers that are wanted, running; gives their addresses by name."""
    proxied = any("LiteLLM" in name for name in wanted)
    with ExitStack() as stack:
        found = {}

        def start(server: str, command: Sequence[object], port: int) -> str:
            found[server] = stack.enter_context(running(server, command, port, home))
            return found[server]

        if proxied or any("llama.cpp" in name for name in wanted):
            ours, file = python("llamacpp"), home / "tiny.gguf"
            subprocess.run([ours, TINY, "gguf", file], check=True)
            for server, more in (("llama.cpp", ()), ("llama.cpp for vectors", ("vectors",))):
                port = free()
                start(server, [ours, TINY, "serve", file, port, *more], port)
        if "transformers" in wanted:
            theirs, port = python("transformers"), free()
            make = [theirs, TINY, "directory", home / "tiny"]
            subprocess.run(make, check=True, stderr=subprocess.DEVNULL)
            serve = [theirs.parent / "transformers", "serve", "--device", "cpu"]
            start("transformers", [*serve, "--host", "127.0.0.1", "--port", port], port)
        if proxied:
            proxy, port = python("litellm-proxy"), free()
            file = home / "litellm.yaml"
            file.write_text(config(found["llama.cpp"], found["llama.cpp for vectors"]), "utf-8")
            serve = [proxy.parent / "litellm", "--config", file, "--telemetry", "False"]
            url = start("LiteLLM", [*serve, "--host", "127.0.0.1", "--port", port], port)
            found |= {name: url for name in wanted if "LiteLLM" in name}
        yield found


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    print(f"\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def checked(chosen: Sequence[Door], addresses: dict[str, str]) -> int:
    """Check each door and print what was found; the number of checks that came out otherwise."""
    rows, remarks, probes, wrong = [], [], [], 0
    columns = list(dict.fromkeys(check for door in chosen for check in door.checks))
    for door in chosen:
        with of.Session(door.models(addresses[door.server])):
            found = asyncio.run(held(door.checks))
            if door.dialects:
                become = [asyncio.run(probed(dialect)) for dialect in DIALECTS]
                probes.append([door.name, *become])
        cells = []
        for check in columns:
            if check not in found:
                cells.append("–")
                continue
            expected, said = door.differs.get(check, ""), found[check]
            if not expected and not said:
                cells.append("✓")
                continue
            known = bool(expected) and expected in said
            wrong += not known
            cells.append("differs" if known else "**no**")
            what = said or f"holds now; doors.py still says that it differs: {expected}"
            remarks.append(f"- {door.name}, {check}: {what[:300]}")
        rows.append([door.name, *cells])
    table(["door", *columns], rows)
    if probes:
        table(["a beginning, sent as", *DIALECTS], probes)
    print("\n", "\n".join(remarks), sep="")
    return wrong


def main(words: Sequence[str]) -> int:
    """Start the servers, check the doors, say whether all came out as it should."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers end as well
    os.environ["SERVER_KEY"] = f"sk-{secrets.token_hex(12)}"
    os.environ["WRONG_KEY"] = f"sk-{secrets.token_hex(12)}"
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "hub" / "hub").mkdir(parents=True)
        every = doors()
        chosen = [door for door in every if not words or any(word in door.name for word in words)]
        if not chosen:
            print(f"no door is named so; there are: {'; '.join(door.name for door in every)}")
            return 2
        with servers(home, {door.server for door in chosen}) as addresses:
            wrong = checked(chosen, addresses)
    needed = ", ".join(one for name in NEEDED.values() for one in name)
    print(f"\nonefold {version('onefold')}; {needed}")
    print("all came out as expected" if not wrong else f"{wrong} came out otherwise")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
