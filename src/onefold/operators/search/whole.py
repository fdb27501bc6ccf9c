"""Strategies that draw whole answers: from any operator, on any wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from onefold.operators.search.node import Node
from onefold.operators.search.strategy import Strategy
from onefold.operators.search.tree import Tree

Positive = Annotated[int, Meta(ge=1)]


class BestOfN(Strategy, name="best_of_n"):
    """Whole answers; the one with the highest score is taken.

    count: how many. Where the search says `enough`, they are drawn in rounds that double.
    """

    count: Positive = 8

    stepwise: ClassVar[bool] = False

    async def grow(self, tree: Tree) -> Sequence[Node]:
        return await drawn(tree, self.count)

    def _calls(self, steps: int) -> list[int]:
        return [self.count]


class WeightedBestOfN(Strategy, name="weighted_best_of_n"):
    """Whole answers; scores of those that say the same are added up (Li et al. 2023).

    count: how many.
    """

    count: Positive = 8

    vote: ClassVar[str] = "weighted"
    stepwise: ClassVar[bool] = False

    async def grow(self, tree: Tree) -> Sequence[Node]:
        return await drawn(tree, self.count)

    def _calls(self, steps: int) -> list[int]:
        return [self.count]


class MajorityOfN(Strategy, name="majority"):
    """Whole answers; the most common one is taken, without any score (Wang et al. 2023).

    count: how many.
    """

    count: Positive = 8

    vote: ClassVar[str] = "majority"
    stepwise: ClassVar[bool] = False
    judged: ClassVar[bool] = False

    async def grow(self, tree: Tree) -> Sequence[Node]:
        return await drawn(tree, self.count)

    def _calls(self, steps: int) -> list[int]:
        return [self.count]


async def drawn(tree: Tree, count: int) -> list[Node]:
    """So many whole answers: at once, or in rounds that double until one is good enough."""
    found: list[Node] = []
    before = -1
    while before < (asked := len(tree.root.children)) < count and not tree.good:
        more = count - asked
        if tree.way.enough is not None:
            more = min(max(asked, 1), more)
        found += await tree.finish([tree.root], [more])
        before = asked
    return found
