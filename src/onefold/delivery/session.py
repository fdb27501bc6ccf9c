"""What frozen parts must not hold: models, cache, journal, budget, who listens."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from copy import copy
from pathlib import Path
from typing import Any, Literal

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError
from onefold.core.part import Part, walk
from onefold.delivery.budget import Budget
from onefold.delivery.cache import Cache, Memory, OnDisk, Recent
from onefold.delivery.deployment import Deployment
from onefold.delivery.journal import Journal
from onefold.delivery.models import Models, Spending
from onefold.delivery.provider import Provider, Reply
from onefold.delivery.traffic.fleet import Fleet
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
    experience: path of a JSONL file (or an Experience) that keeps what `answer.feedback` taught.
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
        experience: Any = None,
    ) -> None:
        self.models = Models(models, prices)
        self.flying: dict[str, Future[Reply | None]] = {}
        self.transport = transport
        self.experience = experience
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

    def register(self, name: str, model: Any, **about: Any) -> Deployment | Fleet:
        """Make a model known by a name: a provider, its spelling, a function, or a whole entry.

        Raises:
            ConfigError: another one has the name, or the entry does not fit.
        """
        return self.models.register(name, model, **about)

    def deployment(self, name: str) -> Deployment | Fleet:
        """The deployment behind a name or alias, or behind `provider:model`.

        Raises:
            ConfigError: nobody knows the name; says the nearest known one.
        """
        return self.models.find(name)

    def usage(self, by: Literal["model", "provider", "tag"] = "model") -> dict[str, Spending]:
        """What was used so far, live, and what was estimated for it beforehand.

        by: each model, each provider, or each tag; a model with two tags counts under both.
        """
        return self.models.usage(by)

    def ready(self, part: Part) -> None:
        """Check once, before anything is paid, that every model below a part can be asked, and
        that the fitted files are there that its parts hold.
        """
        if id(part) in self._ready:
            return
        for inner in walk(part):
            if isinstance(inner, Provider):
                continue  # its `model` is the service's own name
            held = getattr(inner, "_held", None)
            if held is not None:
                held()
            model = getattr(inner, "model", None)
            if isinstance(model, str) and getattr(inner, "provider", None) is None:
                for found in self.models.members(model):
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
