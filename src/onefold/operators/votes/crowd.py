"""The crowd's vote: members differ in skill, and repeat each other's mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from onefold.core.answer import Answer
from onefold.core.query import Query
from onefold.core.tally import Tally
from onefold.operators.votes.counting import Share, ballot, winner
from onefold.verbs import Vote

if TYPE_CHECKING:
    from onefold.fitted.sparse import Floats
    from onefold.fitted.votes.crowd import Board


class Crowd(Vote, name="crowd"):
    """The candidate that is most probably right wins, by how good its supporters are.

    The ballots of a candidate add up to its probability, if one is right; the answer's `confidence`
    allows for none being right, and is the model's own (see `fitted.votes.crowd`), not calibrated:
    nothing is fitted.

    accuracy: share of the questions that a member gets right, by name; all draws of one member
        (`m`, `m#2`) have its share. usual: the same for every other member.
    spread: how much questions differ in difficulty, in log-odds; 0 takes members for independent.
    concentration: how rarely two wrong members say the same; near 0 they always do.
    """

    accuracy: Mapping[str, Share] = {}
    usual: Share = 0.7
    spread: Annotated[float, Meta(ge=0, le=10)] = 1.5
    concentration: Annotated[float, Meta(gt=0, le=1e6)] = 3.0

    async def answer(self, query: Query) -> Answer:
        import numpy as np

        from onefold.fitted.votes.fusing import drafted

        drafts = query.drafts
        won = winner(self.count(drafts), drafts, 0.0)
        board, _ = drafted(drafts, texts=False)
        sure = float(np.exp(self._chances(board, self._skills(drafts))[0, :-1].max()))
        return won.but(confidence=min(1.0, sure))

    def count(self, drafts: Sequence[Answer]) -> Tally:
        from onefold.fitted.votes.fusing import drafted, shared, shares_of

        if not drafts:
            return Tally("crowd", ())
        board, _ = drafted(drafts, texts=False)
        skills = self._skills(drafts)
        shares = shares_of(self._chances(board, skills)[:, :-1])
        weights = shared(board, skills, shares)
        ballots = tuple(ballot(d, w) for d, w in zip(drafts, weights, strict=True))
        return Tally("crowd", ballots, abstentions="ignore")

    def settled(self, drafts: Sequence[Answer], out: Sequence[str]) -> bool:
        from onefold.fitted.votes.crowd import Board, clear, completions
        from onefold.fitted.votes.fusing import drafted

        if not out:
            return True
        ways = completions(drafted(drafts, texts=False)[0].codes[0], len(out))
        if ways is None or not any(draft.value is not None for draft in drafts):
            return False
        names = [*(draft.source for draft in drafts), *out]
        chances = self._chances(Board.of(ways), self._skills_of(names))[:, :-1]
        winners = chances.argmax(axis=1)
        return bool(clear(chances).all() and (winners == winners[0]).all())

    def _skills(self, drafts: Sequence[Answer]) -> Floats:
        return self._skills_of([draft.source for draft in drafts])

    def _skills_of(self, names: Sequence[str]) -> Floats:
        """What the members' shares right say of their skills (members)."""
        import numpy as np

        from onefold.fitted.votes.crowd import skills_of

        known = self.accuracy
        return skills_of(
            np.array([known.get(n, known.get(n.partition("#")[0], self.usual)) for n in names]),
            self.spread,
        )

    def _chances(self, board: Board, skills: Floats) -> Floats:
        """(questions, candidates + 1) log-probabilities; last, that none is right."""
        from onefold.fitted.votes.crowd import posterior

        return posterior(board, skills, self.spread, self.concentration)
