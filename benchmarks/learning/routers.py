"""What the learned router recovers on questions it was not fitted on, and how fast it is.

python -m benchmarks.learning.routers [--data DIR]     seed 20261121
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from benchmarks.measuring import SEED, data_folder, percent, table
from pyarrow import parquet

from onefold.fitted.routing import Routing, routing
from onefold.learn.outcomes import folds
from onefold.learn.routers.router import fit_router
from onefold.learn.sweep import Sweep, routed
from onefold.recording.recording import Draft, Recording

PAIRS = {"MMLU": "routellm_mmlu.parquet", "GSM8K": "routellm_gsm8k.parquet"}
MANY = "llmrouter_scores.parquet"
BUDGETS, DRAWS = (50, 100, 300, 1000), 10
Rows = list[dict]


def pair(path: Path) -> Rows:
    """The questions of a two-model recording, one row each."""
    rows: Rows = parquet.read_table(path).to_pylist()
    return rows


def recorded(rows: Rows) -> Recording:
    """What the two models once did."""
    return Recording(
        Draft(row["query_id"], member, "", row["prompt"], correct=bool(row[f"{member}_correct"]))
        for row in rows
        for member in ("strong", "weak")
    )


def gains(rows: Rows) -> np.ndarray:
    """How much better the strong model did: 1, 0 or −1 a question."""
    return np.array([float(row["strong_correct"]) - float(row["weak_correct"]) for row in rows])


def swept(preference: np.ndarray, gain: np.ndarray) -> Sweep:
    """What is recovered of a gain when the strong model answers where it is preferred most."""
    return routed(preference, np.zeros(len(gain)), gain)


def preferred(router: Routing, rows: Rows) -> np.ndarray:
    """How much better the strong model is predicted to do."""
    quality = router.qualities([row["prompt"] for row in rows])
    strong = router.members.index("strong")
    return quality[:, strong] - quality[:, 1 - strong]


def crossed(
    rows: Rows, seed: int, groups: Sequence[str] | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Questions of each fold, and what a router that was fitted on the others prefers there."""
    for train, test in folds([row["prompt"] for row in rows], 5, seed, groups):
        fit = fit_router(recorded([rows[place] for place in train]), seed=seed)
        yield test, preferred(routing(fit.artifact), [rows[place] for place in test])


def repeated(rows: Rows, times: int, groups: Sequence[str] | None = None) -> list[str]:
    """Mean and range over repetitions of what is recovered, and the fold recovered least."""
    gain, found, least = gains(rows), [], []
    for seed in range(SEED, SEED + times):
        preference = np.empty(len(rows))
        for test, said in crossed(rows, seed, groups):
            preference[test] = said
            least.append(swept(said, gain[test]).apgr)
        found.append(swept(preference, gain))
    areas = [each.apgr for each in found]
    draw = np.random.default_rng(SEED)
    picks = draw.integers(0, len(gain), (500, len(gain)))
    drawn = [swept(preference[pick], gain[pick]).apgr for pick in picks]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return [
        f"{np.mean(areas):.3f} ({min(areas):.3f} to {max(areas):.3f})",
        f"{low:.3f} to {high:.3f}",
        percent(float(np.mean([each.cpt(50) / 100 for each in found]))),
        percent(float(np.mean([each.cpt(80) / 100 for each in found]))),
        f"{np.mean(least):.3f}, {min(least):.3f}",
    ]


def budgets(rows: Rows) -> Iterator[list[str]]:
    """What few labels teach: random questions to fit on, all others to measure."""
    gain = gains(rows)
    for budget in (budget for budget in BUDGETS if budget < len(rows) / 1.5):
        areas, silent = [], 0
        for seed in range(DRAWS):
            order = np.random.default_rng(SEED + seed).permutation(len(rows))
            train, test = order[:budget], order[budget:]
            router = routing(fit_router(recorded([rows[p] for p in train]), seed=seed).artifact)
            silent += router.strength == 0
            said = preferred(router, [rows[place] for place in test])
            areas.append(swept(said, gain[test]).apgr)
        yield [str(budget), f"{np.mean(areas):.3f}", f"{min(areas):.3f}", f"{silent} of {DRAWS}"]


def many(path: Path, times: int) -> Iterator[list[str]]:
    """Share of the gap from the best single model to the best for each question that is closed."""
    rows = parquet.read_table(path).to_pylist()
    tasks = {row["query_id"]: row["task_name"] for row in rows}
    by_query: dict[str, list[Draft]] = {}
    for row in rows:
        draft = Draft(row["query_id"], row["model"], "", row["prompt"], score=row["score"])
        by_query.setdefault(draft.query_id, []).append(draft)
    held = list(by_query.values())
    for name, labels in (("found", None), ("told to the fit", tasks)):
        shares = []
        for seed in range(SEED, SEED + times):
            won = single = best = 0.0
            for train, test in folds([drafts[0].prompt for drafts in held], 5, seed):
                taught = Recording(draft for place in train for draft in held[place])
                router = routing(fit_router(taught, labels=labels, seed=seed).artifact)
                asked = [held[place] for place in test]
                scores = np.array(
                    [[by[m] for m in router.members] for by in map(scored, asked)], dtype=float
                )
                told = router.qualities([drafts[0].prompt for drafts in asked])
                won += scores[np.arange(len(asked)), told.argmax(axis=1)].sum()
                single += scores[:, router.means.argmax()].sum()
                best += scores.max(axis=1).sum()
            shares.append((won - single) / (best - single))
        yield [name, percent(float(np.mean(shares))), f"{min(shares):.1%} to {max(shares):.1%}"]


def scored(drafts: Sequence[Draft]) -> dict[str, float | None]:
    """The score of each model on one question."""
    return {draft.member: draft.score for draft in drafts}


def rate(route: Callable[[], object], count: int) -> str:
    """Decisions a second of CPU time, the best of five runs."""
    spent = []
    for _ in range(5):
        start = time.process_time()
        route()
        spent.append(time.process_time() - start)
    return f"{count / min(spent):,.0f}"


def main() -> None:
    """Print all tables."""
    folder = data_folder(*PAIRS.values(), MANY)
    mmlu, gsm = (pair(folder / name) for name in PAIRS.values())
    head = (
        "questions",
        "APGR (repetitions)",
        "95 % interval",
        "CPT50",
        "CPT80",
        "folds: mean, least",
    )
    subjects = [row["subject"] for row in mmlu]
    table(
        head,
        [
            ["MMLU, subjects seen", *repeated(mmlu, 2)],
            ["MMLU, whole subjects unseen", *repeated(mmlu, 3, subjects)],
            ["GSM8K", *repeated(gsm, 10)],
        ],
    )
    labels = ("labels", "APGR, mean of ten draws", "least", "no opinion")
    for name, rows in (("MMLU", mmlu), ("GSM8K", gsm)):
        print(f"\n{name}")
        table(labels, budgets(rows))
    table(("nine models, tasks", "gap closed", "repetitions"), many(folder / MANY, 3))
    prompts = [row["prompt"] for row in mmlu[:2000]]
    router = routing(fit_router(recorded(mmlu), seed=SEED).artifact)
    single = rate(lambda: [router.qualities([prompt]) for prompt in prompts], len(prompts))
    batched = rate(lambda: router.qualities(prompts), len(prompts))
    table(("decisions a second, one core", "rate"), [["single", single], ["batched", batched]])


if __name__ == "__main__":
    main()
