"""The judge of both: how an answer came about, and what it comes to."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError
from onefold.core.part import Part, fields
from onefold.core.query import Query
from onefold.judges.calibrated import Calibrated
from onefold.judges.combine import all_judged
from onefold.judges.reward import Reward
from onefold.verbs import Judge

Weight = Annotated[float, Meta(ge=0, le=1e12)]


class Rewards(Judge, name="rewards"):
    """The weighted mean of a process and an outcome reward, which are asked at the same time.

    A mean of numbers that mean different things means nothing: a raw reward (`reward` with a scale
    other than share) is refused until it is `calibrated`. Where one of the two fails, so does it.

    process, outcome: judges, such as `process` and `reward`. prm_weight, orm_weight: how much each
        counts.
    """

    process: Judge
    outcome: Judge
    prm_weight: Weight = 0.5
    orm_weight: Weight = 0.5

    async def score(self, query: Query, answer: Answer) -> float:
        judges = (self.process, self.outcome)
        said = await all_judged(judges, query, answer, "fail")
        weights = (self.prm_weight, self.orm_weight)
        mean = sum((s or 0.0) * w for s, w in zip(said, weights, strict=True)) / sum(weights)
        return min(1.0, mean)

    def _check(self) -> None:
        if not self.prm_weight + self.orm_weight:
            raise ConfigError("prm_weight and orm_weight are both 0: one must count")
        for judge in (self.process, self.outcome):
            raw = uncalibrated(judge)
            if raw is not None:
                raise ConfigError(
                    f"reward with scale {raw.scale!r} is no probability, and cannot be blended: "
                    "fit calibrated to it (onefold.learn.calibrate.fit_calibration)"
                )


def uncalibrated(part: Part) -> Reward | None:
    """A raw reward in a judge that no calibration stands over, None where there is none."""
    if isinstance(part, Calibrated):
        return None
    if isinstance(part, Reward) and part.scale != "share":
        return part
    for name, field in fields(type(part)).items():
        if field.kind is not None:
            held = getattr(part, name)
            for inner in held if field.many else (held,):
                found = None if inner is None else uncalibrated(inner)
                if found is not None:
                    return found
    return None
