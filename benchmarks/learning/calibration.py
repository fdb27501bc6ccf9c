"""Whether a vote's and a judge's probabilities can be trusted on questions not fitted on.

python -m benchmarks.learning.calibration [--data DIR]     seed 20261121

A calibration error is never 0: bins are noisy. The column «if perfect» is the error that outcomes
drawn from the stated probabilities themselves would give in the same bins.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from benchmarks.measuring import SEED, data_folder, percent, table

from onefold.core.tally import Ballot, Tally
from onefold.fitted.calibration import ece, sigmoid
from onefold.learn.ballots import Ballots
from onefold.learn.calibrate import calibrated, patterns
from onefold.recording.recording import Recording

SETS = {"GSM8K": "zeroeval_gsm8k.parquet", "CRUX": "zeroeval_crux.parquet"}
POOLS, LABELS = 40, (50, 100, 300)
CURVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "honest": lambda s: s,
    "boasting: 0.3 + 0.4 s": lambda s: 0.3 + 0.4 * s,
    "bent: 0.2 + 0.7 s⁴": lambda s: 0.2 + 0.7 * s**4,
    "tells nothing: 0.7": lambda s: np.full_like(s, 0.7),
    "a step at 0.8": lambda s: np.where(s > 0.8, 0.95, 0.3),
}
Voted = tuple[list[Tally], np.ndarray]
Stated = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def voted(ballots: Ballots, columns: np.ndarray) -> Voted:
    """The majority votes of some members, and whether each winner is right."""
    tallies, right = [], []
    for row, codes in enumerate(ballots.codes[:, columns]):
        values = [None if code < 0 else ballots.keys[row][code] for code in codes]
        names = (ballots.members[column] for column in columns)
        tally = Tally("majority", tuple(map(Ballot, names, values)))
        if tally.winner is not None:
            tallies.append(tally)
            right.append(ballots.correct[row, columns[values.index(tally.winner)]])
    return tallies, np.array(right, float)


def by_pattern(train: Voted, test: Voted) -> Stated:
    """Probabilities with their bounds from a vote's pattern, and what came of it."""
    made = patterns(*train, tuple(b.source for b in train[0][0].ballots))
    return *made.apply(made.rows(test[0])), test[1]


def by_agreement(train: Voted, test: Voted) -> Stated:
    """The same from the share of agreement alone, by the method that is chosen for it."""
    shares = [np.array([tally.agreement for tally in tallies]) for tallies, _ in (train, test)]
    made = calibrated("auto", shares[0], train[1])
    return made.apply(shares[1]), *made.interval(shares[1]), test[1]


def as_it_is(_: Voted, test: Voted) -> Stated:
    """The agreement itself, taken for a probability, with its Wilson interval."""
    share = np.array([tally.agreement for tally in test[0]])
    low, high = np.array([tally.interval for tally in test[0]]).T
    return share, low, high, test[1]


WAYS = {
    "agreement as it is": as_it_is,
    "agreement, calibrated": by_agreement,
    "pattern": by_pattern,
}


def picked(votes: Voted, rows: np.ndarray) -> Voted:
    """Some of the questions."""
    return [votes[0][row] for row in rows], votes[1][rows]


def error(stated: np.ndarray, right: np.ndarray, bins: int) -> float:
    """The calibration error in bins of equal mass."""
    return ece(np.clip(stated, 0, 1), right, bins)


def held(found: Stated, chance: np.random.Generator) -> list[bool]:
    """Whether the interval holds the observed share in each quarter of the questions.

    A quarter's interval is the mean one, widened by the noise of the quarter's own outcomes.
    """
    stated, low, high, right = found
    holds = []
    for quarter in np.array_split(np.argsort(stated + 1e-9 * chance.random(len(stated))), 4):
        mean = stated[quarter].mean()
        noise = 1.96 * np.sqrt(max(mean * (1 - mean), 0.0) / len(quarter))
        half = np.hypot((high - low)[quarter].mean() / 2, noise)
        holds.append(bool(abs(right[quarter].mean() - mean) <= half))
    return holds


def summary(name: str, runs: list[Stated], bins: int) -> list[str]:
    """A row: the error of a pool, what it would be if perfect, over all pools, loss, coverage."""
    chance = np.random.default_rng(SEED)
    own = np.mean([error(run[0], run[3], bins) for run in runs])
    ideal = np.mean([error(r[0], chance.random(len(r[0])) < r[0], bins) for r in runs])
    stated, right = (np.concatenate([run[place] for run in runs]) for place in (0, 3))
    inside = [each for run in runs for each in held(run, chance)]
    brier = ((stated - right) ** 2).mean()
    pooled = error(stated, right, bins)
    return [
        name,
        f"{own:.3f}",
        f"{ideal:.3f}",
        f"{pooled:.3f}",
        f"{brier:.4f}",
        percent(np.mean(inside), 0),
    ]


def pools(ballots: Ballots) -> Iterator[tuple[np.random.Generator, Voted]]:
    """Random pools of three to nine members, and their votes."""
    for number in range(POOLS):
        chance = np.random.default_rng([SEED, number])
        columns = chance.choice(len(ballots.members), chance.integers(3, 10), replace=False)
        yield chance, voted(ballots, columns)


