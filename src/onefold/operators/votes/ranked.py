"""The vote that ranks: judges compare the candidates, social choice joins what they prefer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Annotated, NamedTuple

from msgspec import Meta

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError, ModelError, NoAnswer, Unreadable
from onefold.core.query import Query
from onefold.core.tally import Ballot, Tally, same, spell
from onefold.operators.votes.counting import Share, ballot
from onefold.operators.votes.social import (
    Rule,
    approval,
    borda,
    copeland,
    preferences,
    ranked_pairs,
)
from onefold.runtime.relay import together
from onefold.verbs import Asks, Judge, Operator, judged

RULES = {"borda": borda, "copeland": copeland, "ranked_pairs": ranked_pairs}
HAIR = 1e-6


class Ranked(Operator, name="ranked"):
    """Judges rank what the drafts say, each candidate once; the first of the joint ranking wins.

    judges: each is one voter. One that compares (`pairs`) is asked about every two candidates; any
        other scores each candidate once, and ranks them so. What a judge cannot say is left out.
    rule: how rankings are joined (`operators/votes/social.py`). Equals go by how many drafts say
        it, then by who said it first.
    most: how many pairs may be compared; where that is not all of them, knock-out rounds come
        first, and the candidates with the fewest drafts are left out as need be.
    at: the score from which a judge approves, under `approval`.
    """

    judges: tuple[Judge, ...]
    rule: Rule = "borda"
    most: Annotated[int, Meta(ge=1)] | None = None
    at: Share = 0.5

    async def answer(self, query: Query) -> Answer:
        field = candidates(query.drafts)
        if not field:
            raise NoAnswer(
                f"nothing to rank: none of {len(query.drafts)} drafts could be read",
                drafts=query.drafts,
            )
        contest = Contest(self.judges, query, field)
        left = await contest.finalists(self.most)
        shares = self._shares(contest, left)
        tally = Tally(self._told(contest), ballots(query.drafts, field, shares), "max")
        said = next(each.said for each in field if each.key == tally.winner)
        return Answer(
            said.text,
            said.value,
            said.source,
            confidence=shares[spell(said.value)],
            tally=tally,
            drafts=query.drafts,
        )

    def _shares(self, contest: Contest, left: Sequence[int]) -> dict[str, float]:
        """The share of each candidate; nothing for those that were left out."""
        voters = [[[beats[i][j] for j in left] for i in left] for beats in contest.beats]
        if len(left) == 1:
            shares = [1.0]
        elif self.rule == "approval":
            shares = approval(
                [
                    borda(beats) if judge.compares else [scores[i] for i in left]
                    for judge, beats, scores in zip(
                        self.judges, voters, contest.scores, strict=True
                    )
                ],
                self.at,
            )
        else:
            shares = RULES[self.rule](total(voters))
        found = {contest.field[i].key: share for i, share in zip(left, shares, strict=True)}
        return {each.key: found.get(each.key, 0.0) for each in contest.field}

    def _asks(self, query: Query) -> Asks:
        """Whom it asks about so many drafts, for a plan: nobody where all say the same."""
        count = len(candidates(query.drafts))
        pairs = float(min(count * (count - 1) // 2, self.most or count * count))
        alone = float(count if count > 1 else 0)
        return [
            (judge, query.but(drafts=query.drafts[:1]), (0.0, pairs, pairs))
            if judge.compares
            else (judge, query, (0.0, alone, alone))
            for judge in self.judges
        ]

    def _told(self, contest: Contest) -> str:
        """The rule, and how much the judges failed to say."""
        failed = f", {len(contest.failures)} judgements failed" if contest.failures else ""
        return f"ranked by {self.rule}{failed}"

    def _check(self) -> None:
        if not self.judges:
            raise ConfigError("ranked needs a judge: judges: [{pairs: provider:model}]")


class Candidate(NamedTuple):
    """What some drafts say: the most confident of them, and how many they are."""

    key: str
    said: Answer
    backers: int


def candidates(drafts: Iterable[Answer]) -> list[Candidate]:
    """What the drafts that can be read say, each once, in order of first mention."""
    groups: dict[str, list[Answer]] = {}
    for draft in drafts:
        if draft.value is not None:
            groups.setdefault(spell(draft.value), []).append(draft)
    return [Candidate(key, surest(group), len(group)) for key, group in groups.items()]


def surest(drafts: Sequence[Answer]) -> Answer:
    """The most confident draft, those that state nothing last; the first among equals."""
    return max(drafts, key=lambda draft: -1.0 if draft.confidence is None else draft.confidence)


class Contest:
    """The candidates of one question before the judges.

    beats: for each judge, which candidate it prefers to which. scores: for each judge that does
    not compare, its score of each candidate. failures: judgements that could not be had.
    """

    def __init__(self, judges: Sequence[Judge], query: Query, field: Sequence[Candidate]) -> None:
        self.judges = judges
        self.query = query
        self.field = field
        count = range(len(field))
        self.beats = [[[0.0 for _ in count] for _ in count] for _ in judges]
        self.scores: list[list[float | None]] = [[None for _ in count] for _ in judges]
        self.failures: list[ModelError] = []

    async def finalists(self, most: int | None) -> list[int]:
        """The candidates left once no more than `most` pairs were compared; all are judged.

        Raises:
            Unreadable: no judge could say anything.
        """
        left = sorted(range(len(self.field)), key=lambda i: -self.field[i].backers)
        if len(left) < 2:
            return left
        await self._score()
        if any(judge.compares for judge in self.judges):
            left = await self._knocked_out(left, most)
        if self.failures and not any(map(any, total(self.beats))):
            raise Unreadable(f"no judge could rank the drafts: {self.failures[0]}")
        return left

    async def _knocked_out(self, left: list[int], most: int | None) -> list[int]:
        """Knock-out rounds, first against last, until all pairs of those left can be compared."""
        room = len(left) ** 2 if most is None else most
        left = left[: room + 1]
        while len(left) * (len(left) - 1) // 2 > room:
            seeded, half = left[len(left) % 2 :], len(left) // 2
            games = list(zip(seeded[:half], reversed(seeded[half:]), strict=True))
            await self._compare(games)
            room -= half
            beats = total(self.beats)
            out = {a if beats[b][a] > beats[a][b] else b for a, b in games}
            left = [each for each in left if each not in out]
        await self._compare(list(combinations(left, 2)))
        return left

    async def _score(self) -> None:
        """Ask the judges that do not compare for each candidate."""
        asked = [
            (n, i)
            for n, judge in enumerate(self.judges)
            if not judge.compares
            for i in range(len(self.field))
        ]

        async def ask(index: int) -> None:
            n, i = asked[index]
            self.scores[n][i] = await self._judged(n, self.query, i)

        await together(ask, len(asked))
        for n in {n for n, _ in asked}:
            self.beats[n] = preferences([self.scores[n]])

    async def _compare(self, games: Sequence[tuple[int, int]]) -> None:
        """Ask the judges that compare about pairs of candidates."""
        asked = [
            (n, *game) for n, judge in enumerate(self.judges) if judge.compares for game in games
        ]

        async def ask(index: int) -> None:
            n, i, j = asked[index]
            query = self.query.but(drafts=(self.field[j].said,))
            score = await self._judged(n, query, i)
            if score is not None:
                self.beats[n][i][j], self.beats[n][j][i] = score, 1.0 - score

        await together(ask, len(asked))

    async def _judged(self, judge: int, query: Query, candidate: int) -> float | None:
        """A judge's score of a candidate, None where it cannot be had."""
        try:
            score, _ = await judged(self.judges[judge], query, self.field[candidate].said)
            return score
        except ModelError as error:
            self.failures.append(error)
            return None


def total(voters: Sequence[Sequence[Sequence[float]]]) -> list[list[float]]:
    """What all voters prefer together."""
    count = range(len(voters[0]))
    return [[sum(beats[i][j] for beats in voters) for j in count] for i in count]


def ballots(
    drafts: Iterable[Answer], field: Sequence[Candidate], shares: dict[str, float]
) -> tuple[Ballot, ...]:
    """A ballot a draft, with its candidate's share; one of several first ones keeps all of it."""
    top = max(shares.values())
    level = [each for each in field if same(shares[each.key], top)]
    first = max(level, key=lambda each: each.backers)
    weights = shares | {each.key: top * (1 - HAIR) for each in level}
    weights[first.key] = max(top, HAIR)
    return tuple(
        ballot(draft, 0.0 if draft.value is None else weights[spell(draft.value)])
        for draft in drafts
    )
