"""Honest promises: the whole search is repeated on parts of the questions and tested on the rest.

The best of thousands of candidates looks better than it is. How much better is measured: on each
fold's training questions the search runs from its start, and what it then promises is compared
with what its choice is worth on the questions left out. That optimism is taken off (Tibshirani and
Tibshirani 2009, Annals of Applied Statistics 3:822; Efron 1983).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import ArrayLike, NDArray

from onefold.lab.tuning.board import Board, Rows
from onefold.lab.tuning.candidates import lineups, play
from onefold.lab.tuning.search import Wish, choices
from onefold.learn.outcomes import folds

Floats = NDArray[np.float64]
Interval = tuple[float, float]
FOLDS, REPEATS = 5, 4
LEVEL = 0.95
RUNAWAY = 10.0
ROUNDED = 1e-3
DRAWS = 20_000


class Trial(Struct, frozen=True, eq=False):
    """One wish through all folds: what was picked as panel and as single member, in this order.

    seen: (2, repeats, folds, 2) mean score and cost (last axis) where it was chosen.
    unseen: (2, repeats, 2, questions) score and cost of each question where it was left out.
    """

    seen: Floats
    unseen: Floats

    @property
    def gain(self) -> tuple[float, float]:
        """The panel's mean gain over the single member on unseen questions; its standard error."""
        difference = (self.unseen[0, :, 0] - self.unseen[1, :, 0]).mean(axis=0)
        return float(difference.mean()), float(difference.std() / np.sqrt(len(difference)))

    def optimism(self, role: int) -> Floats:
        """By how much a pick looked better than it was: (repeats, 2) score, log of cost."""
        seen, unseen = self.seen[role].mean(axis=1), self.unseen[role].mean(axis=2)
        score = seen[:, 0] - unseen[:, 0]
        usd = np.log(np.maximum(seen[:, 1], 1e-12) / np.maximum(unseen[:, 1], 1e-12))
        return np.stack([score, usd], axis=1)


class Promise(Struct, frozen=True):
    """What to expect of new questions of the same kind.

    quality: mean score in [0, 1]. usd: mean cost of a question in US dollars. The two intervals
    hold together with 95 % probability for the means over `questions` new questions.
    """

    quality: float
    quality_interval: Interval
    usd: float
    usd_interval: Interval
    questions: int


def trials(board: Board, wishes: Sequence[Wish], seed: int = 0) -> list[Trial]:
    """Each wish through repeated folds, with the whole search repeated in every one of them.

    Raises:
        ConfigError: there are fewer different questions than folds.
    """
    seen = np.zeros((len(wishes), 2, REPEATS, FOLDS, 2))
    unseen = np.zeros((len(wishes), 2, REPEATS, 2, board.questions))
    for repeat, fold, here, there in splits(board.prompts, seed):
        played = play(board, lineups(board, here))
        for place, chosen in enumerate(choices(played, here, wishes)):
            for role, one in enumerate((chosen.panel, chosen.single)):
                both = np.stack([played.score[one], played.usd[one]])
                seen[place, role, repeat, fold] = both[:, here].mean(axis=1)
                unseen[place, role, repeat][:, there] = both[:, there]
    return [Trial(*held) for held in zip(seen, unseen, strict=True)]


def splits(prompts: Sequence[str], seed: int) -> Iterator[tuple[int, int, Rows, Rows]]:
    """(repeat, fold, seen, unseen) questions; equal prompts stay together."""
    for repeat in range(REPEATS):
        for fold, (seen, unseen) in enumerate(folds(prompts, FOLDS, seed + repeat)):
            yield repeat, fold, seen, unseen


def promised(
    score: ArrayLike, usd: ArrayLike, optimism: Floats, questions: int, seed: int = 0
) -> Promise:
    """What a choice will keep on new questions, from what it was where it was chosen.

    score, usd: (questions) of the choice. optimism: as a Trial tells, by repeat.
    """
    right, cost = np.asarray(score, float), np.asarray(usd, float)
    looks, drift = optimism.mean(axis=0)[0], optimism.std(axis=0, ddof=1)
    quality = float(np.clip(right.mean() - max(0.0, float(looks)), 0.0, 1.0))
    return Promise(
        quality,
        quality_interval(quality, right, float(drift[0]), questions, seed),
        float(cost.mean()),
        cost_interval(cost, float(drift[1]), questions),
        questions,
    )


def quality_interval(
    quality: float, score: Floats, spread: float, questions: int, seed: int = 0
) -> Interval:
    """Where the mean score over new questions lies: the beta-binomial predictive interval.

    spread: standard error that the correction adds. Scores between 0 and 1 vary less than right
    and wrong do, so that a question counts for more.
    """
    count = len(score)
    share = np.clip(quality, 0.5 / (count + 1), 1 - 0.5 / (count + 1))
    binary = share * (1 - share)
    worth = max(1.0, binary / max(float(score.var()), 0.05 * binary)) if count else 1.0
    if set(np.unique(score)) <= {0.0, 1.0}:
        worth = 1.0
    known = count * worth / (1 + count * worth * spread**2 / binary)
    chance = np.random.default_rng(seed)
    truth = chance.beta(share * known + 0.5, (1 - share) * known + 0.5, DRAWS)
    number = max(1, round(questions * worth))
    low, high = np.quantile(chance.binomial(number, truth) / number, tails())
    return float(min(low, quality)), float(max(high, quality))


def cost_interval(usd: Floats, spread: float, questions: int) -> Interval:
    """Where the mean cost over new questions lies: on the scale of its logarithm.

    spread: standard error of the logarithm that the choice adds. Upwards one answer more counts
    as seen that ran away to ten times the mean: such answers are too rare for their cost to show.
    """
    mean, count = float(usd.mean()), len(usd)
    if mean <= 0:
        return 0.0, 0.0
    relative = max(float(usd.std(ddof=1)) / mean, ROUNDED) if count > 1 else 1.0
    share = 1 / count + 1 / questions
    down = np.sqrt(relative**2 * share + spread**2)
    up = np.sqrt((relative**2 + (RUNAWAY - 1) ** 2 / (count + 1)) * share + spread**2)
    certain = 2.24 * (1 + 2 / count)
    return float(mean * np.exp(-certain * down)), float(mean * np.exp(certain * up))


def tails() -> Interval:
    """The quantiles of one interval of two that hold together (Bonferroni)."""
    outside = (1 - LEVEL) / 4
    return outside, 1 - outside
