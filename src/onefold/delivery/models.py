"""The models that a session knows: by name, alias, fleet; at which price; and how they fare."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Mapping
from enum import Enum
from itertools import chain, count
from random import Random
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from onefold.core.errors import ConfigError, unknown
from onefold.core.registry import lookup, lookup_kind, names
from onefold.core.usage import NOTHING, Price, Usage
from onefold.delivery.deployment import Deployment, defaults, deployment, provider
from onefold.delivery.provider import Provider, Request
from onefold.delivery.traffic.fleet import Fleet, View, ordered
from onefold.delivery.traffic.line import Line


class Spending(Struct, frozen=True):
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
        self.own: dict[tuple[str, int], Deployment] = {}
        self.random = Random()
        for name, entry in (entries or {}).items():
            self.register(name, entry)

    def register(self, name: str, model: Any, **about: Any) -> Deployment | Fleet:
        """Make a model known by a name: a provider, its spelling, a function, or a whole entry.

        Raises:
            ConfigError: another one has the name, or the entry does not fit.
        """
        name = plain(name)
        if name in self.deployments or name in self.aliases:
            raise ConfigError(f"two models named {name!r}: rename one")
        made = deployment(name, {"provider": model, **about} if about else model)
        return self._known(made if made.name == name else structs.replace(made, name=name))

    def find(self, name: str) -> Deployment | Fleet:
        """The deployment behind a name or alias, or behind `provider:model`.

        Raises:
            ConfigError: nobody knows the name; says the nearest known one.
        """
        found = self.deployments.get(name) or self.deployments.get(self.aliases.get(name, ""))
        if found is not None:
            return found
        if isinstance(name, Enum):
            return self.find(plain(name))
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

    def owned(self, name: str, part: Provider) -> Deployment:
        """The deployment of a model that brings its own provider; nobody else can name it.

        Another provider under the same name gets a number, so that each has guards of its own.
        """
        held = self.own.get((name, id(part)))
        if held is not None and held.provider is part:
            return held
        same = (one for one in self.own.values() if one.provider == part)
        held = next((one for one in same if one.name.partition("#")[0] == name), None)
        if held is None:
            taken = {*self.deployments, *self.aliases, *(one.name for one in self.own.values())}
            spellings = chain([name], (f"{name}#{number}" for number in count(2)))
            free = next(spelling for spelling in spellings if spelling not in taken)
            held = self._priced(Deployment(free, part, **defaults(part)))
        if len(self.own) > 1000:
            self.own.clear()
        self.own[name, id(part)] = held
        return held

    def _priced(self, model: Deployment) -> Deployment:
        """A deployment at the price that overrides say."""
        own = getattr(model.provider, "model", "")
        names = (model.name, model.name.partition("#")[0], model.origin, own)
        price = next((self.prices[name] for name in names if name in self.prices), None)
        return model if price is None else structs.replace(model, price=price)

    def _known(self, model: Deployment | Fleet) -> Deployment | Fleet:
        """Keep a deployment under its name and aliases, at the price that overrides say."""
        if isinstance(model, Deployment):
            model = self._priced(model)
            for alias in model.aliases:
                if alias in self.aliases or alias in self.deployments:
                    raise ConfigError(f"two models named {alias!r}: rename the alias")
            self.aliases |= dict.fromkeys(model.aliases, model.name)
        self.deployments[model.name] = model
        return model

    def identity(self, model: Deployment | Fleet) -> str:
        """What a model's replies depend on besides the request."""
        if isinstance(model, Deployment):
            line = self.line(model)
            line.identity = line.identity or model.identity
            return line.identity
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

    def usage(self, by: Literal["model", "provider", "tag"] = "model") -> dict[str, Spending]:
        """What was used so far, live, and what was estimated for it beforehand.

        by: each model, each provider, or each tag; a model with two tags counts under both.
        """
        found: dict[str, Spending] = {}
        own = {model.name: model for model in self.own.values()}
        for name, line in self.lines.items():
            model = self.deployments.get(name) or own.get(name)
            if not line.calls:
                continue
            if by == "model" or not isinstance(model, Deployment):
                groups: tuple[str, ...] = (name,)
            else:
                groups = model.tags if by == "tag" else (model.provider.name_of_part,)
            for group in groups:
                held = found.get(group, Spending())
                found[group] = Spending(
                    held.used + line.used.total,
                    held.estimated + line.expected.total,
                    held.calls + line.calls,
                    held.failed + line.failed,
                )
        return found

    def listed(
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


def plain(name: str | Enum) -> str:
    """A name from itself or from an enum's member."""
    return str(name.value) if isinstance(name, Enum) else name


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
