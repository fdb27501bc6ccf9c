"""Small symmetric trees: what many graded drafts have taught, a few numbers a tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from onefold.fitted.sparse import Floats, Ints


class Forest:
    """A sum of symmetric trees: each asks one question a level (CatBoost, arXiv 1706.09516).

    feature, threshold: (trees, levels) the question: is this feature above that? value: (trees,
    2^levels) what a tree adds to the log-odds; bit k of the place is the answer at level k.
    """

    def __init__(self, feature: Ints, threshold: Floats, value: Floats) -> None:
        self.feature, self.threshold, self.value = feature, threshold, value
        self._trees = np.arange(len(feature))

    def odds(self, rows: Floats) -> Floats:
        """Log-odds (rows) of features (rows, width)."""
        leaves = np.zeros((len(rows), len(self.feature)), np.int64)
        for level, (feature, threshold) in enumerate(
            zip(self.feature.T, self.threshold.T, strict=True)
        ):
            leaves |= (rows[:, feature] > threshold).astype(np.int64) << level
        made: Floats = self.value[self._trees, leaves].sum(axis=1)
        return made

    def arrays(self) -> dict[str, Any]:
        """What an artifact keeps of it."""
        return {
            "tree_feature": self.feature.astype(np.int16),
            "tree_threshold": self.threshold,
            "tree_value": self.value.astype(np.float32),
        }

    @classmethod
    def revived(cls, arrays: Mapping[str, Any]) -> Forest:
        """The forest that an artifact kept."""
        names = ("tree_feature", "tree_threshold", "tree_value")
        return cls(*(arrays[name] for name in names))

    @classmethod
    def none(cls) -> Forest:
        """No trees: nothing is known, all log-odds are 0."""
        return cls(np.zeros((0, 1), np.int64), np.zeros((0, 1)), np.zeros((0, 2)))
