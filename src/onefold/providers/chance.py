"""Seeded chance for replayed and simulated models: the same question draws the same luck."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from math import exp
from typing import Annotated, Any

from msgspec import Meta, Struct


@cache
def standard() -> Any:
    """The standard normal distribution; loaded when chance is first asked."""
    from statistics import NormalDist

    return NormalDist()


def uniform(*parts: object) -> float:
    """A number in (0, 1) drawn from what is named, the same each time and on each machine."""
    text = "\x1f".join(str(part) for part in parts)
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return ((int.from_bytes(digest, "big") >> 12) + 0.5) / 2**52


def normal(*parts: object) -> float:
    """A standard normal number drawn from what is named."""
    drawn: float = standard().inv_cdf(uniform(*parts))
    return drawn


class Latency(Struct, frozen=True, omit_defaults=True):
    """How long replies take: log-normal, `median` seconds, `sigma` on the log scale.

    A sigma of 0.5 puts the 99th percentile at 3.2 medians, one of 1.0 at 10.
    per_token: seconds added for each token written.
    """

    median: Annotated[float, Meta(ge=0)] = 0.0
    sigma: Annotated[float, Meta(ge=0)] = 0.5
    per_token: Annotated[float, Meta(ge=0)] = 0.0

    def seconds(self, tokens: int, *parts: object) -> float:
        """A draw for one reply."""
        return self.median * exp(self.sigma * normal("latency", *parts)) + self.per_token * tokens
