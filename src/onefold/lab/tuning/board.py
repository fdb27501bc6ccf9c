"""A recording as a board to play on: who says the same, who is right, what each draft costs."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from onefold.core.errors import ConfigError
from onefold.learn.ballots import ABSENT, ABSTAINS, Ballots

Numbers = NDArray[np.float32]
Flags = NDArray[np.bool_]
Rows = NDArray[np.int64]


class Board(Struct, frozen=True, eq=False):
    """Graded questions as seen by every member.

    same: (members, members, questions) whether two said the same; on the diagonal, whether a
        member said anything that can be read.
    score: (members, questions) how right, in [0, 1]; 0 where nothing can be read.
    usd, seconds: (members, questions); 0 where a member did not answer, seconds NaN if unknown.
    ids, prompts: of the questions; the id where no prompt was recorded. left_out: questions that
        are not graded in full.
    """

    members: tuple[str, ...]
    ids: tuple[str, ...]
    prompts: tuple[str, ...]
    same: Flags
    score: Numbers
    usd: Numbers
    seconds: Numbers
    left_out: int = 0

    @property
    def questions(self) -> int:
        """How many there are."""
        return len(self.ids)

    def of(self, rows: Rows) -> Board:
        """The same members on some of the questions."""
        return Board(
            self.members,
            tuple(self.ids[row] for row in rows),
            tuple(self.prompts[row] for row in rows),
            self.same[:, :, rows],
            self.score[:, rows],
            self.usd[:, rows],
            self.seconds[:, rows],
        )


def board_of(ballots: Ballots) -> Board:
    """The board of a recording whose drafts have a known cost.

    A question counts where every readable draft is graded, or says what a graded one says.

    Raises:
        ConfigError: a member's cost is unknown.
    """
    codes, score = ballots.codes.T, shared_grades(ballots)
    came, said = codes != ABSENT, codes > ABSTAINS
    for member, unknown in zip(ballots.members, (np.isnan(ballots.usd.T) & came), strict=True):
        if unknown.any():
            raise ConfigError(
                f"nobody knows what {int(unknown.sum())} drafts of {member} cost: give prices "
                "(--prices, --models), or leave it out (--members)"
            )
    kept = np.flatnonzero(~(np.isnan(score) & said).any(axis=0) & said.any(axis=0))
    same = (codes[:, None] == codes[None]) & said[:, None] & said[None]

    def filled(matrix: NDArray[Any], where: Flags) -> Numbers:
        return np.where(where, matrix, 0.0)[:, kept].astype(np.float32)

    return Board(
        tuple(ballots.members),
        tuple(ballots.queries[row] for row in kept),
        tuple(ballots.prompts[row] or ballots.queries[row] for row in kept),
        same[:, :, kept],
        filled(score, said),
        filled(ballots.usd.T, came),
        filled(ballots.seconds.T, came),
        codes.shape[1] - len(kept),
    )


def shared_grades(ballots: Ballots) -> NDArray[np.float64]:
    """The scores (members, questions), where a draft without one has that of who said the same."""
    codes, score = ballots.codes.T, ballots.score.T.copy()
    for member in np.flatnonzero((np.isnan(score) & (codes > ABSTAINS)).any(axis=1)):
        for other in range(len(codes)):
            alike = (codes[other] == codes[member]) & (codes[member] > ABSTAINS)
            open_ = alike & np.isnan(score[member])
            score[member, open_] = score[other, open_]
    return score
