"""The vote of EMAFusion: only the drafts that a judge is sure of are fused."""

from __future__ import annotations

from msgspec import structs

from onefold.core.answer import Answer
from onefold.core.query import Query
from onefold.operators.votes.counting import Best, Share, winner
from onefold.verbs import Asks, Operator


class Fusion(Operator, name="fusion"):
    """Drafts whose confidence is at least `at` survive (EMAFusion, arXiv 2504.10681).

    One survivor is the answer; where there is none, the most confident draft is. Drafts that
    state no confidence, or cannot be read, do not survive; where none states any, all do.

    vote: decides between several survivors: rank them (`ranked`, `best`), count them (`majority`,
        `weighted`), let a model write from them (`blend`), or any other operator.
    """

    vote: Operator = "weighted"  # type: ignore[assignment]
    at: Share = 0.6

    async def answer(self, query: Query) -> Answer:
        drafts = query.drafts
        if all(draft.confidence is None for draft in drafts):
            return await self._fused(drafts, query, "no draft states a confidence")
        sure = tuple(draft for draft in drafts if self._survives(draft))
        told = f"{len(sure)} of {len(drafts)} drafts at {self.at:g} or more"
        if len(sure) < 2:
            tally = structs.replace(Best().count(drafts), rule=f"fusion, {told}: the best")
            return winner(tally, drafts, 0.0)
        return await self._fused(sure, query, told)

    async def _fused(self, sure: tuple[Answer, ...], query: Query, told: str) -> Answer:
        """What the vote makes of some drafts."""
        said = await self.vote(query.but(drafts=sure))
        if said.tally is not None:
            said = said.but(tally=structs.replace(said.tally, rule=f"{said.tally.rule}, {told}"))
        return said.but(drafts=query.drafts)

    def _survives(self, draft: Answer) -> bool:
        """Whether a draft can be read and states enough confidence."""
        stated = -1.0 if draft.confidence is None else draft.confidence
        return draft.value is not None and stated >= self.at

    def _asks(self, query: Query) -> Asks:
        """The vote, where several drafts survive."""
        return [(self.vote, query, (0.0, 1.0, 1.0))]