def few_labels(ballots: Ballots) -> list[list[str]]:
    """Random pools, fitted on few questions, tested on all others."""
    runs: dict[tuple[int, str], list[Stated]] = {}
    for chance, votes in pools(ballots):
        order = chance.permutation(len(votes[1]))
        for labels in LABELS:
            train, test = picked(votes, order[:labels]), picked(votes, order[labels:])
            for name, way in WAYS.items():
                runs.setdefault((labels, name), []).append(way(train, test))
    return [[str(labels), *summary(name, found, 10)] for (labels, name), found in runs.items()]


def all_labels(ballots: Ballots, folds: int = 5) -> list[list[str]]:
    """Random pools, cross-validated: each question is stated from the other folds."""
    runs: dict[str, list[Stated]] = {}
    for chance, votes in pools(ballots):
        fold = chance.permutation(len(votes[1])) % folds
        for name, way in WAYS.items():
            parts = [
                way(*(picked(votes, np.flatnonzero(which)) for which in (fold != k, fold == k)))
                for k in range(folds)
            ]
            whole = [np.concatenate(each) for each in zip(*parts, strict=True)]
            runs.setdefault(name, []).append((whole[0], whole[1], whole[2], whole[3]))
    return [["5-fold", *summary(name, found, 15)] for name, found in runs.items()]


def curve_coverage() -> list[list[str]]:
    """How much of a judge's true curve lies inside the band, where the truth is known."""
    rows = []
    for name, curve in CURVES.items():
        cells = []
        for labels in (50, 200, 1000):
            inside, off = [], []
            for seed in range(40):
                chance = np.random.default_rng([SEED, seed, labels])
                scores, fresh = chance.beta(4, 1.5, labels), chance.beta(4, 1.5, 1000)
                made = calibrated("auto", scores, chance.random(labels) < curve(scores), seed=seed)
                low, high = made.interval(fresh)
                truth = curve(fresh)
                inside.append(((low <= truth) & (truth <= high)).mean())
                off.append(np.abs(made.apply(fresh) - truth).mean())
            cells.append(f"{percent(np.mean(inside), 0)} · {np.mean(off):.3f}")
        rows.append([name, *cells])
    return rows


def crowd(chance: np.random.Generator, count: int, skills: np.ndarray) -> Voted:
    """Members that share difficulties and mistakes: one wrong answer is as likely as two others."""
    hard = chance.normal(0, 1.5, (count, 1))
    right = chance.random((count, len(skills))) < sigmoid(skills - hard)
    wrong = chance.choice(3, (count, len(skills)), p=(0.5, 0.25, 0.25)) + 1
    said = np.where(right, 0, wrong)
    tallies = [
        Tally("majority", tuple(Ballot(f"m{i}", str(v)) for i, v in enumerate(row))) for row in said
    ]
    return tallies, np.array([tally.winner == "0" for tally in tallies], float)


def vote_coverage() -> list[list[str]]:
    """How often the interval holds the true probability of exactly these ballots."""
    skills = np.array([2.5, 1.5, 1.0, 0.5])
    tallies, right = crowd(np.random.default_rng(SEED), 200_000, skills)
    spelled = [
        (*(ballot.key == tally.winner for ballot in tally.ballots), len(tally.votes))
        for tally in tallies
    ]
    seen = Counter(spelled)
    wins = Counter(key for key, won in zip(spelled, right, strict=True) if won)
    one = dict(zip(spelled, tallies, strict=True))
    kept = [key for key, count in seen.items() if count >= 200]
    truth = np.array([wins[key] / seen[key] for key in kept])
    often = np.array([seen[key] for key in kept], float)
    rows = []
    for labels in (50, 100, 300, 1000):
        inside, off = [], []
        for seed in range(40):
            train = crowd(np.random.default_rng([SEED, seed]), labels, skills)
            made = patterns(*train, tuple(f"m{i}" for i in range(len(skills))))
            stated, low, high = made.apply(made.rows([one[key] for key in kept]))
            inside.append(np.average((low <= truth) & (truth <= high), weights=often))
            off.append(np.average(np.abs(stated - truth), weights=often))
        rows.append([str(labels), percent(np.mean(inside), 0), f"{np.mean(off):.3f}"])
    return rows


def main(data: Path) -> None:
    """All tables."""
    head = ["labels", "probability", "ECE", "if perfect", "over all pools", "Brier", "held by 95 %"]
    for name, file in SETS.items():
        found = Ballots(Recording.load(data / file, names={"value": "parsed_answer"}))
        print(f"\n**{name}**: {POOLS} random pools of three to nine models, majority, seed {SEED}")
        table(head, [*few_labels(found), *all_labels(found)])
    print("\n**A judge's curve**, truth known: share of it inside the band · mean distance")
    table(["truth", *(f"{labels} labels" for labels in (50, 200, 1000))], curve_coverage())
    print("\n**A vote's pattern**, truth known: four members with shared difficulties and mistakes")
    table(["labels", "inside the interval", "mean distance"], vote_coverage())


if __name__ == "__main__":
    main(data_folder(*SETS.values()))
