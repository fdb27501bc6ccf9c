"""Routers that weigh members by price, time, load, or how they fared, or in turn."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from onefold.core.errors import ConfigError
from onefold.core.query import Message, Query
from onefold.core.tally import wilson
from onefold.delivery.deployment import Deployment
from onefold.delivery.provider import Request
from onefold.delivery.session import here
from onefold.experience.experience import lived
from onefold.verbs import Router

Members = tuple[str, ...] | Mapping[str, str]
Positive = Annotated[float, Meta(gt=0)]
Strength = Annotated[float, Meta(ge=0, le=10)]


class PerDollar(Router, name="per_dollar"):
    """Weights divided by what a call with this prompt may cost, in US dollars.

    router: whose weights; without one every member has weight 1.
    members: names of models, or `{member: model}` for members that have names of their own.
    strength: exponent of the price: 0 leaves weights alone, 1 divides by it.
    least: US dollars that every call counts for at least, free ones too.

    Raises:
        ConfigError: a member's price is not known, or no model has its name.
    """

    router: Router | None = None
    members: Members = ()
    strength: Strength = 1.0
    least: Positive = 1e-6

    if TYPE_CHECKING:

        def __init__(
            self,
            router: Router | str | Any = None,
            members: Iterable[str] | Mapping[str, str] = (),
            strength: float = 1.0,
            least: float = 1e-6,
        ) -> None: ...

    async def route(self, query: Query) -> Mapping[str, float]:
        message = Message("user", query.prompt)

        def price(model: Deployment) -> float:
            usd = model.estimate(Request(model.name, (message,))).usd
            if usd is None:
                raise ConfigError(
                    f"model {model.name!r} has no known price, so per_dollar cannot weigh it: "
                    "give it a price"
                )
            return max(usd, self.least)

        weights = await preferred(self.router, self.members, query)
        return divided(weights, self.members, price, self.strength)

    def _check(self) -> None:
        somebody(self)


class PerSecond(Router, name="per_second"):
    """Weights divided by how long a call takes: the measured median, else what is typical.

    router, members, strength: as for `PerDollar`. least: seconds that every call counts for.
    """

    router: Router | None = None
    members: Members = ()
    strength: Strength = 1.0
    least: Positive = 1e-3

    if TYPE_CHECKING:

        def __init__(
            self,
            router: Router | str | Any = None,
            members: Iterable[str] | Mapping[str, str] = (),
            strength: float = 1.0,
            least: float = 1e-3,
        ) -> None: ...

    async def route(self, query: Query) -> Mapping[str, float]:
        models = here().models

        def seconds(model: Deployment) -> float:
            median = models.line(model).latencies.median
            return max(model.typical_seconds if median is None else median, self.least)

        weights = await preferred(self.router, self.members, query)
        return divided(weights, self.members, seconds, self.strength)

    def _check(self) -> None:
        somebody(self)


class LeastBusy(Router, name="least_busy"):
    """Weights divided by one plus the share of a model's places that is taken or waited for, and
    by one plus the seconds until it admits one more call.

    A model without limits is never busy. router, members, strength: as for `PerDollar`.
    """

    router: Router | None = None
    members: Members = ()
    strength: Strength = 1.0

    if TYPE_CHECKING:

        def __init__(
            self,
            router: Router | str | Any = None,
            members: Iterable[str] | Mapping[str, str] = (),
            strength: float = 1.0,
        ) -> None: ...

    async def route(self, query: Query) -> Mapping[str, float]:
        models, now = here().models, get_running_loop().time()

        def business(model: Deployment) -> float:
            line = models.line(model)
            gate = line.gate
            taken = 0.0 if gate is None else (gate.inside + gate.waiting) / max(1, gate.limit)
            return (1.0 + taken) * (1.0 + line.wait(1, now))

        weights = await preferred(self.router, self.members, query)
        return divided(weights, self.members, business, self.strength)

    def _check(self) -> None:
        somebody(self)


class Performance(Router, name="performance"):
    """Weights times how members fared lately, as `answer.feedback` told; a half for new ones.

    cautious: take the low end of its 95 % interval instead of the mean, so that what is not sure
        weighs less. router, members, strength: as for `PerDollar`, by members' own names.
    """

    router: Router | None = None
    members: tuple[str, ...] = ()
    cautious: bool = False
    strength: Strength = 1.0

    if TYPE_CHECKING:

        def __init__(
            self,
            router: Router | str | Any = None,
            members: Iterable[str] = (),
            cautious: bool = False,
            strength: float = 1.0,
        ) -> None: ...

    async def route(self, query: Query) -> Mapping[str, float]:
        known = lived()
        weights = dict(await preferred(self.router, self.members, query))
        for name in weights:
            stood = known.standing(name)
            share = (2.0 * 0.5 + stood.weight * stood.score) / (2.0 + stood.weight)
            if self.cautious:
                share = wilson(share, 2.0 + stood.weight)[0]
            weights[name] *= share**self.strength
        return weights

    def _check(self) -> None:
        somebody(self)


class RoundRobin(Router, name="round_robin"):
    """Each member in turn comes first, whatever is asked; a session counts the turns.

    router: whose members take turns, as far as it has an opinion. members: who does otherwise.
    """

    router: Router | None = None
    members: tuple[str, ...] = ()

    if TYPE_CHECKING:

        def __init__(
            self, router: Router | str | Any = None, members: Iterable[str] = ()
        ) -> None: ...

    async def route(self, query: Query) -> Mapping[str, float]:
        names = list(await preferred(self.router, self.members, query))
        if not names:
            return {}
        pupils = lived().pupils
        turn = pupils[self] = pupils.get(self, -1) + 1
        count = len(names)
        return {names[(turn + place) % count]: 1.0 - place / count for place in range(count)}

    def _check(self) -> None:
        somebody(self)


def somebody(part: PerDollar | PerSecond | LeastBusy | Performance | RoundRobin) -> None:
    """Check that a router names somebody.

    Raises:
        ConfigError: it has neither members nor a router.
    """
    if part.router is None and not part.members:
        raise ConfigError(f"{part.name_of_part} needs members, or a router that names them")


async def preferred(router: Router | None, members: Members, query: Query) -> Mapping[str, float]:
    """A router's weights; without one, 1 for each member."""
    return dict.fromkeys(members, 1.0) if router is None else await router.route(query)


def divided(
    weights: Mapping[str, float],
    members: Members,
    measure: Callable[[Deployment], float],
    strength: float,
) -> dict[str, float]:
    """Weights divided by a measure of the member's model; of a fleet, its least.

    Raises:
        ConfigError: no model has a member's name.
    """
    models = here().models
    spelled = members if isinstance(members, Mapping) else {}
    return {
        name: weight / min(map(measure, models.members(spelled.get(name, name)))) ** strength
        for name, weight in weights.items()
    }
