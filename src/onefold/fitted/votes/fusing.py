"""A fitted fusion of drafts at work: from who says what to a winner and the odds for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from onefold.core.answer import Answer
from onefold.core.tally import Trust, spell
from onefold.fitted.artifact import Artifact
from onefold.fitted.calibration import Calibration
from onefold.fitted.sparse import Floats, Ints
from onefold.fitted.votes.candidates import Written, features, written
from onefold.fitted.votes.crowd import Board, log_sum, voters

KIND = "vote"
FAITHFUL = 50.0  # a loyalty that nothing outweighs


class Decision(Struct, frozen=True, eq=False):
    """What was decided on many questions.

    winners: (questions) the winning candidate, -1 where nobody said anything. shares: (questions,
    width) probability of each candidate, if one is right, with the leader's bonus. plain:
    (questions) the winner's probability without that bonus, not yet calibrated; stay: the same of
    the leader's candidate. speakers: (questions, width) the best backer of each candidate, -1 where
    there is none. leaders: (questions) the most skilled member that answered.
    """

    winners: Ints
    shares: Floats
    plain: Floats
    stay: Floats
    speakers: Ints
    leaders: Ints

    def said(self, values: Floats) -> Floats:
        """(questions) a value (questions, members) of the winner's speaker, 0 where none won."""
        rows = np.arange(len(self.winners))
        speaker = self.speakers[rows, self.winners]
        return np.where(self.winners >= 0, values[rows, speaker], 0.0)


class Fusion(Struct, frozen=True, eq=False):
    """What a fit knows about members, and how it decides between their candidates.

    members: their names. skills: (members). own: (members) what each adds to the score of what it
    backs. weights: (features) of `candidates.FEATURES`. loyalty: what is added to the score of the
    leader's candidate; the leader is the most skilled of those who answered. related, cofailures:
    (members, members) as in `crowd.relations`. calibration: of `Decision.plain`. outcomes: graded
    questions behind it. basis: in words.
    """

    members: tuple[str, ...]
    skills: Floats
    own: Floats
    weights: Floats
    loyalty: float
    related: Floats
    cofailures: Floats
    calibration: Calibration
    outcomes: int = 0
    basis: str = ""

    @property
    def reads_texts(self) -> bool:
        """Whether it matters how drafts are written."""
        return bool(self.weights[2:].any())

    def scores(self, board: Board, notes: Written | None) -> tuple[Floats, Floats]:
        """Scores (questions, width + 1) of candidates, last of none right; and of candidates alone
        (questions, width) with the leader's bonus. Minus infinity where there is no candidate.
        """
        rows, none = features(board, self.skills, notes if self.reads_texts else None)
        there = board.sums() > 0
        plain = np.where(there, rows @ self.weights + board.sums(self.own), -np.inf)
        loyal = plain + led(board, self.skills) * self.loyalty
        return np.append(plain, self.weights[0] * none[:, None], axis=1), loyal

    def decide(self, board: Board, notes: Written | None = None) -> Decision:
        """The winner of each question; the board's members are these, in the same order."""
        plain, loyal = self.scores(board, notes)
        rows, leaders = np.arange(len(board.codes)), leading(board, self.skills)
        said = board.voted[rows, leaders]
        winners = np.where(said, loyal.argmax(axis=1), -1)
        odds = np.exp(plain - log_sum(plain, 1)[:, None])
        chance, stay = (
            np.where(said, odds[rows, each], 0.0) for each in (winners, board.codes[rows, leaders])
        )
        return Decision(winners, shares_of(loyal), chance, stay, board.first(self.skills), leaders)

    def among(self, names: Sequence[str]) -> Fusion:
        """The same for a panel of these members, who may be others than those it was fitted on.

        Another draw of a known member (`m#2`) has that member's values, and fails with it; an
        unknown member has the mean skill and correlations.
        """
        known = [self.place(name) for name in names]
        if known == list(range(len(self.members))):
            return self
        return Fusion(
            tuple(names),
            picked(self.skills, known, float(self.skills.mean())),
            picked(self.own, known, 0.0),
            self.weights,
            self.loyalty,
            squared(self.related, known),
            squared(self.cofailures, known),
            self.calibration,
            self.outcomes,
            self.basis,
        )

    def place(self, name: str) -> int:
        """A member's place, -1 where it is unknown."""
        for known in (name, name.partition("#")[0]):
            if known in self.members:
                return self.members.index(known)
        return -1

    def trust(self, plain: float, voted: Sequence[int], remark: str = "") -> Trust:
        """How far to trust a winner, where the members at these places answered."""
        made = self.calibration.trust(plain)
        count = len(voted)
        related = self.related[np.ix_(voted, voted)]
        alike = self.cofailures[np.ix_(voted, voted)][~np.eye(count, dtype=bool)]
        return Trust(
            made.probability,
            made.low,
            made.high,
            self.outcomes,
            voters(related),
            float(alike.mean()) if count > 1 else None,
            "; ".join(filter(None, (self.basis, remark))),
        )

    def arrays(self) -> dict[str, Any]:
        """Itself as arrays for an Artifact."""
        return {
            "members": np.array(self.members),
            "skills": self.skills,
            "own": self.own,
            "weights": self.weights,
            "related": self.related,
            "cofailures": self.cofailures,
            **self.calibration.arrays(),
        }


