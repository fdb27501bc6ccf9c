"""A vote whose weights were earned: each member counts by what feedback taught about it."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Annotated

from msgspec import Meta

from onefold.core.answer import Answer
from onefold.core.query import Query
from onefold.core.tally import Tally, Ties
from onefold.experience.experience import lived, plain
from onefold.operators.votes.counting import Abstentions, Share, ahead, ballot, winner
from onefold.verbs import Vote

FLOOR = 0.05


class Earned(Vote, name="earned"):
    """Members count by the log-odds of being right, as far as `answer.feedback` has shown it.

    start: share of right answers that is believed of a member before there is any feedback.
    strength: how many outcomes that belief counts for.
    ties, abstentions, least: as for Majority.

    Log-odds are the best weights of independent members (Nitzan & Paroush 1982); a member that
    is no better than chance keeps a weight of 0.05.
    """

    start: Annotated[float, Meta(gt=0, lt=1)] = 0.7
    strength: Annotated[float, Meta(gt=0)] = 10.0
    ties: Ties = "first"
    abstentions: Abstentions = "count"
    least: Share = 0.0

    async def answer(self, query: Query) -> Answer:
        return winner(self.count(query.drafts), query.drafts, self.least)

    def count(self, drafts: Sequence[Answer]) -> Tally:
        ballots = tuple(ballot(draft, self._weight(draft.source)) for draft in drafts)
        return Tally("earned", ballots, ties=self.ties, abstentions=self.abstentions)

    def settled(self, drafts: Sequence[Answer], out: Sequence[str]) -> bool:
        return not out or ahead(self.count(drafts), sum(map(self._weight, out)), self.least)

    def _weight(self, source: str) -> float:
        """A member's weight now."""
        known = lived().standing(plain(source))
        right = self.strength * self.start + known.weight * known.score
        share = right / (self.strength + known.weight)
        return max(FLOOR, log(share / (1 - share)) if share < 1 else 10.0)
