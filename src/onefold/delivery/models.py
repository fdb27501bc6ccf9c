"""The models that a session knows: by name, alias, fleet; at which price; and how they fare."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Mapping
from random import Random
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from onefold.core.errors import ConfigError, unknown
from onefold.core.registry import lookup, lookup_kind, names
from onefold.core.usage import NOTHING, Price, Usage
from onefold.delivery.deployment import Deployment, deployment, provider
from onefold.delivery.provider import Provider, Request
from onefold.delivery.traffic.fleet import Fleet, View, ordered
from onefold.delivery.traffic.line import Line


class Spent(Struct, frozen=True):
    """What calls used, what was estimated before them, how many there were, how many failed.

    A call that failed unbilled is in `calls`, and not in `used`.
    """

    used: Usage = NOTHING
    estimated: Usage = NOTHING
    calls: int = 0
    failed: int = 0


class Models:
    """Deployments and fleets by name, with the live state of each.

    entries: as in the `models:` section of a configuration. prices: overrides.
    """

    def __init__(
        self, entries: Mapping[str, Any] | None = None, prices: Mapping[str, Any] | None = None
    ) -> None:
        self.prices = {name: as_price(name, price) for name, price in (prices or {}).items()}
        self.deployments: dict[str, Deployment | Fleet] = {}
        self.aliases: dict[str, str] = {}
        self.lines: dict[str, Line] = {}
        self.random = Random()
        for name, entry in (entries or {}).items():
            self.register(name, entry)

    def register(self, name: str, model: Any, **about: Any) -> Deployment | Fleet:
        """Make a model known by a name: a provider, its spelling, a function, or a whole entry.

        Raises:
            ConfigError: another one has the name, or the entry does not fit.
        """
        if name in self.deployments or name in self.aliases:
            raise ConfigError(f"two models named {name!r}: rename one")
        return self._known(deployment(name, {"provider": model, **about} if about else model))

    def find(self, name: str) -> Deployment | Fleet:
        """The deployment behind a name or alias, or behind `provider:model`.

        Raises:
            ConfigError: nobody knows the name; says the nearest known one.
        """
        found = self.deployments.get(name) or self.deployments.get(self.aliases.get(name, ""))
        if found is not None:
            return found
        kind, colon, _ = name.partition(":")
        if colon:
            if lookup(Provider, kind) is None:
                raise unknown("provider", kind, names(Provider))
            return self._known(deployment(name, provider(name)))
        ready = lookup(Provider, name)
        if ready is None or isinstance(ready, type):
            ready_made = [n for n in names(Provider) if not isinstance(lookup(Provider, n), type)]
            operators = names(lookup_kind("Operator"))  # a bare name may be an operator's too
            known = [*self.deployments, *self.aliases, *ready_made, *operators]
            raise unknown("model or operator", name, known)
        return self._known(deployment(name, ready))

    def _known(self, model: Deployment | Fleet) -> Deployment | Fleet:
        """Keep a deployment under its name and aliases, at the price that overrides say."""
        if isinstance(model, Deployment):
            names = (model.name, model.origin, getattr(model.provider, "model", ""))
            price = next((self.prices[name] for name in names if name in self.prices), None)
            if price is not None:
                model = structs.replace(model, price=price)
            for alias in model.aliases:
                if alias in self.aliases or alias in self.deployments:
                    raise ConfigError(f"two models named {alias!r}: rename the alias")
                self.aliases[alias] = model.name
        self.deployments[model.name] = model
        return model

    def identity(self, model: Deployment | Fleet) -> str:
        """What a model's replies depend on besides the request."""
        if isinstance(model, Deployment):
            return model.identity
        return "\n".join([model.name, *(one.identity for one in self.members(model))])

    def members(self, model: Deployment | Fleet | str) -> tuple[Deployment, ...]:
        """The deployments behind a model: itself, or those of the fleet.

        Raises:
            ConfigError: nobody knows one of them, or a fleet holds a fleet.
        """
        if isinstance(model, str):
            model = self.find(model)
        if isinstance(model, Deployment):
            return (model,)
        found = [self.find(name) for name in model.of]
        for one in found:
            if isinstance(one, Fleet):
                raise ConfigError(f"models.{model.name}: {one.name} is a fleet too: name its own")
        return tuple(one for one in found if isinstance(one, Deployment))

    def candidates(self, model: Deployment | Fleet, request: Request) -> tuple[Deployment, ...]:
        """The deployments to try for a request, in their order."""
        if isinstance(model, Deployment):
            return (model,)
        found = self.members(model)
        views = [self._view(one, request) for one in found]
        return tuple(found[place] for place in ordered(model, views, self.random.random()))

    def _view(self, model: Deployment, request: Request) -> View:
        """What a choice among deployments needs to know of one."""
        line, gate = self.line(model), self.line(model).gate
        wait = line.wait(request.tokens, get_running_loop().time())
        seconds, usd = line.latencies.median, model.estimate(request).usd
        if gate is None:
            return View(usd, seconds, wait=wait)
        return View(usd, seconds, gate.inside, gate.limit, wait)

    def line(self, model: Deployment) -> Line:
        """The live state of a deployment: its guards, and what went through it."""
        found = self.lines.get(model.name)
        if found is None:
            found = Line(model.limits, model.retry, model.breaker, model.hedge)
            self.lines[model.name] = found
        return found

    def usage(self, by: Literal["model", "provider", "tag"] = "model") -> dict[str, Spent]:
        """What was used so far, live, and what was estimated for it beforehand.

        by: each model, each provider, or each tag; a model with two tags counts under both.
        """
        found: dict[str, Spent] = {}
        for name, line in self.lines.items():
            model = self.deployments.get(name)
            if not line.calls:
                continue
            if by == "model" or not isinstance(model, Deployment):
                groups: tuple[str, ...] = (name,)
            else:
                groups = model.tags if by == "tag" else (model.provider.name_of_part,)
            for group in groups:
                held = found.get(group, Spent())
                found[group] = Spent(
                    held.used + line.used.total,
                    held.estimated + line.expected.total,
                    held.calls + line.calls,
                    held.failed + line.failed,
                )
        return found

    def models(
        self, *, tag: str = "", provider: str = "", capability: str = ""
    ) -> list[Deployment]:
        """The deployments known here that have a tag, a provider, a capability; all by default."""
        return [
            model
            for model in self.deployments.values()
            if isinstance(model, Deployment)
            and (not tag or tag in model.tags)
            and (not provider or provider == model.provider.name_of_part)
            and (not capability or capability in model.capabilities)
        ]


def as_price(name: str, price: Any) -> Price:
    """A price from itself, from `{tokens_in: …, tokens_out: …}`, or from a pair (in, out).

    Raises:
        ConfigError: it is none of these.
    """
    try:
        if isinstance(price, list | tuple):
            return Price(*price)
        return price if isinstance(price, Price) else msgspec.convert(price, Price)
    except (TypeError, msgspec.ValidationError) as error:
        raise ConfigError(
            f"prices.{name}: {price!r:.60} is no price ({error}); write US dollars per million "
            "tokens: {tokens_in: 0.15, tokens_out: 0.6}"
        ) from None
