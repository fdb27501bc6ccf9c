"""A node of a search: an answer so far, where it stands in the tree, and its own randomness."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from random import Random

from onefold.core.answer import Answer
from onefold.core.usage import NOTHING, Usage

Path = tuple[int, ...]


class Node:
    """An answer so far.

    path: which child of which child of the root it is. text: all of the answer so far.
    steps: how many it has. finish: why it ended; empty while it can go on.
    score: how good its judge finds it, a share in [0, 1]; None where that is not known.
    error: why its call, or its judge, failed.
    said: the reply that brought its last piece. usage: everything on the path to it.
    """

    __slots__ = (
        "children", "error", "finish", "parent", "path", "said", "score", "steps", "text", "usage",
    )  # fmt: skip

    def __init__(self, path: Path = (), parent: Node | None = None) -> None:
        self.path = path
        self.parent = parent
        self.text = ""
        self.steps = 0
        self.finish = ""
        self.score: float | None = None
        self.error: BaseException | None = None
        self.said = Answer()
        self.usage: Usage = NOTHING
        self.children: list[Node] = []

    @property
    def worth(self) -> float:
        """Its score; one that has none comes after all that have."""
        return -1.0 if self.score is None else self.score

    @property
    def name(self) -> str:
        """Its path, for people."""
        return ".".join(map(str, self.path))

    def born(self) -> Node:
        """A new child, not asked for yet."""
        child = Node((*self.path, len(self.children)), self)
        self.children.append(child)
        return child


def best(nodes: Sequence[Node]) -> list[Node]:
    """Nodes, the best first; equal ones as they stand in the tree."""
    return sorted(nodes, key=lambda node: (-node.worth, node.path))


def draw(seed: int, sample: int, path: Path) -> int:
    """Which draw of the model a node is: the same for a seed whenever and wherever it is asked."""
    return int.from_bytes(digest(seed, sample, path)[:6], "big")


def chance(seed: int, sample: int, path: Path) -> Random:
    """The randomness of a place in the tree, whatever else runs and in which order."""
    return Random(digest(seed, sample, path)[6:])


def digest(seed: int, sample: int, path: Path) -> bytes:
    """What a place in the tree of a seed is known by."""
    return blake2b(f"{seed}/{sample}/{path}".encode(), digest_size=22).digest()
