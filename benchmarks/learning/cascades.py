"""What fitted cascades save on questions they were not fitted on, and what one draft tells.

python -m benchmarks.learning.cascades [--data DIR]     seed 20261121
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from benchmarks.learning.draft_prior import graded, unseen
from benchmarks.measuring import SEED, data_folder, percent, table
from msgspec import structs
from pyarrow import parquet

from onefold.core.usage import Price
from onefold.fitted.calibration import sigmoid
from onefold.fitted.deferral import Cascade
from onefold.fitted.drafts import NAMES
from onefold.fitted.steps import UNASKED
from onefold.learn.ballots import Ballots
from onefold.learn.cascade import believed, fit_cascade, judged, known_to_all
from onefold.learn.cascade_search import course, facts
from onefold.learn.judge import Seen, seen_in, weighed
from onefold.learn.outcomes import folds, outcomes
from onefold.learn.sweep import routed
from onefold.recording.recording import Draft, Recording

TASKS = {"GSM8K": "zeroeval_gsm8k.parquet", "CRUX": "zeroeval_crux.parquet"}
SHARES = {"GSM8K": (0.15, 0.22), "CRUX": (0.6, 0.62)}
PAIR = "routellm_gsm8k.parquet"
CHEAP = (
    "gpt-4o-mini-2024-07-18",
    "gemini-1.5-flash",
    "Meta-Llama-3.1-8B-Instruct",
    "gemma-2-9b-it",
    "Mistral-Nemo-Instruct-2407",
)
POOLS, LABELS, REPEATS = 30, 100, 2
NUMBER = NAMES.index("answer is a number")
TINY = 1e-9  # no faith, but one row a question


def priced(folder: Path, task: str) -> Recording:
    """A recording of the members with a list price; on GSM8K only those whose source was seen."""
    listed = json.loads((folder / "prices.json").read_text())
    prices = {
        name: Price(entry["usd_per_mtok_in"], entry["usd_per_mtok_out"])
        for name, entry in listed.items()
        if task == "CRUX" or "NOT seen" not in entry["source"]
    }
    held = Recording.load(folder / TASKS[task], {"value": "parsed_answer"})
    return Recording(draft for draft in held if draft.member in prices).priced(prices)


def points(worth: float) -> str:
    """A difference of shares in percentage points."""
    return f"{100 * worth:+.2f}"


def cascades(folder: Path) -> None:
    """Cascades of all members: choice of members, order, prices, judge: all on other folds."""
    rows = []
    for task, shares in SHARES.items():
        recording = priced(folder, task)
        for share in shares:
            for seed in range(SEED, SEED + REPEATS):
                fit = fit_cascade(recording, share=share, prior=False, seed=seed)
                found = fit.figures
                strong = fit.artifact.about["members"][-1]
                rows.append(
                    (
                        task,
                        strong,
                        percent(share, 0),
                        seed,
                        percent(found["share"]),
                        points(found["gain"]),
                        f"{points(found['gain_low'])} to {points(found['gain_high'])}",
                    )
                )
    head = ("task", "strong member", "wanted cost", "seed", "cost", "gain, points", "95 % interval")
    print("\n### Cascades against the strongest member, 5-fold")
    table(head, rows)


def drawn(recording: Recording, chance: np.random.Generator) -> tuple[list[str], list[str]]:
    """A random pool of 3 to 6 members, and the questions that are labelled."""
    size = int(chance.integers(3, 7))
    pool = [str(name) for name in chance.choice(recording.members, size, replace=False)]
    known = [str(name) for name in chance.choice(recording.queries, LABELS, replace=False)]
    return pool, known


def pools(folder: Path) -> None:
    """Random pools and few labels: gain and cost against the strongest member on those labels."""
    rows = []
    for task in TASKS:
        recording, chance = priced(folder, task), np.random.default_rng(SEED)
        ballots, found = Ballots(recording), []
        for _ in range(POOLS):
            pool, known = drawn(recording, chance)
            labelled = Recording(d for d in recording if d.query_id in set(known))
            fit = fit_cascade(labelled, members=pool, text=False, most=4)
            made = Cascade(fit.artifact).course
            new = ~np.isin(ballots.queries, known)
            columns = ballots.columns(made.members)
            codes, right = ballots.codes[new][:, columns], ballots.correct[new][:, columns]
            usd = ballots.usd[new][:, columns]
            ended, chances = made.follow(codes)
            said = made.through.said[ended]
            won = made.winners(ended, chances)
            good = ((said == won[:, None]) & (won >= 0)[:, None] & right).any(axis=1)
            gain = float(good.mean() - right[:, -1].mean())
            found.append((gain, float((usd * (said > UNASKED)).sum() / usd[:, -1].sum())))
        gains, costs = np.array(found).T
        rows.append(
            (
                task,
                points(gains.mean()),
                percent(float((gains < -0.003).mean()), 0),
                percent(float((gains < -0.01).mean()), 0),
                percent(float(costs.mean())),
                percent(float((costs > 0.999).mean()), 0),
            )
        )
    print(f"\n### {POOLS} random pools of 3 to 6 members, {LABELS} labels, nothing wished for")
    head = (
        "task",
        "mean gain, points",
        "worse by > .3",
        "worse by > 1",
        "mean cost",
        "strong alone",
    )
    table(head, rows)


def recovery(gain: np.ndarray, strong: np.ndarray, weak: np.ndarray) -> tuple[float, float, float]:
    """APGR, CPT50 and CPT80 of asking the strong model where the gain is highest (RouteLLM)."""
    sweep = routed(gain, weak, strong)
    return sweep.apgr, sweep.cpt(50) / 100, sweep.cpt(80) / 100


def pair(folder: Path, cheap: str = "") -> tuple[Recording, np.ndarray, np.ndarray]:
    """The two models' drafts, with those of a cheap one, and who is right."""
    rows = parquet.read_table(folder / PAIR).to_pylist()
    drafts = [
        Draft(
            row["query_id"],
            name,
            row[f"{name}_response"],
            row["prompt"],
            correct=bool(row[f"{name}_correct"]),
        )
        for row in rows
        for name in ("weak", "strong")
    ]
    if cheap:
        ids = {row["prompt"].strip(): row["query_id"] for row in rows}
        drafts += [
            Draft(
                ids[row["question"].strip()],
                "cheap",
                row["output"],
                row["question"],
                correct=row["correct"],
            )
            for row in parquet.read_table(folder / TASKS["GSM8K"]).to_pylist()
            if row["model"] == cheap
        ]
    marks = [[float(row[f"{name}_correct"]) for row in rows] for name in ("strong", "weak")]
    return Recording(drafts), np.array(marks[0]), np.array(marks[1])


