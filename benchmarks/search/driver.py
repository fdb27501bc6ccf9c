"""How fast searches are driven: a beam of 64 over many questions, against a model of 20 ms.

    python benchmarks/search/driver.py [--questions 100] [--peers PYTHON]

`--peers` is an interpreter of its own that has its_hub, numpy and openai, and OptiLLM's files:
`pip install --no-deps its-hub optillm; pip install numpy openai`. Each system runs in a process of
its own, on the same answers of four steps, 20 ms a call and a judge that costs nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SECONDS = 0.02
STEPS = 4
WIDTH, CANDIDATES = 16, 4


class Clock:
    """Wall and CPU seconds since it was made."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def told(self, calls: int) -> dict[str, float]:
        """What was measured, for so many calls."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {
            "calls": calls,
            "wall": time.perf_counter() - self.wall,
            "cpu": time.process_time() - self.cpu,
            "peak": peak,
        }


def onefold(questions: int) -> dict[str, float]:
    """All questions at once."""
    import onefold as of
    from onefold.operators.search.beams import Beam
    from onefold.operators.search.search import Search

    class Slow(of.Provider, name="slow_steps"):
        """Writes `step`, a line a call, then `Answer: 1`."""

        remote = False
        tells = True

        def _continues(self) -> bool:
            return True

        async def complete(self, request: Any) -> Any:
            await asyncio.sleep(SECONDS)
            if request.begun.count("\n") >= STEPS - 1:
                return of.Reply("Answer: 1", 9, tokens_out=3, finish="stop")
            return of.Reply(f"step {request.sample}", 9, tokens_out=3, finish="until")

    class Free(of.Judge, name="free"):
        """Scores by the length of the text alone."""

        async def score(self, query: Any, answer: Any) -> float:
            return len(answer.text) % 97 / 97

    search = Search(of.Model("slow", provider=Slow()), Free(), Beam(WIDTH, CANDIDATES))

    async def all_at_once() -> int:
        answers = await asyncio.gather(*(search(f"question {i}") for i in range(questions)))
        return sum(answer.usage.calls for answer in answers)

    clock = Clock()
    return clock.told(asyncio.run(all_at_once()))


def its_hub(questions: int) -> dict[str, float]:
    """its_hub's beam search, all questions at once."""
    from its_hub.api import AbstractLanguageModel, AbstractProcessRewardModel
    from its_hub.core.algorithms.beam_search import BeamSearch
    from its_hub.core.lms.step_generation import StepGeneration

    calls = 0

    class Slow(AbstractLanguageModel):
        async def one(self, messages: Any) -> dict[str, str]:
            nonlocal calls
            calls += 1
            await asyncio.sleep(SECONDS)
            begun = messages[-1].content if messages[-1].role == "assistant" else ""
            last = begun.count("\n") >= STEPS - 1
            return {"role": "assistant", "content": "Answer: 1 END" if last else f"step {calls}"}

        async def agenerate(self, messages: Any, stop: Any = None, **_: Any) -> Any:
            if isinstance(messages[0], list):
                return list(await asyncio.gather(*map(self.one, messages)))
            return await self.one(messages)

    class Free(AbstractProcessRewardModel):
        def score(self, prompt: Any, texts: Any, *_: Any, **__: Any) -> list[float]:
            return [len(text) % 97 / 97 for text in texts]

        async def ascore(self, prompt: Any, texts: Any, *_: Any, **__: Any) -> list[float]:
            return self.score(prompt, texts)

    steps = StepGeneration(STEPS + 2, "\n", "END")
    search = BeamSearch(steps, Free(), WIDTH)
    model = Slow()

    async def all_at_once() -> None:
        await asyncio.gather(
            *(search.ainfer(model, f"question {i}", WIDTH * CANDIDATES) for i in range(questions))
        )

    clock = Clock()
    asyncio.run(all_at_once())
    return clock.told(calls)


def optillm(questions: int) -> dict[str, float]:
    """OptiLLM's best of n, the nearest that it has: it has no beam search, and blocks."""
    import importlib.util
    import types
    from importlib.metadata import files

    calls = 0

    def create(**asked: Any) -> Any:
        nonlocal calls
        calls += 1
        time.sleep(SECONDS)
        if asked.get("n", 1) > 1:
            raise ValueError("one at a time")
        message = types.SimpleNamespace(content="5")
        choice = types.SimpleNamespace(message=message, finish_reason="stop")
        return types.SimpleNamespace(
            choices=[choice], usage=types.SimpleNamespace(completion_tokens=1)
        )

    path = next(file for file in files("optillm") if str(file) == "optillm/bon.py").locate()
    sys.modules["optillm"] = types.ModuleType("optillm")
    sys.modules["optillm"].conversation_logger = None
    spec = importlib.util.spec_from_file_location("optillm.bon", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    completions = types.SimpleNamespace(create=create)
    client = types.SimpleNamespace(chat=types.SimpleNamespace(completions=completions))
    clock = Clock()
    for place in range(max(1, questions // 50)):
        module.best_of_n_sampling("", f"question {place}", client, "m", WIDTH * CANDIDATES)
    return clock.told(calls)


SYSTEMS = {"onefold": onefold, "its_hub": its_hub, "optillm": optillm}


def measured(name: str, questions: int, python: str) -> dict[str, Any] | None:
    """What a system took, in a process of its own; None where it cannot run."""
    command = [python, str(Path(__file__)), "--system", name, "--questions", str(questions)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name} did not run: {(done.stderr.splitlines() or ['no word'])[-1]}")
        return None
    return json.loads(done.stdout.splitlines()[-1])


def main(questions: int, peers: str) -> None:
    """Print the table."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from measuring import table

    print(
        f"A beam of {WIDTH * CANDIDATES} ({WIDTH} kept), {questions} questions at once, {STEPS} "
        f"steps, {SECONDS * 1000:.0f} ms a call; OptiLLM: best of {WIDTH * CANDIDATES}"
    )
    rows = []
    for name in SYSTEMS if peers else ("onefold",):
        found = measured(name, questions, sys.executable if name == "onefold" else peers)
        if found is None:
            continue
        calls = found["calls"]
        ideal = calls * SECONDS
        rows.append(
            (name, f"{calls:.0f}", f"{found['wall']:.1f} s", f"{ideal / found['wall']:.1f} ×",
             f"{ideal / (found['cpu'] + SECONDS * STEPS):.0f} ×",
             f"{1000 * found['cpu'] / calls:.2f} ms", f"{found['peak']:.0f} MB")
        )  # fmt: skip
    table(("system", "calls", "wall", "faster than one by one", "… on a free core",
           "CPU a call", "peak"), rows)  # fmt: skip


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("--questions", type=int, default=100)
    asked.add_argument("--peers", default="")
    asked.add_argument("--system", default="", choices=["", *SYSTEMS])
    given = asked.parse_args()
    if given.system:
        print(json.dumps(SYSTEMS[given.system](given.questions)))
    else:
        main(given.questions, given.peers)
