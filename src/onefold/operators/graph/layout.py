"""A graph's layout, worked out once when it is built: who waits for whom, and that it can end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from onefold.core.errors import ConfigError, Unreadable, unknown
from onefold.core.part import at
from onefold.core.query import Query
from onefold.operators.graph.condition import Condition
from onefold.operators.graph.node import Node
from onefold.operators.graph.paths import ITEM, NAME, QUERY, Path, path
from onefold.operators.modules.module import Module
from onefold.operators.wrappers import Named
from onefold.verbs import Operator


class Step:
    """A node as it is carried out.

    operator: what is asked, with its policy about failures where it has one.
    after, needs, dependents: places of other steps; `needs` are all that it waits for.
    inputs: pairs of name and path. each: path of the list it is asked for.
    draw: which of the `draws` nodes it is that ask the same.
    speaks: whether its words are the graph's.
    """

    __slots__ = (
        "after", "dependents", "draw", "draws", "each", "inputs", "most_concurrent", "name",
        "needs", "node", "operator", "skips", "speaks", "when",
    )  # fmt: skip

    def __init__(self, name: str, node: Node) -> None:
        self.name = name
        self.node = node
        self.operator = node.operator
        if node._resilient:
            kept = ("retries", "timeout", "fallback", "default")
            self.operator = Node(node.operator, **{key: getattr(node, key) for key in kept})
        self.after: tuple[int, ...] = ()
        self.needs: tuple[int, ...] = ()
        self.dependents: list[int] = []
        self.inputs = [(key, path(text)) for key, text in node.inputs.items()]
        self.when: Condition | None = node.when
        self.each = path(node.each) if node.each else None
        self.most_concurrent = node.most_concurrent
        self.skips = node.on_failure == "skip"
        self.speaks = False
        self.draw, self.draws = 0, 1

    def paths(self) -> Iterator[tuple[str, Path]]:
        """Every path in it, with the field where it stands."""
        for name, found in self.inputs:
            yield f"inputs.{name}", found
        if self.each is not None:
            yield "each", self.each
        if self.when is not None:
            for found in self.when._paths():
                yield "when", found


class Layout:
    """The steps of a graph by place, where each name stands, whose answer is the graph's.

    waits: how many answers each step waits for. first: steps that wait for none.
    asks: steps and paths that look into the question, to be checked before anything is asked.
    order: places so that each comes after all that it needs.
    """

    __slots__ = ("asks", "first", "order", "output", "places", "steps", "waits")

    def __init__(self, nodes: Sequence[Operator], output: str) -> None:
        self.steps = [step(index, each) for index, each in enumerate(nodes)]
        self.places = {each.name: index for index, each in enumerate(self.steps)}
        if len(self.places) < len(self.steps):
            names = [each.name for each in self.steps]
            twice = next(name for i, name in enumerate(names) if name in names[:i])
            raise ConfigError(f"two nodes named {twice!r}: rename one")
        for index, each in enumerate(self.steps):
            self._connect(index, each)
        self.waits = [len(each.needs) for each in self.steps]
        self.first = [index for index, count in enumerate(self.waits) if not count]
        self.order = self._ordered()
        self.output = self._output(output)
        last = self.steps[self.output]
        last.speaks = not (last.node._resilient or last.each or last.skips)
        self.asks = [
            (each, where, found)
            for each in self.steps
            for where, found in each.paths()
            if found.root == QUERY
        ]
        number(self.steps)

    def check(self, query: Query) -> None:
        """Refuse a question that lacks what a node wants of it, before anything is asked.

        Raises:
            ConfigError: names the node, the path and what is there instead.
        """
        for each, where, found in self.asks:
            try:
                found.of(query)
            except Unreadable as error:
                place = f"nodes.{each.name}: {where}"
                raise ConfigError(f"{place}: {error}: ask a query that has it") from None

    def _connect(self, index: int, each: Step) -> None:
        """Say which steps one needs, and tell them."""
        named = [("after", name) for name in each.node.after]
        named += [(where, p.root) for where, p in each.paths() if p.root not in (QUERY, ITEM)]
        for where, name in named:
            if name not in self.places:
                raise at(f"nodes.{each.name}: {where}", unknown("node", name, self.places))
        unsupplied(each)
        each.after = tuple(self.places[name] for name in each.node.after)
        each.needs = tuple(dict.fromkeys(self.places[name] for _, name in named))
        for other in each.needs:
            self.steps[other].dependents.append(index)

    def _ordered(self) -> list[int]:
        """The places in an order in which they can run.

        Raises:
            ConfigError: some wait for each other; spells the circle.
        """
        waits, order = list(self.waits), list(self.first)
        for index in order:
            for dependent in self.steps[index].dependents:
                waits[dependent] -= 1
                if not waits[dependent]:
                    order.append(dependent)
        if len(order) < len(self.steps):
            circle = " -> ".join(self.steps[index].name for index in self._circle(waits))
            raise ConfigError(f"the nodes wait for each other: {circle}; take one arrow out")
        return order

    def _circle(self, waits: Sequence[int]) -> list[int]:
        """A circle among steps that still wait, from its first one back to it."""
        index = next(i for i, count in enumerate(waits) if count)
        seen: dict[int, None] = {}
        while index not in seen:
            seen[index] = None
            index = next(other for other in self.steps[index].needs if waits[other])
        circle = list(seen)[list(seen).index(index) :][::-1]
        start = circle.index(min(circle))
        return [*circle[start:], *circle[:start], circle[start]]

    def _output(self, name: str) -> int:
        """The place whose answer is the graph's."""
        if name:
            if name not in self.places:
                raise at("output", unknown("node", name, self.places))
            return self.places[name]
        ends = [index for index, each in enumerate(self.steps) if not each.dependents]
        if len(ends) > 1:
            names = ", ".join(self.steps[index].name for index in ends[:10])
            raise ConfigError(
                f"{len(ends)} nodes lead nowhere: {names}{', …' * (len(ends) > 10)}; say whose "
                f"answer is the graph's, output={self.steps[ends[-1]].name!r}, or add a node after "
                "them"
            )
        return ends[0]