@cache
def taught(folder: Path, prompts: tuple[str, ...], drafts: bytes) -> np.ndarray:
    """What trees that never saw a question say of drafts to it."""
    features = np.frombuffer(drafts).reshape(len(prompts), -1)
    return unseen(graded(folder), [prompt.strip() for prompt in prompts], features)


def honest(seen: Seen, folder: Path) -> Seen:
    """The same, with a prior that was not learned from drafts to the same questions.

    The shipped one was learned from drafts to all of them, of other models.
    """
    prompts = tuple(seen.prompts[place] for place in seen.question)
    features = seen.features.copy()
    features[:, -1] = taught(folder, prompts, features[:, :-1].tobytes()) * features[:, NUMBER]
    return structs.replace(seen, features=features)


def after_weak(folder: Path, seed: int, prior: bool = True) -> tuple[float, float, float]:
    """The signed gain from the weak draft: two heads on what it shows, P(strong) − P(weak)."""
    recording, strong, weak = pair(folder)
    seen = seen_in(outcomes(recording, "number").ballots, prior=prior)
    seen = honest(seen, folder) if prior else seen
    drafts = seen.take(np.flatnonzero(seen.who == seen.members.index("weak")))
    gain = np.zeros(len(strong))
    for train, test in folds(drafts.prompts, 5, seed):
        known, new = drafts.questions(train), drafts.questions(test)
        heads = (structs.replace(known, score=strong[train]), known)
        chances = [sigmoid(weighed(head).odds(new)) for head in heads]
        gain[test] = chances[0] - chances[1]
    return recovery(gain, strong, weak)


def after_cheap(folder: Path, cheap: str, seed: int) -> tuple[float, float, float]:
    """The same after one more cheap draft, by a cascade of the three: agreement and judge."""
    recording, strong, weak = pair(folder, cheap)
    world, seen, _ = known_to_all(outcomes(recording, "number").ballots, "strong", True)
    assert seen is not None
    seen = honest(seen, folder)
    columns = tuple(map(world.members.index, ("weak", "cheap", "strong")))
    gain = np.zeros(len(strong))
    for train, test in folds(world.prompts, 5, seed):
        known = world.take(train)
        about = facts(known, "strong")
        judge, held = judged(seen.questions(train), seed)
        faith = believed(known, about, columns, held[:, columns])
        made = course(known, about, columns, 0.0, faith or TINY)
        verdicts = judge.verdicts(seen.questions(test))[:, columns]
        codes = world.take(test).among(columns).codes
        codes[:, -1], verdicts[:, -1] = UNASKED, np.nan
        way = made.way(made.odds(verdicts))
        at, rows = made.through.find(codes), np.arange(len(test))
        said = made.through.said[at][:, 0]
        now = np.where(said >= 0, way.chance[rows, at, np.maximum(said, 0)], 0.0)
        gain[test] = way.asking[rows, at, -1] - now
    return recovery(gain, strong, weak)


def deferrals(folder: Path) -> Iterator[tuple[str, ...]]:
    """Rows of the table on two models."""
    tasks = [
        ("the weak draft", lambda seed: after_weak(folder, seed)),
        ("the weak draft, without the prior", lambda seed: after_weak(folder, seed, False)),
    ]
    tasks += [
        (f"and one of {cheap}", lambda seed, cheap=cheap: after_cheap(folder, cheap, seed))
        for cheap in CHEAP
    ]
    for name, measured in tasks:
        found = np.array([measured(seed) for seed in range(SEED, SEED + 3)])
        area, half, most = found.mean(axis=0)
        yield name, f"{area:.3f}", f"{100 * half:.1f}", f"{100 * most:.1f}"


def main() -> None:
    """All tables."""
    folder = data_folder(*TASKS.values(), PAIR, "prices.json")
    print("\n### Two models on GSM8K, three times 5-fold: whether to ask the strong one after …")
    table(("after", "APGR", "CPT(50 %)", "CPT(80 %)"), deferrals(folder))
    pools(folder)
    cascades(folder)


if __name__ == "__main__":
    main()
