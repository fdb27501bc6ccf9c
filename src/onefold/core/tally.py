"""A counted vote, as a value: who voted what with which weight, who won, how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Ties = Literal["first", "cheapest", "confident", "smallest"]
Share = Annotated[float, Meta(ge=0, le=1)]
Method = Literal["sum", "max", "all"]
Z95 = 1.959963984540054


def spell(value: Any) -> str:
    """A value as the text under which equal values meet: `4` for 4 and 4.0, JSON for the rest."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)
    try:
        return msgspec.json.encode(whole(value), order="deterministic").decode()
    except (TypeError, UnicodeError):
        return repr(value)


def whole(value: Any) -> Any:
    """A nested value with whole floats as integers, so that 4.0 and 4 meet inside it too."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e16 else value
    if isinstance(value, Mapping):
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [whole(item) for item in value]
    return value


class Ballot(Struct, frozen=True):
    """One member's vote. `value` None abstains; `weight` is what it adds to its candidate."""

    source: str
    value: Any
    weight: float = 1.0
    confidence: float | None = None
    usd: float | None = None

    @property
    def key(self) -> str | None:
        """The candidate it votes for, None where it abstains."""
        return None if self.value is None else spell(self.value)


class Tally(Struct, frozen=True):
    """A counted vote over ballots in member order.

    method: `sum` adds the weights of a candidate, `max` takes its highest, `all` adds and wants
        one candidate only.
    ties: who wins among equals: the candidate named first, the one with the cheapest supporter,
        the one with the most confident supporter, or the smallest value.
    abstentions: `count` keeps them in the denominator, `ignore` leaves them out; they never win.
    quorum: answers that were needed.
    """

    rule: str
    ballots: tuple[Ballot, ...]
    method: Method = "sum"
    ties: Ties = "first"
    abstentions: Literal["count", "ignore"] = "count"
    quorum: int = 0

    @property
    def votes(self) -> dict[str, float]:
        """Score of each candidate, in order of first mention."""
        return scores(self.ballots, self.method)

    @property
    def winner(self) -> str | None:
        """The candidate that won, None where there is none."""
        return elect(self.ballots, self.method, self.ties)

    @property
    def total(self) -> float:
        """The denominator: all weights, those of abstaining members by the named policy."""
        counted = self.abstentions == "count"
        return sum(b.weight for b in self.ballots if counted or b.value is not None)

    @property
    def agreement(self) -> float:
        """The winner's share of the total weight; under `max`, the winner's own score."""
        winner = self.winner
        if winner is None:
            return 0.0
        score = self.votes[winner]
        if self.method == "max":
            return score
        total = self.total
        return score / total if total > 0 else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson score interval of the agreement (Wilson 1927), as if members were a sample.

        Weighted votes use Kish's effective number of voters, (Σw)² / Σw².
        """
        counted = [b for b in self.ballots if self.abstentions == "count" or b.value is not None]
        weights = [b.weight for b in counted if b.weight > 0]
        if not weights:
            return (0.0, 1.0)
        if self.method == "max":
            weights = [1.0] * len(weights)
        top = max(weights)
        scaled = [weight / top for weight in weights]
        return wilson(self.agreement, sum(scaled) ** 2 / sum(w * w for w in scaled))

    @property
    def margin(self) -> float:
        """The winner's lead over the runner-up, as a share of the total weight."""
        ranked = sorted(self.votes.values(), reverse=True)
        if not ranked:
            return 0.0
        lead = ranked[0] - (ranked[1] if len(ranked) > 1 else 0.0)
        if self.method == "max":
            return lead
        total = self.total
        return lead / total if total > 0 else 0.0

    @property
    def pivotal(self) -> tuple[str, ...]:
        """Members whose absence alone would change the winner."""
        winner = self.winner
        rest = (
            (b.source, (*self.ballots[:i], *self.ballots[i + 1 :]))
            for i, b in enumerate(self.ballots)
            if b.value is not None
        )
        return tuple(s for s, others in rest if elect(others, self.method, self.ties) != winner)

    @property
    def dissent(self) -> tuple[str, ...]:
        """Members that voted for somebody else."""
        winner = self.winner
        return tuple(b.source for b in self.ballots if b.value is not None and b.key != winner)

    @property
    def abstained(self) -> tuple[str, ...]:
        """Members whose answer could not be read."""
        return tuple(b.source for b in self.ballots if b.value is None)


