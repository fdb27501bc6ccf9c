"""A panel: many members answer as one. Its life is one sentence: route, draft, judge, decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from onefold.core.answer import Answer, cancelled, failed
from onefold.core.errors import BudgetExceeded, ConfigError, NoAnswer, unknown
from onefold.core.query import Query
from onefold.core.tally import Consensus, Tally
from onefold.operators.failing import FATAL, fatal
from onefold.operators.wrappers import Named
from onefold.readers.text import LowercaseTrim
from onefold.runtime.relay import Relay, relay
from onefold.runtime.trace import Span, current
from onefold.stops.bounds import Never
from onefold.verbs import Judge, Operator, Race, Reader, Router, Stop, Vote, judged, label, perform

PLAIN = LowercaseTrim()
Seconds = Annotated[float, Meta(ge=0)]


class Panel(Operator, name="panel"):
    """Many members, one answer.

    members: operators, as a list or as `{name: operator}`. One that stands there several times
        draws a new sample each time.
    vote: decides from `query.drafts`: majority, weighted, best, unanimous, or any operator.
    stop: when it is enough; asked after every draft. What still runs then is cancelled.
    stagger: seconds from one start to the next, which comes at once when a member ends:
        0 is parallel, 0.5 hedged, inf one by one.
    patience: seconds after which the members still out are cancelled and the vote is taken.
    quorum: answers needed. None: half of the members asked, unless `stop` was satisfied with
        less; a number holds always.
    route: which members, in which order; no opinion means all, as they stand.
    judge: scores each draft as it comes; the score becomes its confidence.
    reads: how drafts become comparable; None: as the query says, else without regard to case
        and outer space.
    """

    members: tuple[Operator, ...]
    vote: Operator = "majority"  # type: ignore[assignment]
    stop: Stop = "never"  # type: ignore[assignment]
    stagger: Seconds = 0.0
    patience: Annotated[float, Meta(gt=0)] = float("inf")
    quorum: Annotated[int, Meta(ge=1)] | None = None
    route: Router | None = None
    judge: Judge | None = None
    reads: Reader | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            members: Sequence[Operator | str | Any] | Mapping[str, Operator | str | Any],
            vote: Operator | str | Any = "majority",
            stop: Stop | str | Any = "never",
            stagger: float = 0.0,
            patience: float = float("inf"),
            quorum: int | None = None,
            route: Router | str | Any = None,
            judge: Judge | str | Any = None,
            reads: Reader | str | Any = None,
        ) -> None: ...

    async def answer(self, query: Query) -> Answer:
        run = Round(self, query, await self._seats(query))
        race = await relay(
            run.draft,
            len(run.seats),
            stagger=self.stagger,
            patience=self.patience,
            enough=run.enough,
        )
        return await run.decide(race)

    async def _seats(self, query: Query) -> list[Seat]:
        """The members to ask, in order: those the router prefers, else all as they stand."""
        seats = seated(self.members)
        return await self._routed(query, seats) or seats

    async def _routed(self, query: Query, seats: list[Seat]) -> list[Seat]:
        """The seats that the router prefers, best first; none where it has no opinion."""
        if self.route is None:
            return []
        with Span("route", self.route.name_of_part, query, current.get()) as span:
            span.answer = preferred = await self.route.route(query)
        known = {seat.name: seat for seat in seats}
        for name in preferred:
            if name not in known:
                raise unknown("member", name, known)
        ranked = sorted(preferred, key=lambda name: -preferred[name])
        return [known[name] for name in ranked if preferred[name] > 0]

    def _check(self) -> None:
        if not self.members:
            raise ConfigError("the panel is empty: give it at least one member")
        if self.quorum is not None and self.quorum > len(self.members):
            raise ConfigError(
                f"quorum {self.quorum} cannot be met by {len(self.members)} members: lower it"
            )
        own = [member.name for member in self.members if isinstance(member, Named)]
        seats = [seat.name for seat in seated(self.members)]
        for name in own:
            if own.count(name) > 1 or seats.count(name) > 1:
                raise ConfigError(f"two members named {name!r}: rename one")


class Seat:
    """A member's place: its name in this panel, and which of its equal draws it is."""

    __slots__ = ("draw", "draws", "member", "name")

    def __init__(self, name: str, member: Operator, draw: int, draws: int) -> None:
        self.name = name
        self.member = member
        self.draw = draw
        self.draws = draws


def seated(members: Sequence[Operator]) -> list[Seat]:
    """Members with names of their own; equal ones are numbered and draw different samples."""
    names = [label(member) for member in members]
    seats, seen = [], dict.fromkeys(names, 0)
    for name, member in zip(names, members, strict=True):
        draw = seen[name]
        seen[name] = draw + 1
        seats.append(Seat(f"{name}#{draw + 1}" if draw else name, member, draw, 1))
    for seat, name in zip(seats, names, strict=True):
        seat.draws = seen[name]
    return seats


