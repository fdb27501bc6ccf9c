"""A simulated model: right as often as it declares, wrong together with others as it declares.

Nothing is computed by a language model here, and every reply says so.
"""

from __future__ import annotations

import re
from asyncio import sleep
from collections.abc import Mapping
from math import sqrt
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from onefold.core.errors import ConfigError, Unreachable
from onefold.core.tally import spell
from onefold.core.usage import Dollars, Price, estimated_tokens
from onefold.delivery.provider import Provider, Reply, Request
from onefold.providers.chance import Latency, normal, standard, uniform

Share = Annotated[float, Meta(ge=0, le=1)]
SUM = re.compile(r"(?<![\w.)])(?:- ?)?\d{1,6}(?: ?[-+*] ?\d{1,6}){1,8}(?![\w^)]|\.\d)")
JOINED = re.compile(r"[-+*/^(%] ?\Z")
SIZES = {
    "small": (0.70, (0.10, 0.40), 0.3),
    "medium": (0.80, (0.50, 2.00), 0.6),
    "large": (0.90, (3.00, 15.00), 1.2),
}


class Sim(Provider, name="sim"):
    """A simulated model; `sim:small`, `sim:medium` and `sim:large` are ready-made.

    accuracy: share of questions it gets right.
    correlation: how much of its luck is the question's own, shared by all simulated models (the
        latent correlation of a one-factor Gaussian copula).
    same_wrong: share of wrong answers that are the question's one popular mistake; real models
        that both err agree in about 0.6 of the cases (Kim et al., ICML 2025).
    failure: share of calls that fail as Unreachable.
    states: `honest` states the true chance of being right given the question's difficulty,
        `nothing` states none.
    latency: how long replies take. price: (in, out) in US dollars per million tokens.
    answers: right answers by prompt; otherwise a sum in the prompt is worked out, a label or a
        number is drawn.
    seed: another seed is another luck.
    """

    accuracy: Share = 0.8
    correlation: Share = 0.3
    same_wrong: Share = 0.6
    failure: Share = 0.0
    states: Literal["honest", "nothing"] = "honest"
    latency: Latency = Latency(0.5, 0.5)
    price: tuple[Dollars, Dollars] = (0.5, 2.0)
    answers: Mapping[str, str] = {}
    seed: int = 0

    remote: ClassVar[bool] = False

    async def complete(self, request: Request) -> Reply:
        who = (self.seed, request.model, request.sample, request.prompt)
        right, chance = self._luck(request)
        said = truth(request, self.answers, self.seed)
        if not right:
            said = self._mistake(request, said)
        text = f"[simulated] The answer is {said}."
        tokens = estimated_tokens(text)
        await sleep(self.latency.seconds(tokens, *who))
        if uniform("failure", *who) < self.failure:
            raise Unreachable(f"{request.model} failed, as simulated", model=request.model)
        tokens_in = sum(estimated_tokens(message.content) for message in request.messages)
        confidence = chance if self.states == "honest" else None
        return Reply(text, tokens_in, 0, tokens, confidence)

    def _luck(self, request: Request) -> tuple[bool, float]:
        """Whether it is right this time, and its chance to be, given the question's difficulty."""
        if self.accuracy in (0.0, 1.0):
            return self.accuracy == 1.0, self.accuracy
        shared = normal("difficulty", self.seed, request.prompt)
        own = normal("own", self.seed, request.model, request.sample, request.prompt)
        level, rho = standard().inv_cdf(self.accuracy), self.correlation
        right = sqrt(rho) * shared + sqrt(1 - rho) * own < level
        if rho == 1.0:
            return right, float(right)
        return right, standard().cdf((level - sqrt(rho) * shared) / sqrt(1 - rho))

    def _mistake(self, request: Request, right: str) -> str:
        """A wrong answer: the popular one, or one of its own."""
        who = (self.seed, request.model, request.sample, request.prompt)
        popular = uniform("popular", *who) < self.same_wrong
        draw = uniform("mistake", self.seed, request.prompt) if popular else uniform("slip", *who)
        if request.labels:
            others = [label for label in request.labels if label != right] or [right]
            return others[int(draw * len(others))]
        if right.lstrip("-").isdigit():
            step = 1 + int(draw * 20)
            return str(int(right) + (step if step % 2 else -step))
        return f"not {right}" if popular else f"not {right} ({int(draw * 1000)})"

    def _about(self) -> dict[str, Any]:
        """What a deployment made from it alone should know."""
        return {
            "price": Price(*self.price),
            "typical_tokens": 12,
            "typical_seconds": self.latency.median,
        }

    @classmethod
    def _named(cls, model: str) -> Sim:
        if model not in SIZES:
            raise ConfigError(
                f"sim:{model}: simulated models are {', '.join(SIZES)}, or {{sim: {{…}}}}"
            )
        accuracy, price, seconds = SIZES[model]
        return cls(accuracy, latency=Latency(seconds, 0.5), price=price)


def truth(request: Request, answers: Mapping[str, str], seed: int) -> str:
    """What is right: as declared, as worked out, or as drawn for this question."""
    given = answers.get(request.prompt)
    if given is not None:
        return given
    sums = [match for match in SUM.finditer(request.prompt) if whole(match)]
    if sums:
        return spell(worked_out(sums[-1][0]))
    draw = uniform("truth", seed, request.prompt)
    if request.labels:
        return request.labels[int(draw * len(request.labels))]
    return str(int(draw * 1000))


def whole(match: re.Match[str]) -> bool:
    """Whether a sum stands alone, rather than inside brackets, a quotient or a power."""
    before, after = match.string[: match.start()], match.string[match.end() :]
    return not JOINED.search(before[-2:]) and after.lstrip(" ")[:1] not in tuple("+-*/^%)")


def worked_out(expression: str) -> int:
    """The value of whole numbers joined by +, - and *; products first."""
    total, sign = 0, 1
    for part in re.findall(r"[-+]|[^-+]+", expression.replace(" ", "")):
        if part in "+-":
            sign = 1 if part == "+" else -1
            continue
        product = 1
        for factor in part.split("*"):
            product *= int(factor)
        total += sign * product
    return total
