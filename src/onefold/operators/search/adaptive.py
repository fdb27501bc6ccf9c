"""The strategy that chooses among strategies: by the budget, by the judge, by the question."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import Annotated, ClassVar

from msgspec import Meta

from onefold.core.tally import spell
from onefold.operators.search.beams import DVTS
from onefold.operators.search.node import Node
from onefold.operators.search.particles import Particles
from onefold.operators.search.strategy import Strategy
from onefold.operators.search.tree import Tree
from onefold.operators.search.whole import BestOfN, MajorityOfN, WeightedBestOfN
from onefold.runtime.trace import Span
from onefold.steps import steps

Positive = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]
MOST = 4096  # answers that are worth planning for
USUAL = 8  # steps of an answer, before one was seen
FEW = 8  # answers; with fewer, a search step by step seldom gets over a wrong turn
MORE = 0.05  # how much better the judge of so few must be
PRIOR = 4.0  # pairs of answers that what is assumed of a judge counts for


class Adaptive(Strategy, name="adaptive"):
    """Chooses a strategy and its width for each question.

    How good the judge is comes first: one that sees half-way which answers will be right guides a
    search step by step; one that sees it only at the end chooses among whole answers; one that
    does not see it is left out, and the majority decides. What a guided search gets wrong is just
    what its judge does not see, so its answers vote by their scores; where whole ones leave the
    judge in doubt, they are written side by side, so that they share no mistakes. The budget gives
    the width. First answers that all agree, and that the judge does not reject, are enough.

    auc_steps, auc_answers: how well the judge ranks answers to one question half-way, and whole:
        the chance that one that is right in the end scores above one that is not. None: whole
        answers are weighed by their scores, unless the first ones show a judge that the majority
        bears out, and that says half-way what it says in the end.
    at: what these must reach for a search step by step, and a little more where few answers can be
        paid; for weighing whole answers by their scores; for taking the best one.
    first: whole answers drawn first, where four times as many can be paid; an eighth, if that is
        more, where the judge is not known.
    most: answers in all; None: as many as the budget pays, 16 without one.
    """

    auc_steps: Share | None = None
    auc_answers: Share | None = None
    at: tuple[Share, Share, Share] = (0.6, 0.6, 0.97)
    first: Annotated[int, Meta(ge=2)] = 4
    most: Positive | None = None

    stepwise: ClassVar[bool] = False

    async def grow(self, tree: Tree) -> Sequence[Node]:
        count = self._affordable(tree)
        drawn: list[Node] = []
        if count >= 4 * self.first:
            told = None not in (self.auc_steps, self.auc_answers)
            first = self.first if told else max(self.first, count // 8)
            drawn = await tree.finish([tree.root], [first])
            if agreed(tree, drawn):
                return drawn
        chosen = self._chosen(tree, count, *await self._quality(tree, drawn))
        tree.vote = "weighted" if chosen.stepwise else chosen.vote
        if not chosen.judged:
            tree.judge = None
        with Span("route", "adaptive", tree.query, tree.span) as span:
            span.answer = {chosen.name_of_part: 1.0}
        return [*drawn, *await chosen.grow(tree)]

    def _affordable(self, tree: Tree) -> int:
        """Whole answers that can be paid."""
        most = self.most or (16 if tree.purse.budget is None else MOST)
        return max(1, tree.purse.fits([tree.root], most, 0, whole=True))

    def _chosen(self, tree: Tree, count: int, half: float, whole: float) -> Strategy:
        """The strategy for a judge of such a quality, as wide as can be paid."""
        asked = len(tree.root.children)
        guides, weighs, takes = self.at
        paths = self._paths(tree, count - asked)
        least = guides + MORE * (paths < FEW)
        if tree.continues and half >= least and paths >= 2:
            return guided(paths, whole >= takes)
        if whole >= takes:
            return BestOfN(count)
        return WeightedBestOfN(count) if whole >= weighs else MajorityOfN(count)

    def _paths(self, tree: Tree, count: int) -> int:
        """Answers written step by step that can be paid; what is read again makes them fewer."""
        if tree.purse.budget is None:
            return count
        seen = [steps(node.text, node.finish, tree.way.at) for node in tree.nodes]
        each = max(1, round(sum(map(len, seen)) / len(seen))) if seen else USUAL
        half = Node()
        half.text = tree.nodes[0].text[: len(tree.nodes[0].text) // 2] if seen else ""
        fit = tree.purse.fits([half], MOST * each, 0, whole=False)
        return min(fit // each, self.most or MOST)

    async def _quality(self, tree: Tree, drawn: Sequence[Node]) -> tuple[float, float]:
        """How well the judge ranks answers half-way and whole: as known, else as it shows here."""
        half, whole = self.auc_steps, self.auc_answers
        if half is not None and whole is not None:
            return half, whole
        ended = [node for node in drawn if node.error is None and node.score is not None]
        scores = [node.score or 0.0 for node in ended]
        if half is None:
            cut = await tree.score([halved(node, tree.way.at) for node in ended])
            mean = sum(scores) / max(1, len(scores))
            half = ranked([node.score for node in cut], [score > mean for score in scores], 0.55)
        if whole is None:
            whole = self.at[1]
            if self.auc_steps is None and ranked(scores, majority(tree, ended), 0.7) < 0.75:
                half = 0.0
        return half, whole

    def _calls(self, steps: int) -> list[int]:
        return [self.most or 16] * steps


def guided(paths: int, sure: bool) -> Strategy:
    """A search step by step that writes so many answers' worth of steps.

    sure: whether the judge knows a right answer once it is whole. If not, answers that have nothing
        in common are to vote; the more, the more candidates each of their steps is chosen from.
    """
    if sure or paths < FEW:
        return Particles(paths)
    candidates = min(4, ceil(sqrt(paths) / 2))
    return DVTS(paths // candidates, candidates)


def agreed(tree: Tree, drawn: Sequence[Node]) -> bool:
    """Whether first answers all say the same, and the judge does not reject them."""
    values = {key(tree, node) for node in drawn}
    scores = [node.score for node in drawn if node.score is not None]
    return len(values) == 1 and None not in values and max(scores, default=0.0) >= 0.5


def majority(tree: Tree, nodes: Sequence[Node]) -> list[bool]:
    """Which answers say what most of them say."""
    said = [key(tree, node) for node in nodes]
    most = max(said, key=lambda value: (value is not None, said.count(value)), default=None)
    return [value is not None and value == most for value in said]


def key(tree: Tree, node: Node) -> str | None:
    """What an answer says, so that equal ones meet; None where it cannot be read."""
    value = tree.draft(node).value
    return None if value is None else spell(value)


def halved(node: Node, at: tuple[str, ...]) -> Node:
    """An answer as it was half-way."""
    cut = Node((-1, *node.path))
    held = steps(node.text, node.finish, at)
    cut.text = "".join(step.text for step in held[: max(1, len(held) // 2)])
    return cut


def ranked(scores: Sequence[float | None], good: Sequence[bool], assumed: float) -> float:
    """The chance that what is good scores above what is not, drawn towards what is assumed."""
    known = [(s, is_good) for s, is_good in zip(scores, good, strict=True) if s is not None]
    high = [score for score, is_good in known if is_good]
    low = [score for score, is_good in known if not is_good]
    wins = sum((a > b) + 0.5 * (a == b) for a in high for b in low)
    return (PRIOR * assumed + wins) / (PRIOR + len(high) * len(low))