def step(index: int, operator: Operator) -> Step:
    """A named operator as a step.

    Raises:
        ConfigError: it has no name, or one that no path could spell.
    """
    if not isinstance(operator, Named):
        raise ConfigError(f"nodes[{index}] has no name: give the nodes as {{name: operator}}")
    name, held = operator.name, operator.operator
    if not NAME.fullmatch(name):
        raise ConfigError(f"a node's name is of letters, digits and _ - : / @ # +, not {name!r}")
    if name in (QUERY, ITEM):
        raise ConfigError(f"no node can be named {name!r}: paths mean the graph's {name} by it")
    return Step(name, held if isinstance(held, Node) else Node(held))


def unsupplied(each: Step) -> None:
    """Refuse named inputs that leave out what the node's signature needs.

    Raises:
        ConfigError: names the node, the input, and how to supply it.
    """
    module = each.node.operator
    if not (isinstance(module, Module) and module.signature is not None and each.inputs):
        return
    given = {name for name, _ in each.inputs} | ({ITEM} if each.each else set())
    lost = [name for name in module.signature._inputs().needed if name not in given]
    if lost:
        raise ConfigError(
            f"nodes.{each.name}: inputs: its signature needs {lost[0]!r}, which nobody supplies: "
            f"say its path, such as query.inputs.{lost[0]}"
        )


def number(steps: Sequence[Step]) -> None:
    """Number the steps that ask the same of equal operators: they draw different samples."""
    alike: dict[Any, list[Step]] = {}
    for each in steps:
        asked = (each.operator, each.after, tuple(each.inputs), each.each)
        try:
            alike.setdefault(asked, []).append(each)
        except TypeError:  # it holds what cannot be hashed, so nobody can tell
            continue
    for same in alike.values():
        for draw, each in enumerate(same):
            each.draw, each.draws = draw, len(same)
