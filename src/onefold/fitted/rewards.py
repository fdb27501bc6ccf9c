"""What speaks for a draft among others: how it is written, whether its steps hold, who agrees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from onefold.core.tally import spell
from onefold.fitted.artifact import Artifact
from onefold.fitted.calibration import Calibration, sigmoid
from onefold.fitted.drafts import NAMES, draft_features, ends, standard
from onefold.fitted.sparse import Floats, Ints
from onefold.fitted.texts.sheet import Sheet, wholeness

CHECKS = (
    "steps hold",
    "numbers used",
    "results used",
    "answer follows",
    "no sums",
    "whole",
    "steps",
)
COMPANY = ("same", "largest rival", "candidates", "read")
WIDTH = len(NAMES) + len(CHECKS) + len(COMPANY)
MOST = 200  # lines of a draft that are calculated


class OutcomeReward:
    """A linear judge of drafts beside each other.

    members: names. centre, scale: (WIDTH) of the drafts that it was fitted to. weights: (WIDTH).
    base: (members) log-odds to start from. allies: (members) what it adds that a member says the
    same. Of strangers, both are the mean.
    """

    def __init__(self, artifact: Artifact) -> None:
        arrays = artifact.arrays
        self.places = {name: place for place, name in enumerate(artifact.about["members"])}
        self.centre, self.scale, self.weights = arrays["centre"], arrays["scale"], arrays["weights"]
        self.base, self.allies = arrays["base"], arrays["allies"]
        self.calibration = Calibration.of(arrays, "verdict")

    def score(
        self, prompt: str, text: str, value: Any, member: str, others: Sequence[tuple[str, Any]]
    ) -> float:
        """P(right) of one draft.

        others: (member, value) of the other drafts, None where one could not be read.
        """
        names: dict[str, int] = {}
        said = [value, *(each for _, each in others)]
        codes = [-1 if v is None else names.setdefault(spell(v), len(names)) for v in said]
        seen = np.array([*own_features(prompt, text, value), *company(np.array([codes]))[0, 0]])
        odds = float(standard(seen, self.centre, self.scale) @ self.weights)
        odds += self._of(self.base, member)
        if codes[0] >= 0:
            alike = [
                who for (who, _), code in zip(others, codes[1:], strict=True) if code == codes[0]
            ]
            odds += sum(self._of(self.allies, who) for who in alike)
        return float(self.calibration.apply(sigmoid(odds)))

    def _of(self, levels: Floats, member: str) -> float:
        """A member's level, the mean for one that is not known."""
        place = self.places.get(member)
        return float(levels.mean() if place is None else levels[place])


def own_features(prompt: str, text: str, value: Any) -> list[float]:
    """What can be seen on one draft, in the order of NAMES and CHECKS."""
    sheet = Sheet(ends(prompt))
    lines = [line for line in ends(text).split("\n") if line.strip()]
    marks = [sheet.mark(line) for line in lines[:MOST]]
    met = wholeness(sheet, ends(prompt), marks)
    checks = [*(met or (0.0,) * 4), float(met is None), float(met is not None and min(met) == 1.0)]
    return [*draft_features(prompt, text, value), *checks, min(2.0, len(lines) / 10)]


def company(codes: Ints) -> Floats:
    """How each draft stands among those of its question: (questions, members, COMPANY).

    codes: (questions, members) the candidate that each names, -1 where it could not be read, -2
    where there is none. Shares are of the other drafts that are there.
    """
    there, read = codes > -2, codes >= 0
    others = np.maximum(there.sum(axis=1, keepdims=True) - there, 1)
    same = (codes[:, :, None] == codes[:, None, :]) & read[:, :, None]
    backing = same.sum(axis=2)
    rival = np.where(~same & read[:, None, :], backing[:, None, :], 0).max(axis=2)
    different = np.where(read, 1.0 / np.maximum(backing, 1), 0.0).sum(axis=1, keepdims=True)
    made: Floats = np.stack(
        [
            np.maximum(backing - 1, 0) / others,
            rival / others,
            np.broadcast_to(
                different / np.maximum(there.sum(axis=1, keepdims=True), 1), codes.shape
            ),
            read.astype(np.float64),
        ],
        axis=2,
    )
    return made
