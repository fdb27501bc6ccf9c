"""A router that learns from feedback while it works."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Annotated

from msgspec import Meta

from onefold.core.errors import ConfigError
from onefold.core.query import Query
from onefold.experience.experience import lived
from onefold.verbs import Router


class Online(Router, name="online"):
    """Corrects a router by what `answer.feedback` taught; without one it starts from nothing.

    members: whom it may prefer besides those that the router names.
    router: its first opinion, of quality in [0, 1]; a half for members that it does not name.
    strength: how many outcomes that first opinion counts for.
    alike: 0 counts every outcome of a member alike; 1 by how like its prompt was to this one.
    explore: draws each quality from what is believed of it (Thompson 1933), instead of its mean.
    """

    members: tuple[str, ...] = ()
    router: Router | None = None
    strength: Annotated[float, Meta(gt=0)] = 10.0
    alike: Annotated[float, Meta(ge=0, le=1)] = 0.5
    explore: bool = False

    async def route(self, query: Query) -> Mapping[str, float]:
        first = dict(await self.router.route(query)) if self.router is not None else {}
        top = max([1.0, *first.values()])
        opinion = {name: max(0.0, weight) / top for name, weight in first.items()}
        opinion = {**dict.fromkeys(self.members, 0.5), **opinion}
        learned = lived().like(query.prompt, self.alike)
        draw = Random(f"{sum(n for n, _ in learned.values()):.6f} {query.prompt}")
        weights = {}
        for name, share in opinion.items():
            count, good = learned.get(name, (0.0, 0.0))
            good, total = self.strength * share + good, self.strength + count
            if self.explore:
                weights[name] = draw.betavariate(max(good, 1e-3), max(total - good, 1e-3))
            else:
                weights[name] = good / total
        return weights

    def _check(self) -> None:
        if not self.members and self.router is None:
            raise ConfigError("online needs members, or a router that names them")
