"""Search guided by rewards: many ways to an answer, grown step by step, decided by a vote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, structs

from onefold.core.answer import Answer
from onefold.core.errors import BudgetExceeded, ConfigError, NoAnswer
from onefold.core.part import coerce
from onefold.core.query import Message, Query
from onefold.core.usage import NOTHING, Usage
from onefold.delivery.deployment import Deployment
from onefold.delivery.session import here
from onefold.operators.model import Model
from onefold.operators.planning import Imagined, cost, repeated
from onefold.operators.search.node import Node
from onefold.operators.search.purse import Bounds, Purse
from onefold.operators.search.strategy import Strategy
from onefold.operators.search.tree import Tree, Way
from onefold.readers.text import LowercaseTrim
from onefold.runtime.plan import Cost, Plan
from onefold.runtime.trace import Span
from onefold.verbs import Judge, Operator, label, perform

Positive = Annotated[int, Meta(ge=1)]
PLAIN = LowercaseTrim()
ENDS = r"^Answer:|^####|\\boxed\{"


class Search(Operator, name="search"):
    """Many ways to one answer, where a judge says which are worth going on with.

    model: who answers. Strategies that go step by step need a single model whose provider continues
        a partial answer; the others take any operator.
    judge: scores answers, partial ones included unless there is a guide.
    strategy: how the tree grows; `best_of_n` draws whole answers, which works anywhere.
    guide: scores partial answers, on the judge's scale.
    vote: decides among the answers; None: as the strategy usually does.
    budget: `{calls: 64}`, `{tokens: 4000}`, `{usd: 0.01}`, or several: whichever ends first. Each
        is reserved before a call and never passed.
    enough: the score of an ended answer at which the search stops.
    seed: another seed is another tree; the same one is the same tree at any concurrency.
    at: texts that end a step. step_tokens: tokens it may have; a longer one is cut off, and with
        it the answer. most_steps: steps that an answer may have.
    ends: regular expression of what only the last step has, as services do not always tell their
        own end from the end of a step; empty: nothing.
    """

    model: Operator
    judge: Judge | None = None
    strategy: Strategy = "best_of_n"  # type: ignore[assignment]
    guide: Judge | None = None
    vote: Operator | None = None
    budget: Bounds | None = None
    enough: Annotated[float, Meta(ge=0, le=1)] | None = None
    seed: int = 0
    at: Annotated[tuple[Annotated[str, Meta(min_length=1)], ...], Meta(min_length=1)] = ("\n",)
    step_tokens: Positive = 64
    most_steps: Positive = 24
    ends: str = ENDS

    if TYPE_CHECKING:

        def __init__(
            self,
            model: Operator | str | Any,
            judge: Judge | str | Any = None,
            strategy: Strategy | str | Any = "best_of_n",
            guide: Judge | str | Any = None,
            vote: Operator | str | Any = None,
            budget: Bounds | Mapping[str, float] | None = None,
            enough: float | None = None,
            seed: int = 0,
            at: Sequence[str] = ("\n",),
            step_tokens: int = 64,
            most_steps: int = 24,
            ends: str = ENDS,
        ) -> None: ...

    async def answer(self, query: Query) -> Answer:
        if query.reads is None:
            query = query.but(reads=PLAIN)
        models = self._models()
        whole = judge = NOTHING
        if self.budget is not None:
            whole, judge = usual(self.model, query), usual(self.judge, query)
        purse = Purse(self.budget, models, whole, judge, self.step_tokens)
        tree = Tree(self._way(), query, purse, self._tells(models), self.strategy.vote)
        self._afford(query, purse)
        with purse.scope():
            leaves = [*await self.strategy.grow(tree), *tree.good]
            ended = [leaf for leaf in leaves if leaf.finish]
            going = [leaf for leaf in leaves if not leaf.finish]
            if going and not tree.good:
                ended += await tree.finish(going)
                ended += unpaid(going)
            return await self._decided(tree, ended)

    async def _decided(self, tree: Tree, leaves: Sequence[Node]) -> Answer:
        """The vote over the answers that could be scored, with the record of all."""
        unique = {leaf.path: leaf for leaf in [*leaves, *tree.lost]}
        drafts = tuple(tree.draft(unique[path]) for path in sorted(unique))
        ready = tuple(draft for draft in drafts if draft.error is None)
        if tree.span.listeners:
            for draft in drafts:
                tree.span.note("draft", (draft, None))
        if not ready:
            raise fruitless(drafts)
        vote = self.vote or coerce(Operator, tree.vote)
        query = tree.query.but(drafts=ready)
        answer = await perform(vote, query, Span("decide", vote.name_of_part, query, tree.span))
        return answer.but(drafts=drafts)

    def _way(self) -> Way:
        """What the tree needs to know of it."""
        return Way(
            self.model,
            self.judge if self.strategy.judged else None,
            self.guide,
            self.enough,
            self.seed,
            self.at,
            self.step_tokens,
            self.most_steps,
            self.ends,
        )

    def _models(self) -> tuple[Deployment, ...]:
        """The deployments that may be asked, where it is one model that is searched."""
        if not isinstance(self.model, Model):
            return ()
        own = self.model._own()
        return (own,) if own is not None else here().models.members(self.model.model)

    def _afford(self, query: Query, purse: Purse) -> None:
        """Refuse a budget below one call, before anything is paid."""
        if purse.budget is None:
            return
        if not isinstance(self.model, Model):
            purse.check(label(self.model), used(cost(self.model, query, {}).least))
            return
        request = self.model._request(query)
        most = self.step_tokens if self.strategy.stepwise else self.model.max_tokens
        for model in purse.models:
            purse.check(model.name, purse.least(model, request, most))

    def _tells(self, models: tuple[Deployment, ...]) -> bool | None:
        """Whether the models tell a step's end from their own; None: they give no single steps."""
        stops = isinstance(self.model, Model) and self.model.until
        if stops or not models or not all(model.provider._continues() for model in models):
            return None
        return all(model.provider.tells for model in models)

    def _held(self) -> None:
        """Refuse, before anything is paid, steps from a model that gives none.

        Raises:
            ConfigError: names the model, the rule and the way out.
        """
        if not self.strategy.stepwise:
            return
        name, way = self.strategy.name_of_part, "use best_of_n, which works anywhere"
        if not isinstance(self.model, Model):
            raise ConfigError(
                f"strategy {name} goes step by step, which needs a single model, not "
                f"{self.model.name_of_part}: name a model, or {way}"
            )
        if self.model.until:
            raise ConfigError(
                f"strategy {name} stops {self.model.model} at the end of each step: say its own "
                f"until={list(self.model.until)} in at=, or {way}"
            )
        for model in self._models():
            if not model.provider._continues():
                raise ConfigError(
                    f"strategy {name} goes step by step, and {model.name} "
                    f"({model.provider.name_of_part}) does not continue a partial answer: ask a "
                    f"model that does (docs/models.md), or {way}"
                )

    def _check(self) -> None:
        if self.judge is None and self.strategy.judged:
            name = self.strategy.name_of_part
            raise ConfigError(
                f"strategy {name} goes by scores: give the search a judge, or use majority"
            )
        try:
            re.compile(self.ends)
        except re.error as error:
            raise ConfigError(f"ends={self.ends!r:.60} is no regular expression: {error}") from None


