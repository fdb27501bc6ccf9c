"""A simulated world for searches: questions of known difficulty, rewards of known blindness.

An answer is a chain of steps; each goes wrong with the question's chance. A wrong answer is the
question's popular mistake or one of its own. What the reward sees of it is the regime's.
"""

from __future__ import annotations

from hashlib import blake2b
from random import Random
from struct import Struct as Packed
from typing import Any

from msgspec import Struct

from onefold.core.answer import Answer
from onefold.core.query import Query
from onefold.operators.search.node import Node, Path
from onefold.operators.search.tree import Tree, Way, shared
from onefold.runtime.trace import Span

DEPTH = 8
NOISE = 0.17  # of the sum of four uniform draws: a standard deviation of 0.1
UNPACK = Packed(f"<{4 * DEPTH}H").unpack
BUDGETS = (4, 16, 64)


class Level(Struct, frozen=True):
    """How hard questions are.

    right, wrong: of the Beta distribution of a question's chance that a step is right. popular:
    share of the mistakes that are the question's popular one.
    """

    name: str
    right: float
    wrong: float
    popular: float = 0.3


class Reward(Struct, frozen=True):
    """What a reward sees: shares of errors at once, and of the others in the end.

    fooled: whether it likes errors better than what is right.
    """

    name: str
    sees: float = 0.0
    late: float = 0.0
    fooled: bool = False


class Regime(Struct, frozen=True):
    """What a question meets: how hard it is, what the reward sees, how many answers may be paid."""

    level: Level
    reward: Reward
    budget: int


LEVELS = (Level("middle", 6.0, 1.4), Level("hard", 4.0, 1.6))
REWARDS = (
    Reward("sees every error", 1.0, 1.0),
    Reward("blind to a fifth", 0.8),
    Reward("sees late", 0.0, 1.0),
    Reward("noise"),
    Reward("fooled", fooled=True),
)


def drawn(count: int, seed: int) -> list[Regime]:
    """Regimes that nobody chose."""
    chance = Random(seed)
    made = []
    for number in range(count):
        right, wrong = round(chance.uniform(3, 10), 1), round(chance.uniform(1, 2), 1)
        popular = round(chance.uniform(0.2, 0.6), 2)
        level = Level(f"{right:g} : {wrong:g}, {popular:.0%}", right, wrong, popular)
        sees, late = round(chance.random(), 2), chance.choice((0.0, round(chance.random(), 2), 1.0))
        told = f"sees {sees:.0%}, in the end {late:.0%} of the others"
        reward = chance.choice((*[Reward(told, sees, late)] * 6, REWARDS[3], REWARDS[4]))
        made.append(Regime(level, reward, BUDGETS[number % len(BUDGETS)]))
    return made


class Purse:
    """A budget of so many answers of DEPTH steps each, counted in steps."""

    budget = True

    def __init__(self, answers: int) -> None:
        self.left = answers * DEPTH

    def fits(self, nodes: list[Node], wanted: int, keep: int, whole: bool) -> int:
        if not nodes:
            return 0
        each = DEPTH - sum(node.steps for node in nodes) / len(nodes) if whole else 1
        ends = 0 if whole else keep * (DEPTH - 1 - nodes[0].steps)
        return max(0, min(wanted, int((self.left - ends) / each + 1e-9)))


class Pretended(Tree):
    """A tree whose steps are drawn from the simulated world, without a model or a corridor."""

    def __init__(self, regime: Regime, question: int, vote: str, seed: int = 0) -> None:
        self.regime = regime
        self.question = question
        self.way = Way(None, None, seed=seed, most_steps=DEPTH)  # type: ignore[arg-type]
        self.query = Query("q", sample=question)
        self.purse: Any = Purse(regime.budget)
        self.span = Span("answer", "world")
        self.root = Node()
        self.nodes, self.lost = [], []
        self.continues, self.tells = True, True
        self.vote, self.judge = vote, True  # type: ignore[assignment]
        level = regime.level
        self.right = Random(f"{level.name}/{question}").betavariate(level.right, level.wrong)
        self.answers = 0.0

    async def _ask(self, going: list[tuple[Node, int]], keep: int, whole: bool) -> list[Node]:
        nodes = [node for node, _ in going]
        wanted = sum(count for _, count in going)
        total = self.purse.fits(nodes, wanted, keep, whole)
        if total < wanted:
            going = shared(going, total)
        new = [self._step(node, whole) for node, count in going for _ in range(count)]
        self.nodes += new
        return new

    def _step(self, parent: Node, whole: bool) -> Node:
        """A child, one step further or at its end; its text is the marks of its errors so far."""
        node = parent.born()
        steps = DEPTH - parent.steps if whole else 1
        luck = iter(uniforms(self.way.seed, self.question, node.path))
        reward = self.regime.reward
        text = parent.text
        for _ in range(steps):
            right, popular, seen, told = next(luck), next(luck), next(luck), next(luck)
            if right < self.right:
                text += ".\n"
            else:
                text += "p" if popular < self.regime.level.popular else "o"
                text += "s" if seen < reward.sees else "l" if told < reward.late else "-"
                text += "\n"
        node.text, node.steps = text, parent.steps + steps
        self.purse.left -= steps
        self.answers += steps / DEPTH
        if node.steps >= DEPTH:
            node.finish = "stop"
        return node

    async def score(self, nodes: Any) -> list[Node]:
        for node in nodes:
            if node.score is not None:
                continue
            bad = "s" in node.text or (bool(node.finish) and "l" in node.text)
            good = 0.8 - 0.6 * bad
            if self.regime.reward.fooled and node.text.strip(".\n"):
                good = 0.9
            luck = uniforms(self.way.seed + 1, self.question, node.path)[:4]
            node.score = min(1.0, max(0.0, good + NOISE * (sum(luck) - 2.0)))
        return list(nodes)

    def draft(self, node: Node) -> Answer:
        wrong = node.text.replace(".", "").strip()
        value = "right" if not wrong else "popular"
        if wrong and wrong[0] != "p":  # all that goes on from one mistake ends alike
            since = node.text.index(wrong[0]) // 2 + 1
            value = f"own {node.path[:since]}"
        return Answer(node.text, value, source=node.name, confidence=node.score)


def uniforms(seed: int, question: int, path: Path) -> tuple[float, ...]:
    """Uniform draws of a place in the tree: four for each of DEPTH steps."""
    drawn = blake2b(f"{seed}/{question}/{path}".encode(), digest_size=64).digest()
    return tuple(each / 65536 for each in UNPACK(drawn))
