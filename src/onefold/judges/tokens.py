"""The judge that looks at how sure the model was of its words: token log-probabilities."""

from __future__ import annotations

from math import exp, expm1, fsum, log
from typing import Literal

from onefold.core.answer import Answer, Token
from onefold.core.errors import Unreadable
from onefold.core.query import Query
from onefold.verbs import Judge

Measure = Literal["perplexity", "mean", "minimum", "certainty"]


class Tokens(Judge, name="tokens"):
    """How sure the model was, from the log-probabilities of its own tokens.

    measure: `perplexity` is the tokens' geometric mean probability, 1 / perplexity; `mean` their
        arithmetic mean; `minimum` that of the least likely token; `certainty` is self-certainty
        (Kang et al., arXiv 2502.18581), the divergence from a uniform choice, brought to [0, 1) by
        1 − exp(−divergence). Services tell at most 20 alternatives, so it is an approximation: the
        divergence within those that are known, whose probabilities are scaled to sum to 1.

    The answer must carry tokens: ask its model with `logprobs: 0`, for `certainty` with more.
    """

    measure: Measure = "perplexity"

    async def score(self, query: Query, answer: Answer) -> float:
        if not answer.tokens:
            raise Unreadable(
                f"{answer.source or 'the answer'} came without log-probabilities: ask for them by "
                "logprobs: 0 on its model, where its service has them",
                model=answer.source,
            )
        if self.measure == "certainty":
            return -expm1(-certainty(answer))
        likely = [min(0.0, token.logprob) for token in answer.tokens]
        if self.measure == "minimum":
            return exp(min(likely))
        if self.measure == "mean":
            return fsum(map(exp, likely)) / len(likely)
        return exp(fsum(likely) / len(likely))


def certainty(answer: Answer) -> float:
    """Self-certainty: the mean over tokens of KL(uniform ‖ model) among the known alternatives.

    Raises:
        Unreadable: no token tells an alternative.
    """
    known = [each for each in map(alternatives, answer.tokens) if len(each) > 1]
    if not known:
        raise Unreadable(
            f"{answer.source or 'the answer'} tells no alternatives to its tokens, which certainty "
            "needs: ask its model with logprobs: 5 or more",
            model=answer.source,
        )
    return fsum(divergence(each) for each in known) / len(known)


def alternatives(token: Token) -> list[float]:
    """The log-probabilities known at a token's place, its own among them."""
    return [*{**token.top, token.text: token.logprob}.values()]


def divergence(logprobs: list[float]) -> float:
    """KL(uniform ‖ p) of these alternatives, scaled to sum to 1; 0 where all are as likely."""
    top = max(logprobs)
    total = top + log(fsum(exp(each - top) for each in logprobs))
    count = len(logprobs)
    return max(0.0, -log(count) - fsum(each - total for each in logprobs) / count)
