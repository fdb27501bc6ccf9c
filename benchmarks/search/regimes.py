"""Search strategies in simulated regimes, and the strategy that chooses among them.

    python benchmarks/search/regimes.py [--questions 100] [--levels middle hard]

Regimes are the difficulty of the questions, what the reward sees, and a budget of 4, 16 or 64
answers, counted in steps (see world.py). The rule of `adaptive` is fitted on the first level and
tried on the others. Nothing here is a language model: the table shows which strategy suits which
reward, not how good any is on real questions.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measuring import table
from world import BUDGETS, LEVELS, REWARDS, Pretended, Regime

from onefold.operators.search.adaptive import Adaptive, guided, halved
from onefold.operators.search.beams import DVTS, Beam, GuidedSampling
from onefold.operators.search.particles import Particles, Rebase
from onefold.operators.search.strategy import Strategy
from onefold.operators.search.trees import MCTS, BestFirst
from onefold.operators.search.whole import BestOfN, MajorityOfN, WeightedBestOfN
from onefold.operators.votes.counting import Best, Majority, Weighted

VOTES = {"best": Best(), "weighted": Weighted(), "majority": Majority()}
FIRST = 10_000  # questions by which a reward is measured; no strategy is tried on them
GRID = ((0.55, 0.6, 0.65, 0.7), (0.55, 0.6, 0.65, 0.7), (0.91, 0.93, 0.95, 0.97, 0.99))


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


async def tried(strategy: Strategy, regime: Regime, questions: range) -> tuple[float, float]:
    """Share of questions answered right, and answers' worth of steps that it took."""
    right = used = 0.0
    for question in questions:
        tree = Pretended(regime, question, strategy.vote)
        leaves = await strategy.grow(tree)
        ended = [leaf for leaf in leaves if leaf.finish]
        ended += await tree.finish([leaf for leaf in leaves if not leaf.finish])
        drafts = [tree.draft(leaf) for leaf in {leaf.path: leaf for leaf in ended}.values()]
        right += VOTES[tree.vote].count(drafts).winner == "right"
        used += tree.answers
    return right / len(questions), used / len(questions)


async def quality(level: str, reward: str, questions: int) -> tuple[float, float]:
    """How well a reward ranks answers half-way, and whole, on questions of its own."""
    won = [[0.0, 0], [0.0, 0]]
    for question in range(FIRST, FIRST + questions):
        tree = Pretended(Regime(level, reward, 8), question, "best")
        whole = await tree.finish([tree.root], [8])
        half = await tree.score([halved(node, tree.way.at) for node in whole])
        right = [tree.draft(node).value == "right" for node in whole]
        for place, nodes in enumerate((half, whole)):
            high = [node.worth for node, is_right in zip(nodes, right, strict=True) if is_right]
            low = [node.worth for node, is_right in zip(nodes, right, strict=True) if not is_right]
            won[place][0] += sum((a > b) + 0.5 * (a == b) for a, b in product(high, low))
            won[place][1] += len(high) * len(low)
    return won[0][0] / won[0][1], won[1][0] / won[1][1]


def choice(at: tuple[float, ...], half: float, whole: float, count: int) -> str:
    """What the rule of `adaptive` takes, by the names of the fixed strategies."""
    if half >= at[0]:
        return guided(count).name_of_part
    if whole >= at[2]:
        return "best_of_n"
    return "weighted_best_of_n" if whole >= at[1] else "majority"


async def main(questions: int, levels: list[str]) -> None:
    """Print the tables."""
    held: dict[Regime, dict[str, float]] = {}
    rewards = {}
    for level, reward in product(levels, REWARDS):
        rewards[level, reward] = await quality(level, reward, questions)
        for count in BUDGETS:
            regime = Regime(level, reward, count)
            held[regime] = {
                name: (await tried(one, regime, range(questions)))[0]
                for name, one in fixed(count).items()
            }
            print(".", end="", file=sys.stderr, flush=True)
    at = max(
        (Adaptive().at, *product(*GRID)),  # the default, unless another one is better
        key=lambda at: sum(
            held[r][choice(at, *rewards[r.level, r.reward], r.budget)]
            for r in held
            if r.level == levels[0]
        ),
    )
    print(f"\nRule fitted on the level {levels[0]!r}: at = {at}; the default: {Adaptive().at}")
    names = [*fixed(4)]
    took = {}
    rows = []
    for regime, figures in held.items():
        half, whole = rewards[regime.level, regime.reward]
        known = Adaptive(round(half, 3), round(whole, 3), at=at)
        figures["adaptive"], took[regime] = await tried(known, regime, range(questions))
        figures["untold"], _ = await tried(Adaptive(at=at), regime, range(questions))
        best = max(figures[name] for name in names)
        cells = [f"{100 * figures[name]:.0f}" for name in (*names, "adaptive", "untold")]
        behind = f"{100 * (figures['adaptive'] - best):+.0f}"
        rows.append((regime.level, f"{regime.reward} ({half:.2f}, {whole:.2f})", regime.budget,
                     *cells, behind, f"{took[regime]:.0f}"))  # fmt: skip
    print(f"\nSimulated, {questions} questions a regime, seed 0; % right.")
    table(("level", "reward (AUC half-way, whole)", "answers", *names, "adaptive",
           "… told nothing", "against the best", "answers used"), rows)  # fmt: skip
    for part in ([levels[0]], levels[1:]):
        chosen = [r for r in held if r.level in part]
        if chosen:
            summary(", ".join(part), chosen, held, names)


def summary(
    what: str, chosen: list[Regime], held: dict[Regime, dict[str, float]], names: list[str]
) -> None:
    """Print means over regimes, and the worst distance to the best fixed strategy."""
    means = {name: sum(held[r][name] for r in chosen) / len(chosen) for name in held[chosen[0]]}
    fixed_best = max(names, key=means.__getitem__)
    gaps = [held[r]["adaptive"] - max(held[r][name] for name in names) for r in chosen]
    near = sum(gap >= -0.02 - 1e-9 for gap in gaps)
    print(f"\n{what}: " + ", ".join(f"{name} {100 * mean:.1f}" for name, mean in means.items()))
    print(
        f"adaptive is {100 * (means['adaptive'] - means[fixed_best]):.1f} points above {fixed_best}"
        f", within 2 points of the best in {near} of {len(gaps)} regimes, "
        f"at worst {100 * min(gaps):.1f}"
    )


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("--questions", type=int, default=100)
    asked.add_argument("--levels", nargs="+", default=list(LEVELS), choices=list(LEVELS))
    given = asked.parse_args()
    asyncio.run(main(given.questions, given.levels))
