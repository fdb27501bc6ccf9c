"""The kind of part that says how a search grows its tree."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from onefold.core.part import Part

if TYPE_CHECKING:
    from onefold.operators.search.node import Node
    from onefold.operators.search.tree import Tree


class Strategy(Part, abstract=True):
    """How a search grows its tree: which answers so far get how many more steps.

    vote: the vote that usually decides among its answers.
    stepwise: whether it asks for single steps, which not every model can give.
    judged: whether it needs scores.
    """

    vote: ClassVar[str] = "best"
    stepwise: ClassVar[bool] = True
    judged: ClassVar[bool] = True

    @abstractmethod
    async def grow(self, tree: Tree) -> Sequence[Node]:
        """The answers to decide among. Those not ended yet are written to their end by the tree,
        as far as its budget lets it.
        """

    @abstractmethod
    def _calls(self, steps: int) -> list[int]:
        """Calls that it may make at each step, of `steps`; one number where it asks for wholes."""
