"""Routers made of routers: the first with an opinion, the best few, a mixture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from onefold.core.errors import ConfigError
from onefold.core.query import Query
from onefold.verbs import Router


class FirstOf(Router, name="first_of"):
    """The opinion of the first router that has one."""

    routers: tuple[Router, ...]

    if TYPE_CHECKING:

        def __init__(self, routers: Iterable[Router | str | Any]) -> None: ...

    @property
    def again(self) -> bool:  # type: ignore[override]
        """Whether one of its routers wants to be asked again."""
        return any(router.again for router in self.routers)

    async def route(self, query: Query) -> Mapping[str, float]:
        for router in self.routers:
            weights = await router.route(query)
            if any(weight > 0 for weight in weights.values()):
                return weights
        return {}

    def _check(self) -> None:
        if not self.routers:
            raise ConfigError("first_of needs at least one router")


class Top(Router, name="top"):
    """The `count` members that a router prefers most; among equals those it names first."""

    router: Router
    count: Annotated[int, Meta(ge=1)] = 1

    if TYPE_CHECKING:

        def __init__(self, router: Router | str | Any, count: int = 1) -> None: ...

    @property
    def again(self) -> bool:  # type: ignore[override]
        """Whether its router wants to be asked again."""
        return self.router.again

    async def route(self, query: Query) -> Mapping[str, float]:
        weights = await self.router.route(query)
        ranked = sorted(weights, key=lambda name: -weights[name])
        return {name: weights[name] for name in ranked[: self.count]}


class Mix(Router, name="mix"):
    """The weighted mean of what routers say; those without an opinion do not count.

    Each router's weights are made to sum to 1 first, so that none is louder for its scale.

    weights: one a router, not all zero; left empty, all count alike.
    """

    routers: tuple[Router, ...]
    weights: tuple[Annotated[float, Meta(ge=0)], ...] = ()

    if TYPE_CHECKING:

        def __init__(
            self, routers: Iterable[Router | str | Any], weights: Iterable[float] = ()
        ) -> None: ...

    @property
    def again(self) -> bool:  # type: ignore[override]
        """Whether one of its routers wants to be asked again."""
        return any(router.again for router in self.routers)

    async def route(self, query: Query) -> Mapping[str, float]:
        mixed: dict[str, float] = {}
        heard = 0.0
        for router, share in zip(self.routers, self._shares(), strict=True):
            weights = await router.route(query)
            total = sum(weights.values())
            if total > 0:
                heard += share
                for name, weight in weights.items():
                    mixed[name] = mixed.get(name, 0.0) + share * weight / total
        return {name: weight / heard for name, weight in mixed.items() if weight > 0}

    def _shares(self) -> tuple[float, ...]:
        return self.weights or (1.0,) * len(self.routers)

    def _check(self) -> None:
        if not self.routers:
            raise ConfigError("mix needs at least one router")
        if self.weights and (len(self.weights) != len(self.routers) or not sum(self.weights)):
            raise ConfigError(
                f"weights {self.weights} for {len(self.routers)} routers: give each one, not all "
                "zero; zero leaves a router out"
            )
