"""A recording as matrices: what learning eats, and vote rules over all questions at once."""

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
from onefold.recording.recording import Draft, Recording
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
    score: (questions, members) the same as a share in [0, 1], NaN where there is no draft or
        nobody said what is right; a draft that could not be read is wrong.
    confidence, usd, seconds: (questions, members), NaN where unknown.
    members: `m#2` is the second draw of `m`. keys: each question's candidates by code.
    tasks: the task of each question, "" where nobody said.
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
        self.prompts = [recording.prompts[name].prompt for name in self.queries]
        self.tasks = [recording.prompts[name].task for name in self.queries]
        draws = [drawn(name, recording.members) for name in self.members]
        shape = (len(self.queries), len(self.members))
        self.codes: Ints = np.full(shape, ABSENT, dtype=np.int64)
        self.correct: Bools = np.zeros(shape, dtype=np.bool_)
        self.score, self.confidence, self.usd, self.seconds = np.full((4, *shape), np.nan)
        self.keys: list[list[str]] = []
        self.drafts: list[list[Draft | None]] = []
        valued = {draft.member for draft in recording if draft.value is not None}
        recorded = [reader is None and member in valued for member, _ in draws]
        for row, name in enumerate(self.queries):
            held = [recording.index.get((member, name), []) for member, _ in draws]
            found = [d[i] if i < len(d) else None for d, (_, i) in zip(held, draws, strict=True)]
            self._fill(row, recording.prompts[name], found, reads, recorded, reader is None)
        self.width = int(self.codes.max(initial=0)) + 1
        self.places = np.arange(shape[0])[:, None] * self.width + np.maximum(self.codes, 0)

    def _fill(
        self,
        row: int,
        about: Draft,
        drafts: list[Draft | None],
        reader: Reader,
        recorded: Sequence[bool],
        own: bool,
    ) -> None:
        """Read the drafts of one question.

        recorded: whether a member's values were, so that a draft without one could not be read.
        own: recorded values count before what the reader would read.
        """
        board: dict[str, int] = {}
        query = Query(about.prompt, id=about.query_id)
        wanted = None if about.expected is None else reader.read(spell(about.expected), query)
        for column, draft in enumerate(drafts):
            if draft is None:
                continue
            kept = recorded[column] or (draft.value is not None and (own or not draft.text))
            value = draft.value if kept else reader.read(draft.text, query)
            for matrix, known in (
                (self.confidence, draft.confidence),
                (self.usd, draft.usd),
                (self.seconds, draft.seconds),
            ):
                matrix[row, column] = np.nan if known is None else known
            key = None if value is None else spell(value)
            right = key is not None and wanted is not None and key == spell(wanted)
            if draft.correct is not None:
                right = draft.correct
            elif draft.score is not None:
                right = draft.score >= 0.5
            if key is None:
                self.codes[row, column] = ABSTAINS
            else:
                self.codes[row, column] = board.setdefault(key, len(board))
                self.correct[row, column] = right
            graded = draft.score is not None or draft.correct is not None or wanted is not None
            if graded:
                self.score[row, column] = float(right) if draft.score is None else draft.score
        self.keys.append(list(board))
        self.drafts.append(drafts)

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


def drawn(name: str, known: Sequence[str]) -> tuple[str, int]:
    """A recorded member and which of its draws, from 0: `m#2` is the second of `m`.

    Raises:
        ConfigError: it is not in the recording.
    """
    if name in known:
        return name, 0
    member, _, number = name.rpartition("#")
    if member in known and number.isdigit() and int(number) > 1:
        return member, int(number) - 1
    raise unknown("recorded member", name, known)
