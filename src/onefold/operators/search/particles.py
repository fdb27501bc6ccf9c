"""Strategies that spread a population over steps by its weights: particle filtering, REBASE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from onefold.operators.search.node import Node
from onefold.operators.search.strategy import Strategy
from onefold.operators.search.tree import Tree
from onefold.operators.search.weights import apportioned, softmax, systematic

Positive = Annotated[int, Meta(ge=1)]
Temperature = Annotated[float, Meta(gt=0)]


class Particles(Strategy, name="particles"):
    """Particle filtering: after each step the population is drawn anew, in proportion to weights.

    count: particles. temperature: of the softmax over their scores; the lower, the greedier.
    Source: Puri et al., «A probabilistic inference approach to inference-time scaling of LLMs
    using particle-based Monte Carlo methods», 2025; with systematic resampling.
    """

    count: Positive = 8
    temperature: Temperature = 0.1

    async def grow(self, tree: Tree) -> Sequence[Node]:
        copies: dict[Node, int] = {tree.root: self.count}
        step = 0
        while live := [node for node in copies if not node.finish]:
            if tree.good:
                break
            counts = [copies[node] for node in live]
            new = await tree.grow(live, counts, keep=sum(counts))
            if not new:
                break
            population = [node for node, many in copies.items() if node.finish for _ in range(many)]
            population += new
            copies = self._drawn(population, tree.random(step).random())
            step += 1
        return list(copies)

    def _drawn(self, population: list[Node], start: float) -> dict[Node, int]:
        """How many copies of each go on."""
        weights = softmax([node.score for node in population], self.temperature)
        drawn: dict[Node, int] = {}
        for node, many in zip(population, systematic(weights, self.count, start), strict=True):
            if many:
                drawn[node] = drawn.get(node, 0) + many
        return drawn

    def _calls(self, steps: int) -> list[int]:
        return [self.count] * steps


class Rebase(Strategy, name="rebase"):
    """Reward-balanced search: each step's width is shared out by the softmax of the scores.

    count: answers in all; one that has ended takes its place with it. temperature: of the softmax.
    Source: Wu et al., «Inference scaling laws: an empirical analysis of compute-optimal inference
    for problem-solving with language models», 2024.
    """

    count: Positive = 8
    temperature: Temperature = 0.1

    async def grow(self, tree: Tree) -> Sequence[Node]:
        live: list[Node] = [tree.root]
        ended: list[Node] = []
        while live and len(ended) < self.count and not tree.good:
            width = self.count - len(ended)
            weights = softmax([node.score for node in live], self.temperature)
            new = await tree.grow(live, apportioned(weights, width), keep=width)
            if not new:
                break
            ended += [node for node in new if node.finish]
            live = [node for node in new if not node.finish]
        return [*ended, *live]

    def _calls(self, steps: int) -> list[int]:
        return [self.count] * steps
