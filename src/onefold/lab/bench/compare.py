"""Two systems on the questions that both answered: paired differences, and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import comb

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from onefold.core.errors import ConfigError, unknown
from onefold.lab.bench.results import Result, Results

Floats = NDArray[np.float64]
Interval = tuple[float, float, float]
DRAWS = 10_000
ROUGH = 2_000  # for what each question has a value of its own of, such as its cost
HELD = 4_000_000  # numbers drawn at a time


class Comparison(Struct, frozen=True):
    """One system (`one`) beside another (`two`) on the graded questions that both were asked.

    quality_*: mean scores in [0, 1]. gain: `one` minus `two`, with its 95 % interval, a paired
    bootstrap over questions. better, worse: questions on which `one` scores higher and lower.
    p: McNemar's exact two-sided test of better against worse (McNemar 1947).
    usd_ratio: what `one` costs for each dollar of `two` (value, low, high), seconds_ratio and
    tokens_ratio alike; None where unknown.
    notes: what was left out, and why.
    """

    dataset: str
    one: str
    two: str
    questions: int
    quality_one: float
    quality_two: float
    gain: float
    low: float
    high: float
    better: int
    worse: int
    p: float
    usd_ratio: Interval | None = None
    seconds_ratio: Interval | None = None
    tokens_ratio: Interval | None = None
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """What the interval of the gain shows, in a word or two."""
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "no difference shown"


def compare(
    first: Results,
    second: Results,
    one: str | None = None,
    two: str | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[Comparison]:
    """Systems of `first` beside systems of `second`, each dataset by itself.

    one, two: a system of each. Left out: those whose names stand in both, or the only ones.

    Raises:
        ConfigError: a system is not there, nothing says which belong together, or two systems
            share no graded question.
    """
    found = []
    for left, right in coupled(first, second, one, two):
        ours, theirs = first.only(left), second.only(right)
        shared = [name for name in ours.datasets if name in theirs.datasets]
        if not shared:
            raise ConfigError(
                f"{left} answered {', '.join(ours.datasets)} and {right} "
                f"{', '.join(theirs.datasets)}: bench both on one dataset, or name it alike "
                "(--dataset)"
            )
        for dataset in shared:
            rows = [[r for r in each if r.dataset == dataset] for each in (ours, theirs)]
            found.append(beside(dataset, rows[0], rows[1], draws, seed))
    return found


def coupled(
    first: Results, second: Results, one: str | None, two: str | None
) -> list[tuple[str, str]]:
    """Which system of the first is compared with which of the second."""
    for name, held in ((one, first), (two, second)):
        if name is not None and name not in held.systems:
            raise unknown("system", name, held.systems)
    ours = first.systems if one is None else [one]
    theirs = second.systems if two is None else [two]
    if len(ours) == len(theirs) == 1:
        return [(ours[0], theirs[0])]
    if one is not None or two is not None:
        return [(left, right) for left in ours for right in theirs if left != right]
    same = [(name, name) for name in ours if name in theirs]
    if not same:
        raise ConfigError(
            f"no system stands in both: {', '.join(ours)}; and {', '.join(theirs)}: name one of "
            "each (--one, --two)"
        )
    return same


def beside(
    dataset: str, one: Sequence[Result], two: Sequence[Result], draws: int = DRAWS, seed: int = 0
) -> Comparison:
    """Two systems' rows on one dataset beside each other.

    Raises:
        ConfigError: they share no graded question.
    """
    left, right = ({row.question: row for row in rows} for rows in (one, two))
    both = [(row, right[name]) for name, row in left.items() if name in right]
    alike = [(a, b) for a, b in both if same_question(a, b)]
    graded = [(a, b) for a, b in alike if a.score is not None and b.score is not None]
    names = one[0].system, two[0].system
    if not graded:
        raise ConfigError(
            f"{names[0]} and {names[1]} share {len(both)} questions of {dataset}, of which "
            f"{len(alike)} are the same and none is graded for both: nothing can be compared"
        )
    counts = (
        (len(left) - len(both), f"only {names[0]} was asked"),
        (len(right) - len(both), f"only {names[1]} was asked"),
        (len(both) - len(alike), "that have another prompt or another right answer in each"),
        (len(alike) - len(graded), "that are not graded for both"),
    )
    notes = tuple(f"{count} questions {why} were left out" for count, why in counts if count)
    scores = np.array([(a.score, b.score) for a, b in graded], np.float64).T
    gain, low, high = paired(scores[0] - scores[1], draws, seed)
    better, worse = int((scores[0] > scores[1]).sum()), int((scores[0] < scores[1]).sum())
    return Comparison(
        dataset,
        *names,
        len(graded),
        float(scores[0].mean()),
        float(scores[1].mean()),
        gain,
        low,
        high,
        better,
        worse,
        mcnemar(better, worse),
        ratio(graded, lambda row: row.usd, seed),
        ratio(graded, lambda row: row.seconds, seed),
        ratio(graded, tokens, seed),
        notes,
    )


def same_question(one: Result, two: Result) -> bool:
    """Whether two rows were asked the same, and graded against the same."""
    prompts = one.fingerprint, two.fingerprint
    wanted = one.expected, two.expected
    return ("" in prompts or prompts[0] == prompts[1]) and (
        None in wanted or wanted[0] == wanted[1]
    )


def tokens(row: Result) -> float | None:
    """Tokens read and written, None where unknown."""
    if row.tokens_in is None or row.tokens_out is None:
        return None
    return row.tokens_in + row.tokens_out


def resampled(columns: Floats, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Means of columns (n, columns) over rows drawn with replacement: (draws, columns).

    Cells that are NaN count in no mean; equal rows are drawn together, which changes nothing.
    """
    rows, counts = np.unique(columns, axis=0, return_counts=True)
    there = (~np.isnan(rows)).astype(np.float64)
    held = np.nan_to_num(rows)
    chance = np.random.default_rng(seed)
    step, found = max(1, HELD // len(rows)), []
    for start in range(0, draws, step):
        size = min(step, draws - start)
        drawn = chance.multinomial(len(columns), counts / len(columns), size).astype(np.float64)
        met = drawn @ there
        found.append(np.divide(drawn @ held, met, out=np.zeros(met.shape), where=met > 0))
    return np.concatenate(found)


def paired(difference: Floats, draws: int = DRAWS, seed: int = 0) -> Interval:
    """A mean over questions with its 95 % percentile bootstrap interval: (mean, low, high)."""
    low, high = np.percentile(resampled(difference[:, None], draws, seed), (2.5, 97.5))
    return float(difference.mean()), float(low), float(high)


def ratio(
    graded: Iterable[tuple[Result, Result]],
    what: Callable[[Result], float | None],
    seed: int = 0,
) -> Interval | None:
    """What one side used for each unit of the other, with its 95 % interval; None where unknown."""
    used = [(what(a), what(b)) for a, b in graded]
    if any(None in pair for pair in used):
        return None
    columns = np.array(used, np.float64)
    one, two = columns.mean(axis=0)
    if not two > 0:
        return None
    drawn = resampled(columns, ROUGH, seed)
    shares = drawn[:, 0] / np.maximum(drawn[:, 1], 1e-300)
    low, high = np.percentile(shares, (2.5, 97.5))
    return float(one / two), float(low), float(high)


def mcnemar(better: int, worse: int) -> float:
    """P(a split at least as uneven | both are equally likely): the exact binomial test."""
    total, least = better + worse, min(better, worse)
    if better == worse:
        return 1.0
    tail = sum(comb(total, count) for count in range(least + 1))
    return min(1.0, 2 * float(Fraction(tail, 2**total)))
