"""The judge whose score is a probability: any judge, calibrated by recorded outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onefold.core.answer import Answer
from onefold.core.part import FilePath
from onefold.core.query import Query
from onefold.verbs import Judge

if TYPE_CHECKING:
    from onefold.fitted.artifact import Artifact
    from onefold.fitted.calibration import Calibration

KIND = "judge calibration"


class Calibrated(Judge, name="calibrated"):
    """The probability that an answer is right, given what a judge scores it.

    judge: whose scores. path, hash: the file that `learn.calibrate.fit_calibration` made for it.
    """

    judge: Judge
    path: FilePath
    hash: str = ""

    async def score(self, query: Query, answer: Answer) -> float:
        return float(self._held().apply(await self.judge.score(query, answer)))

    def _held(self) -> Calibration:
        from onefold.fitted.artifact import revived

        return revived(self.path, self.hash, KIND, curve)


def curve(artifact: Artifact) -> Calibration:
    """The calibration in a file."""
    from onefold.fitted.calibration import Calibration

    return Calibration.of(artifact.arrays)
