"""The marker that measures: a process reward model's mark for each step, from an endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from onefold.core.answer import Answer
from onefold.core.errors import Unreadable
from onefold.core.query import Query
from onefold.fence import conversation
from onefold.markers.conventions import CONVENTIONS, share
from onefold.runtime.relay import together
from onefold.verbs import Asks, Marker, Operator


class StepReward(Marker, name="step_reward"):
    """What a process reward model says of each step.

    model: a scoring endpoint by its address, such as `http://gpu:8000/pooling`, which vLLM serves;
        for `rlhflow`, a chat model that gives log-probabilities: `{model: vllm:…, logprobs: 5}`.
    convention: how it wants steps: `qwen` (Qwen2.5-Math-PRM), `shepherd` (Math-Shepherd), `rlhflow`
        (Llama-3.1-8B-PRM), `skywork` (Skywork-o1-Open-PRM).
    raw: whether the endpoint gives raw rewards rather than probabilities.
    """

    model: Operator
    convention: Literal["qwen", "shepherd", "rlhflow", "skywork"] = "qwen"
    raw: bool = False

    async def mark(self, query: Query, steps: Sequence[str]) -> Sequence[float | None]:
        way = CONVENTIONS[self.convention]
        turns = way.turns(conversation(query), steps)
        if not way.each:
            reply = await self.model(Query(messages=turns, sample=query.sample))
            return self._read(reply, len(steps))

        async def ask(index: int) -> float:
            before = Query(messages=turns[: 2 * index + 1], sample=query.sample)
            return said_good(await self.model(before), *way.words)

        return await together(ask, len(steps))

    def _asks(self, query: Query) -> Asks:
        """Once; `rlhflow` once a step, of which there are a few."""
        text = query.drafts[0].text if query.drafts else "…"
        way = CONVENTIONS[self.convention]
        turns = way.turns(conversation(query), [text])
        times = (1.0, 5.0, 40.0) if way.each else (1.0, 1.0, 1.0)
        return [(self.model, Query(messages=turns[:1] if way.each else turns), times)]

    def _read(self, reply: Answer, count: int) -> list[float]:
        """The marks in a scoring endpoint's reply.

        Raises:
            Unreadable: they are not there, are too few, or are raw and should not be.
        """
        try:
            numbers = msgspec.json.decode(reply.text, type=list[float])
            return CONVENTIONS[self.convention].marks(numbers, count, self.raw)
        except (msgspec.DecodeError, ValueError) as error:
            raise Unreadable(
                f"{reply.source} gave no marks as {self.convention} does: {error}; serve the model "
                "with pooling at its step tag, and say raw: true where it gives raw rewards",
                model=reply.source,
            ) from None


def said_good(reply: Answer, good: str = "+", bad: str = "-") -> float:
    """How likely a model's first word is good rather than bad.

    Raises:
        Unreadable: it tells no log-probability of either.
    """
    first = reply.tokens[0] if reply.tokens else None
    known = {} if first is None else {**first.top, first.text: first.logprob}
    told = {word.strip(): logprob for word, logprob in known.items()}
    if good not in told and bad not in told:
        raise Unreadable(
            f"{reply.source} tells no log-probability of {good!r} or {bad!r}: ask it with "
            "logprobs: 5 and max_tokens: 1, on a service that gives them",
            model=reply.source,
        )
    least = min(known.values())  # what is not among the likeliest is no likelier than they are
    return share(told.get(good, least), told.get(bad, least))
