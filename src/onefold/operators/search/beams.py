"""Strategies that keep a few partial answers: one sampled at each step, beams, diverse subtrees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random
from typing import Annotated

from msgspec import Meta

from onefold.operators.search.node import Node, best
from onefold.operators.search.strategy import Strategy
from onefold.operators.search.tree import Tree
from onefold.operators.search.weights import evenly, softmax

Positive = Annotated[int, Meta(ge=1)]
Temperature = Annotated[float, Meta(gt=0)]


class GuidedSampling(Strategy, name="guided_sampling"):
    """At each step some candidates, of which one is sampled by its score.

    candidates: steps to choose from. temperature: of the softmax over their scores.
    count: answers that are written so, each on its own.
    """

    candidates: Positive = 8
    temperature: Temperature = 0.1
    count: Positive = 1

    async def grow(self, tree: Tree) -> Sequence[Node]:
        def sampled(nodes: list[Node], chance: Random) -> Node:
            weights = softmax([node.score for node in nodes], self.temperature)
            return chance.choices(nodes, weights)[0]

        return await subtrees(tree, self.count, self.candidates, sampled)

    def _calls(self, steps: int) -> list[int]:
        return [self.count * self.candidates] * steps


class DVTS(Strategy, name="dvts"):
    """Diverse verifier tree search: independent subtrees, each of which keeps its best step.

    width: subtrees. candidates: next steps of each.
    Source: Beeching, Tunstall and Rush, «Scaling test-time compute with open models», 2024.
    """

    width: Positive = 4
    candidates: Positive = 8

    async def grow(self, tree: Tree) -> Sequence[Node]:
        return await subtrees(tree, self.width, self.candidates, lambda nodes, _: best(nodes)[0])

    def _calls(self, steps: int) -> list[int]:
        return [self.width * self.candidates] * steps


class Beam(Strategy, name="beam"):
    """Beam search over steps: of all next steps the best few are kept.

    width: answers kept at each step; one that has ended keeps its place. candidates: next steps of
        each. diversity: share of a candidate's score that it loses where one chosen before it at
        the same step says the same; less where they share word pairs.
    """

    width: Positive = 4
    candidates: Positive = 8
    diversity: Annotated[float, Meta(ge=0, le=1)] = 0.1

    async def grow(self, tree: Tree) -> Sequence[Node]:
        live: list[Node] = [tree.root]
        ended: list[Node] = []
        while live and not tree.good:
            places = self.width - len(ended)
            counts = evenly(places * self.candidates, len(live))
            new = await tree.grow(live, counts, keep=places)
            if not new:
                break
            chosen = diverse(new, places, self.diversity)
            ended += [node for node in chosen if node.finish]
            live = [node for node in chosen if not node.finish]
        return [*ended, *live]

    def _calls(self, steps: int) -> list[int]:
        return [self.width * self.candidates] * steps


async def subtrees(
    tree: Tree, width: int, candidates: int, pick: Callable[[list[Node], Random], Node]
) -> list[Node]:
    """Answers written side by side, of which each goes on with the one step that `pick` takes."""
    heads: list[Node] = [tree.root]
    counts = [width * candidates]
    step = 0
    while going := [head for head in heads if not head.finish]:
        if tree.good:
            break
        new = await tree.grow(going, counts, keep=len(going) if step else width)
        if not new:
            break
        groups: dict[int, list[Node]] = {}
        for node in new:
            groups.setdefault(node.path[0] % width, []).append(node)
        chosen = [pick(groups[key], tree.random(step, key)) for key in sorted(groups)]
        heads = [head for head in heads if head.finish] + chosen
        counts = [candidates] * sum(not head.finish for head in heads)
        step += 1
    return heads


def diverse(nodes: Sequence[Node], count: int, penalty: float) -> list[Node]:
    """The best nodes, one after the other; what is like one chosen before counts for less."""
    left = best(nodes)
    if not penalty:
        return left[:count]
    grams = {node.path: pairs(node) for node in left}
    like = dict.fromkeys(grams, 0.0)
    chosen: list[Node] = []
    while left and len(chosen) < count:
        worth = [node.worth - penalty * like[node.path] * max(node.worth, 0.0) for node in left]
        taken = left.pop(max(range(len(left)), key=lambda place: worth[place]))
        chosen.append(taken)
        mine = grams[taken.path]
        for node in left:
            theirs = grams[node.path]
            like[node.path] = max(like[node.path], len(mine & theirs) / len(mine | theirs))
    return chosen


def pairs(node: Node) -> frozenset[tuple[str, ...]]:
    """Word pairs of a node's last step, its first word included; one that is empty is like any."""
    assert node.parent is not None, "only steps are compared"
    words = ["", *node.text[len(node.parent.text) :].split(), ""]
    return frozenset(pairwise(words))
