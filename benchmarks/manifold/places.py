"""How well a manifold tells tasks apart, tells what is strange to it, and how fast it decides.

python -m benchmarks.manifold.places [--data DIR]     seed 20261121
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from benchmarks.measuring import SEED, data_folder, percent, table
from pyarrow import parquet

from onefold.core.query import Query
from onefold.fitted.manifold import manifold
from onefold.lab.puzzles import orders, sayings, stories, strings
from onefold.lab.puzzles.puzzle import drawn
from onefold.learn.routers.manifold import fit_manifold
from onefold.runtime.bridge import bridge

FILES = {
    "MMLU": "routellm_mmlu.parquet",
    "GSM8K": "routellm_gsm8k.parquet",
    "CRUX": "zeroeval_crux.parquet",
    "banking": "classify/banking77.parquet",
    "emotions": "classify/goemotions.parquet",
    "headlines": "classify/headlines.parquet",
    "news": "classify/reuters10.parquet",
}
MANY = "llmrouter_scores.parquet"
SOURCES = {
    "GSM8K": ("GSM8K", "gsm8k", "agentverse-mgsm"),
    "MMLU": ("MMLU", "mmlu"),
    "school science": ("openbook_qa", "arc_challenge", "commonsense_qa"),
    "trivia": ("natural_qa", "trivia_qa"),
    "CRUX": ("CRUX",),
    "logic grids": ("agentverse-logicgrid",),
    "sentences of words": ("commongen",),
    "GPQA": ("gpqa",),
    "MBPP": ("mbpp",),
    "HumanEval": ("human_eval",),
    "MATH": ("math",),
    "banking": ("banking",),
    "emotions": ("emotions",),
    "headlines": ("headlines",),
    "news": ("news",),
}
KINDS = {
    "mathematical": ("GSM8K", "gsm8k", "agentverse-mgsm", "math"),
    "code_generation": ("mbpp", "human_eval"),
    "reasoning": ("agentverse-logicgrid", "CRUX"),
    "factual_qa": ("natural_qa", "trivia_qa"),
    "scientific": ("gpqa", "arc_challenge", "openbook_qa"),
    "creative_writing": ("commongen",),
    "conversational": ("emotions",),
}
FAMILIES = {
    "word problems": (stories.easy, stories.hard, stories.shop),
    "strings": (strings.strings,),
    "orders": (orders.orders,),
    "general": (sayings.fact, sayings.saying),
}
Prompts = dict[str, list[str]]


def prompts(folder: Path, most: int) -> Prompts:
    """At most so many different prompts of each source, drawn by seed."""
    found: Prompts = {}
    for name, file in FILES.items():
        rows = parquet.read_table(folder / file).to_pydict()
        found[name] = rows.get("prompt") or rows["text"]
    rows = parquet.read_table(folder / MANY, columns=["task_name", "prompt"]).to_pydict()
    for task, prompt in zip(rows["task_name"], rows["prompt"], strict=True):
        found.setdefault(task, []).append(prompt)
    chance = np.random.default_rng(SEED)
    return {
        name: [str(each) for each in chance.permutation(list(dict.fromkeys(said)))[:most]]
        for name, said in found.items()
    }


def made_up(each: int) -> Prompts:
    """So many prompts of each local family."""
    return {
        name: [
            puzzle.prompt
            for maker in makers
            for puzzle in islice(drawn(maker, SEED), each // len(makers))
        ]
        for name, makers in FAMILIES.items()
    }


def labelled(groups: dict[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    """Texts and their labels, each text once."""
    pairs = {text: name for name, texts in groups.items() for text in texts}
    return list(pairs), list(pairs.values())


def auc(usual: np.ndarray, strange: np.ndarray) -> float:
    """The probability that a strange one looks stranger than a usual one; ties count half."""
    order = np.sort(usual)
    below, upto = order.searchsorted(strange), order.searchsorted(strange, "right")
    return float((below + upto).mean() / (2 * len(usual)))


def recognised(found: Prompts) -> Iterator[list[object]]:
    """How many held-out prompts are put under their own label, for each set of labels."""
    tasks = {name: said for name, said in found.items() if name not in FILES}
    kinds = {kind: [p for name in names for p in found[name]] for kind, names in KINDS.items()}
    for name, groups in (
        ("families of our own puzzles", made_up(300)),
        ("seven kinds of real prompts, by their source", kinds),
        ("14 benchmarks (LLMRouter)", tasks),
    ):
        texts, labels = labelled(groups)
        start = time.process_time()
        fit = fit_manifold(texts, labels=labels, seed=SEED)
        yield [
            name, len(groups), len(texts), percent(fit.figures["accuracy"]),
            f"{time.process_time() - start:.0f} s",
        ]  # fmt: skip


def strangers(found: Prompts) -> Iterator[list[object]]:
    """The novelty AUC of each source to a manifold of all others."""
    areas = []
    for name, held in SOURCES.items():
        known = [p for source, said in found.items() if source not in held for p in said]
        known = [str(p) for p in np.random.default_rng(SEED).permutation(known)]
        cut = len(known) // 5
        made = manifold(fit_manifold(known[cut:], seed=SEED).artifact)
        new = [prompt for source in held for prompt in found[source]]
        usual, strange = made.view(known[:cut]).novelty, made.view(new).novelty
        areas.append(auc(usual, strange))
        over = percent((usual > 0.95).mean()), percent((strange > 0.95).mean())
        yield [name, len(new), f"{areas[-1]:.3f}", *over]
    yield ["mean", "", f"{np.mean(areas):.3f}", "", ""]


def speed(folder: Path, count: int = 20_000) -> Iterator[list[object]]:
    """Decisions on one prompt at a time, beside so many known ones."""
    emotions = parquet.read_table(folder / FILES["emotions"], columns=["text"]).to_pydict()["text"]
    others = [prompt for said in prompts(folder, 400).values() for prompt in said]
    known = list(dict.fromkeys([*emotions[:count], *others]))
    known = known[-count:]
    fit = fit_manifold(known, regions=64, seed=SEED)
    asked = [Query(text) for text in known[:: len(known) // 400]]

    async def decide() -> list[float]:
        times = []
        for query in asked:
            start = time.perf_counter()
            await router.route(query)
            times.append(time.perf_counter() - start)
        return times

    with TemporaryDirectory() as held:
        router = fit.save(f"{held}/manifold.npz")
        bridge.run(decide())
        times = np.array(bridge.run(decide())) * 1000
    yield [len(known), *(f"{mark:.2f} ms" for mark in np.percentile(times, (50, 95)))]


def main() -> None:
    """Print all tables."""
    folder = data_folder(*FILES.values(), MANY)
    found = prompts(folder, 300)
    print("Tasks, five folds")
    table(("labels", "how many", "prompts", "accuracy", "CPU"), recognised(found))
    print("\nNovelty of a source that was left out; shares over .95 of known and of strange ones")
    table(("left out", "prompts", "AUC", "known", "strange"), strangers(found))
    print("\nDeciding")
    table(("known prompts", "p50", "p95"), speed(folder))


if __name__ == "__main__":
    main()
