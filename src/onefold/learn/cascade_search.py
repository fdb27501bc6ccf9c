"""Tries cascades on recorded outcomes: who is in one, what a right answer is worth, how it does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from math import sqrt

import numpy as np
from msgspec import Struct

from onefold.fitted.calibration import log_odds
from onefold.fitted.deferral import Course, joint
from onefold.fitted.sparse import Floats, Ints
from onefold.fitted.steps import UNASKED, steps
from onefold.fitted.votes.crowd import SPREAD, Board, accuracies, gatherings, graded_skills
from onefold.learn.ballots import Bools

PRICES = tuple(float(p) for p in np.geomspace(0.02, 1.2, 14))
FINE = tuple(float(p) for p in np.geomspace(0.02, 1.0, 24))
CONCENTRATIONS = (0.3, 0.5, 0.8, 1.2, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0)
CHEAP = 0.5
TRIED = 8
CAUTION = 2.0
BELIEF = 60  # questions that what the model expects is worth
SEAT = 0.001  # quality that one more member must bring


class World(Struct, frozen=True, eq=False):
    """Graded questions that every member answered.

    codes, right, usd: (questions, members) as in `Ballots`; usd has no NaN.
    """

    codes: Ints
    right: Bools
    usd: Floats
    members: list[str]
    prompts: list[str]

    def take(self, rows: Ints) -> World:
        """Some of the questions."""
        prompts = [self.prompts[row] for row in rows]
        return World(self.codes[rows], self.right[rows], self.usd[rows], self.members, prompts)

    def among(self, columns: Sequence[int]) -> World:
        """Some of the members."""
        some = list(columns)
        names = [self.members[column] for column in some]
        held = self.codes[:, some], self.right[:, some], self.usd[:, some]
        return World(*held, names, self.prompts)


class Facts(Struct, frozen=True, eq=False):
    """What a world says about its members, shrunken where there is little of it.

    skills, accuracy, usd: (members), accuracy as the skills imply it. rates: (members) shares of
    right answers as counted. concentration: how seldom two make the same mistake. silent:
    share of the drafts that could not be read. strong: whom the cascade is measured by.
    """

    skills: Floats
    accuracy: Floats
    rates: Floats
    usd: Floats
    concentration: float
    silent: float
    strong: int


class Trial(Struct, frozen=True):
    """How a cascade does on a world, beside its strongest member alone.

    columns: its members, the strongest last. price: what the strongest one's mean cost is worth,
    in quality. gain: more right answers (share), with its standard error, on so many questions.
    hoped: the same as the model expects it. share: of the strongest one's cost. faith: as in
    `Course`.
    """

    columns: tuple[int, ...]
    price: float
    gain: float
    error: float
    questions: int
    hoped: float
    share: float
    faith: float = 0.0

    @property
    def promise(self) -> float:
        """What can be counted on: half measured, half expected, which halves the winner's luck."""
        return (self.gain + self.hoped) / 2

    @property
    def cautious(self) -> float:
        """What was measured and expected, by numbers, less the doubt: small changes of the
        strongest one's answers, and few members, are doubted least.
        """
        total = self.questions * self.gain + BELIEF * self.hoped
        likely = total / (self.questions + BELIEF)
        return likely - CAUTION * self.error - SEAT * len(self.columns)


def facts(world: World, strong: str | None = None) -> Facts:
    """What a world says about its members."""
    right, known = world.right.astype(np.float64), np.ones(world.right.shape, dtype=np.bool_)
    usd = world.usd.mean(axis=0)
    count = right.mean(axis=0)
    best = max(range(len(usd)), key=lambda j: (round(count[j], 9), -usd[j]))
    if strong is not None:
        best = world.members.index(strong)
    wrong = Board.of(np.where(world.right, UNASKED, world.codes))
    fits = [float(gatherings(wrong, c)[:, -1].sum()) for c in CONCENTRATIONS]
    silent = ((world.codes == -1).sum() + 1) / (world.codes.size + 50)
    skills = graded_skills(right, known)
    concentration = CONCENTRATIONS[int(np.argmax(fits))]
    rates = (right.sum(axis=0) + count.mean()) / (len(right) + 1)
    return Facts(skills, accuracies(skills), rates, usd, concentration, float(silent), best)


