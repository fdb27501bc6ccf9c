"""Vote rules over a whole recording at once: matrices instead of a loop a question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from onefold.core.errors import ConfigError, unknown
from onefold.core.part import coerce
from onefold.core.query import Query
from onefold.core.tally import spell, wilson
from onefold.readers.text import LowercaseTrim
from onefold.recording.recording import Recording
from onefold.verbs import Reader

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
ABSTAINS, ABSENT = -1, -2


class Verdict(Struct, frozen=True, eq=False):
    """What a vote rule says to each question.

    winners: candidate's code (questions), -1 where nobody won. agreement: the winner's share of
    the weight (questions). correct: whether the winner is right, False where there is none.
    """

    winners: Ints
    agreement: Floats
    correct: Bools

    @property
    def accuracy(self) -> float:
        """Share of the questions whose winner is right."""
        return float(self.correct.mean()) if len(self.correct) else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson score interval of the accuracy."""
        return wilson(self.accuracy, len(self.correct)) if len(self.correct) else (0.0, 1.0)

    def gain(self, other: Verdict, draws: int = 2000, seed: int = 0) -> tuple[float, float, float]:
        """Accuracy minus that of another verdict on the same questions, with its 95 % interval.

        The interval is a paired bootstrap over questions: (difference, low, high).
        """
        if self.correct.shape != other.correct.shape or not len(self.correct):
            sizes = f"{len(self.correct)} and {len(other.correct)}"
            raise ConfigError(f"verdicts on {sizes} questions: compare the same ones, at least one")
        difference = self.correct.astype(float) - other.correct
        chance = np.random.default_rng(seed)
        picks = chance.integers(0, len(difference), (draws, len(difference)))
        low, high = np.percentile(difference[picks].mean(axis=1), (2.5, 97.5))
        return float(difference.mean()), float(low), float(high)


class Ballots:
    """A recording as matrices: what each member said to each question, as codes.

    reader: reads the drafts; None takes the recorded values, and texts without regard to case.
    codes: (questions, members) candidates numbered from 0 within a question, -1 where the draft
        could not be read, -2 where there is none.
    correct: (questions, members) whether the draft is right: by the recording's own grading, else
        by its `expected`, read by the same reader.
    confidence: (questions, members), NaN where none was stated.
    """

    def __init__(
        self,
        recording: Recording,
        reader: Reader | str | None = None,
        members: Sequence[str] | None = None,
    ) -> None:
        reads = LowercaseTrim() if reader is None else coerce(Reader, reader)
        self.members = list(members or recording.members)
        self.queries = recording.queries
        for name in self.members:
            if name not in recording.members:
                raise unknown("recorded member", name, recording.members)
        shape = (len(self.queries), len(self.members))
        self.codes: Ints = np.full(shape, ABSENT, dtype=np.int64)
        self.correct: Bools = np.zeros(shape, dtype=np.bool_)
        self.confidence: Floats = np.full(shape, np.nan)
        for row, name in enumerate(self.queries):
            self._fill(row, name, recording, reads, recorded=reader is None)
        self.width = int(self.codes.max(initial=0)) + 1
        self.places = np.arange(shape[0])[:, None] * self.width + np.maximum(self.codes, 0)

    def _fill(
        self, row: int, name: str, recording: Recording, reader: Reader, *, recorded: bool
    ) -> None:
        """Read the drafts of one question."""
        board: dict[str, int] = {}
        about = recording.prompts[name]
        query = Query(about.prompt, id=name)
        wanted = None if about.expected is None else reader.read(spell(about.expected), query)
        for column, member in enumerate(self.members):
            drafts = recording.index.get((member, name))
            if not drafts:
                continue
            draft = drafts[0]
            kept = draft.value is not None and (recorded or not draft.text)
            value = draft.value if kept else reader.read(draft.text, query)
            if draft.confidence is not None:
                self.confidence[row, column] = draft.confidence
            if value is None:
                self.codes[row, column] = ABSTAINS
                continue
            key = spell(value)
            self.codes[row, column] = board.setdefault(key, len(board))
            right = wanted is not None and key == spell(wanted)
            self.correct[row, column] = right if draft.correct is None else draft.correct

    def columns(self, members: Sequence[str] | None) -> Ints:
        """Columns of some members, in their order."""
        if members is None:
            return np.arange(len(self.members))
        known = {name: i for i, name in enumerate(self.members)}
        for name in members:
            if name not in known:
                raise unknown("recorded member", name, known)
        if not members:
            raise ConfigError("a vote needs at least one member")
        return np.array([known[name] for name in members])

    def vote(
        self,
        members: Sequence[str] | None = None,
        weights: Mapping[str, float] | Literal["confidence"] | None = None,
        abstentions: Literal["count", "ignore"] = "count",
    ) -> Verdict:
        """Majority or weighted vote of some members over all questions.

        weights: by member; None is one each; `confidence` takes the stated ones, the mean of a
            question's stated ones where a draft has none, 1 where none has.
        Ties go to the candidate named first, in the order of `members`. The winner is graded by
        its first supporter.
        """
        columns = self.columns(members)
        codes = self.codes[:, columns]
        valid = codes >= 0
        weight = self._weights(columns, weights)
        count = codes.shape[0] * self.width
        places = self.places[:, columns]
        board = np.bincount(places[valid], weight[valid], count).reshape(-1, self.width)
        backed = np.where(valid, np.take_along_axis(board, np.maximum(codes, 0), 1), -np.inf)
        best = backed.max(axis=1, keepdims=True)
        first = np.argmax(backed >= best - 1e-12 * np.maximum(1.0, np.abs(best)), axis=1)
        rows = np.arange(len(codes))
        won = valid.any(axis=1)
        winners = np.where(won, codes[rows, first], ABSTAINS)
        counted = valid if abstentions == "ignore" else codes > ABSENT
        total = np.where(counted, weight, 0.0).sum(axis=1)
        score = np.where(won, best[:, 0], 0.0)
        share = np.divide(score, total, out=np.zeros_like(score), where=total > 0)
        return Verdict(winners, share, won & self.correct[rows, columns[first]])

    def _weights(self, columns: Ints, weights: Any) -> Floats:
        """The weight of each draft (questions, members)."""
        shape = (len(self.queries), len(columns))
        if weights is None:
            return np.ones(shape)
        if weights != "confidence":
            each = [float(weights.get(self.members[column], 1.0)) for column in columns]
            return np.broadcast_to(np.array(each), shape)
        stated = self.confidence[:, columns]
        there = ~np.isnan(stated)
        number = there.sum(axis=1, keepdims=True)
        total = np.where(there, stated, 0.0).sum(axis=1, keepdims=True)
        mean = np.divide(total, number, out=np.ones_like(total), where=number > 0)
        return np.where(there, stated, mean)

    def accuracy(self) -> dict[str, float]:
        """Each member's share of right drafts over all questions."""
        shares = self.correct.mean(axis=0)
        return {name: float(share) for name, share in zip(self.members, shares, strict=True)}
