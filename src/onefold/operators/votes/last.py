"""Votes for cascades: once the strongest member was asked, the cheap ones do not overrule it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, structs

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError
from onefold.core.part import FilePath
from onefold.core.query import Query
from onefold.core.tally import Tally
from onefold.operators.votes.counting import ballot, winner
from onefold.verbs import Vote

if TYPE_CHECKING:
    from onefold.fitted.deferral import Cascade


class LastWord(Vote):
    """One member's answer stands, if it was asked and can be read; else the heaviest answer wins.

    last: the member with the last word. weights: weight of each member by name; a member without
        one has weight 1, and all draws of a member have its weight.
    Overruled answers count nothing.
    """

    last: str
    weights: Mapping[str, Annotated[float, Meta(ge=0, le=1e12)]] = {}

    async def answer(self, query: Query) -> Answer:
        return winner(self.count(query.drafts), query.drafts, 0.0)

    def count(self, drafts: Sequence[Answer]) -> Tally:
        ballots = [ballot(draft, self._weight(draft.source)) for draft in drafts]
        word = next((b.key for b in ballots if b.source == self.last), None)
        if word is not None:
            ballots = [b if b.key == word else structs.replace(b, weight=0.0) for b in ballots]
        return Tally("last word", tuple(ballots))

    def settled(self, drafts: Sequence[Answer], out: Sequence[str]) -> bool:
        spoke = any(draft.source == self.last and draft.value is not None for draft in drafts)
        return spoke or not out

    def _weight(self, name: str) -> float:
        return self.weights.get(name, self.weights.get(name.partition("#")[0], 1.0))

    def _check(self) -> None:
        if not self.last.strip():
            raise ConfigError("last_word needs the name of the member that has it")


class Likeliest(Vote):
    """The answer that a fitted cascade finds likeliest to be right; its confidence is calibrated.

    Where the strongest member was asked, its answer stands.

    path, hash: the fitted file, and the SHA-256 that it must have (empty: any).
    """

    path: FilePath
    hash: str = ""

    async def answer(self, query: Query) -> Answer:
        spot = self._held().at(query.drafts)
        chances = spot.chances
        answer = winner(self._tally(query.drafts, chances), query.drafts, 0.0)
        trust = spot.trust(chances.get(answer.source, 0.0))
        return answer.but(confidence=trust.probability, trust=trust)

    def count(self, drafts: Sequence[Answer]) -> Tally:
        return self._tally(drafts, self._held().at(drafts).chances)

    def settled(self, drafts: Sequence[Answer], out: Sequence[str]) -> bool:
        return not out

    def _held(self) -> Cascade:
        from onefold.fitted.artifact import revived
        from onefold.fitted.deferral import Cascade

        return revived(self.path, self.hash, "cascade", Cascade)

    def _tally(self, drafts: Sequence[Answer], chances: Mapping[str, float]) -> Tally:
        """Each draft's weight is the probability of its answer, of which the highest counts."""
        ballots = (ballot(draft, chances.get(draft.source, 0.0)) for draft in drafts)
        return Tally("likeliest", tuple(ballots), method="max")