class Round:
    """One question going round the panel: the drafts as they come, and the decision."""

    __slots__ = ("drafts", "panel", "query", "seats", "span", "spans")

    def __init__(self, panel: Panel, query: Query, seats: list[Seat]) -> None:
        reads = panel.reads or query.reads or PLAIN
        self.panel = panel
        self.query = query if reads is query.reads else query.but(reads=reads)
        self.seats = seats
        span = current.get()
        assert span is not None, "a panel is called, never answered directly"
        self.span = span
        self.drafts: list[Answer | None] = [None] * len(seats)
        self.spans: list[Span | None] = [None] * len(seats)

    async def draft(self, index: int) -> Answer:
        """A member's answer, judged; a failure is an answer too. What is fatal goes through."""
        if self.panel.route is not None and self.panel.route.again and index:
            await self._next(index)
        seat = self.seats[index]
        query = self.query
        if seat.draws > 1:
            query = query.but(sample=query.sample * seat.draws + seat.draw)
        span = self.spans[index] = Span("draft", seat.name, query, self.span)
        try:
            draft = await perform(seat.member, query, span)
            if self.panel.judge is not None:
                score, used = await judged(self.panel.judge, self.query, draft)
                draft = draft.but(confidence=score, usage=draft.usage + used)
        except BaseException as error:
            if fatal(error):
                raise
            draft = failed(seat.name, error, span.usage, span.seconds)
        self.drafts[index] = draft
        if self.span.listeners:
            replies = [d for d in self.drafts if d is not None and d.error is None]
            self.span.note("draft", (draft, self._count(replies)))
        return draft

    async def _next(self, index: int) -> None:
        """Put the member that the router prefers now, of those not asked yet, at a place."""
        came = tuple(draft for draft in self.drafts if draft is not None)
        preferred = await self.panel._routed(self.query.but(drafts=came), self.seats)
        for place in map(self.seats.index, preferred):
            if self.spans[place] is None:  # nobody sits there yet
                self.seats[index], self.seats[place] = self.seats[place], self.seats[index]
                return

    def enough(self, results: list[Answer | None], started: int) -> bool:
        """Whether the vote can be taken now: quorum first, then what `stop` says."""
        stop = self.panel.stop
        if type(stop) is Never:
            return False
        came = tuple(draft for draft in results if draft is not None)
        if sum(draft.error is None for draft in came) < (self.panel.quorum or 0):
            return False
        out = tuple(s.name for s, r in zip(self.seats, results, strict=True) if r is None)
        span = self.span
        return stop.enough(Race(came, out, self.panel.vote, span.usage, span.so_far()))

    async def decide(self, race: Relay[Answer]) -> Answer:
        """The vote over what came, with the record of who failed, was cancelled or never asked."""
        drafts = tuple(self._draft(i, race.results[i]) for i in range(race.started))
        replies = tuple(draft for draft in drafts if draft.error is None)
        needed = self._needed(race)
        if len(replies) < max(1, needed):
            self._conclude(False, replies)
            raise missed(drafts, len(replies), needed)
        query = self.query.but(drafts=replies)
        span = Span("decide", self.panel.vote.name_of_part, query, self.span)
        try:
            answer = await perform(self.panel.vote, query, span)
        except FATAL:
            raise
        except Exception as error:  # the drafts are paid for: they go with the error
            self._conclude(False, replies)
            why = str(error) if isinstance(error, NoAnswer) else f"{span.name} failed: {error!r}"
            raise NoAnswer(why, drafts=drafts) from error
        self._conclude(race.stopped or answer.agreement > 0.5, replies)
        tally = None if answer.tally is None else with_quorum(answer.tally, needed)
        unasked = tuple(seat.name for seat in self.seats[race.started :])
        return answer.but(drafts=drafts, unasked=unasked, tally=tally)

    def _draft(self, index: int, result: Answer | None) -> Answer:
        if result is not None:
            return result
        span = self.spans[index]
        if span is None:
            return cancelled(self.seats[index].name)
        return cancelled(self.seats[index].name, span.usage, span.seconds)

    def _needed(self, race: Relay[Answer]) -> int:
        if self.panel.quorum is not None:
            return self.panel.quorum
        return 1 if race.stopped else (len(self.seats) + 1) // 2

    def _count(self, replies: Sequence[Answer]) -> Tally | None:
        """The count of some replies, where the vote is one that counts."""
        vote = self.panel.vote
        return vote.count(replies) if isinstance(vote, Vote) and replies else None

    def _conclude(self, reached: bool, replies: Sequence[Answer]) -> None:
        """Tell the listeners whether the panel agreed."""
        if self.span.listeners:
            tally = self._count(replies)
            wanted = getattr(self.panel.vote, "least", 0.0) or 0.5
            agreement = tally.agreement if tally else 0.0
            self.span.note("consensus", Consensus(reached, agreement, wanted))


def with_quorum(tally: Tally, quorum: int) -> Tally:
    """The tally, saying how many answers were needed."""
    return Tally(tally.rule, tally.ballots, tally.method, tally.ties, tally.abstentions, quorum)


def missed(drafts: tuple[Answer, ...], replies: int, needed: int) -> Exception:
    """The error where too few answered: who failed, and why."""
    why = "; ".join(
        f"{draft.source}: {draft.error.kind}: {draft.error.message}"
        for draft in drafts
        if draft.error is not None
    )
    if not replies and any(d.error and d.error.kind == "BudgetExceeded" for d in drafts):
        return BudgetExceeded(f"nobody could be asked: {why}")
    said = f"{replies} of {len(drafts)} members answered, {max(1, needed)} are needed"
    return NoAnswer(f"{said}: {why}", drafts=drafts)
