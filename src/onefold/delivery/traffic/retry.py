"""When to try again, after how long, and how much trying again a deployment is spared."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from onefold.core.errors import ModelError
from onefold.delivery.traffic.settings import Count, Duration, Seconds, Share, check

KEPT = 1000  # calls whose deposits are kept at most


class Retry(Struct, frozen=True):
    """How often a failed call is tried again.

    attempts: tries in all, at one deployment.
    base, cap: seconds; the n-th pause is drawn between zero and base · 2ⁿ⁻¹, at most `cap`.
    patience: seconds; a service that asks for a longer wait is given up.
    share: retries as a share of calls, in [0, 1]; spare: retries there are besides.

    Raises:
        ConfigError: a value is out of its range.
    """

    attempts: Count = 3
    base: Duration = 0.5
    cap: Duration = 20.0
    patience: Seconds = 60.0
    share: Share = 0.09
    spare: Annotated[int, Meta(ge=0)] = 5

    def __post_init__(self) -> None:
        check(self)


def pause(retry: Retry, number: int, error: ModelError, draw: float) -> float | None:
    """Seconds to wait after attempt `number` (from 1) failed; None is to give up.

    Full jitter (Brooker, "Exponential Backoff and Jitter", AWS 2015); Retry-After is a floor.

    draw: uniform in [0, 1).
    """
    if not error.retryable or number >= retry.attempts:
        return None
    backoff = draw * min(retry.cap, retry.base * 2.0 ** min(number - 1, 60))
    asked = error.retry_after
    if asked is None:
        return backoff
    if not asked <= retry.patience:
        return None
    return max(backoff, max(0.0, asked) + draw * retry.base)


class RetryBudget:
    """Keeps retries a share of calls, so that trying again never multiplies load.

    N calls are followed by at most N · share + spare retries, and by no more than those of the
    last thousand calls at once (after Finagle's RetryBudget).
    """

    __slots__ = ("balance", "most", "share")

    def __init__(self, retry: Retry | None = None) -> None:
        retry = retry or Retry()
        self.share = retry.share
        self.balance = float(retry.spare)
        self.most = retry.spare + KEPT * retry.share

    def deposit(self) -> None:
        """A call is made for the first time."""
        balance = self.balance + self.share
        self.balance = balance if balance < self.most else self.most

    @property
    def ready(self) -> bool:
        """Whether a retry may be made."""
        return self.balance >= 1 - 1e-9  # ten times 0.1 is one

    def withdraw(self) -> bool:
        """Whether a retry may be made; it is then counted."""
        if not self.ready:
            return False
        self.balance -= 1
        return True
