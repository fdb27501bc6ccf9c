"""What frozen parts must not hold: models, cache, journal, budget, who listens."""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from copy import copy
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from msgspec import structs

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError, unknown
from onefold.core.part import Part, walk
from onefold.core.registry import lookup, lookup_kind, names
from onefold.core.usage import Price
from onefold.delivery.budget import Budget
from onefold.delivery.cache import Cache, Memory, OnDisk, Recent
from onefold.delivery.deployment import Deployment, deployment, provider
from onefold.delivery.journal import Journal
from onefold.delivery.provider import Provider, Reply, Request
from onefold.delivery.traffic.fleet import Fleet, View, ordered
from onefold.delivery.traffic.line import Line
from onefold.runtime.trace import Listener


class Session:
    """The surroundings of calls. Use it as a context manager; sessions nest, the innermost counts.

    models: deployments by name, as in the `models:` section of a configuration.
    cache: None, `memory`, or the path of an SQLite file.
    journal: path of an SQLite file that gets a row for every paid call; calls that it already
        holds are answered from it and not paid again.
    budget: US dollars (or a Budget) that may be spent in this session.
    listeners: called with every event of every span.
    longest: characters a prompt may have.
    prices: overrides of whatever price is known otherwise, by the session's name for a model, by
        `provider:model`, or by the service's name for it.
    transport: what carries HTTP instead of the process's own connections.
    """

    def __init__(
        self,
        models: Mapping[str, Any] | None = None,
        *,
        cache: str | Path | Cache | None = None,
        journal: str | Path | Journal | None = None,
        budget: float | Budget | None = None,
        listeners: Iterable[Listener] = (),
        longest: int = 8_000_000,
        prices: Mapping[str, Any] | None = None,
        transport: Any = None,
    ) -> None:
        self.prices = {name: as_price(name, price) for name, price in (prices or {}).items()}
        self.deployments: dict[str, Deployment | Fleet] = {}
        self.aliases: dict[str, str] = {}
        self.lines: dict[str, Line] = {}
        self.flying: dict[str, Future[Reply | None]] = {}
        self.random = Random()
        self.transport = transport
        self._files: list[Cache | Journal] = []
        self._closed = False
        self.cache = self._cache(cache)
        self.journal = self._journal(journal)
        self.budget = Budget(budget) if isinstance(budget, int | float) else budget
        self.listeners: tuple[Listener, ...] = tuple(listeners)
        self.longest = longest
        self.answers: Recent[Answer] = Recent()
        self._ready: dict[int, Part] = {}
        self._entered = 0
        for name, spec in (models or {}).items():
            self.register(name, spec)

    def register(self, name: str, model: Any, **about: Any) -> Deployment | Fleet:
        """Make a model known by a name: a provider, its spelling, a function, or a whole entry.

        Raises:
            ConfigError: another one has the name, or the entry does not fit.
        """
        if name in self.deployments or name in self.aliases:
            raise ConfigError(f"two models named {name!r}: rename one")
        return self._known(deployment(name, {"provider": model, **about} if about else model))

    def deployment(self, name: str) -> Deployment | Fleet:
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
            known = [*self.deployments, *self.aliases, *ready_made, *known_operators()]
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

    def members(self, model: Deployment | Fleet) -> tuple[Deployment, ...]:
        """The deployments behind a model: itself, or those of the fleet.

        Raises:
            ConfigError: a fleet holds a fleet.
        """
        if isinstance(model, Deployment):
            return (model,)
        found = [self.deployment(name) for name in model.of]
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

    def ready(self, part: Part) -> None:
        """Check once, before anything is paid, that every model below a part can be asked."""
        if id(part) in self._ready:
            return
        for inner in walk(part):
            model = getattr(inner, "model", None)
            if isinstance(model, str) and getattr(inner, "provider", None) is None:
                for found in self.members(self.deployment(model)):
                    found.provider._prepare(model)
                    self.priced(found)
        if len(self._ready) > 1000:
            self._ready.clear()
        self._ready[id(part)] = part

    def priced(self, model: Deployment) -> None:
        """Refuse a model of unknown price under a cap in dollars: the cap could not hold."""
        if self.budget and self.budget.usd is not None and model.price is None:
            raise ConfigError(
                f"model {model.name!r} has no known price, so a budget of ${self.budget.usd:g} "
                "cannot be kept: give it a price, or leave the budget out"
            )

    def journalled(self, path: str | Path | None) -> Session:
        """The same session for one run, with a journal of its own unless it has one.

        Closing the new one closes that journal, and nothing of this session.
        """
        other = copy(self)
        other._files, other._entered = [], 0
        if self.journal is None and path is not None:
            other.journal = Journal(path, paced=True)
            other._files.append(other.journal)
        return other

    def close(self) -> None:
        """Write what is still unwritten and close the files that it opened."""
        self._closed = bool(self._files)
        while self._files:
            self._files.pop().close()

    def _journal(self, journal: str | Path | Journal | None) -> Journal | None:
        """A journal, opened if it is a path."""
        if journal is None or isinstance(journal, Journal):
            return journal
        self._files.append(made := Journal(journal))
        return made

    def _cache(self, cache: str | Path | Cache | None) -> Cache | None:
        """A cache, opened if it is a path."""
        if cache is None or isinstance(cache, Cache):
            return cache
        if cache == "memory":
            return Memory()
        self._files.append(made := OnDisk(cache))
        return made

    def __enter__(self) -> Session:
        if self._closed:
            raise ConfigError("this session is closed, its files with it: make a new one")
        _entered.set((*_entered.get(), self))
        self._entered += 1
        return self

    def __exit__(self, *raised: object) -> None:
        _entered.set(_entered.get()[:-1])
        self._entered -= 1
        if not self._entered:
            self.close()


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


def known_operators() -> list[str]:
    """Names that stand for an operator, where a bare name may be a model's or an operator's."""
    return names(lookup_kind("Operator"))


def here() -> Session:
    """The session that counts here: the innermost entered one, else the process's own."""
    global _own
    entered = _entered.get()
    if entered:
        return entered[-1]
    if _own is None:
        _own = Session()
    return _own


_entered: ContextVar[tuple[Session, ...]] = ContextVar("onefold_sessions", default=())
_own: Session | None = None