def shares_of(scores: Floats) -> Floats:
    """(questions, width) the softmax of scores, where minus infinity is no candidate."""
    total = log_sum(scores, 1)
    return np.asarray(np.exp(scores - np.where(np.isfinite(total), total, 0.0)[:, None]))


def shared(board: Board, skills: Floats, shares: Floats) -> list[float]:
    """What each draft of the one question adds to its candidate: more by a more skilled member,
    together the candidate's share; 0 for a draft without a candidate.
    """
    if not len(skills):
        return []
    worth = np.exp(skills - skills.max())
    codes = board.codes[0]
    part = worth / np.maximum(board.sums(worth)[0], 1e-300)[codes]
    return [float(each) for each in np.where(codes >= 0, part * shares[0][codes], 0.0)]


def drafted(drafts: Sequence[Answer], texts: bool) -> tuple[Board, Written | None]:
    """One question's drafts as a board; with `texts`, how they are written, too."""
    keys: dict[str, int] = {}
    said = [None if d.value is None else spell(d.value) for d in drafts]
    line = [-1 if key is None else keys.setdefault(key, len(keys)) for key in said]
    codes = np.array([line], dtype=np.int64)
    notes = written(codes, [list(keys)], [[d.text for d in drafts]]) if texts else None
    return Board.of(codes), notes


def revive(artifact: Artifact) -> Fusion:
    """The fusion in an artifact."""
    arrays, about = artifact.arrays, artifact.about
    return Fusion(
        tuple(map(str, arrays["members"])),
        arrays["skills"],
        arrays["own"],
        arrays["weights"],
        float(about["loyalty"]),
        arrays["related"],
        arrays["cofailures"],
        Calibration.of(arrays),
        int(about["labels"]),
        str(about["basis"]),
    )


def leading(board: Board, skills: Floats) -> Ints:
    """(questions) the most skilled member that answered, the first where nobody did."""
    return np.asarray(np.where(board.voted, skills, -np.inf).argmax(axis=1))


def led(board: Board, skills: Floats) -> Floats:
    """(questions, width) 1 for the candidate of the most skilled member that answered, else 0."""
    backed = board.codes[np.arange(len(board.codes)), leading(board, skills)]
    return np.asarray(np.arange(board.width) == backed[:, None], float)


def picked(values: Floats, places: Sequence[int], otherwise: float) -> Floats:
    """Values at places, `otherwise` at -1."""
    return np.array([values[place] if place >= 0 else otherwise for place in places])


def squared(square: Floats, places: Sequence[int]) -> Floats:
    """A matrix over pairs at places; the mean over different pairs where one is unknown."""
    apart = square[~np.eye(len(square), dtype=bool)]
    made = np.full((len(places), len(places)), float(apart.mean()) if len(apart) else 0.0)
    rows = np.flatnonzero(np.array(places) >= 0).tolist()
    known = [places[row] for row in rows]
    made[np.ix_(rows, rows)] = square[np.ix_(known, known)]
    return made
