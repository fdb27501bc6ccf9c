"""What a search may spend, and how many calls of which kind that probably is."""

from __future__ import annotations

from contextlib import AbstractContextManager
from math import inf
from typing import Annotated

from msgspec import Meta, Struct

from onefold.core.errors import BudgetExceeded, ConfigError
from onefold.core.usage import Usage, estimated_tokens
from onefold.delivery.budget import Budget, bounded
from onefold.delivery.deployment import Deployment
from onefold.delivery.provider import Request
from onefold.operators.search.node import Node


class Bounds(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """At most so many calls, tokens (read and written), US dollars; whichever ends first.

    Everything that a search calls counts, its judge included, and what is read again counts again.
    """

    calls: Annotated[int, Meta(ge=1)] | None = None
    tokens: Annotated[int, Meta(ge=1)] | None = None
    usd: Annotated[float, Meta(gt=0)] | None = None

    def __post_init__(self) -> None:
        if (self.calls, self.tokens, self.usd) == (None, None, None):
            raise ConfigError("a budget needs a bound: calls, tokens or usd")


class Mean:
    """A mean that starts from a guess, which the first figure replaces."""

    __slots__ = ("count", "guess", "total")

    def __init__(self, guess: float) -> None:
        self.guess = guess
        self.total = 0.0
        self.count = 0.0

    def add(self, figure: float, count: float = 1.0) -> None:
        """Take in the sum of so many figures."""
        self.total += figure
        self.count += count

    @property
    def value(self) -> float:
        """The mean so far."""
        return self.total / self.count if self.count else self.guess


class Purse:
    """The live budget of one search. It only plans: what is spent is kept by the corridor.

    models: those that may be asked; empty for an operator that is no model. whole, judge: what one
    whole answer and one score take as planned. step: tokens that a step may have.
    """

    def __init__(
        self,
        bounds: Bounds | None,
        models: tuple[Deployment, ...],
        whole: Usage,
        judge: Usage,
        step: int,
    ) -> None:
        self.models = models
        self.budget = (
            None if bounds is None else Budget(bounds.usd, tokens=bounds.tokens, calls=bounds.calls)
        )
        self.prompt = whole.tokens_in
        self.reads = Mean(1.0)  # tokens read for each that was estimated
        self.step = Mean(float(step))
        self.whole = Mean(float(whole.tokens_out))
        self.calls = Mean(float(whole.calls))
        self.usd = Mean(whole.usd or 0.0)
        self.judging = tuple(map(Mean, (judge.calls, judge.tokens, judge.usd or 0.0)))

    def scope(self) -> AbstractContextManager[None]:
        """What is called inside is held to the budget."""
        return bounded(None, self.budget)

    def check(self, name: str, least: Usage) -> None:
        """Refuse a budget that is below one call, before anything is paid.

        Raises:
            ConfigError: says what one call may take.
        """
        budget = self.budget
        if budget is None:
            return
        if budget.usd is not None and least.usd is None:
            raise ConfigError(
                f"{name} has no known price, so a budget of ${budget.usd:g} cannot be kept: give "
                "it a price, or bound the search by calls or tokens"
            )
        fresh = Budget(budget.usd, tokens=budget.tokens, calls=budget.calls)
        try:
            fresh.reserve(least, name)
        except BudgetExceeded as error:
            raise ConfigError(f"the search's budget is below one call: {error}") from None

    def least(self, model: Deployment, request: Request, most: int | None) -> Usage:
        """What one call may take, as the corridor reserves it."""
        if model.provider.bounded and self.budget is not None and self.budget.metered:
            return model.bound(request.most_tokens_in, most or model.typical_tokens)
        return model.estimate(request)

    def fits(self, nodes: list[Node], wanted: int, keep: int, whole: bool) -> int:
        """How many of `wanted` calls from nodes are affordable, so that `keep` can be ended."""
        budget = self.budget
        if budget is None or not nodes:
            return wanted
        spent = budget.spent
        left = (
            inf if budget.calls is None else budget.calls - spent.calls,
            inf if budget.tokens is None else budget.tokens - spent.tokens,
            inf if budget.usd is None else budget.usd - (spent.usd or 0.0),
        )
        each = self._mean(nodes, whole)
        ends = (0.0, 0.0, 0.0) if whole else self._mean(nodes, True)
        for kept in (keep, 1):  # rather one answer chosen step by step than none
            fit = min(
                (have - kept * end) / cost if cost > 0 else inf
                for have, cost, end in zip(left, each, ends, strict=True)
            )
            if fit >= 1:
                break
        return wanted if fit >= wanted else max(0, int(fit + 1e-9))

    def allowance(self, request: Request, count: int) -> int | None:
        """Tokens that each of `count` such calls may write, so that all of them fit; None: any."""
        if self.budget is None or not self.budget.metered or not self.models:
            return None
        model = self.models[0]
        read = request.most_tokens_in if model.provider.bounded else request.tokens
        least = model.bound(read * count, 0)
        price = model.price.tokens_out if model.price else 0.0
        most = self.budget.affordable(least, price)
        return None if most is None else max(1, most // count)

    def wrote(self, node: Node, usage: Usage, whole: bool) -> None:
        """Take in what a call for a node used."""
        if self.models and node.parent is not None and usage.tokens_in:
            self.reads.add(usage.tokens_in, self.prompt + estimated_tokens(node.parent.text))
        if not whole:
            self.step.add(usage.tokens_out)
        if node.finish:
            self.whole.add(node.usage.tokens_out)
        if not self.models:
            self.calls.add(usage.calls)
            self.usd.add(usage.usd or 0.0)

    def judged(self, usage: Usage) -> None:
        """Take in what a score used."""
        figures = (usage.calls, usage.tokens, usage.usd or 0.0)
        for mean, figure in zip(self.judging, figures, strict=True):
            mean.add(figure)

    def _mean(self, nodes: list[Node], whole: bool) -> tuple[float, float, float]:
        """Calls, tokens and US dollars that one more call from one of these nodes probably takes,
        with its score.
        """
        text = sum(len(node.text) for node in nodes) / len(nodes) / 4
        read = self.reads.value * (self.prompt + text)
        wrote = sum(node.usage.tokens_out for node in nodes) / len(nodes)
        write = max(self.step.value, self.whole.value - wrote) if whole else self.step.value
        if not self.models:
            write = self.whole.value
        usd, calls = self.usd.value, self.calls.value
        if self.models:
            price, calls = self.models[0].price, 1.0
            usd = price.of(round(read), round(write)) if price else 0.0
        judge = [mean.value for mean in self.judging]
        return calls + judge[0], read + write + judge[1], usd + judge[2]
