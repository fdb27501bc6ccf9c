"""H1: do five models reach more than 99 % where one reaches 85 to 90 %? Seed 20261121.

python benchmarks/reliability.py [--data DIR]
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
from measuring import SEED, between, bootstrap, data_folder, percent, table

import onefold as of
from onefold.core.tally import wilson
from onefold.learn.ballots import Ballots

FOLDS, SIZE = 5, 5
SETS = (
    ("GSM8K", "zeroeval_gsm8k.parquet", of.Number()),
    ("CRUX", "zeroeval_crux.parquet", of.Json("answer")),
)


def every_panel(ballots: Ballots, order: np.ndarray, rows: np.ndarray) -> Iterator[tuple]:
    """Each panel of five columns of `order`, and how many of `rows` its majority gets right.

    Yields the first four columns, the fifths, and the number right of each fifth. A member's key
    is its answer's support, then its rank, then whether it is right: the largest key decides.
    """
    codes = ballots.codes[np.ix_(rows, order)].T
    right = ballots.correct[np.ix_(rows, order)].T.astype(np.uint8)
    same = ((codes[:, None] == codes[None]) & (codes[:, None] >= 0)).astype(np.uint8) << 4
    low = np.array([[(SIZE - rank) << 1] for rank in range(SIZE)], dtype=np.uint8)
    own = same[np.arange(len(order)), np.arange(len(order))]
    key = own[None] + low[:, None] * (own > 0) + right * (own > 0)
    for four in combinations(range(len(order) - 1), SIZE - 1):
        fifth = np.arange(four[-1] + 1, len(order))
        top = key[SIZE - 1, fifth] + sum(same[one, fifth] for one in four)
        for rank, one in enumerate(four):
            base = key[rank, one] + sum(same[one, other] for other in four if other != one)
            np.maximum(top, base + same[one, fifth], out=top)
        yield four, fifth, (top & 1).sum(axis=1)


def best_panel(ballots: Ballots, order: np.ndarray, rows: np.ndarray) -> tuple[list[str], float]:
    """The panel of five whose majority is right most often on some questions."""
    best, panel = -1, ()
    for four, fifth, counts in every_panel(ballots, order, rows):
        place = int(counts.argmax())
        if counts[place] > best:
            best, panel = int(counts[place]), (*four, int(fifth[place]))
    return [ballots.members[order[one]] for one in panel], best / len(rows)


def by_accuracy(ballots: Ballots, rows: np.ndarray) -> np.ndarray:
    """Columns from the most accurate member to the least, as seen on some questions."""
    return np.argsort(-ballots.correct[rows].mean(axis=0), kind="stable")


def held_out(ballots: Ballots) -> dict[str, np.ndarray]:
    """Right or wrong a question, everything chosen on the other four folds."""
    number = len(ballots.queries)
    folds = np.array_split(np.random.default_rng(SEED).permutation(number), FOLDS)
    made: dict[str, np.ndarray] = {}
    for test in folds:
        train = np.setdiff1d(np.arange(number), test)
        order = by_accuracy(ballots, train)
        ranked = [ballots.members[one] for one in order]
        share = np.clip(ballots.correct[train].mean(axis=0), 0.01, 0.99)
        accuracy = {name: float(share[one]) for one, name in enumerate(ballots.members)}
        odds = {name: max(0.0, float(np.log(p / (1 - p)))) for name, p in accuracy.items()}
        five, _ = best_panel(ballots, order, train)
        rules = {
            "best single": (ranked[:1], None),
            "five best, majority": (ranked[:5], None),
            "five best, weights = accuracy": (ranked[:5], accuracy),
            "best five of all panels, majority": (five, None),
            "best five of all panels, weights = accuracy": (five, accuracy),
            "best five of all panels, weights = log odds": (five, odds),
            "nine best, weights = log odds": (ranked[:9], odds),
            "everyone, majority": (ranked, None),
            "everyone, weights = log odds": (ranked, odds),
        }
        for name, (members, weights) in rules.items():
            right = made.setdefault(name, np.zeros(number))
            right[test] = ballots.vote(members, weights).correct[test]
    return made


def row(name: str, right: np.ndarray, single: np.ndarray | None = None) -> list[str]:
    """A rule's accuracy with its interval, its difference to the single model, the verdict."""
    share = float(right.mean())
    low, high = wilson(share, len(right))
    versus = ""
    if single is not None:
        versus = f"{share - single.mean():+.1%} ({between(bootstrap(right - single))})"
    verdict = "yes" if low > 0.99 else "no" if high < 0.99 else "open"
    return [name, percent(share, 2), between((low, high)), versus, verdict]


def measure(name: str, ballots: Ballots) -> None:
    """The tables of one data set."""
    everyone = np.arange(len(ballots.queries))
    shares = ballots.correct.mean(axis=0)
    order = by_accuracy(ballots, everyone)
    plain = np.argsort(np.array(ballots.members))
    counts = np.concatenate([c for _, _, c in every_panel(ballots, plain, everyone)])
    spread = np.percentile(counts / len(everyone), (0, 5, 50, 95, 100))
    median = order[len(order) // 2]
    made = held_out(ballots)
    single = made.pop("best single")
    five, _ = best_panel(ballots, order, everyone)
    columns = ballots.columns(five)
    insample = ballots.vote(five).correct
    print(f"\n### {name}: {len(everyone)} questions, {len(shares)} models")
    print(f"\nAll {len(counts):,} panels of five, majority, ties to the first by name:", end=" ")
    print(", ".join(percent(x, 2) for x in spread), end=" (worst, 5 %, median, 95 %, best). ")
    print(f"Panels above 99 %: {int((counts / len(everyone) > 0.99).sum())}.")
    rows = [
        row(f"median single model ({ballots.members[median]})", ballots.correct[:, median]),
        row("best single, chosen on the other folds", single),
        *(row(rule, right, single) for rule, right in made.items()),
        row(f"in sample: best single ({ballots.members[order[0]]})", ballots.correct[:, order[0]]),
        row("in sample: best possible five, majority", insample, single),
        row("bound: any of those five right", ballots.correct[:, columns].any(axis=1)),
        row("bound: anyone of all right", ballots.correct.any(axis=1)),
    ]
    head = ("rule", "right", "95 % interval", "against the best single", "over 99 %?")
    table(head, rows)
    print(f"\nBest possible five in sample: {', '.join(five)}.")
    verdict = ballots.vote([ballots.members[one] for one in order[:5]])
    rows = []
    for share in (1.0, 0.8, 0.6, 0.0):
        sure = verdict.agreement >= share - 1e-9
        rows.append(
            (f"≥ {share:.0%}", percent(float(sure.mean())), *row("", verdict.correct[sure]))
        )
    rows = [(r[0], r[1], r[3], r[4], r[6]) for r in rows]
    head = ("agreement of the five best", "questions", "right", "95 % interval", "over 99 %?")
    table(head, rows)


def main() -> None:
    """Both data sets."""
    folder: Path = data_folder(*(file for _, file, _ in SETS))
    for name, file, reader in SETS:
        held = of.Recording.load(folder / file)
        measure(name, Ballots(held, reader))
        plain = [member for member in held.members if not member.startswith("o1")]
        measure(f"{name} without the o1 models", Ballots(held, reader, plain))


if __name__ == "__main__":
    main()
