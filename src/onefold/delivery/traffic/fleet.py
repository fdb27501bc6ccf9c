"""Several deployments under one name: which one is tried first, which one next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from onefold.core.errors import ConfigError
from onefold.delivery.traffic.settings import check

Name = Annotated[str, Meta(min_length=1)]
Pick = Literal["first", "weighted", "least_busy", "cheapest", "fastest"]
EXPLORED = 0.02  # share of calls by which the slow may show that they became fast


class Fleet(Struct, frozen=True):
    """Deployments that can stand in for each other.

    of: their names. pick: who is tried first: the first, one drawn by `weights`, the least busy,
        the cheapest or the fastest. Whoever must wait comes after those that need not.
    weights: zero or more each, for `pick="weighted"`; none means all alike.

    Raises:
        ConfigError: a name comes twice, or the weights do not fit.
    """

    name: Name
    of: Annotated[tuple[Name, ...], Meta(min_length=1)]
    pick: Pick = "first"
    weights: tuple[Annotated[float, Meta(ge=0, le=1e12)], ...] = ()

    def __post_init__(self) -> None:
        check(self)
        if len(set(self.of)) < len(self.of):
            twice = next(name for name in self.of if self.of.count(name) > 1)
            raise ConfigError(f"fleet {self.name!r}: {twice!r} comes twice, name it once")
        if not self.weights:
            return
        if self.pick != "weighted":
            raise ConfigError(
                f"fleet {self.name!r}: pick {self.pick!r} has no use for weights; "
                "leave them out, or pick weighted"
            )
        if len(self.weights) != len(self.of) or sum(self.weights) <= 0:
            raise ConfigError(
                f"fleet {self.name!r}: weights {self.weights} for {len(self.of)} deployments; "
                "give each one, not all zero"
            )


class View(NamedTuple):
    """What is known of a deployment when a call is to be placed.

    usd: US dollars the call may cost; seconds: how long it may take; None is unknown.
    inside, limit: calls there now, and how many may be. wait: seconds until it admits one more.
    """

    usd: float | None = None
    seconds: float | None = None
    inside: int = 0
    limit: int = 1
    wait: float = 0.0


def ordered(fleet: Fleet, views: Sequence[View], draw: float) -> list[int]:
    """Places in `fleet.of` in the order in which to try them.

    Where it picks the fastest, one whose speed nobody knows comes first as long as it is idle, and
    one call in fifty goes to any of them (epsilon-greedy), so that speeds stay known.

    views: one a deployment. draw: uniform in [0, 1); the same draw gives the same order.
    """
    places = list(range(len(views)))
    if fleet.pick == "weighted":
        places = drawn(fleet.weights or (1.0,) * len(views), draw)
    elif fleet.pick == "fastest" and draw < EXPLORED:
        places = drawn((1.0,) * len(views), draw / EXPLORED)
    elif fleet.pick in RANKS:
        rank = RANKS[fleet.pick]
        places.sort(key=lambda place: rank(views[place]))
    places.sort(key=lambda place: views[place].wait)
    return places


def drawn(weights: Sequence[float], draw: float) -> list[int]:
    """A weighted random order without replacement, all of it from one draw."""
    left = list(range(len(weights)))
    order: list[int] = []
    while left:
        total = sum(weights[place] for place in left)
        if total <= 0:
            return order + left
        mark = draw * total
        for place in left:
            if mark < weights[place]:
                break
            mark -= weights[place]
        else:  # rounding went past the last one
            place = max(left, key=lambda place: weights[place])
            mark = 0.0
        order.append(place)
        left.remove(place)
        draw = mark / weights[place]
    return order


def price(view: View) -> tuple[bool, float]:
    """Cheap before dear before unknown."""
    return (view.usd is None, view.usd or 0.0)


def business(view: View) -> float:
    """The share of its places that is taken."""
    return view.inside / max(1, view.limit)


def speed(view: View) -> float:
    """Unknown and idle, then fast before slow, then unknown and being tried."""
    if view.seconds is None:
        return float("inf") if view.inside else -1.0
    return view.seconds


RANKS: dict[str, Callable[[View], tuple[bool, float] | float]] = {
    "cheapest": price,
    "least_busy": business,
    "fastest": speed,
}