def course(
    world: World,
    known: Facts,
    columns: Sequence[int],
    price: float,
    faith: float = 0.0,
) -> Course:
    """The cascade of some members at a price; the last of them has the last word."""
    some = list(columns)
    table = joint(steps(len(some)), known.skills[some], SPREAD, known.concentration, known.silent)
    costs = price * known.usd[some] / known.usd[known.strong]
    level = log_odds(known.rates[some])
    names = [world.members[column] for column in some]
    return Course(names, table, costs, len(some) - 1, level, faith)


class Replay(Struct, frozen=True, eq=False):
    """What a cascade does on each question: right, usd, chance, ended (questions).

    chance: of the winner, as the model says. ended: the state it ended in.
    """

    right: Bools
    usd: Floats
    chance: Floats
    ended: Ints


def replay(made: Course, world: World, verdicts: Floats | None = None) -> Replay:
    """A cascade on a world of just its members; verdicts: a judge's on each draft."""
    ended, chances = made.follow(world.codes, verdicts)
    said, won = made.through.said[ended], made.winners(ended, chances)
    right = ((said == won[:, None]) & (won >= 0)[:, None] & world.right).any(axis=1)
    usd = (world.usd * (said > UNASKED)).sum(axis=1)
    chance = np.where(won >= 0, chances[np.arange(len(won)), won], 0.0)
    return Replay(right, usd, chance, ended)


def trial(
    world: World,
    known: Facts,
    columns: tuple[int, ...],
    price: float,
    seen: Replay,
    faith: float = 0.0,
) -> Trial:
    """A cascade's replay beside the strongest member alone."""
    gains = seen.right.astype(np.float64) - world.right[:, known.strong]
    hoped = float(seen.chance.mean() - known.accuracy[known.strong])
    share = float(seen.usd.mean() / known.usd[known.strong])
    error = float(gains.std()) / sqrt(len(gains))
    return Trial(columns, price, float(gains.mean()), error, len(gains), hoped, share, faith)


def trials(world: World, known: Facts, most: int) -> list[Trial]:
    """Every cascade of at most `most` members that ends with the strongest, at every price."""
    found = []
    for columns in lineups(known, most):
        some, made = world.among(columns), course(world, known, columns, 1.0)
        seen = set()
        for price in PRICES:
            done = replay(made.at_price(price), some)
            mark = done.ended.tobytes()
            if mark not in seen:
                seen.add(mark)
                found.append(trial(world, known, columns, price, done))
    return found


def lineups(known: Facts, most: int) -> Iterator[tuple[int, ...]]:
    """Sets of cheap members, cheapest first, with the strongest one behind them."""
    cheap = screened(known)
    for count in range(1, most):
        for some in combinations(cheap, count):
            yield (*some, known.strong)


def screened(known: Facts) -> list[int]:
    """The members worth trying before the strongest, cheapest first: few are both dearer and worse.

    Layer by layer of those that no other one beats in both, until there are enough.
    """
    left = [j for j in range(len(known.usd)) if known.usd[j] < CHEAP * known.usd[known.strong]]
    kept: list[int] = []
    while left and len(kept) < TRIED:
        layer = [j for j in left if not any(beats(known, other, j) for other in left)]
        kept += sorted(layer, key=lambda j: -known.accuracy[j])
        left = [j for j in left if j not in layer]
    return sorted(kept[:TRIED], key=lambda j: known.usd[j])


def beats(known: Facts, a: int, b: int) -> bool:
    """Whether a member is as cheap and as good as another, and one of them more so."""
    cheaper, better = known.usd[b] - known.usd[a], known.accuracy[a] - known.accuracy[b]
    return bool(cheaper >= 0 and better >= 0 and (cheaper > 0 or better > 0 or a < b))
