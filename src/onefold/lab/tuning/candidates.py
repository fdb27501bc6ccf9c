"""Candidates: panels as rows of numbers, thousands of which are played at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from onefold.lab.tuning.board import Board, Flags, Numbers, Rows

Ints = NDArray[np.int64]
EQUAL = 1e-4
LARGEST = 7
WIDEST = 9
SHARES = (0.2, 0.35, 0.5, 0.65, 0.8)
CELLS = 60_000
MOST = 5_000_000


class Rule(NamedTuple):
    """When a panel is enough, and who decides then.

    lead: the leader's lead, as a share of all weights, at which nobody else is asked; inf asks
        everyone at once, nan one by one until those left can change nothing.
    last: whether the last member's answer stands, once it was asked.
    """

    lead: float = np.inf
    last: bool = False


ALL, DECIDED = Rule(), Rule(np.nan)
RACES = tuple(Rule(share, last) for last in (False, True) for share in SHARES)


class Candidate(Struct, frozen=True):
    """A panel: whom to ask in which order, the weight of each vote, and when it is enough."""

    members: tuple[str, ...]
    weights: tuple[float, ...]
    rule: Rule = ALL

    @property
    def lead(self) -> float:
        """The lead in units of the weights."""
        return round(self.rule.lead * sum(self.weights), 3)


class Lineup(NamedTuple):
    """Members in the order they are asked, as columns of a board, and their weights."""

    order: tuple[int, ...]
    weights: tuple[float, ...]


class Played(Struct, frozen=True, eq=False):
    """What candidates came to on every question of a board.

    board: it was played on. made: each candidate's line-up and rule. score, usd: (candidates,
    questions).
    """

    board: Board
    made: list[tuple[Lineup, Rule]]
    score: Numbers
    usd: Numbers

    def candidate(self, place: int) -> Candidate:
        """A candidate by its place."""
        lineup, rule = self.made[place]
        return Candidate(
            tuple(self.board.members[one] for one in lineup.order), lineup.weights, rule
        )


def lineups(board: Board, rows: Rows) -> list[Lineup]:
    """Line-ups worth a try, by what these rows say of accuracy and cost.

    Subsets of at most nine members, large ones where questions are few, asked from cheap to dear,
    or with the best one last; votes weigh the same, ln(a / (1 − a)) + 1, or a⁴ of the shrunken
    accuracy a.
    """
    right, usd = board.score[:, rows].mean(axis=1), board.usd[:, rows].mean(axis=1)
    accuracy = shrunken(board, rows)
    pool = noticed(right, usd)
    alone = [one for one, name in enumerate(board.members) if before(name) not in board.members]
    found: dict[Lineup, None] = {Lineup((one,), (1.0,)): None for one in alone}
    for size in range(2, min(LARGEST, len(pool)) + 1):
        if size > 3 and len(found) * len(RACES) * board.questions > MOST:
            break
        for chosen in combinations(pool, size):
            for order in orders(chosen, right, usd) if whole(chosen, board.members) else ():
                order = numbered(order, board.members)
                for weights in weighings(accuracy[list(order)]):
                    found.setdefault(Lineup(order, weights))
    return list(found)


def shrunken(board: Board, rows: Rows) -> NDArray[np.float64]:
    """Each member's accuracy on some rows, drawn towards the mean of all by four questions.

    Draws of one member have the accuracy of them all.
    """
    names = [name.partition("#")[0] for name in board.members]
    right = board.score[:, rows].sum(axis=1)
    mean = right.mean() / max(1, len(rows))
    made = (right + 4 * mean) / (len(rows) + 4)
    alike = np.array([[one == other for other in names] for one in names], dtype=float)
    pooled: NDArray[np.float64] = alike @ made / alike.sum(axis=1)
    return pooled


def noticed(right: Numbers, usd: Numbers, most: int = WIDEST) -> list[int]:
    """At most so many members, cheap to dear: those nobody beats at their price, then the best."""
    by_price = sorted(range(len(right)), key=lambda one: (usd[one], -right[one]))
    front, best = [], -1.0
    for one in by_price:
        if right[one] > best:
            front.append(one)
            best = float(right[one])
    front = front[-most:]
    others = sorted(set(by_price) - set(front), key=lambda one: -right[one])
    kept = {*front, *others[: most - len(front)]}
    return [one for one in by_price if one in kept]


def orders(chosen: Sequence[int], right: Numbers, usd: Numbers) -> Iterator[tuple[int, ...]]:
    """Cheap to dear, and the same with the best one last."""
    yield tuple(chosen)
    best = max(chosen, key=lambda one: (right[one], -usd[one]))
    if best != chosen[-1]:
        yield (*(one for one in chosen if one != best), best)


def whole(chosen: Sequence[int], members: Sequence[str]) -> bool:
    """Whether no draw is there without those before it."""
    names = {members[one] for one in chosen}
    return all(before(name) in names for name in names if before(name) in members)


def before(name: str) -> str:
    """The draw before a further one: `m#2` for `m#3`, `m` for `m#2`; empty for a first one."""
    base, _, number = name.rpartition("#")
    return base if number == "2" else f"{base}#{int(number) - 1}" if number.isdigit() else ""


def numbered(order: Sequence[int], members: Sequence[str]) -> tuple[int, ...]:
    """The same order with the draws of a member by their numbers, as a panel takes them."""
    bases = [members[one].partition("#")[0] for one in order]
    named = sorted(order, key=lambda one: (len(members[one]), members[one]))
    draws = {
        base: [one for one in named if members[one].partition("#")[0] == base] for base in bases
    }
    return tuple(draws[base].pop(0) for base in bases)


def weighings(accuracy: NDArray[np.float64]) -> Iterator[tuple[float, ...]]:
    """Weights of votes from accuracies; one each first."""
    sure = np.clip(accuracy, 0.05, 0.98)
    yield (1.0,) * len(sure)
    kinds = [np.maximum(np.log(sure / (1 - sure)) + 1, 0.1), 10 * sure**4]
    for weights in kinds[: len(sure) - 1]:
        found = tuple(round(float(weight), 3) for weight in weights)
        if len(set(found)) > 1:
            yield found


def rules(lineup: Lineup) -> tuple[Rule, ...]:
    """The rules worth a try with a line-up."""
    size = len(lineup.order)
    if size == 1:
        return (ALL,)
    if len(set(lineup.weights)) > 1:
        return (*RACES, DECIDED)
    leads = range(2, min(size, 4) + (size == 2))
    even = [Rule(lead / size, last) for lead in leads for last in (False, True)]
    return (*even, DECIDED)


def play(board: Board, tried: Sequence[Lineup]) -> Played:
    """Play line-ups under all their rules on all questions of a board."""
    groups: dict[tuple[int, tuple[Rule, ...]], list[Lineup]] = {}
    for lineup in tried:
        groups.setdefault((len(lineup.order), rules(lineup)), []).append(lineup)
    made = [
        (lineup, rule) for (_, ruled), held in groups.items() for rule in ruled for lineup in held
    ]
    score, usd = np.empty((2, len(made), board.questions), np.float32)
    done, step = 0, max(1, CELLS // max(1, board.questions))
    for (_, ruled), held in groups.items():
        for start in range(0, len(held), step):
            race = Race(board, held[start : start + step])
            for number, rule in enumerate(ruled):
                place = done + number * len(held) + start
                end = place + len(race.weights)
                score[place:end], usd[place:end] = race.end(rule)
        done += len(held) * len(ruled)
    return Played(board, made, score, usd)


def lineup_of(board: Board, candidate: Candidate) -> Lineup:
    """A candidate's line-up on a board that has its members."""
    return Lineup(tuple(map(board.members.index, candidate.members)), candidate.weights)


