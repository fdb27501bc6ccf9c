"""Search strategies in simulated regimes, and the strategy that chooses among them.

    python benchmarks/search/regimes.py [--questions 200] [--drawn 12 --seed 1]

Regimes are the difficulty of the questions, what the reward sees, and a budget of 4, 16 or 64
answers, counted in steps (see world.py): chosen ones, or drawn ones that nobody chose. Nothing here
is a language model: the table shows which strategy suits which reward, not how good any is on real
questions.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from measuring import table
from world import BUDGETS, LEVELS, REWARDS, Pretended, Regime, drawn

from onefold.operators.search.adaptive import Adaptive, halved
from onefold.operators.search.beams import DVTS, Beam, GuidedSampling
from onefold.operators.search.particles import Particles, Rebase
from onefold.operators.search.strategy import Strategy
from onefold.operators.search.trees import MCTS, BestFirst
from onefold.operators.search.whole import BestOfN, MajorityOfN, WeightedBestOfN
from onefold.operators.votes.counting import Best, Majority, Weighted

VOTES = {"best": Best(), "weighted": Weighted(), "majority": Majority()}
FIRST = 10_000  # questions by which a reward is measured; no strategy is tried on them
MEASURED = 200  # how many


def fixed(count: int) -> dict[str, Strategy]:
    """The ten strategies, each as wide as a budget of so many answers lets it be."""
    width, candidates = max(1, count // 4), min(4, count)
    return {
        "best_of_n": BestOfN(count),
        "weighted_best_of_n": WeightedBestOfN(count),
        "majority": MajorityOfN(count),
        "guided_sampling": GuidedSampling(candidates, count=width),
        "beam": Beam(width, candidates),
        "dvts": DVTS(width, candidates),
        "particles": Particles(count),
        "rebase": Rebase(count),
        "mcts": MCTS(rounds=4 * count),
        "tree": BestFirst(3, 2 if count < 16 else 3),
    }


NAMES = tuple(fixed(4))


async def tried(strategy: Strategy, regime: Regime, questions: range) -> np.ndarray:
    """Whether each question was answered right, and answers' worth of steps: (questions, 2)."""
    found = []
    for question in questions:
        tree = Pretended(regime, question, strategy.vote)
        leaves = await strategy.grow(tree)
        ended = [leaf for leaf in leaves if leaf.finish]
        ended += await tree.finish([leaf for leaf in leaves if not leaf.finish])
        drafts = [tree.draft(leaf) for leaf in {leaf.path: leaf for leaf in ended}.values()]
        found.append((VOTES[tree.vote].count(drafts).winner == "right", tree.answers))
    return np.array(found, float)


async def quality(regime: Regime) -> tuple[float, float]:
    """How well a reward ranks answers half-way, and whole, on questions of its own."""
    won = [[0.0, 0], [0.0, 0]]
    for question in range(FIRST, FIRST + MEASURED):
        tree = Pretended(Regime(regime.level, regime.reward, 8), question, "best")
        whole = await tree.finish([tree.root], [8])
        half = await tree.score([halved(node, tree.way.at) for node in whole])
        right = [tree.draft(node).value == "right" for node in whole]
        for place, nodes in enumerate((half, whole)):
            high = [node.worth for node, is_right in zip(nodes, right, strict=True) if is_right]
            low = [node.worth for node, is_right in zip(nodes, right, strict=True) if not is_right]
            won[place][0] += sum((a > b) + 0.5 * (a == b) for a, b in product(high, low))
            won[place][1] += len(high) * len(low)
    return won[0][0] / won[0][1], won[1][0] / won[1][1]


async def shown(what: str, regimes: Sequence[Regime], questions: range, only: str) -> None:
    """Print the table of some regimes, and means over them.

    only: one strategy, where not all are wanted.
    """
    rows, held, gaps = [], [], []
    for regime in regimes:
        half, whole = await quality(regime)
        trials: dict[str, Strategy] = {
            **fixed(regime.budget),
            "adaptive": Adaptive(round(half, 3), round(whole, 3)),
            "untold": Adaptive(),
        }
        found = {
            name: await tried(one, regime, questions)
            for name, one in trials.items()
            if only in ("", name)
        }
        print(".", end="", file=sys.stderr, flush=True)
        right = {name: 100 * trial[:, 0].mean() for name, trial in found.items()}
        cells = [f"{figure:.0f}" for figure in right.values()]
        if not only:
            best = max(NAMES, key=right.__getitem__)
            lead = 100 * (found["adaptive"][:, 0] - found[best][:, 0])
            gaps.append(lead.mean())
            cells += [f"{lead.mean():+.0f} ± {lead.std() / len(lead) ** 0.5:.0f}"]
            cells += [f"{found['adaptive'][:, 1].mean():.0f}"]
        held.append(right)
        told = f"{regime.reward.name} ({half:.2f}, {whole:.2f})"
        rows.append((regime.level.name, told, regime.budget, *cells))
    print(f"\n{what}: simulated, {len(questions)} questions a regime; % right.")
    ends = () if only else ("− best", "used")
    table(("level", "reward (AUC half-way, whole)", "answers", *held[0], *ends), rows)
    means = {name: np.mean([right[name] for right in held]) for name in held[0]}
    print("\nOn average: " + ", ".join(f"{name} {mean:.1f}" for name, mean in means.items()))
    if not only:
        best = max(NAMES, key=means.__getitem__)
        near = sum(gap >= -2.0 - 1e-9 for gap in gaps)
        print(
            f"adaptive is {means['adaptive'] - means[best]:.1f} points above {best}, within 2 "
            f"points of the best in {near} of {len(gaps)} regimes, at worst {min(gaps):.1f}"
        )


async def main(given: argparse.Namespace) -> None:
    """Print the tables."""
    questions = range(given.start, given.start + given.questions)
    if given.drawn:
        what = f"drawn, seed {given.seed}"
        await shown(what, drawn(given.drawn, given.seed), questions, given.only)
        return
    for level in LEVELS:
        regimes = [Regime(level, *rest) for rest in product(REWARDS, given.budgets)]
        await shown(level.name, regimes, questions, given.only)


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("--questions", type=int, default=200)
    asked.add_argument("--start", type=int, default=0, help="the first question")
    asked.add_argument("--budgets", type=int, nargs="+", default=BUDGETS)
    asked.add_argument("--drawn", type=int, default=0, help="so many drawn regimes instead")
    asked.add_argument("--seed", type=int, default=1, help="of the drawn ones")
    asked.add_argument("--only", default="", help="one strategy alone")
    asyncio.run(main(asked.parse_args()))
