"""Several judges at once: their mean, their median, or the strictest."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Annotated, Literal

from msgspec import Meta

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError, ModelError, Unreadable
from onefold.core.query import Query
from onefold.runtime.relay import together
from onefold.verbs import Judge, judged

Failing = Literal["skip", "fail"]
Weight = Annotated[float, Meta(ge=0, le=1e12)]


class Mean(Judge, name="mean"):
    """The mean of several judges, which are asked at the same time.

    weights: one a judge; empty counts all the same.
    failing: `skip` leaves out a judge that fails, as the trace shows, unless all fail; `fail`
        fails with it.
    """

    judges: tuple[Judge, ...]
    weights: tuple[Weight, ...] = ()
    failing: Failing = "skip"

    async def score(self, query: Query, answer: Answer) -> float:
        scores = await all_judged(self.judges, query, answer, self.failing)
        weights = self.weights or (1.0,) * len(scores)
        said = [(s, w) for s, w in zip(scores, weights, strict=True) if s is not None]
        total = sum(weight for _, weight in said)
        if not total:
            raise Unreadable("of these judges only those without weight said anything")
        return min(1.0, sum(score * weight for score, weight in said) / total)

    def _check(self) -> None:
        needs_judges(self)
        if self.weights and (len(self.weights) != len(self.judges) or not sum(self.weights)):
            raise ConfigError(
                f"{len(self.weights)} weights for {len(self.judges)} judges: give one each, at "
                "least one above 0, or none"
            )


class Median(Judge, name="median"):
    """The median of several judges, which one that is far off does not move. Else as `Mean`."""

    judges: tuple[Judge, ...]
    failing: Failing = "skip"

    async def score(self, query: Query, answer: Answer) -> float:
        scores = await all_judged(self.judges, query, answer, self.failing)
        return median(score for score in scores if score is not None)

    def _check(self) -> None:
        needs_judges(self)


class Least(Judge, name="least"):
    """What the strictest of several judges says: each of them must be content. Else as `Mean`."""

    judges: tuple[Judge, ...]
    failing: Failing = "fail"

    async def score(self, query: Query, answer: Answer) -> float:
        scores = await all_judged(self.judges, query, answer, self.failing)
        return min(score for score in scores if score is not None)

    def _check(self) -> None:
        needs_judges(self)


async def all_judged(
    judges: Sequence[Judge], query: Query, answer: Answer, failing: Failing
) -> list[float | None]:
    """What each judge says, None for one that failed and is skipped.

    Raises:
        ModelError: one failed, and that is not skipped.
        Unreadable: all failed.
    """

    async def ask(index: int) -> float | ModelError:
        try:
            return (await judged(judges[index], query, answer))[0]
        except ModelError as error:
            if failing == "fail":
                raise
            return error

    said = await together(ask, len(judges))
    if all(isinstance(each, ModelError) for each in said):
        raise Unreadable(f"no judge could say anything: {'; '.join(map(str, said))}")
    return [None if isinstance(each, ModelError) else each for each in said]


def needs_judges(part: Mean | Median | Least) -> None:
    """Refuse to combine nothing."""
    if not part.judges:
        raise ConfigError(f"{part.name_of_part} needs judges: judges: [stated, …]")
