"""Makes the trees that fitted judges of drafts begin with (`onefold/learn/drafts.npz`).

python -m benchmarks.learning.draft_prior [--data DIR] [--save FILE]     seed 20261121

Boosted symmetric trees over what can be seen on drafts, learned from recorded solutions of word
problems by models that err; each model's own rate is given, so that only what tells its right
drafts from its wrong ones is learned. The table: how well trees tell that on questions they were
not grown on, of models they were grown on and of others.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from benchmarks.measuring import ROOT, SEED, table
from msgspec import Struct
from pyarrow import parquet

from onefold.fitted.artifact import Artifact
from onefold.fitted.calibration import sigmoid
from onefold.fitted.drafts import NAMES, draft_features
from onefold.fitted.forest import Forest
from onefold.learn.judge import auc
from onefold.learn.outcomes import folds

FILE = "zeroeval_gsm8k.parquet"
DRAFTS = NAMES.index("letters of the prompt")  # features from there on are the prompt's alone
STRONG = 0.93  # members more often right have too few wrong drafts to learn from
TREES, LEVELS, RATE, RIDGE, CUTS, PARTS = 150, 4, 0.1, 5.0, 32, 5


class Graded(Struct, frozen=True, eq=False):
    """Graded drafts: features (drafts, DRAFTS), right, question and member of each."""

    features: np.ndarray
    right: np.ndarray
    question: np.ndarray
    member: np.ndarray

    def take(self, rows: np.ndarray) -> Graded:
        """Some of the drafts."""
        return Graded(*(getattr(self, name)[rows] for name in self.__struct_fields__))

    def offset(self) -> np.ndarray:
        """The log-odds of each draft's member (drafts)."""
        _, who = np.unique(self.member, return_inverse=True)
        rate = (np.bincount(who, self.right) + 1) / (np.bincount(who) + 2)
        return np.log(rate / (1 - rate))[who]


def graded(folder: Path) -> Graded:
    """The recorded drafts of the members that err, where the answer is a number."""
    held = parquet.read_table(folder / FILE).to_pylist()
    names, marks = np.array([row["model"] for row in held]), [row["correct"] for row in held]
    _, who = np.unique(names, return_inverse=True)
    kept = np.flatnonzero((np.bincount(who, marks) / np.bincount(who) < STRONG)[who])
    rows = [held[place] for place in kept]
    seen = [draft_features(r["question"], r["output"], r["parsed_answer"])[:DRAFTS] for r in rows]
    questions = np.array([r["question"].strip() for r in rows])
    found = Graded(np.array(seen), np.array(marks, float)[kept], questions, names[kept])
    return found.take(np.flatnonzero(found.features[:, NAMES.index("answer is a number")]))


def cuts(column: np.ndarray) -> np.ndarray:
    """Thresholds that part a feature into about equal shares, at most CUTS - 1."""
    values = np.unique(column)
    if len(values) <= CUTS:
        return (values[1:] + values[:-1]) / 2
    return np.unique(np.quantile(column, np.arange(1, CUTS) / CUTS, method="lower"))


def grown(drafts: Graded) -> Forest:
    """Trees that boost the log-odds of right drafts beyond their members', by Newton's steps."""
    edges = [cuts(column) for column in drafts.features.T]
    bins = [np.searchsorted(e, c) for e, c in zip(edges, drafts.features.T, strict=True)]
    feature = np.zeros((TREES, LEVELS), np.int64)
    threshold, value = np.zeros((TREES, LEVELS)), np.zeros((TREES, 1 << LEVELS))
    odds = drafts.offset()
    for tree in range(TREES):
        chance = sigmoid(odds)
        slope, bend = drafts.right - chance, chance * (1 - chance)
        leaf = np.zeros(len(odds), np.int64)
        for level in range(LEVELS):
            gains = [
                gain(leaf, binned, len(edge), slope, bend)
                for binned, edge in zip(bins, edges, strict=True)
            ]
            best = int(np.argmax([worth for worth, _ in gains]))
            cut = gains[best][1]
            feature[tree, level], threshold[tree, level] = best, edges[best][cut]
            leaf += (bins[best] > cut) << level
        sums = (np.bincount(leaf, weights, 1 << LEVELS) for weights in (slope, bend))
        value[tree] = RATE * next(sums) / (next(sums) + RIDGE)
        odds += value[tree][leaf]
    return Forest(feature, threshold, value)


def gain(
    leaf: np.ndarray, binned: np.ndarray, count: int, slope: np.ndarray, bend: np.ndarray
) -> tuple[float, int]:
    """What a feature's best cut gains over all leaves, and which one of its `count` cuts it is."""
    if not count:
        return -1.0, 0
    shape = (int(leaf.max()) + 1, count + 1)
    place = leaf * (count + 1) + binned
    down, mass = (
        np.bincount(place, weights, shape[0] * shape[1]).reshape(shape).cumsum(axis=1)
        for weights in (slope, bend)
    )
    left = down[:, :-1] ** 2 / (mass[:, :-1] + RIDGE)
    right = (down[:, -1:] - down[:, :-1]) ** 2 / (mass[:, -1:] - mass[:, :-1] + RIDGE)
    worth = (left + right).sum(axis=0)
    return float(worth.max()), int(worth.argmax())


def unseen(drafts: Graded, prompts: list[str], features: np.ndarray) -> np.ndarray:
    """What trees say of drafts (features) to prompts that they were not grown on."""
    said = np.zeros(len(prompts))
    for _, test in folds(prompts, PARTS, SEED):
        held = {prompts[place] for place in test}
        forest = grown(drafts.take(np.array([q not in held for q in drafts.question])))
        said[test] = forest.odds(features[test])
    return said


def apart(drafts: Graded) -> list[tuple[str, str, str, str]]:
    """Rows of the table: each member's AUC, by trees with it and without it."""
    with_it, without = np.zeros((2, len(drafts.right)))
    models = np.unique(drafts.member)
    part = dict(zip(models, np.random.default_rng(SEED).permutation(len(models)) % 3, strict=True))
    group = np.array([part[name] for name in drafts.member])
    for train, test in folds(drafts.question.tolist(), PARTS, SEED):
        with_it[test] = grown(drafts.take(train)).odds(drafts.features[test])
        for number in range(3):
            forest = grown(drafts.take(train[group[train] != number]))
            new = test[group[test] == number]
            without[new] = forest.odds(drafts.features[new])
    rows = []
    for name in models:
        own = drafts.member == name
        both = (auc(odds[own], drafts.right[own]) for odds in (with_it, without))
        rows.append((name, f"{drafts.right[own].mean():.3f}", *(f"{each:.3f}" for each in both)))
    return rows


def main() -> None:
    """The table, and the file if one is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--save", type=Path, help="where to write the trees")
    asked = parser.parse_args()
    drafts = graded(asked.data)
    table(("model", "right", "AUC on new questions", "and as a new model"), apart(drafts))
    if asked.save:
        about = {"features": list(NAMES[:DRAFTS]), "drafts": len(drafts.right), "seed": SEED}
        print(Artifact("trees", about, grown(drafts).arrays()).save(asked.save))


if __name__ == "__main__":
    main()
