"""What a crowd knows: how likely each candidate is right, from who says it and how good they are.

A member with skill a is right on a question of difficulty d with probability σ(a − d), where d is
drawn from N(0, spread²) (item response theory; Rasch 1960). Wrong answers gather: the next wrong
member repeats a wrong answer that n have given with weight n, or makes up a new one with weight
`concentration` (a Chinese restaurant; Aldous 1985). Members that fail on the same questions, and
mistakes that many make, then count for what they are worth; and nobody need be right. Spread 0 is
the model of Dawid and Skene (1979) with one rate a member.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from onefold.fitted.sparse import Floats, Ints

Bools = NDArray[np.bool_]
SPREAD, CONCENTRATION = 1.5, 3.0
SPARSE = 1.25  # the concentration of answers without a character
LOOSE, FIRM, FIRMEST = 1.2, 0.7, 0.2
"""How far skills lie from where they are expected: all alike; as on other tasks; as on other tasks,
without grades, where small crowds that fail alike would lead them astray."""
NODES, MASSES = np.polynomial.hermite_e.hermegauss(15)
LOG_MASSES = np.log(MASSES / MASSES.sum())


class Board(Struct, frozen=True, eq=False):
    """Who says what to many questions.

    codes: (questions, members) the candidate that a member backs, from 0 within its question;
    negative where it backs none. width: candidates that a question may have.
    """

    codes: Ints
    width: int

    @classmethod
    def of(cls, codes: Ints) -> Board:
        """The board of codes, as wide as they need."""
        return cls(codes, max(1, int(codes.max(initial=0)) + 1))

    @property
    def voted(self) -> Bools:
        """(questions, members) whether a member backs a candidate."""
        return self.codes >= 0

    def sums(self, worth: Floats | float = 1.0) -> Floats:
        """(questions, width) what a candidate's backers are worth together.

        worth: of each member, or of each draft (questions, members).
        """
        voted = self.voted
        places = (np.arange(len(self.codes))[:, None] * self.width + self.codes)[voted]
        worths = np.broadcast_to(worth, self.codes.shape)[voted]
        found: Floats = np.bincount(places, worths, len(self.codes) * self.width).astype(np.float64)
        return found.reshape(-1, self.width)

    def first(self, worth: Floats) -> Ints:
        """(questions, width) the backer worth most of each candidate; -1 where there is none."""
        found = np.full((len(self.codes), self.width), -1, dtype=np.int64)
        for member in np.argsort(worth, kind="stable"):
            rows = np.flatnonzero(self.codes[:, member] >= 0)
            found[rows, self.codes[rows, member]] = member
        return found

    def take(self, rows: Ints) -> Board:
        """The same for some of the questions."""
        return Board(self.codes[rows], self.width)

    def among(self, members: Sequence[int]) -> Board:
        """The same for some of the members, candidates numbered anew in order of first mention."""
        old, new = self.codes[:, members], np.full((len(self.codes), len(members)), -1)
        for place, column in enumerate(old.T):
            for before in range(place):
                same = (column >= 0) & (old[:, before] == column)
                new[same, place] = new[same, before]
            fresh = (column >= 0) & (new[:, place] < 0)
            new[fresh, place] = new[fresh, :place].max(axis=1, initial=-1) + 1
        return Board.of(new)


def log_sum(terms: Floats, axis: int) -> Floats:
    """log Σ exp along an axis; minus infinity where every term is."""
    top = terms.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        found: Floats = np.log(np.exp(terms - top).sum(axis=axis)) + top.squeeze(axis)
    return found


def right_at(skills: Floats, spread: float) -> Floats:
    """(members, nodes) the probability of being right at each node of difficulty."""
    odds = skills[:, None] - spread * NODES
    made: Floats = 0.5 * (1.0 + np.tanh(0.5 * odds))
    return made


def scatter(lengths: Floats, voted: Bools) -> Floats:
    """(questions) the concentration of wrong answers, by how long the answers are.

    Two who are wrong seldom say the same long thing: it grows as the square root of the length.
    lengths: (questions, members) log(1 + characters) of each answer.
    """
    mean = np.where(voted, lengths, 0.0).sum(axis=1) / np.maximum(voted.sum(axis=1), 1)
    return np.asarray(SPARSE * np.exp(mean / 2))


def gatherings(board: Board, concentration: Floats | float) -> Floats:
    """(questions, width + 1) log-probability of how the wrong answers gather, if a candidate is
    right; last, if none is.

    concentration: of all questions, or of each (questions).
    """
    counts = board.sums()
    there = counts > 0
    steps = np.arange(1, board.codes.shape[1] + 1)
    fresh = np.broadcast_to(concentration, len(counts))[:, None]
    seated = np.pad(np.cumsum(np.log(fresh + steps - 1), axis=1), ((0, 0), (1, 0)))
    alike = np.concatenate([[0.0, 0.0], np.cumsum(np.log(steps))])[: len(steps) + 1]
    tables = np.where(there, np.log(fresh) + alike[counts.astype(int)], 0.0)
    wrong = np.append(counts.sum(axis=1, keepdims=True) - counts, counts.sum(1)[:, None], axis=1)
    total = np.append(tables.sum(1)[:, None] - tables, tables.sum(1)[:, None], axis=1)
    found: Floats = np.where(
        np.append(there, np.ones((len(there), 1), bool), axis=1), total, -np.inf
    )
    found -= np.take_along_axis(seated, wrong.astype(int), axis=1)
    return found


def joint(board: Board, skills: Floats, spread: float, concentration: Floats | float) -> Floats:
    """(questions, width + 1, nodes) log-probability of the drafts, with each candidate right or
    none, at each node of difficulty.
    """
    odds = skills[:, None] - spread * NODES
    all_wrong = board.voted @ -np.logaddexp(0.0, odds) + LOG_MASSES
    lifted = board.sums(skills)[:, :, None] - board.sums()[:, :, None] * (spread * NODES)
    lifted = np.pad(lifted, ((0, 0), (0, 1), (0, 0)))
    terms: Floats = all_wrong[:, None, :] + lifted
    return terms + gatherings(board, concentration)[:, :, None]


def posterior(
    board: Board,
    skills: Floats,
    spread: float = SPREAD,
    concentration: Floats | float = CONCENTRATION,
) -> Floats:
    """(questions, width + 1) log-probability that a candidate is right; last, that none is."""
    terms = log_sum(joint(board, skills, spread, concentration), 2)
    return terms - log_sum(terms, 1)[:, None]


def graded_skills(
    right: Floats,
    known: Bools,
    around: Floats | None = None,
    apart: float = LOOSE,
    spread: float = SPREAD,
) -> Floats:
    """Each member's skill (members), most probable given graded drafts.

    right: (questions, members) shares in [0, 1]. known: whether the draft is there and graded.
    around: where skills are expected, up to a common shift; None expects them equal. apart: how
    far they lie from there (standard deviation).
    """
    marks = np.where(known, right, 0.0)
    start = np.log(marks.sum(0) + 0.5) - np.log((known - marks).sum(0) + 0.5)

    def expected(skills: Floats) -> tuple[Floats, Floats]:
        sure = right_at(skills, spread)
        terms = marks @ np.log(sure) + (known - marks) @ np.log1p(-sure) + LOG_MASSES
        return marks.sum(axis=0), np.exp(terms - log_sum(terms, 1)[:, None])

    return climbed(start, known, expected, around, apart, spread)


def ungraded_skills(
    board: Board,
    around: Floats | None = None,
    apart: float = FIRMEST,
    spread: float = SPREAD,
    concentration: Floats | float = CONCENTRATION,
) -> Floats:
    """Each member's skill (members), most probable given drafts that nobody graded (EM).

    around, apart: as for `graded_skills`; without knowledge, all begin alike and better than not.
    """
    start = np.ones(board.codes.shape[1]) if around is None else around

    def expected(skills: Floats) -> tuple[Floats, Floats]:
        terms = joint(board, skills, spread, concentration)
        made = np.exp(terms - log_sum(log_sum(terms, 2), 1)[:, None, None])
        share = np.take_along_axis(made.sum(axis=2), np.maximum(board.codes, 0), axis=1)
        return (share * board.voted).sum(axis=0), made.sum(axis=1)

    return climbed(start, board.voted, expected, around, apart, spread)


def climbed(
    skills: Floats,
    known: Bools,
    expected: Callable[[Floats], tuple[Floats, Floats]],
    around: Floats | None,
    apart: float,
    spread: float,
) -> Floats:
    """Skills after Newton's steps, each on what is expected under the skills before it.

    expected: from skills to (how often each member is right, weight of each question's nodes).
    """
    centre = np.zeros_like(skills) if around is None else around
    for _ in range(100):
        hits, nodes = expected(skills)
        sure, weight = right_at(skills, spread), known.T @ nodes
        shift = (skills - centre).mean()
        slope = hits - (weight * sure).sum(axis=1) - (skills - centre - shift) / apart**2
        curve = (weight * sure * (1 - sure)).sum(axis=1) + 1 / apart**2
        step = np.clip(slope / curve, -1.0, 1.0)
        skills = skills + step
        if np.abs(step).max() < 1e-3:
            break
    return skills


def skills_of(shares: Floats, spread: float = SPREAD) -> Floats:
    """The skills (members) of those who get such shares of the questions right, kept finite."""
    grid = np.linspace(-12.0, 12.0, 481)
    return np.interp(shares, accuracies(grid, spread), grid)


def completions(codes: Ints, out: int, most: int = 512) -> Ints | None:
    """(ways, members + out) every way in which members still out can join one question's codes
    (members): back a candidate, name a new one, say nothing. None where there are more than `most`.
    """
    named = int(codes.max(initial=-1)) + 1
    if (named + out + 1) ** out > most:
        return None
    ways = np.array(list(product(range(-1, named + out), repeat=out)), dtype=np.int64)
    return np.concatenate([np.tile(codes, (len(ways), 1)), ways.reshape(len(ways), out)], axis=1)


def clear(scores: Floats) -> Bools:
    """(questions) whether one candidate's score (questions, width) is above all others'."""
    if scores.shape[1] == 1:
        return np.ones(len(scores), dtype=np.bool_)
    ranked = np.sort(scores, axis=1)
    return np.asarray(ranked[:, -1] > ranked[:, -2] + 1e-9)


def accuracies(skills: Floats, spread: float = SPREAD) -> Floats:
    """(members) share of questions of all difficulties that a member gets right."""
    made: Floats = right_at(skills, spread) @ np.exp(LOG_MASSES)
    return made


def relations(right: Floats, known: Bools, codes: Ints) -> tuple[Floats, Floats]:
    """(members, members) each: how being right correlates, and how often two fail alike.

    The second is the share of the questions both were graded on to which they gave the same wrong
    answer. Pairs that share fewer than two questions have 0 in both.
    """
    seen = known.astype(float)
    marks = np.where(known, right, 0.0)
    both = np.maximum(seen.T @ seen, 1.0)
    mine, squares = marks.T @ seen / both, (marks**2).T @ seen / both
    spread = np.sqrt(np.maximum(squares - mine**2, 0.0))
    together = marks.T @ marks / both - mine * mine.T
    scale = spread * spread.T
    related = np.divide(together, scale, out=np.zeros_like(scale), where=scale > 1e-12)
    wrong = known & (marks < 0.5) & (codes >= 0)
    alike = np.empty_like(both)
    for member, column in enumerate(codes.T):
        same = wrong & wrong[:, [member]] & (codes == column[:, None])
        alike[member] = same.sum(axis=0)
    return related, alike / both


def voters(related: Floats) -> float:
    """How many independent members these are worth: n / (1 + (n − 1) r̄) (Kish's design effect)."""
    count = len(related)
    mean = float(off_diagonal(related).mean()) if count > 1 else 0.0
    return count / (1.0 + (count - 1) * max(0.0, mean))


def off_diagonal(square: Floats) -> Floats:
    """What stands above the diagonal, as one row."""
    found: Floats = square[np.triu_indices(len(square), 1)]
    return found