class Consensus(Struct, frozen=True):
    """Whether a panel agreed: `agreement` is the winner's share, `wanted` the share it needed."""

    reached: bool
    agreement: float
    wanted: float


class Trust(Struct, frozen=True, omit_defaults=True):
    """The probability that an answer is right, fitted to recorded outcomes; what it rests on.

    probability, low, high: with its 95 % interval. outcomes: graded questions behind it.
    voters: how many independent members the drafts are worth, None where nobody knows.
    cofailure: share of questions on which two wrong members say the same wrong thing, mean over
        the pairs that answered; None where nobody knows.
    basis: what it was fitted on, or what was fallen back to, in words.
    """

    probability: Share
    low: Share = 0.0
    high: Share = 1.0
    outcomes: int = 0
    voters: float | None = None
    cofailure: Share | None = None
    basis: str = ""

    def __str__(self) -> str:
        about = [f"{self.probability:.3f} (95 % interval {self.low:.3f} to {self.high:.3f})"]
        if self.basis:
            about.append(self.basis)
        if self.voters is not None:
            about.append(f"worth {self.voters:.1f} independent voters")
        if self.cofailure is not None:
            about.append(f"same mistake in {self.cofailure:.1%} of questions")
        return ", ".join(about)


def scores(ballots: Sequence[Ballot], method: Method) -> dict[str, float]:
    """Score of each candidate, in order of first mention; abstentions score nothing."""
    board: dict[str, float] = {}
    for ballot in ballots:
        value = ballot.value
        if value is None:
            continue
        key = value if type(value) is str else spell(value)
        held = board.get(key)
        if held is None:
            board[key] = ballot.weight
        elif method == "max":
            board[key] = max(held, ballot.weight)
        else:
            board[key] = held + ballot.weight
    return board


def elect(ballots: Sequence[Ballot], method: Method, ties: Ties) -> str | None:
    """The winning candidate, ties broken by the named policy; None without any vote."""
    board = scores(ballots, method)
    if not board:
        return None
    top = max(board.values())
    level = [key for key, score in board.items() if same(score, top)]
    if len(level) == 1 or ties == "first":
        return level[0]
    return level[tie_order(ballots, level, ties)]


def same(a: float, b: float) -> bool:
    """Equal but for rounding: sums of the same weights in another order must tie."""
    return abs(a - b) <= 1e-12 * max(1.0, abs(a), abs(b))


def tie_order(ballots: Sequence[Ballot], level: Sequence[str], ties: Ties) -> int:
    """Index in `level` of the candidate that the policy prefers, the first one among equals."""
    backers = [[b for b in ballots if b.key == key] for key in level]
    if ties == "cheapest":
        costs = [
            min((b.usd for b in group if b.usd is not None), default=float("inf"))
            for group in backers
        ]
        return costs.index(min(costs))
    if ties == "confident":
        sure = [
            max((b.confidence for b in group if b.confidence is not None), default=-1.0)
            for group in backers
        ]
        return sure.index(max(sure))
    values = [group[0].value for group in backers]
    numbers = all(isinstance(v, int | float) for v in values)
    return values.index(min(values)) if numbers else level.index(min(level))


def wilson(share: float, n: float) -> tuple[float, float]:
    """95 % Wilson score interval for a share of n trials (n need not be whole)."""
    share = min(1.0, max(0.0, share))
    z2 = Z95 * Z95
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * ((share * (1 - share) / n + z2 / (4 * n * n)) ** 0.5)
    return (max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share)))
