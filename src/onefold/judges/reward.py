"""The judge that measures: a reward model's score, over HTTP or from any model that states one."""

from __future__ import annotations

from math import tanh
from typing import Literal

import msgspec

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError, Unreadable
from onefold.core.query import Message, Query
from onefold.verbs import Judge, Operator

Scale = Literal["share", "sigmoid"] | tuple[float, float]


class Reward(Judge, name="reward"):
    """What a reward model gives an answer, brought to [0, 1].

    model: the endpoint by its address, whose path says the protocol, such as
        `http://gpu:8000/classify`; or a session's name for it (docs/judges.md).
    scale: `share` takes a number in [0, 1] as it is; `sigmoid` is for raw rewards; a pair (worst,
        best) is stretched to [0, 1], and what lies beyond counts as its end.
    pick: which of several numbers counts, from 0, -1 the last; or a class by its label.
    """

    model: Operator
    scale: Scale = "share"
    pick: int | str = -1

    async def score(self, query: Query, answer: Answer) -> float:
        reply = await self.model(asked(query, answer.text))
        return self._share(self._number(reply), reply)

    def _number(self, reply: Answer) -> float:
        """The number that counts.

        Raises:
            Unreadable: it is not there.
        """
        if isinstance(self.pick, str):
            found = (reply.probs or {}).get(self.pick)
            known: object = sorted(reply.probs or {})
        else:
            known = numbers = rewards(reply)
            inside = -len(numbers) <= self.pick < len(numbers)
            found = numbers[self.pick] if inside else None
        if found is None:
            raise Unreadable(
                f"{reply.source} gave no score {self.pick!r}: it gave {known!r:.200}; name an "
                "endpoint that scores, and pick one of its scores",
                model=reply.source,
            )
        return found

    def _share(self, number: float, reply: Answer) -> float:
        """A number brought to [0, 1].

        Raises:
            Unreadable: it should be a share, and is none.
        """
        if self.scale == "sigmoid":
            return 0.5 + 0.5 * tanh(0.5 * number)
        if isinstance(self.scale, tuple):
            worst, best = self.scale
            return min(1.0, max(0.0, (number - worst) / (best - worst)))
        if not 0.0 <= number <= 1.0:
            raise Unreadable(
                f"{reply.source} scored {number!r}, which is no share in [0, 1]: say scale: "
                "sigmoid for a raw reward, or its range, as in scale: [-5, 5]",
                model=reply.source,
            )
        return number

    def _check(self) -> None:
        if isinstance(self.scale, tuple) and self.scale[0] == self.scale[1]:
            raise ConfigError(f"scale {self.scale}: the worst and the best reward must differ")


def asked(query: Query, text: str) -> Query:
    """The conversation with an answer as its last turn, as reward models want it."""
    last = (Message("user", query.text),) if query.text else ()
    turns = (*query.messages, *last, Message("assistant", text))
    return Query(messages=turns, system=query.system, sample=query.sample)


def rewards(reply: Answer) -> list[float]:
    """The numbers in a reply: a scoring endpoint's, else a confidence that a model states."""
    try:
        said = msgspec.json.decode(reply.text, type=list[float] | float)
    except msgspec.DecodeError:
        return [] if reply.confidence is None else [reply.confidence]
    return said if isinstance(said, list) else [said]
