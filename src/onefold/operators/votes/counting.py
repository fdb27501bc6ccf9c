"""Votes that count: majority, weighted, best, unanimous. Each is an operator that reads drafts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from msgspec import Meta

from onefold.core.answer import Answer, no_share
from onefold.core.errors import ConfigError, NoAnswer
from onefold.core.query import Query
from onefold.core.tally import Ballot, Tally, Ties, elect, same, scores
from onefold.verbs import Vote

Share = Annotated[float, Meta(ge=0, le=1)]
Abstentions = Literal["count", "ignore"]


class Majority(Vote):
    """The most common answer wins.

    ties: who wins among equals (see `Tally`). abstentions: `count` keeps answers that could not
        be read in the denominator, `ignore` leaves them out; they never win.
    least: the agreement below which there is no answer.
    """

    ties: Ties = "first"
    abstentions: Abstentions = "count"
    least: Share = 0.0

    async def answer(self, query: Query) -> Answer:
        return winner(self.count(query.drafts), query.drafts, self.least)

    def count(self, drafts: Sequence[Answer]) -> Tally:
        ballots = tuple(ballot(draft, 1.0) for draft in drafts)
        return Tally("majority", ballots, ties=self.ties, abstentions=self.abstentions)

    def settled(self, drafts: Sequence[Answer], out: Sequence[str]) -> bool:
        return not out or ahead(self.count(drafts), float(len(out)), self.least)


class Weighted(Vote):
    """Answers add up their supporters' weights; the heaviest wins.

    weights: weight of each member by name; a member without one has weight 1. Left empty, a
        draft's confidence is its weight. Drafts without confidence get the mean of the stated
        ones, or 1 where nobody stated any.
    ties, abstentions, least: as for Majority.
    """

    weights: Mapping[str, Annotated[float, Meta(ge=0, le=1e12)]] = {}
    ties: Ties = "first"
    abstentions: Abstentions = "count"
    least: Share = 0.0

    async def answer(self, query: Query) -> Answer:
        return winner(self.count(query.drafts), query.drafts, self.least)

    def count(self, drafts: Sequence[Answer]) -> Tally:
        ballots = tuple(ballot(d, w) for d, w in zip(drafts, self._weights(drafts), strict=True))
        return Tally("weighted", ballots, ties=self.ties, abstentions=self.abstentions)

    def settled(self, drafts: Sequence[Answer], out: Sequence[str]) -> bool:
        if not out:
            return True
        if self.weights:
            return ahead(self.count(drafts), sum(map(self._weight, out)), self.least)
        if any(draft.confidence is None for draft in drafts):
            return False
        return ahead(self.count(drafts), float(len(out)), self.least)

    def _weight(self, name: str) -> float:
        """A member's weight; all draws of one member (`m`, `m#2`) have its weight."""
        return self.weights.get(name, self.weights.get(name.partition("#")[0], 1.0))

    def _weights(self, drafts: Sequence[Answer]) -> list[float]:
        if self.weights:
            return [self._weight(draft.source) for draft in drafts]
        stated = [draft.confidence for draft in drafts if draft.confidence is not None]
        mean = sum(stated) / len(stated) if stated else 1.0
        return [mean if draft.confidence is None else draft.confidence for draft in drafts]


class Best(Vote):
    """The most confident draft wins alone; its confidence is the agreement.

    Drafts without a stated confidence come after all that have one; where nobody stated any,
    each counts as 1 and the first wins. ties: who wins among equally confident ones.
    """

    ties: Ties = "first"
    least: Share = 0.0

    async def answer(self, query: Query) -> Answer:
        return winner(self.count(query.drafts), query.drafts, self.least)

    def count(self, drafts: Sequence[Answer]) -> Tally:
        missing = 0.0 if any(draft.confidence is not None for draft in drafts) else 1.0
        weights = (missing if draft.confidence is None else draft.confidence for draft in drafts)
        ballots = tuple(ballot(d, w) for d, w in zip(drafts, weights, strict=True))
        return Tally("best", ballots, method="max", ties=self.ties)

    def settled(self, drafts: Sequence[Answer], out: Sequence[str]) -> bool:
        return not out


class Unanimous(Vote):
    """Everyone must say the same, or there is no answer. Abstentions break it unless ignored."""

    abstentions: Abstentions = "count"

    async def answer(self, query: Query) -> Answer:
        tally = self.count(query.drafts)
        if self._split(tally):
            said = ", ".join(f"{key!r} ({count:g})" for key, count in tally.votes.items())
            silent = f"; unread: {', '.join(tally.abstained)}" if tally.abstained else ""
            raise NoAnswer(
                f"no unanimity: {len(tally.votes)} answers from {len(tally.ballots)} members: "
                f"{said}{silent}; use majority, or ask again",
                drafts=query.drafts,
            )
        return winner(tally, query.drafts, 0.0)

    def count(self, drafts: Sequence[Answer]) -> Tally:
        ballots = tuple(ballot(draft, 1.0) for draft in drafts)
        return Tally("unanimous", ballots, method="all", abstentions=self.abstentions)

    def settled(self, drafts: Sequence[Answer], out: Sequence[str]) -> bool:
        return not out or self._split(self.count(drafts))

    def _split(self, tally: Tally) -> bool:
        silent = self.abstentions == "count" and tally.abstained
        return len(tally.votes) > 1 or bool(silent and tally.votes)


def ballot(draft: Answer, weight: float) -> Ballot:
    """A draft's ballot.

    Raises:
        ConfigError: its confidence is no share in [0, 1].
    """
    wrong = no_share(draft.source, draft.confidence)
    if wrong:
        raise ConfigError(wrong)
    return Ballot(draft.source, draft.value, weight, draft.confidence, draft.usage.usd)


def winner(tally: Tally, drafts: Sequence[Answer], least: float) -> Answer:
    """The winning answer, in the words of its heaviest supporter.

    Raises:
        NoAnswer: nobody voted, or the agreement is below `least`.
    """
    won = elect(tally.ballots, tally.method, tally.ties)
    if won is None:
        raise NoAnswer(
            f"no vote to count: {len(drafts)} drafts, none of which could be read"
            if drafts
            else "no drafts to vote on: every member failed, or none was asked",
            drafts=tuple(drafts),
        )
    agreement = tally.agreement
    if agreement < least and not same(agreement, least):
        raise NoAnswer(
            f"agreement {agreement:.3f} is below the {least:g} asked for: votes {tally.votes}",
            drafts=tuple(drafts),
        )
    backers = [(b, d) for b, d in zip(tally.ballots, drafts, strict=True) if b.key == won]
    _, said = max(backers, key=lambda pair: pair[0].weight)
    return Answer(
        said.text,
        said.value,
        said.source,
        confidence=said.confidence if tally.method == "max" else min(1.0, agreement),
        tally=tally,
        drafts=tuple(drafts),
    )


def ahead(tally: Tally, outstanding: float, least: float) -> bool:
    """Whether so much weight still out can neither change the winner nor the verdict on `least`."""
    board = sorted(scores(tally.ballots, tally.method).values(), reverse=True)
    if not board:
        return False
    lead = board[0] - (board[1] if len(board) > 1 else 0.0)
    if lead < outstanding or same(lead, outstanding):
        return False
    total = tally.total + outstanding
    return least == 0.0 or board[0] / total >= least or (board[0] + outstanding) / total < least
