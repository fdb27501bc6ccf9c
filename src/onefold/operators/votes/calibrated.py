"""The vote whose confidence is a probability: any vote, calibrated by recorded outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from onefold.core.answer import Answer
from onefold.core.part import FilePath
from onefold.core.query import Query
from onefold.core.tally import Tally
from onefold.verbs import Vote

if TYPE_CHECKING:
    from onefold.fitted.artifact import Artifact
    from onefold.fitted.calibration import Patterns

KIND = "vote calibration"


class CalibratedVote(Vote, name="calibrated"):
    """Another vote's winner; the confidence is the probability that it is right.

    It depends on the pattern: how many are for the winner and for the runner-up, how many abstain,
    and who. The answer's `trust` holds it with its interval.

    vote: what decides. path, hash: the file that `learn.calibrate.fit_calibration` made for it.
    """

    vote: Vote
    path: FilePath
    hash: str = ""

    async def answer(self, query: Query) -> Answer:
        won = await self.vote.answer(query)
        trust = self._held().trust(won.tally or self.count(query.drafts))
        return won.but(confidence=trust.probability, trust=trust)

    def count(self, drafts: Sequence[Answer]) -> Tally:
        return self.vote.count(drafts)

    def settled(self, drafts: Sequence[Answer], out: Sequence[str]) -> bool:
        return self.vote.settled(drafts, out)

    def _held(self) -> Patterns:
        from onefold.fitted.artifact import revived

        return revived(self.path, self.hash, KIND, patterns)


def patterns(artifact: Artifact) -> Patterns:
    """The patterns in a file."""
    from onefold.fitted.calibration import Patterns

    return Patterns.of(artifact.arrays)
