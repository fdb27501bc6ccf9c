"""The vote that ranks and filters: the best few drafts go on to another vote."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, structs

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError, ModelError, NoAnswer, Unreadable
from onefold.core.query import Query
from onefold.operators.votes.counting import Share
from onefold.runtime.relay import together
from onefold.verbs import Asks, Judge, Operator, judged, perform


class Shortlist(Operator, name="shortlist"):
    """The best drafts, best first, as they go on to a vote; the others go no further.

    judge: scores each draft, and the score becomes its confidence; what it cannot score is left
        out. None goes by the confidence that the drafts state.
    most: how many go on. at: the score that a draft needs to go on.
    vote: decides between those that are left, such as `blend`, `selector` or `majority`.
    """

    judge: Judge | None = None
    most: Annotated[int, Meta(ge=1)] | None = None
    at: Share = 0.0
    vote: Operator = "best"  # type: ignore[assignment]

    async def answer(self, query: Query) -> Answer:
        drafts = [d for d in query.drafts if d.error is None and d.text.strip()]
        scored = await self._scored(query, drafts)
        ranked = sorted(scored, key=lambda draft: -(draft.confidence or 0.0))
        kept = [d for d in ranked if (d.confidence or 0.0) >= self.at][: self.most]
        if not kept:
            raise NoAnswer(nobody(len(query.drafts), ranked, self.at), drafts=query.drafts)
        said = await perform(self.vote, query.but(drafts=tuple(kept)))
        said = said.but(drafts=query.drafts)
        if said.tally is None:
            return said
        rule = f"{said.tally.rule} of the best {len(kept)} of {len(query.drafts)}"
        return said.but(tally=structs.replace(said.tally, rule=rule))

    async def _scored(self, query: Query, drafts: list[Answer]) -> list[Answer]:
        """The drafts that have a score, with it as their confidence.

        Raises:
            Unreadable: the judge could score none of them.
        """
        judge = self.judge
        if judge is None:
            return [draft for draft in drafts if draft.confidence is not None]
        failures: list[ModelError] = []

        async def ask(index: int) -> Answer | None:
            try:
                score, _ = await judged(judge, query, drafts[index])
            except ModelError as error:
                failures.append(error)
                return None
            return drafts[index].but(confidence=score)

        found = [draft for draft in await together(ask, len(drafts)) if draft is not None]
        if failures and not found:
            raise Unreadable(f"no draft could be scored: {failures[0]}") from failures[0]
        return found

    def _asks(self, query: Query) -> Asks:
        """Every draft's score, then the vote on as many as may be left."""
        count = float(len(query.drafts))
        left = query.but(drafts=query.drafts[: self.most])
        scores: Asks = [] if self.judge is None else [(self.judge, query, (count, count, count))]
        return [*scores, (self.vote, left, (1.0, 1.0, 1.0))]

    def _check(self) -> None:
        if self.most is None and self.at == 0.0:
            raise ConfigError("shortlist keeps every draft: say how many (most) or from where (at)")


def nobody(count: int, ranked: list[Answer], at: float) -> str:
    """Why no draft is left."""
    if not ranked:
        return f"none of {count} drafts has a score: give a judge, or members that state one"
    best = ranked[0]
    return (
        f"none of {count} drafts reaches {at:g}: the best is {best.source}, {best.confidence:.3f}"
    )
