"""What a contextual bandit regrets beside one that does not look at prompts, and how it recovers.

python -m benchmarks.manifold.bandits     seed 20261121

Prompts are fresh puzzles of four families; each of five members is good at one family, the last
one is fair at all. A member's answer is right by a coin of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice
from tempfile import TemporaryDirectory

import numpy as np
from benchmarks.manifold.places import FAMILIES
from benchmarks.measuring import SEED, table

from onefold.core.query import Query
from onefold.delivery.session import Session
from onefold.experience.experience import Experience
from onefold.lab.puzzles.puzzle import drawn
from onefold.learn.routers.manifold import fit_manifold
from onefold.recording.recording import Draft
from onefold.routers.bandit import Bandit
from onefold.routers.online import Online
from onefold.verbs import Router

MEMBERS = ("counter", "speller", "sorter", "talker", "allrounder")
STEPS, WORLDS = 1_500, 5
GOOD, POOR, FAIR, BROKEN = 0.9, 0.3, 0.55, 0.1


class World:
    """A stream of prompts, and how probably each member is right on each (steps, members)."""

    def __init__(self, seed: int, steps: int = STEPS) -> None:
        self.chance = np.random.default_rng(seed)
        kinds = list(FAMILIES)
        streams = [
            [drawn(maker, f"{seed} {maker.__name__}") for maker in FAMILIES[kind]] for kind in kinds
        ]
        self.kinds = self.chance.integers(len(kinds), size=steps)
        self.prompts = [
            next(streams[kind][self.chance.integers(len(streams[kind]))]).prompt
            for kind in self.kinds
        ]
        self.skill = np.full((steps, len(MEMBERS)), POOR)
        self.skill[np.arange(steps), self.kinds] = GOOD
        self.skill[:, -1] = FAIR

    def broken(self, member: int, since: int) -> World:
        """The same world, in which a member degrades at some step."""
        self.skill[since:, member] = BROKEN
        return self


async def lived_through(router: Router, world: World) -> np.ndarray:
    """The regret of each step (steps): what the best member's chance was above the chosen one's."""
    regret = np.zeros(len(world.prompts))
    coins = world.chance.random(len(world.prompts))
    with Session(experience=Experience()) as session:
        for step, prompt in enumerate(world.prompts):
            weights = await router.route(Query(prompt))
            chosen = max(weights, key=lambda name: weights[name]) if weights else MEMBERS[-1]
            skill = world.skill[step]
            right = skill[MEMBERS.index(chosen)]
            regret[step] = skill.max() - right
            row = Draft(str(step), chosen, "", prompt, score=float(coins[step] < right))
            session.experience._take(row)
    return regret


def routers(path: str) -> dict[str, Router]:
    """Who competes."""
    return {
        "Thompson without prompts (`online`, alike 0)": Online(MEMBERS, alike=0, explore=True),
        "`online`, alike 1, explore": Online(MEMBERS, alike=1, explore=True),
        "`bandit`, hashed letters": Bandit(MEMBERS),
        "`bandit` on a manifold": Bandit(MEMBERS, path),
        "the same, Thompson sampling": Bandit(MEMBERS, path, sampling=True),
    }


def fitted(folder: str) -> str:
    """A manifold of puzzles without any grades, none of them in the worlds."""
    texts = [
        puzzle.prompt
        for makers in FAMILIES.values()
        for maker in makers
        for puzzle in islice(drawn(maker, f"{SEED} known"), 200)
    ]
    path = f"{folder}/puzzles.npz"
    fit_manifold(texts, seed=SEED).save(path)
    return path


def regrets(path: str) -> Iterator[list[object]]:
    """Total regret over all worlds, beside that of the first."""
    first = 0.0
    for name, router in routers(path).items():
        runs = [asyncio.run(lived_through(router, World(SEED + n))) for n in range(WORLDS)]
        total = np.array([run.sum() for run in runs])
        first = first or total.mean()
        late = np.mean([run[-300:].mean() for run in runs])
        yield [name, f"{total.mean():.0f}", f"{total.mean() / first:.0%}", f"{late:.3f}"]


def recoveries(path: str, since: int = 800) -> Iterator[list[object]]:
    """Requests of all kinds after a member degrades, a world each: until at most one of ten of its
    kind goes to it; until sixty succeed at 90 % of the best rate that is then possible.
    """
    for name, router in routers(path).items():
        left, well = [], []
        for number in range(WORLDS):
            member = number % len(FAMILIES)
            world = World(SEED + 100 + number).broken(member, since)
            run = asyncio.run(lived_through(router, world))
            regret, best = run[since:], world.skill[since:].max(axis=1)
            own = np.flatnonzero(world.kinds[since:] == member)
            asked = world.skill[since:].max(axis=1)[own] - BROKEN - regret[own] < 1e-9
            calm = np.flatnonzero(np.convolve(asked, np.ones(10), "valid") <= 1)
            left.append(str(own[calm[0]]) if len(calm) else "never")
            rate = np.convolve(best - regret, np.ones(60) / 60, "valid")
            goal = 0.9 * np.convolve(best, np.ones(60) / 60, "valid")
            there = np.flatnonzero(rate >= goal)
            well.append(str(there[0]) if len(there) else "never")
        yield [name, ", ".join(left), ", ".join(well)]


def main() -> None:
    """Print both tables."""
    with TemporaryDirectory() as folder:
        path = fitted(folder)
        head = ("router", "regret", "beside the first", "a step, last 300")
        table(head, regrets(path))
        table(("router", "requests until it is left", "until recovered"), recoveries(path))


if __name__ == "__main__":
    main()
