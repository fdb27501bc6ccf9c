"""The vote over meanings: drafts that mean the same count as one candidate; semantic entropy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import log
from typing import Literal

from msgspec import structs

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError, ModelError
from onefold.core.query import Query
from onefold.core.tally import spell
from onefold.operators.votes.counting import Share
from onefold.operators.votes.ranked import Candidate, candidates
from onefold.runtime.relay import together
from onefold.verbs import Asks, Judge, Operator, judged

Groups = list[list[Candidate]]


class Clustered(Operator, name="clustered"):
    """Drafts that mean the same vote as one, in the words that most of them use.

    The answer's `probs` are the shares of the meanings among the drafts that could be read; their
    entropy is the semantic entropy (Farquhar et al., Nature 2024, discrete).

    alike: scores an answer against one other in `query.drafts`; a pair that it cannot score counts
        as different. Drafts that read the same are never compared.
    vote: decides between the meanings.
    at: the score from which two answers mean the same.
    linkage: `leader` compares each candidate, most common first, with the first of every group;
        `closure` compares all with all, and joins what is alike through others.
    """

    alike: Judge
    vote: Operator = "majority"  # type: ignore[assignment]
    at: Share = 0.5
    linkage: Literal["leader", "closure"] = "leader"

    async def answer(self, query: Query) -> Answer:
        found = Grouping(self, query)
        field = sorted(candidates(query.drafts), key=lambda each: -each.backers)
        groups = await (found.led(field) if self.linkage == "leader" else found.closed(field))
        leaders = {each.key: group[0] for group in groups for each in group}
        said = await self.vote(query.but(drafts=renamed(query.drafts, leaders)))
        leader = leaders.get(spell(said.value))
        if leader is not None:
            words = leader.said
            said = said.but(text=words.text, value=words.value, source=words.source)
        said = said.but(drafts=query.drafts, probs=shares(groups))
        if said.tally is None:
            return said
        rule = f"{said.tally.rule} of meanings, semantic entropy {semantic_entropy(said):.3f}"
        failed = f", {found.failures} comparisons failed" if found.failures else ""
        return said.but(tally=structs.replace(said.tally, rule=rule + failed))

    def _asks(self, query: Query) -> Asks:
        """Every pair of drafts, should all differ; then the vote."""
        count = len(candidates(query.drafts))
        pairs = count * (count - 1) / 2
        pair = query.but(drafts=query.drafts[:1])
        return [(self.alike, pair, (0.0, pairs, pairs)), (self.vote, query, (1.0, 1.0, 1.0))]


class Grouping:
    """The candidates of one question on their way into groups."""

    def __init__(self, part: Clustered, query: Query) -> None:
        self.part = part
        self.query = query
        self.failures = 0

    async def led(self, field: Sequence[Candidate]) -> Groups:
        """Groups by their leaders: a candidate joins the first one that it is like."""
        groups: Groups = []
        for each in field:
            alike = await self._alike([(each, group[0]) for group in groups])
            home = next((group for group, same in zip(groups, alike, strict=True) if same), None)
            if home is None:
                groups.append([each])
            else:
                home.append(each)
        return groups

    async def closed(self, field: Sequence[Candidate]) -> Groups:
        """Groups as they follow from all pairs: alike to one of a group is alike to all of it."""
        pairs = list(combinations(field, 2))
        groups: Groups = [[each] for each in field]
        for (a, b), same in zip(pairs, await self._alike(pairs), strict=True):
            if same:
                one, other = (next(group for group in groups if each in group) for each in (a, b))
                if one is not other:
                    one.extend(other)
                    groups.remove(other)
        return groups

    async def _alike(self, pairs: Sequence[tuple[Candidate, Candidate]]) -> list[bool]:
        """Which pairs mean the same."""

        async def ask(index: int) -> bool:
            a, b = pairs[index]
            try:
                score, _ = await judged(self.part.alike, self.query.but(drafts=(b.said,)), a.said)
            except ModelError:
                self.failures += 1
                return False
            return score >= self.part.at

        return await together(ask, len(pairs))


def renamed(drafts: Sequence[Answer], leaders: dict[str, Candidate]) -> tuple[Answer, ...]:
    """The drafts that could be read, with the value of their group's leader, and the others."""
    return tuple(
        draft if draft.value is None else draft.but(value=leaders[spell(draft.value)].said.value)
        for draft in drafts
    )


def shares(groups: Groups) -> dict[str, float]:
    """Share of each group among the drafts that could be read, by its leader."""
    backers = [sum(each.backers for each in group) for group in groups]
    total = sum(backers)
    return {group[0].key: count / total for group, count in zip(groups, backers, strict=True)}


def semantic_entropy(answer: Answer) -> float:
    """Entropy of an answer's `probs` in nats: 0 where all mean the same, ln n where n differ.

    High values tell of answers made up anew each time (Farquhar et al., Nature 2024).

    Raises:
        ConfigError: the answer has no probs; they come from `clustered`.
    """
    if not answer.probs:
        raise ConfigError("the answer has no probs: take them from a panel with vote: clustered")
    return 0.0 - sum(p * log(p) for p in answer.probs.values() if p > 0)
