"""Makes the weights that fitted votes begin with (`onefold.learn.votes.prior`), and tries them out.

python -m benchmarks.learning.vote_prior [--data DIR]     seed 20261121

A conditional logit over many random pools of 3 to 12 members, whose skills are learned from 25 to
300 graded questions; on made-up worlds, and on the recordings of `--data` where they are there. The
table shows the weights made without each recording, and the last column those that are shipped.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.measuring import ROOT, SEED, table

from onefold.fitted.votes.candidates import FEATURES, features
from onefold.fitted.votes.crowd import Board, graded_skills
from onefold.learn.ballots import Ballots
from onefold.learn.votes.choice import chosen
from onefold.learn.votes.sample import Sample, sampled
from onefold.recording.recording import Recording

FILES = {"GSM8K": "zeroeval_gsm8k.parquet", "CRUX": "zeroeval_crux.parquet"}
WORLDS, POOLS, BUDGETS, RIDGE = 30, 200, (25, 50, 100, 200, 300), 20.0
WIDEST = 12  # candidates of a question that count


@dataclass(frozen=True)
class Pool:
    """Random members of a sample, questions whose grades are known, and the others."""

    members: np.ndarray
    graded: Sample
    others: Sample


def world(seed: int, questions: int = 400, members: int = 30) -> Sample:
    """A made-up task: members of many strengths, families that fail alike, traps many fall into."""
    draw = np.random.default_rng(seed)
    spread = draw.uniform(1.2, 3.0)
    skill = draw.normal(draw.uniform(-0.5, 3.5), draw.uniform(0.5, 1.6), members) * spread / 1.5
    slope = np.exp(draw.normal(0, 0.2, members))
    sure = 1 / (1 + np.exp(-slope * (skill - draw.normal(0, spread, questions)[:, None])))
    family = draw.integers(0, max(2, int(members * draw.uniform(0.3, 0.8))), members)
    luck = draw.random((questions, members))
    shared = draw.random((questions, members))[:, family]
    together, copied = draw.uniform(0, 0.5), draw.uniform(0, 0.6)
    luck = np.where(draw.random(luck.shape) < together, shared, luck)
    right = luck < sure
    codes = np.zeros((questions, members), dtype=np.int64)
    traps = np.exp(draw.normal(np.log(draw.uniform(0.7, 6.0)), 0.7, questions))
    for row in range(questions):
        mass = draw.dirichlet(np.full(30, traps[row] / 30))
        own = 1 + draw.choice(30, members, p=mass)
        kin = (1 + draw.choice(30, members, p=mass))[family]
        wrong = np.where(draw.random(members) < copied, kin, own)
        codes[row] = np.where(right[row], 0, wrong)
    silent = draw.random(codes.shape) < 0.2 * draw.random(members) ** 4 * (1 - sure)
    codes = np.where(silent, -1, codes)
    score = (right & ~silent).astype(float)
    prompts = [str(row) for row in range(questions)]
    return Sample(Board.of(codes), score, np.ones(codes.shape, bool), prompts)


def recorded(path: Path) -> Sample:
    """A recording of ZeroEval as a sample of all its members."""
    ballots = Ballots(Recording.load(path, names={"value": "parsed_answer"}))
    return sampled(ballots, np.arange(len(ballots.queries)), text=True)[0]


def pools(sample: Sample, count: int, seed: int, budget: int = 0, most: int = 9) -> Iterator[Pool]:
    """Random pools of 3 to `most` members, with `budget` grades each, else one of BUDGETS."""
    draw = np.random.default_rng(seed)
    questions, members = sample.score.shape
    for _ in range(count):
        picked = draw.choice(members, draw.integers(3, most + 1), replace=False)
        rows = draw.permutation(questions)
        grades = min(budget or int(draw.choice(BUDGETS)), questions - 50)
        held = sample.among(picked)
        yield Pool(picked, held.take(np.sort(rows[:grades])), held.take(np.sort(rows[grades:])))


def designs(samples: Sequence[Sample], count: int, seed: int) -> tuple[np.ndarray, ...]:
    """Features, whether there, whether right, of contested questions of `count` pools in all."""
    found = []
    for place, sample in enumerate(samples):
        for pool in pools(sample, max(1, count // len(samples)), seed + place, most=WIDEST):
            skills = graded_skills(pool.graded.score, pool.graded.told)
            board = pool.others.board
            rows, _ = features(board, skills, pool.others.notes)
            there, right = board.sums() > 0, pool.others.right() > 0.5
            kept = (there & right).any(1) & (there & ~right).any(1)
            more = ((0, 0), (0, WIDEST - board.width))
            found.append(
                (
                    np.pad(rows[kept], (*more, (0, 0))),
                    np.pad(there[kept], more),
                    np.pad(right[kept], more),
                )
            )
    return tuple(map(np.concatenate, zip(*found, strict=True)))


def learned(parts: Sequence[tuple[np.ndarray, ...]], ridge: float = RIDGE) -> np.ndarray:
    """Weights from the designs of several tasks, each of which counts as 2,000 questions."""
    rows, there, right = map(np.concatenate, zip(*parts, strict=True))
    weight = np.concatenate([np.full(len(part[0]), 2000 / len(part[0])) for part in parts])
    zero = np.zeros(rows.shape[2])
    return chosen(rows, there, right, zero, np.full(len(zero), ridge), weight=weight)


def main() -> None:
    """The weights without each recording, and with all."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    folder = asked.parse_args().data
    tasks = {n: [recorded(folder / f)] for n, f in FILES.items() if (folder / f).is_file()}
    tasks["made up"] = [world(SEED + turn) for turn in range(WORLDS)]
    parts = {name: designs(samples, POOLS, SEED) for name, samples in tasks.items()}
    columns = {f"without {name}": [p for n, p in parts.items() if n != name] for name in parts}
    columns["shipped"] = list(parts.values())
    made = [learned(part) for part in columns.values()]
    rows = [[name, *(f"{w[place]:+.3f}" for w in made)] for place, name in enumerate(FEATURES)]
    table(("feature", *columns), rows)


if __name__ == "__main__":
    main()