class Race:
    """Line-ups of one size, asked one by one: who leads after each step, and by how much.

    lead, led, paid: by step, each (line-ups, questions): the lead of the first answer, how right
    it is, what was paid so far.
    """

    def __init__(self, board: Board, held: Sequence[Lineup]) -> None:
        self.order = order = np.array([lineup.order for lineup in held]).T
        self.weights = np.array([lineup.weights for lineup in held], dtype=np.float32)
        self.score = board.score[order]
        self.said = board.same[order, order]
        self.paid = np.cumsum(board.usd[order], axis=0)
        self.lead: list[Numbers] = []
        self.led: list[Numbers] = []
        backing: list[Numbers] = []
        for step, column in enumerate(order):
            alike = [board.same[earlier, column] for earlier in order[:step]]
            weight = self.weights[:, step, None]
            first = self.said[step].copy()  # whether nobody said the same before
            for held_by, same in zip(backing, alike, strict=True):
                held_by += (same & (held_by > 0)) * weight
                first &= ~same
            backing.append(first * weight)
            self._look(backing)

    def _look(self, backing: list[Numbers]) -> None:
        """Who leads now; among equals, who was named first."""
        top = np.zeros_like(backing[0])
        second, led = np.zeros_like(top), np.zeros_like(top)
        for held_by, score in zip(backing, self.score, strict=False):
            led = np.where(held_by > top + EQUAL, score, led)
            np.maximum(second, np.minimum(top, held_by), out=second)
            np.maximum(top, held_by, out=top)
        self.lead.append(np.where(top > 0, top - second, -1.0))
        self.led.append(led)

    def end(self, rule: Rule) -> tuple[Numbers, Numbers]:
        """Score and cost (line-ups, questions) under a rule."""
        score, usd = self.led[-1], self.paid[-1]
        if rule.last:
            score = np.where(self.said[-1], self.score[-1], score)
        if rule.lead < np.inf or np.isnan(rule.lead):
            for step in range(len(self.lead) - 2, -1, -1):
                reached = self._reached(rule, step)
                score = np.where(reached, self.led[step], score)
                usd = np.where(reached, self.paid[step], usd)
        return score, usd

    def effort(self, board: Board, rule: Rule) -> tuple[float, float]:
        """Mean calls and seconds of a question for the first line-up; NaN where no time is told."""
        order = self.order[:, 0]
        waited = board.seconds[order]
        asked = np.full(board.questions, len(order))
        if rule.lead == np.inf:
            return float(len(order)), float(waited.max(axis=0).mean())
        for step in range(len(order) - 2, -1, -1):
            asked = np.where(self._reached(rule, step)[0], step + 1, asked)
        spent = np.where(np.arange(len(order))[:, None] < asked, waited, 0.0)
        return float(asked.mean()), float(spent.sum(axis=0).mean())

    def _reached(self, rule: Rule, step: int) -> Flags:
        """Whether nobody else is asked after a step."""
        if np.isnan(rule.lead):
            left = self.weights[:, step + 1 :].sum(axis=1)
            return np.asarray(self.lead[step] > left[:, None] + EQUAL)
        wanted = np.round(rule.lead * self.weights.sum(axis=1), 3)
        return np.asarray(self.lead[step] >= wanted[:, None] - EQUAL)
