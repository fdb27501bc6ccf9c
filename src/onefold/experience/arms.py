"""A contextual bandit's memory: for each member, what its outcomes say of prompts' features."""

from __future__ import annotations

from collections import deque
from math import sqrt

import numpy as np

from onefold.experience.drift import Missed
from onefold.fitted.sparse import Floats

NOISE = 0.5  # standard deviation of an outcome at most
RECENT = 200  # outcomes of a member that are looked back on when it has changed


class Arm:
    """One member: a ridge regression of its outcomes on features, updated one by one.

    A change is noticed by a CUSUM on what the regression missed; then the outcomes before it are
    forgotten. Memory is bounded.

    inverse: (width, width) of the features' weighted squares. start: quality of which nothing is
    known.
    """

    def __init__(self, width: int, ridge: float, start: float) -> None:
        self.width = width
        self.ridge = ridge
        self.start = start
        self.missed = Missed()
        self.recent: deque[tuple[Floats, float]] = deque(maxlen=RECENT)
        self._clear()

    def _clear(self) -> None:
        self.inverse = np.eye(self.width) / self.ridge
        self.sums = np.zeros(self.width)
        self.weights = np.zeros(self.width)

    def guess(self, features: Floats) -> tuple[float, float]:
        """The expected outcome at features (width), and how unsure it is, one deviation."""
        mean = self.start + float(self.weights @ features)
        return mean, sqrt(max(0.0, float(features @ self.inverse @ features)))

    def learn(self, features: Floats, score: float) -> bool:
        """One more outcome in [0, 1]; whether it shows that the member has changed."""
        mean, doubt = self.guess(features)
        self.recent.append((features, score))
        since = self.missed.add(score, mean, NOISE * doubt)
        if not since:
            self._add(features, score)
            return False
        latest = list(self.recent)[-since:]
        self.recent = deque(latest, maxlen=RECENT)
        self._clear()
        for each in latest:
            self._add(*each)
        return True

    def _add(self, features: Floats, score: float) -> None:
        """A recursive least squares step (Sherman and Morrison 1950)."""
        turned = self.inverse @ features
        self.inverse -= np.outer(turned, turned) / (1.0 + float(features @ turned))
        self.sums += (score - self.start) * features
        self.weights = self.inverse @ self.sums


class Arms:
    """The arms of a session's members; `heard`: outcomes learned so far."""

    def __init__(self, width: int, ridge: float, start: float) -> None:
        self.width = width
        self.ridge = ridge
        self.start = start
        self.heard = 0
        self.held: dict[str, Arm] = {}

    def of(self, member: str) -> Arm:
        """A member's arm, made on first use."""
        if member not in self.held:
            self.held[member] = Arm(self.width, self.ridge, self.start)
        return self.held[member]
