"""The judge of steps: a marker's marks, made into one score."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Literal

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError, Unreadable
from onefold.core.query import Query
from onefold.steps import steps
from onefold.verbs import Judge, Marker

Aggregate = Literal["min", "prod", "last", "mean"]


class Process(Judge, name="process"):
    """How good the steps of an answer are, whether it is whole or only begun.

    A step that was cut off is not marked; steps that the marker cannot tell are left out.

    marker: who marks. aggregate: what becomes of the marks: the least (Lightman et al. 2023 and
        Wang et al. 2024), their product, the last one (Snell et al. 2024), the mean.
    at: where steps end; a local model's at each line, those of a chat model often at `"\\n\\n"`.
    """

    marker: Marker
    aggregate: Aggregate = "min"
    at: tuple[str, ...] = ("\n",)

    async def score(self, query: Query, answer: Answer) -> float:
        found = [each for each in steps(answer.text, answer.finish, self.at) if not each.empty]
        texts = [step.text.strip() for step in found if step.ended != "length"]
        if not texts:
            what = "a step that was cut off" if found else "no steps"
            raise Unreadable(
                f"{answer.source or 'an answer'} has {what}: there is nothing to mark",
                model=answer.source,
            )
        marks = shares(self.marker, await self.marker.mark(query, texts), len(texts))
        if not marks:
            raise Unreadable(
                f"{self.marker.name_of_part} could tell of none of {len(texts)} steps",
                model=answer.source,
            )
        return one(marks, self.aggregate)

    def _check(self) -> None:
        if not any(self.at):
            raise ConfigError('at: say where steps end, as in at: ["\\n"]')


def shares(marker: Marker, marks: Sequence[float | None], count: int) -> list[float]:
    """The marks that say something.

    Raises:
        Unreadable: there is not one a step, or one is no share in [0, 1].
    """
    name = marker.name_of_part
    if len(marks) != count:
        raise Unreadable(f"{name} gave {len(marks)} marks for {count} steps", model=name)
    told = [mark for mark in marks if mark is not None]
    wrong = [mark for mark in told if not 0.0 <= mark <= 1.0]
    if wrong:
        raise Unreadable(f"{name} marked a step {wrong[0]!r}; it must lie in [0, 1]", model=name)
    return told


def one(marks: Sequence[float], aggregate: Aggregate) -> float:
    """One score from at least one mark."""
    if aggregate == "min":
        return min(marks)
    if aggregate == "prod":
        return prod(marks)
    return marks[-1] if aggregate == "last" else sum(marks) / len(marks)
