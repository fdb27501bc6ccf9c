"""Strategies that may come back to an earlier step: Monte Carlo tree search, best first."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, log, sqrt
from typing import Annotated

from msgspec import Meta, Struct

from onefold.operators.search.node import Node, Path, best
from onefold.operators.search.strategy import Strategy
from onefold.operators.search.tree import Tree

Positive = Annotated[int, Meta(ge=1)]


class Visits(Struct):
    """What came of the steps below a node: how many were scored, and the sum of their scores."""

    count: int = 0
    worth: float = 0.0
    shut: bool = False


class MCTS(Strategy, name="mcts"):
    """Monte Carlo tree search over steps: down by upper confidence bounds, values back up.

    rounds: how often it goes down. branching: next steps that are written where it ends.
    explore: weight of what is rarely visited (the constant of UCT).
    Source: Kocsis and Szepesvári, «Bandit based Monte-Carlo planning», 2006; with the judge's
    score of a step in place of a playout.
    """

    rounds: Positive = 16
    branching: Positive = 2
    explore: Annotated[float, Meta(ge=0)] = 0.2

    async def grow(self, tree: Tree) -> Sequence[Node]:
        seen: dict[Path, Visits] = {(): Visits()}
        for _ in range(self.rounds):
            if tree.good or seen[()].shut:
                break
            node = self._descended(tree.root, seen)
            new = await tree.grow([node], [self.branching])
            if not new:
                if not seen[()].count:
                    break
                seen[node.path].shut = True
            for child in new:
                seen[child.path] = Visits(shut=bool(child.finish))
                climbed(child, seen)
            closed(node, seen)
        ended = [node for node in tree.nodes if node.finish]
        return ended or [self._favourite(tree.root, seen)]

    def _descended(self, node: Node, seen: dict[Path, Visits]) -> Node:
        """The node without steps below it that the bounds lead to."""
        while below := [child for child in node.children if child.path in seen]:
            total = log(max(1, seen[node.path].count))

            def bound(child: Node, total: float = total) -> float:
                held = seen[child.path]
                if held.shut:
                    return -inf
                return held.worth / held.count + self.explore * sqrt(total / held.count)

            node = max(below, key=bound)
        return node

    def _favourite(self, node: Node, seen: dict[Path, Visits]) -> Node:
        """The answer so far that most visits lead to."""
        while below := [child for child in node.children if child.path in seen]:
            node = max(below, key=lambda child: (seen[child.path].count, child.worth))
        return node

    def _calls(self, steps: int) -> list[int]:
        return [self.branching] * self.rounds


class BestFirst(Strategy, name="tree"):
    """Tree search: the best answer so far is taken further, down to a depth, then written out.

    depth: steps that are chosen one by one. branching: next steps of each.
    most: how many answers so far are taken further; None: all of the tree.
    """

    depth: Positive = 3
    branching: Positive = 2
    most: Positive | None = None

    async def grow(self, tree: Tree) -> Sequence[Node]:
        front: list[Node] = [tree.root]
        leaves: list[Node] = []
        left = self.most or self._inner()
        while front and left and not tree.good:
            node = best(front)[0]
            front.remove(node)
            new = await tree.grow([node], [self.branching], keep=1)
            left -= 1
            if not new:
                front.append(node)
                break
            for child in new:
                deep = child.finish or len(child.path) >= self.depth
                (leaves if deep else front).append(child)
        return leaves or best(front)[:1]

    def _inner(self) -> int:
        """Nodes above the last level."""
        return sum(self.branching**level for level in range(self.depth))

    def _calls(self, steps: int) -> list[int]:
        return [self.branching] * (self.most or self._inner()) + [self.branching**self.depth]


def climbed(node: Node, seen: dict[Path, Visits]) -> None:
    """Tell a node's score to itself and to everything above it; one without a score counts 0."""
    worth = max(node.worth, 0.0)
    above: Node | None = node
    while above is not None:
        held = seen[above.path]
        held.count += 1
        held.worth += worth
        above = above.parent


def closed(node: Node, seen: dict[Path, Visits]) -> None:
    """Shut what leads to ended answers only."""
    above: Node | None = node
    while above is not None:
        below = [seen[child.path] for child in above.children if child.path in seen]
        if not seen[above.path].shut and not (below and all(held.shut for held in below)):
            return
        seen[above.path].shut = True
        above = above.parent
