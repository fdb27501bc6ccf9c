"""A made-up model that writes in steps, and judges that know what they are worth."""

from asyncio import sleep
from functools import cache
from random import Random

import onefold as of
from onefold.delivery.provider import Provider, Reply
from onefold.operators.search.search import Search
from onefold.verbs import Judge, Operator

DIGITS = 3  # a step is one of these digits, and 0 is the right one
NAMES = ("best_of_n", "weighted_best_of_n", "majority", "guided_sampling", "beam", "dvts")
NAMES += ("particles", "rebase", "mcts", "tree", "adaptive")
STEPWISE = NAMES[3:-1]


class Stepping(Provider, name="stepping"):
    """Writes `depth` digits, a line each, then their sum.

    slow: another number is another order in which replies come. fails: share of calls that fail.
    same: whether every draw of a prompt is the same. tells: as for any provider.
    """

    depth: int = 2
    slow: int = 0
    fails: float = 0.0
    same: bool = False
    steady: bool = True
    said: str = "until"

    remote = False
    bounded = True
    tells = True

    def _continues(self) -> bool:
        return self.steady

    async def complete(self, request):
        draw = 0 if self.same else request.sample
        if self.slow:
            await sleep(Random(f"{self.slow}{request.begun}{request.sample}").random())
        if Random(f"{request.begun}{draw}").random() < self.fails:
            raise of.Unreachable("as told", model=request.model)
        digits = digits_of(request.begun)
        begun = len(digits)
        while len(digits) < self.depth:
            digits.append(Random(f"{digits}/{draw}").randrange(DIGITS))
            if request.sampling.stop:
                return self._reply(request, str(digits[-1]), self.said)
        lines = [*map(str, digits[begun:]), f"Answer: {sum(digits)}"]
        return self._reply(request, "\n".join(lines), "stop")

    def _reply(self, request, text, finish):
        return Reply(text, 5 + len(request.begun) // 2, tokens_out=len(text), finish=finish)


def digits_of(text):
    """The digits that an answer so far has written."""
    return [int(line) for line in text.split("\n") if line.isdigit()]


class Known(Judge, name="known"):
    """How many of an answer's digits are right; `sharp`: only whether all are."""

    sharp: bool = True

    async def score(self, query, answer):
        digits = digits_of(answer.text)
        right = digits.count(0)
        return float(right == len(digits)) if self.sharp else right / max(1, len(digits))


class Constant(Judge, name="constant"):
    """The same score for all; NaN is none."""

    value: float = 0.5

    async def score(self, query, answer):
        return self.value


class Asking(Judge, name="asking"):
    """Asks an operator for its score."""

    operator: Operator

    async def score(self, query, answer):
        return float((await self.operator("How good?")).text)


@cache
def model(**about):
    """A made-up model that writes in steps."""
    return of.Model("steps", provider=Stepping(**about))


def search(strategy, judge="known", **about):
    """A search over it, or over another model."""
    return Search(about.pop("model", None) or model(), judge, strategy, **about)


def tree(answer):
    """All that an answer tells of its tree: who said what, and how it was scored."""
    return [(d.source, d.text, d.confidence, d.status) for d in answer.drafts]
