"""The one engine behind all strategies: a tree of answers so far, asked and scored all at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random

from msgspec import Struct, structs

from onefold.core.answer import Answer, Failure
from onefold.core.query import Message, Query
from onefold.operators.failing import fatal
from onefold.operators.model import Model, rendered
from onefold.operators.search.node import Node, Path, best, chance, draw
from onefold.operators.search.purse import Purse
from onefold.operators.search.weights import apportioned
from onefold.runtime.relay import together
from onefold.runtime.trace import Span, current
from onefold.verbs import Judge, Operator, judged, label, perform, read


class Way(Struct, frozen=True):
    """How a tree is asked and scored: the fields of a search that its strategy goes by."""

    model: Operator
    judge: Judge | None = None
    guide: Judge | None = None
    enough: float | None = None
    seed: int = 0
    at: tuple[str, ...] = ("\n",)
    step_tokens: int = 64
    most_steps: int = 24
    ends: str = ""


class Tree:
    """The tree of one question. Strategies grow it; it asks, scores, ends, and keeps the budget.

    root: the answer of which nothing is said yet. continues: whether single steps can be asked
    for. lost: nodes whose call failed. vote, judge: what decides and scores, which a strategy may
    change on the way.
    """

    def __init__(
        self, way: Way, query: Query, purse: Purse, tells: bool | None, vote: str = "best"
    ) -> None:
        span = current.get()
        assert span is not None, "a search is called, never answered directly"
        self.way = way
        self.query = query
        self.purse = purse
        self.span = span
        self.vote = vote
        self.judge = way.judge
        self.root = Node()
        self.nodes: list[Node] = []
        self.lost: list[Node] = []
        self.continues = tells is not None
        self.tells = bool(tells)
        self.ends = re.compile(way.ends, re.MULTILINE) if way.ends else None
        self.stepper: Operator | None = None
        self.turns: tuple[Message, ...] = ()
        self.begun = ""

    def random(self, *place: int) -> Random:
        """The randomness of a place, whatever else runs and in which order."""
        return chance(self.way.seed, self.query.sample, place)

    @property
    def good(self) -> list[Node]:
        """The ended answers that are as good as asked for."""
        at = self.way.enough
        return [] if at is None else [n for n in self.nodes if n.finish and n.worth >= at]

    async def grow(self, nodes: Sequence[Node], counts: Sequence[int], keep: int = 1) -> list[Node]:
        """New nodes, one step longer, with their scores.

        counts: how many of each node. keep: how many answers must still be affordable to the end.
        Those that fail are left out; nothing new means that the search is over.
        """
        return await self.score(await self.expand(nodes, counts, keep))

    async def expand(
        self, nodes: Sequence[Node], counts: Sequence[int], keep: int = 1
    ) -> list[Node]:
        """New nodes, one step longer, in the order of their parents; not scored yet."""
        going = [(node, count) for node, count in zip(nodes, counts, strict=True) if count]
        return await self._ask(going, keep, whole=False)

    async def finish(
        self, nodes: Sequence[Node], counts: Sequence[int] | None = None
    ) -> list[Node]:
        """New nodes that bring answers to their end in one call each, with their scores."""
        counts = [1] * len(nodes) if counts is None else counts
        ended = await self._ask(list(zip(nodes, counts, strict=True)), 0, whole=True)
        return await self.score(ended)

    async def score(self, nodes: Sequence[Node]) -> list[Node]:
        """The same nodes with their scores; those that have one keep it.

        What has not ended is scored by the guide, what has by the judge. One that cannot be scored
        has none, and says why.
        """
        new = [node for node in nodes if node.score is None and node.error is None]
        if self.judge is not None:
            await together(lambda place: self._score(new[place]), len(new))
        return list(nodes)

    async def _ask(self, going: list[tuple[Node, int]], keep: int, whole: bool) -> list[Node]:
        """New nodes from a call each, all asked at once, as many as the budget lets."""
        nodes = [node for node, _ in going]
        wanted = sum(count for _, count in going)
        total = self.purse.fits(nodes, wanted, keep, whole)
        if whole and not total and not any(node.finish for node in self.nodes):
            total = 1  # one answer at least is tried for; the corridor knows whether it fits
        if total < wanted:
            going = shared(going, total)
        new = [node.born() for node, count in going for _ in range(count)]
        operator = self._whole(nodes, len(new)) if whole and new else self._step()
        await together(lambda place: self._call(new[place], operator, whole), len(new))
        self.lost += [node for node in new if node.error is not None]
        grown = [node for node in new if node.error is None]
        self.nodes += grown
        return grown

    def _step(self) -> Operator:
        """The operator that is asked for the next step."""
        if self.stepper is None:
            self.stepper = model = self.way.model
            if isinstance(model, Model):
                most = min(self.way.step_tokens, model.max_tokens or self.way.step_tokens)
                self.stepper = structs.replace(model, until=self.way.at, max_tokens=most)
        return self.stepper

    def _whole(self, nodes: Sequence[Node], count: int) -> Operator:
        """The operator that is asked for all that is left of an answer."""
        model = self.way.model
        if not isinstance(model, Model) or model.max_tokens is not None:
            return model
        most = None
        steps = min(node.steps for node in nodes)
        if steps:
            most = max(1, self.way.most_steps - steps) * self.way.step_tokens
        longest = max(nodes, key=lambda node: len(node.text))
        allowed = self.purse.allowance(model._request(self._query(longest.path, longest)), count)
        if allowed is not None:
            most = min(allowed, most or allowed)
        return model if most is None else structs.replace(model, max_tokens=most)

    async def _call(self, node: Node, operator: Operator, whole: bool) -> None:
        """Ask for the rest, or the next step, of a node's parent."""
        parent = node.parent
        assert parent is not None, "the root is never asked for"
        query = self._query(node.path, parent)
        if not whole:
            query = structs.replace(query, reads=None)
        name = f"{label(operator)}#{node.name}"
        span = Span("draft", name, query, self.span)
        with failing(node):
            node.said = await perform(operator, query, span)
        if node.error is None:
            self._take(node, parent, whole)
        node.usage = parent.usage + span.usage
        self.purse.wrote(node, span.usage, whole)

    def _query(self, path: Path, parent: Node) -> Query:
        """What is asked for a node: the question, and the answer so far as begun by the model."""
        sample = draw(self.way.seed, self.query.sample, path)
        if not parent.text:
            return structs.replace(self.query, sample=sample)
        if not self.turns:
            self.turns, self.begun = turns(self.query)
        said = Message("assistant", self.begun + parent.text)
        return structs.replace(
            self.query, text="", messages=(*self.turns, said), labels=(), drafts=(), sample=sample
        )

    def _take(self, node: Node, parent: Node, whole: bool) -> None:
        """Add a reply to a node, and tell whether the answer has ended with it."""
        said, why = node.said, node.said.finish
        node.text = parent.text + said.text
        node.steps = parent.steps + 1
        if whole:
            node.finish = why or "stop"
        elif why not in ("", "stop", "until"):
            node.finish = why
        elif self._last(said.text, why):
            node.finish = "stop"
        else:
            node.text += self.way.at[0]
            node.finish = "length" if node.steps >= self.way.most_steps else ""

    def _last(self, text: str, why: str) -> bool:
        """Whether a step is the last one: it says so, or the model had no more to say."""
        if self.ends is not None and self.ends.search(text):
            return True
        return why != "until" and (self.tells or not text)

    async def _score(self, node: Node) -> None:
        """Score a node; where that fails, it says why and has none."""
        judge = self.judge
        if not node.finish and self.way.guide is not None:
            judge = self.way.guide
        assert judge is not None, "without a judge nothing is scored"
        with failing(node):
            node.score, used = await judged(judge, self.query, self.draft(node))
            self.purse.judged(used)

    def draft(self, node: Node) -> Answer:
        """A node as an answer: all of its text, and its score as the confidence."""
        said = node.said
        value = read(node.text, self.query) if node.finish else None
        error = None
        if node.error is not None:
            error = Failure(type(node.error).__name__, str(node.error) or "no reason was given")
        return said.but(
            text=node.text or said.text,
            value=value,
            source=f"{label(self.way.model)}#{node.name}",
            confidence=node.score,
            usage=node.usage,
            finish=node.finish or "until",
            sample=draw(self.way.seed, self.query.sample, node.path),
            error=error,
        )


def turns(query: Query) -> tuple[tuple[Message, ...], str]:
    """The conversation before an answer, and what of the answer the question itself begins."""
    said = rendered(structs.replace(query, system=""))
    if said and said[-1].role == "assistant":
        return said[:-1], said[-1].content
    return said, ""


def shared(going: list[tuple[Node, int]], total: int) -> list[tuple[Node, int]]:
    """Fewer calls over the same nodes, in proportion; with fewer than nodes, the best get one."""
    if total < len(going):
        chosen = {id(node) for node in best([node for node, _ in going])[:total]}
        return [(node, 1) for node, _ in going if id(node) in chosen]
    wanted = sum(count for _, count in going)
    counts = apportioned([count / wanted for _, count in going], total)
    return [(node, count) for (node, _), count in zip(going, counts, strict=True)]


@contextmanager
def failing(node: Node) -> Iterator[None]:
    """What fails in here is the node's failure alone, unless it is fatal to all."""
    try:
        yield
    except BaseException as error:
        if fatal(error):
            raise
        node.error = error