@cost.register(Search)
def search_cost(part: Search, query: Query, shares: dict[int, Imagined]) -> Plan:
    """Steps as wide as the strategy makes them, one after the other, until the budget is spent."""
    total = Plan()
    model, calls = part.model, part.strategy._calls(part.most_steps)
    if isinstance(model, Model) and len(calls) > 1:
        model = structs.replace(model, max_tokens=part.step_tokens)
    typical = max(1, -(-usual(part.model, query).tokens_out // part.step_tokens))
    for step, count in enumerate(calls):
        one = cost(model, longer(query, part.step_tokens * step), shares)
        if part.judge is not None and part.strategy.judged:
            one += cost(part.judge, query, shares)
        least = (count if part.enough is None else 1) if not step else 0
        many = repeated(one, (least, count if step < typical else 0, count))
        total += structs.replace(
            many,
            least=many.least.lasting(one.least.seconds if least else 0.0),
            expected=many.expected.lasting(one.expected.seconds if step < typical else 0.0),
            worst=many.worst.lasting(one.worst.seconds),
        )
    expected, worst = (held(each, part.budget) for each in (total.expected, total.worst))
    note = f"expected: answers of {typical} steps"
    vote = part.vote or coerce(Operator, part.strategy.vote)
    return Plan(total.least, expected, worst, assumption=note) + cost(vote, query, shares)


def usual(part: Operator | Judge | None, query: Query) -> Usage:
    """What a part probably takes for one question."""
    if part is None:
        return NOTHING
    return used(cost(part, query, {}).expected)


def used(case: Cost) -> Usage:
    """A planned cost as a usage."""
    return Usage(round(case.tokens_in), 0, round(case.tokens_out), case.usd, round(case.calls))


def longer(query: Query, tokens: int) -> Query:
    """A query whose answer has so many tokens already."""
    if not tokens:
        return query
    turns = (*query.messages, Message("user", query.text), Message("assistant", "x" * 4 * tokens))
    return query.but(text="", messages=turns)


def held(case: Cost, bounds: Bounds | None) -> Cost:
    """As much of a case as a budget lets through."""
    if bounds is None:
        return case
    tokens = case.tokens_in + case.tokens_out
    pairs = ((bounds.calls, case.calls), (bounds.tokens, tokens), (bounds.usd, case.usd))
    shares = [cap / used for cap, used in pairs if cap is not None and used]
    return case.times(min([1.0, *shares]))


def unpaid(leaves: Sequence[Node]) -> list[Node]:
    """Answers that nobody wrote on, as there was no budget for it: they failed."""
    left = [leaf for leaf in leaves if leaf.path and not leaf.children]
    for leaf in left:
        leaf.error = BudgetExceeded("the search's budget ended before the answer did")
    return left


def fruitless(drafts: tuple[Answer, ...]) -> Exception:
    """The error where no answer could be had and scored: what failed, and why."""
    errors = [draft.error for draft in drafts if draft.error is not None]
    why = "; ".join(sorted({f"{error.kind}: {error.message}" for error in errors}))
    said = f"none of {len(drafts)} answers could be had and scored: {why or 'none was affordable'}"
    if errors and all(error.kind == "BudgetExceeded" for error in errors):
        return BudgetExceeded(said)
    return NoAnswer(said, drafts=drafts)
