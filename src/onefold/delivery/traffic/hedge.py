"""When a reply is late enough to ask a second time, learned from how long replies take."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from math import exp
from typing import Annotated

from msgspec import Meta, Struct

from onefold.delivery.traffic.settings import Count, Seconds, Share, check

KEPT = 512  # latencies that are remembered
STALE = 64  # latencies after which quantiles are taken anew
COARSE, FINE = 0.3, 0.02  # steps of the delay's logarithm, at first and in the end
SETTLED = 160  # calls after which steps become smaller
EARLY = 4  # times the share of late calls meant, as the first delay has it: it rises faster
SPENDING = 1.1  # late calls aimed at, as a multiple of those that may be hedged
SAVED = 1000  # calls whose deposits are kept at most


class Hedging(Struct, frozen=True):
    """When a second attempt is started beside a late first one.

    after: seconds; None learns it: the quantile of latencies that lets `extra` be used up.
    quantile: another one, in (0, 1). extra: second attempts as a share of calls, in [0, 1].
    least: replies that must have been seen before a delay is known.

    Raises:
        ConfigError: a value is out of its range.
    """

    after: Seconds | None = None
    quantile: Annotated[float, Meta(gt=0, lt=1)] | None = None
    extra: Share = 0.05
    least: Count = 20

    def __post_init__(self) -> None:
        check(self)


class Latencies:
    """How long the last 512 calls took, in seconds, those included that were not waited for."""

    __slots__ = ("cut", "fresh", "known", "ordered", "ring", "seen")

    def __init__(self) -> None:
        self.ring: list[float] = []
        self.cut: deque[tuple[int, float]] = deque(maxlen=KEPT)
        self.seen = 0
        self.fresh = 0
        self.ordered: list[float] = []
        self.known: dict[float, float] = {}

    def __len__(self) -> int:
        return len(self.ring)

    def saw(self, seconds: float) -> None:
        """A reply came after so many seconds."""
        if len(self.ring) < KEPT:
            self.ring.append(seconds)
        else:
            self.ring[self.seen % KEPT] = seconds
        self.seen += 1
        self.fresh += 1

    def saw_at_least(self, seconds: float) -> None:
        """A call was given up after so many seconds; its reply would have come later."""
        self.cut.append((self.seen, seconds))
        self.fresh += 1

    @property
    def mean(self) -> float | None:
        """Mean of the replies that came; None before the first."""
        return sum(self.ring) / len(self.ring) if self.ring else None

    @property
    def median(self) -> float | None:
        """Median of all; None before the first reply."""
        return self.quantile(0.5)

    def quantile(self, share: float) -> float | None:
        """Seconds that `share` of the calls do not pass; None before the first reply.

        Calls given up at c seconds weigh on all that took longer than c (Kaplan & Meier 1958, as
        Efron's redistribution to the right, 1967). Where too few of those are known, the longest
        time known. Taken anew every 64 calls.
        """
        if self.fresh >= STALE or self.fresh >= len(self.ordered):
            self.ordered = sorted(self.ring)
            self.known = {}
            self.fresh = 0
        found = self.known.get(share)
        if found is None and self.ordered:
            found = self.known[share] = self._estimate(share)
        return found

    def _estimate(self, share: float) -> float:
        """The quantile, estimated now."""
        ordered = self.ordered
        cuts = sorted(seconds for at, seconds in list(self.cut) if at >= self.seen - KEPT)
        count, above = len(ordered), len(ordered) + len(cuts)
        weight, sought, passed = 1.0 / above, share - 1e-12, 0
        for cut in cuts:
            here = bisect_right(ordered, cut, passed)
            if (here - passed) * weight >= sought:
                break
            sought -= (here - passed) * weight
            above -= here - passed
            passed = here
            if above > 1:
                weight *= above / (above - 1)
            above -= 1
        steps = int(-(-sought // weight))  # samples from here on, rounded up
        if passed + steps <= count:
            return ordered[max(0, passed + steps - 1)]
        return max(ordered[-1], cuts[-1]) if cuts else ordered[-1]


class Hedge:
    """The delay of a deployment's second attempts, and how many it may still have.

    A hedged request is sent once the first has been out longer than most take, the later answer
    being dropped (Dean & Barroso, "The Tail at Scale", 2013). The delay is found by stochastic
    approximation on what is seen of every call, whether it was still out at the delay (Robbins &
    Monro 1951): unlike a sample's quantile it does not fall into the gap between the fast and the
    slow by chance, and calls that were let go do not bias it.

    latencies: shared with whoever else wants to know them; tell each reply once.
    """

    __slots__ = (
        "after", "balance", "calls", "extra", "found", "late", "latencies", "least", "most",
    )  # fmt: skip

    def __init__(self, settings: Hedging | None = None, latencies: Latencies | None = None) -> None:
        settings = settings or Hedging()
        self.latencies = Latencies() if latencies is None else latencies
        self.after = settings.after
        self.least = settings.least
        self.extra = settings.extra
        self.late = SPENDING * settings.extra
        if settings.quantile is not None:
            self.late = 1.0 - settings.quantile
        self.found: float | None = None
        self.calls = 0
        self.balance = 0.0 if settings.after is None or not settings.extra else 1.0
        self.most = 1.0 + SAVED * settings.extra

    def delay(self) -> float | None:
        """Seconds after which this call gets a second attempt; None while that is not known."""
        if self.after is not None:
            return self.after
        if self.found is None:
            if self.latencies.seen < self.least:
                return None
            self.found = self.latencies.quantile(max(0.5, 1.0 - EARLY * self.late))
        if self.found is not None:
            self.calls += 1
            self.found *= exp(-self.step * self.late)
        return self.found

    @property
    def step(self) -> float:
        """By how much one late call moves the delay's logarithm: much at first, then less."""
        return max(FINE, min(COARSE, COARSE * SETTLED / max(self.calls, 1)))

    def deposit(self) -> None:
        """A call is made."""
        balance = self.balance + self.extra
        self.balance = balance if balance < self.most else self.most

    def passed(self) -> None:
        """A call was still out when its delay had passed."""
        if self.found is not None:
            self.found *= exp(self.step)

    def withdraw(self) -> bool:
        """Whether a second attempt may be made: never more than `extra` of the calls.

        Where the delay is given there is one to start with, for those who make few calls.
        """
        if self.balance < 1 - 1e-9:
            return False
        self.balance -= 1
        return True
