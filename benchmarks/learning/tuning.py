"""Promised against achieved: random pools, label budgets and wishes; unseen is all the rest.

python -m benchmarks.learning.tuning [--data DIR]     seed 20261121
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from benchmarks.measuring import SEED, between, data_folder, percent, table
from msgspec import Struct, structs

from onefold.core.tally import spell, wilson
from onefold.core.usage import Price
from onefold.lab.bench.bench import bench
from onefold.lab.tuning.learned import Learned
from onefold.lab.tuning.promise import Promise
from onefold.lab.tuning.recipe import operator_of
from onefold.lab.tuning.report import write
from onefold.lab.tuning.tune import Tuned, tune
from onefold.recording.recording import Draft, Recording

TASKS = {
    "GSM8K": "zeroeval_gsm8k.parquet",
    "CRUX": "zeroeval_crux.parquet",
    "14 tasks": "llmrouter_scores.parquet",
}
LABELS = {"CRUX": (100, 150, 200, 300)}
SETUPS, UNSEEN = 17, 1000
Sides = tuple[set[str], set[str]]


class Kept(Struct, frozen=True):
    """What came of one set-up: the promise, and what the recipe and the single member achieved."""

    task: str
    tuned: Tuned
    quality: float
    usd: float
    single: float

    @property
    def promise(self) -> Promise:
        """What was promised."""
        return self.tuned.pick.promise

    @property
    def quality_kept(self) -> bool:
        """Whether the achieved quality lies in the promised interval."""
        low, high = self.promise.quality_interval
        return low - 1e-9 <= self.quality <= high + 1e-9

    @property
    def cost_kept(self) -> bool:
        """Whether the achieved cost lies in the promised interval."""
        low, high = self.promise.usd_interval
        return low <= self.usd <= high


def loaded(folder: Path, task: str) -> Recording:
    """A task's drafts with what they cost; the parsed answer is the text that is read.

    Answers are priced by list prices and the length of the texts. Where only scores are recorded,
    each model costs the same for all questions, a made-up price between 0.0002 and 0.004 dollars.
    """
    if task == "14 tasks":
        held = Recording.load(folder / TASKS[task])
        made = np.random.default_rng(SEED).uniform(np.log(0.0002), np.log(0.004), 99)
        usd = dict(zip(held.members, np.exp(made).tolist(), strict=False))
        return Recording(structs.replace(d, text="", usd=usd[d.member]) for d in held)
    prices = json.loads((folder / "prices.json").read_text(encoding="utf-8"))
    priced = Recording.load(folder / TASKS[task], {"value": "parsed_answer"}).priced(
        {
            name: Price(held["usd_per_mtok_in"], held["usd_per_mtok_out"])
            for name, held in prices.items()
        }
    )
    return Recording(
        structs.replace(draft, text="" if draft.value is None else spell(draft.value), value=None)
        for draft in priced
        if draft.usd is not None
    )


def setups(recording: Recording, task: str, seed: int) -> Iterator[tuple[dict[str, Any], Sides]]:
    """Random members and wishes; the questions with labels, and those that nobody sees."""
    chance = np.random.default_rng(seed)
    for number in range(SETUPS):
        members = sorted(
            chance.choice(recording.members, chance.integers(3, 10), replace=False).tolist()
        )
        mixed = chance.permutation(recording.queries).tolist()
        count = chance.choice(LABELS.get(task, (100, 150, 200, 300, 400)))
        sides = set(mixed[:count]), set(mixed[count : count + UNSEEN])
        costs, right = about(recording, members, sides[0])
        wish: dict[str, Any] = {"usd": float(np.exp(chance.uniform(*np.log(costs))))}
        if number % 2:
            wish = {"quality": float(chance.uniform(*right))}
        yield {"members": members, **wish}, sides


def about(recording: Recording, members: list[str], labelled: set[str]) -> tuple[Any, Any]:
    """Where wishes lie: costs from cheapest to dearest, qualities from the middle to the best."""
    held = {name: [d for d in recording if d.member == name and d.query_id in labelled]
            for name in members}  # fmt: skip
    costs = [float(np.mean([d.usd for d in drafts])) for drafts in held.values()]
    right = [float(np.mean([grade(d) for d in drafts])) for drafts in held.values()]
    return (1.1 * min(costs), 1.2 * max(costs)), (float(np.median(right)), min(0.99, max(right)))


def grade(draft: Draft) -> float:
    """How right a draft is."""
    return float(bool(draft.correct)) if draft.score is None else draft.score


def kept(recording: Recording, task: str, wish: dict[str, Any], sides: Sides) -> Kept:
    """Tune on the labelled questions, and run what comes of it on all the others."""
    reads = None if task == "14 tasks" else "plain"
    seen, rest = (
        Recording(d for d in recording if d.query_id in some and d.member in wish["members"])
        for some in sides
    )
    tuned = tune(seen, reads=reads, seed=SEED, learned=True, **wish)
    with TemporaryDirectory() as folder:
        write(tuned, folder, "replaced by what is unseen")
        systems = {"pick": f"{folder}/recipe.yaml", "single": operator_of(tuned.single.system)}
        rows = list(bench(systems, recording=rest, reads=reads))
    quality, single = (
        float(np.mean([row.score or 0.0 for row in rows if row.system == name])) for name in systems
    )
    usd = float(np.mean([row.usd or 0.0 for row in rows if row.system == "pick"]))
    return Kept(task, tuned, quality, usd, single)


def line(name: str, found: list[Kept]) -> tuple[str, ...]:
    """The figures of some set-ups."""
    both = [each.quality_kept and each.cost_kept for each in found]
    gains = [
        100 * (each.quality - each.single) for each in found if each.tuned.wish.quality is None
    ]
    fitted = [isinstance(each.tuned.pick.system, Learned) for each in found]
    panels = [each.tuned.pick is not each.tuned.single for each in found]
    widths = [e.promise.quality_interval[1] - e.promise.quality_interval[0] for e in found]
    ratios = [e.promise.usd_interval[1] / e.promise.usd_interval[0] for e in found]
    bias = [100 * (each.promise.quality - each.quality) for each in found]
    return (
        name,
        str(len(found)),
        f"{sum(both)} ({between(wilson(sum(both) / len(both), len(both)), 0)})",
        percent(np.mean([each.quality_kept for each in found]), 0),
        percent(np.mean([each.cost_kept for each in found]), 0),
        f"{np.mean(bias):+.2f}",
        f"±{50 * np.mean(widths):.1f} points",
        f"× {np.mean(ratios):.2f}",
        f"{sum(panels)} ({sum(fitted)})",
        f"{np.mean(gains):+.2f}",
        percent(np.mean([gain < -0.3 for gain in gains]), 0),
    )


def main() -> None:
    """All of it."""
    folder = data_folder("prices.json", *TASKS.values())
    found: list[Kept] = []
    for task in TASKS:
        recording = loaded(folder, task)
        for wish, sides in setups(recording, task, SEED):
            found.append(kept(recording, task, wish, sides))
    table(
        ("task", "set-ups", "both held", "quality held", "cost held", "promised − achieved",
         "quality interval", "cost interval", "panels (fitted)", "gain at a budget", "harmed > .3"),
        [line(task, [each for each in found if each.task == task]) for task in TASKS]
        + [line("budgets", [each for each in found if each.tuned.wish.quality is None])]
        + [line("all", found)],
    )  # fmt: skip
    candidates = sum(each.tuned.candidates for each in found)
    seconds = sum(each.tuned.seconds for each in found)
    print(f"\n{candidates:,} candidates in {seconds:.0f} s, folds and intervals included: "
          f"{60 * candidates / seconds:,.0f} a minute.")  # fmt: skip
    reached = [e for e in found if e.tuned.wish.quality is not None and e.tuned.reached]
    short = [e.quality < (e.tuned.wish.quality or 0) - 0.01 for e in reached]
    print(f"Qualities wished for: {len(reached)} promised, {sum(short)} missed by over a point.")


if __name__ == "__main__":
    main()
