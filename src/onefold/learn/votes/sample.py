"""Graded drafts as a fitted vote sees them: who says what, how it is written, what was right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct, structs

from onefold.fitted.sparse import Floats, Ints
from onefold.fitted.votes.candidates import Written, written
from onefold.fitted.votes.crowd import Board, Bools
from onefold.learn.ballots import Ballots


class Sample(Struct, frozen=True, eq=False):
    """Some members' drafts to some questions.

    board: who says what. known: (questions, members) whether a draft is graded. score: (questions,
    members) how right it is, in [0, 1]; where it is not graded, as those that say the same, else 0.
    prompts: (questions). notes: how the drafts are written, None where that does not count.
    """

    board: Board
    score: Floats
    known: Bools
    prompts: Sequence[str]
    notes: Written | None = None

    def __len__(self) -> int:
        return len(self.score)

    @property
    def told(self) -> Bools:
        """(questions, members) whether a draft could be read and is graded."""
        return self.known & self.board.voted

    def right(self) -> Floats:
        """(questions, width) how right a candidate is: the mean over its graded backers."""
        told = self.told.astype(float)
        return self.board.sums(self.score * told) / np.maximum(self.board.sums(told), 1.0)

    def single(self) -> Floats:
        """(members) share of the graded drafts that are right; one that cannot be read is not."""
        return np.asarray((self.score * self.known).sum(0) / np.maximum(self.known.sum(0), 1))

    def take(self, rows: Ints) -> Sample:
        """The same for some of the questions."""
        notes = None if self.notes is None else self.notes.take(rows)
        prompts = [self.prompts[row] for row in rows]
        return Sample(self.board.take(rows), self.score[rows], self.known[rows], prompts, notes)

    def among(self, members: Sequence[int]) -> Sample:
        """The same for some of the members."""
        notes = None if self.notes is None else self.notes.among(members)
        score, known = self.score[:, members], self.known[:, members]
        return Sample(self.board.among(members), score, known, self.prompts, notes)


def sampled(ballots: Ballots, rows: Ints, text: bool) -> tuple[Sample, list[str]]:
    """The sample of some of the questions, and what had to be left out.

    text: whether it counts how the drafts are written.
    """
    codes, remarks = ballots.codes[rows], []
    keys = [ballots.keys[row] for row in rows]
    score = ballots.score[rows]
    texts = [[None if d is None else d.text for d in ballots.drafts[row]] for row in rows]
    notes = None
    if text and any(any(line) for line in texts):
        notes = written(codes, keys, texts)
    elif text:
        remarks.append("the drafts have no texts: only who says what counts")
    prompts = [ballots.prompts[row] or ballots.queries[row] for row in rows]
    known = ~np.isnan(score)
    made = Sample(Board.of(codes), np.where(known, score, 0.0), known, prompts, notes)
    alike = np.take_along_axis(made.right(), np.maximum(codes, 0), axis=1)
    score = np.where(known, made.score, np.where(codes >= 0, alike, 0.0))
    return structs.replace(made, score=score), remarks
