"""Enough by a bound: never, sure, spent, and any mix of stops."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from onefold.core.errors import ConfigError
from onefold.verbs import Race, Stop

Share = Annotated[float, Meta(ge=0, le=1)]
Count = Annotated[int, Meta(ge=1)]


class Never(Stop):
    """Ask everyone."""

    def enough(self, race: Race) -> bool:
        return False


class Sure(Stop):
    """Enough once a reply is at least this confident, and there are `least` of them.

    A reply without a stated confidence counts as 0.
    """

    at: Share = 0.9
    least: Count = 1

    def enough(self, race: Race) -> bool:
        replies = [answer for answer in race.replies if answer.value is not None]
        if len(replies) < self.least:
            return False
        return max(answer.confidence or 0.0 for answer in replies) >= self.at


class Spent(Stop):
    """Enough once this much is spent: US dollars, tokens, calls, or seconds.

    Checked after each draft: what runs meanwhile is not interrupted (see `Panel.patience`).
    An unknown price counts as spent, since nobody can say that it is not.
    """

    usd: Annotated[float, Meta(ge=0)] | None = None
    tokens: Count | None = None
    calls: Count | None = None
    seconds: Annotated[float, Meta(ge=0)] | None = None

    def enough(self, race: Race) -> bool:
        used = race.usage
        return (
            (self.usd is not None and (used.usd is None or used.usd >= self.usd))
            or (self.tokens is not None and used.tokens >= self.tokens)
            or (self.calls is not None and used.calls >= self.calls)
            or (self.seconds is not None and race.seconds >= self.seconds)
        )

    def _check(self) -> None:
        if self.usd is self.tokens is self.calls is self.seconds is None:
            raise ConfigError("spent needs at least one of usd, tokens, calls, seconds")


class AnyOf(Stop):
    """Enough once one of these says so. A list of stops means this."""

    stops: tuple[Stop, ...]

    def enough(self, race: Race) -> bool:
        return any(stop.enough(race) for stop in self.stops)

    def _check(self) -> None:
        if not self.stops:
            raise ConfigError("any_of needs at least one stop")


class AllOf(Stop):
    """Enough once all of these say so."""

    stops: tuple[Stop, ...]

    def enough(self, race: Race) -> bool:
        return all(stop.enough(race) for stop in self.stops)

    def _check(self) -> None:
        if not self.stops:
            raise ConfigError("all_of needs at least one stop")
