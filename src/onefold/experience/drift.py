"""Notices that a member's outcomes are no longer what they were: a two-sided CUSUM."""

from __future__ import annotations

from math import exp, log

from msgspec import Struct

BASELINE = 30
ALARM = log(2000)
STEP = 1.0
BROAD = 2.0
LEAST, MOST = 0.02, 0.98


class Change(Struct, frozen=True):
    """A change that was noticed.

    member: who. what: of which outcomes: `score`, `agreement` or `failures`. before, after: mean
    share before the change and since. since: outcomes ago that it began. seen: outcomes in all
    when it was noticed.
    """

    member: str
    what: str
    before: float
    after: float
    since: int
    seen: int

    @property
    def worse(self) -> bool:
        """Whether it is a degradation."""
        return (self.after > self.before) == (self.what == "failures")

    def __str__(self) -> str:
        how = "worse" if self.worse else "better"
        return (
            f"{self.member} became {how}: {self.what} {self.after:.0%} over the last {self.since} "
            f"outcomes, {self.before:.0%} before"
        )


class Side:
    """One side of a CUSUM: the evidence that the log-odds moved by `step` since some outcome."""

    __slots__ = ("evidence", "length", "step", "total")

    def __init__(self, step: float) -> None:
        self.step = step
        self.clear()

    def clear(self) -> None:
        """Forget all evidence."""
        self.evidence = self.total = 0.0
        self.length = 0

    def add(self, share: float, usual: float) -> bool:
        """Weigh one more outcome in [0, 1] against the usual share; whether it is too much."""
        moved = usual * exp(self.step) / (1 - usual + usual * exp(self.step))
        gained = share * log(moved / usual) + (1 - share) * log((1 - moved) / (1 - usual))
        self.evidence += gained
        if self.evidence <= 0:
            self.clear()
        else:
            self.total += share
            self.length += 1
        return self.evidence > ALARM


class Drift:
    """Watches one stream of outcomes in [0, 1].

    The first 30 are the baseline; then a two-sided CUSUM (Page 1954) tests for log-odds that moved
    by one against those of all earlier outcomes. It alarms at a likelihood ratio of 2,000, so that
    a false alarm comes about once in several thousand outcomes; after an alarm the outcomes since
    the change are the new baseline.
    """

    __slots__ = ("down", "length", "total", "up")

    def __init__(self) -> None:
        self.total, self.length = 0.0, 0
        self.down, self.up = Side(-STEP), Side(STEP)

    @property
    def usual(self) -> float:
        """The mean share since the last change, shrunk towards a half by one outcome."""
        return (self.total + 0.5) / (self.length + 1)

    def add(self, share: float) -> tuple[float, float, int] | None:
        """One more outcome; the share before and since, and its length, where it has changed."""
        changed = None
        if self.length >= BASELINE:
            usual = min(MOST, max(LEAST, self.usual))
            for side in (self.down, self.up):
                if side.add(share, usual):
                    changed = side
        if changed is None:
            self.total, self.length = self.total + share, self.length + 1
            return None
        since, total = changed.length, changed.total
        earlier = max(1, self.length + 1 - since)
        before = max(0.0, self.total + share - total) / earlier
        self.total, self.length = total, since
        self.down.clear()
        self.up.clear()
        return before, total / since, since


class Missed:
    """Notices that outcomes in [0, 1] are no longer what was expected of each.

    As `Drift`, but against an expectation of each outcome's own, so that other prompts than before
    are no change; and for log-odds that moved by two, since expectations may be a little wrong.
    """

    __slots__ = ("down", "length", "up")

    def __init__(self) -> None:
        self.length = 0
        self.down, self.up = Side(-BROAD), Side(BROAD)

    def add(self, share: float, expected: float, doubt: float = 0.0) -> int:
        """One more outcome; how many outcomes ago a change began, 0 for none.

        doubt: how far from what was expected is no surprise.
        """
        self.length += 1
        if self.length <= BASELINE:
            return 0
        for side, usual in ((self.down, expected - doubt), (self.up, expected + doubt)):
            if side.add(share, min(MOST, max(LEAST, usual))):
                since = side.length
                self.length = 0
                self.down.clear()
                self.up.clear()
                return since
        return 0
