"""How many calls the stops save on recorded answers, and how often they change the winner.

python benchmarks/savings.py [--data DIR]     seed 20261121 (panels of five and nine, drawn;
every second one is weighted by accuracy in sample; members are asked one by one)
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from math import inf
from pathlib import Path

from measuring import SEED, data_folder, percent, table
from reliability import SETS

import onefold as of
from onefold.core.tally import spell
from onefold.learn.ballots import Ballots

PANELS, SIZES, QUESTIONS = 20, (5, 9), 200
STOPS: dict[str, of.Stop] = {
    "decided": of.Decided(),
    "agree(0.7, 2)": of.Agree(0.7, 2),
    "agree(0.6, 3)": of.Agree(0.6, 3),
    "certified(0.95)": of.Certified(0.95),
    "certified(0.95, dirichlet)": of.Certified(0.95, "dirichlet"),
    "certified(0.8)": of.Certified(0.8),
}


@dataclass
class Count:
    """What a stop did over many votes."""

    votes: int = 0
    asked: int = 0
    members: int = 0
    changed: int = 0
    right: int = 0
    full: int = 0

    def row(self, *name: str) -> list[str]:
        """Saved calls, changed winners, accuracy with and without."""
        return [
            *name,
            percent(1 - self.asked / self.members),
            f"{self.changed:,} of {self.votes:,} ({percent(self.changed / self.votes, 2)})",
            percent(self.right / self.votes, 2),
            percent(self.full / self.votes, 2),
        ]


async def outcome(panel: of.Panel, query: of.Query) -> tuple[str | None, int]:
    """The winner, and how many were asked."""
    try:
        answer = await panel(query)
    except of.NoAnswer as error:
        return None, len(error.drafts)
    return spell(answer.value), len(answer.drafts)


async def measure(recording: Path, reads: of.Reader, chance: random.Random) -> dict:
    """Each stop beside the same panel that asks everyone, one by one, through the real relay."""
    held = of.Recording.load(recording)
    ballots = Ballots(held, reads)
    accuracy = ballots.accuracy()
    counts: dict[tuple[str, str, str], Count] = {}

    graded: dict[tuple[str, str | None], bool] = {}  # as the first draft that says so is graded
    for draft in held:
        value = reads.read(draft.text, of.Query(draft.prompt))
        key = draft.query_id, None if value is None else spell(value)
        graded.setdefault(key, bool(draft.correct and value is not None))

    session = of.Session(of.replay(str(recording)))
    with session:
        for size in SIZES:
            for turn in range(PANELS):
                members = chance.sample(ballots.members, size)
                weights = {name: accuracy[name] for name in members}
                vote = of.Weighted(weights) if turn % 2 else of.Majority()
                queries = chance.sample(ballots.queries, QUESTIONS)
                full = of.Panel(members, vote, stagger=inf, reads=reads)
                early = {
                    stop: of.Panel(members, vote, part, inf, reads=reads)
                    for stop, part in STOPS.items()
                }
                for name in queries:
                    query = of.Query(held.prompts[name].prompt, id=name)
                    winner, _ = await outcome(full, query)
                    for stop, panel in early.items():
                        got, asked = await outcome(panel, query)
                        key = (str(size), stop)
                        count = counts.setdefault(key, Count())
                        count.votes += 1
                        count.asked += asked
                        count.members += size
                        count.changed += got != winner
                        count.right += graded.get((name, got), False)
                        count.full += graded.get((name, winner), False)
    return counts


def main() -> None:
    """Both data sets."""
    folder = data_folder(*(file for _, file, _ in SETS))
    for name, file, reads in SETS:
        counts = asyncio.run(measure(folder / file, reads, random.Random(SEED)))
        print(f"\n### {name}: {PANELS} random panels of each size × {QUESTIONS} questions")
        head = ("members", "stop", "calls saved", "winner changed", "right", "right if all asked")
        table(head, (count.row(*key) for key, count in counts.items()))


if __name__ == "__main__":
    main()
