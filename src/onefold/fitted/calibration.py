"""Calibration: from a score to the probability that it is right, with a band of uncertainty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import log
from typing import Any, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import ArrayLike, NDArray

from onefold.core.errors import ConfigError
from onefold.core.tally import Z95, Tally, Trust, wilson

Floats = NDArray[np.float64]
CLOSE = 1e-4  # scores nearer to 0 or 1 than this count as this far away


class Calibration(Struct, frozen=True, eq=False):
    """A curve from scores in [0, 1] to probabilities, as a table in log-odds.

    method: how it was fitted. knots: (knots) log-odds of scores, ascending. levels: (3, knots)
    log-odds of the probability there, of its low and of its high 95 % bound. Between knots it is
    straight, outside them flat. outcomes: graded outcomes behind it.
    """

    method: str
    knots: Floats
    levels: Floats
    outcomes: int

    def apply(self, scores: ArrayLike) -> Floats:
        """Probabilities in (0, 1), of the shape of the scores.

        Raises:
            ConfigError: a score is no share in [0, 1].
        """
        return self._at(scores, 0)

    def interval(self, scores: ArrayLike) -> tuple[Floats, Floats]:
        """The low and the high bounds of the probabilities' 95 % intervals."""
        return self._at(scores, 1), self._at(scores, 2)

    def trust(self, score: float, basis: str = "") -> Trust:
        """The probability behind one score, with its interval."""
        probability, low, high = (float(self._at(score, level)) for level in range(3))
        return Trust(probability, low, high, self.outcomes, basis=basis)

    def arrays(self, name: str = "calibration") -> dict[str, NDArray[Any]]:
        """Itself as arrays for an Artifact, each called `name.…`."""
        held = {field: np.asarray(getattr(self, field)) for field in self.__struct_fields__}
        return {f"{name}.{field}": array for field, array in held.items()}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], name: str = "calibration") -> Calibration:
        """The calibration in an Artifact's arrays.

        Raises:
            ConfigError: there is none under that name.
        """
        try:
            method, knots, levels, outcomes = (
                arrays[f"{name}.{field}"] for field in cls.__struct_fields__
            )
        except KeyError:
            raise ConfigError(f"the file holds no {name}: fit it again") from None
        return cls(str(method), knots, levels, int(outcomes))

    def _at(self, scores: ArrayLike, level: int) -> Floats:
        return sigmoid(np.interp(log_odds(scores), self.knots, self.levels[level]))


def log_odds(scores: ArrayLike) -> Floats:
    """Log-odds of scores, kept finite.

    Raises:
        ConfigError: a score is no share in [0, 1].
    """
    shares = np.asarray(scores, dtype=np.float64)
    wrong = shares[~((shares >= 0) & (shares <= 1))]
    if wrong.size:
        raise ConfigError(
            f"a score of {wrong[0]!r} cannot be calibrated; it must lie in [0, 1]: leave out what "
            "could not be scored, and turn log-odds into shares by a sigmoid"
        )
    kept = np.clip(shares, CLOSE, 1 - CLOSE)
    made: Floats = np.log(kept) - np.log1p(-kept)
    return made


def sigmoid(scores: ArrayLike) -> Floats:
    """Probabilities from log-odds."""
    made: Floats = 0.5 * (1.0 + np.tanh(0.5 * np.asarray(scores)))
    return made


class Patterns(Struct, frozen=True, eq=False):
    """The probability that a vote's winner is right, from how the ballots fell.

    members: whose stand counts, beside how many there are on each side. centre, scale: (terms) of
    the terms in `pattern`. weights: (1 + terms + members) of a logistic regression, its intercept
    first; covariance: theirs. outcomes, voters, cofailure: as in `Trust`.
    """

    members: tuple[str, ...]
    centre: Floats
    scale: Floats
    weights: Floats
    covariance: Floats
    outcomes: int
    voters: float | None = None
    cofailure: float | None = None

    def rows(self, tallies: Iterable[Tally]) -> Floats:
        """What the regression eats: (tallies, 1 + terms + members)."""
        terms = np.array([pattern(tally) for tally in tallies])
        stands = np.array([stand(tally, self.members) for tally in tallies])
        ones = np.ones((len(terms), 1))
        return np.hstack([ones, (terms - self.centre) / self.scale, stands])

    def apply(self, rows: Floats) -> tuple[Floats, Floats, Floats]:
        """Probabilities of `rows`, and the low and high bounds of their 95 % intervals."""
        odds = rows @ self.weights
        half = Z95 * np.sqrt(np.einsum("ij,jk,ik->i", rows, self.covariance, rows))
        return sigmoid(odds), sigmoid(odds - half), sigmoid(odds + half)

    def trust(self, tally: Tally) -> Trust:
        """The probability behind a vote.

        Raises:
            ConfigError: it was fitted on other members than these.
        """
        strange = [each.source for each in tally.ballots if each.source not in self.members]
        if strange and len(strange) == len(tally.ballots):
            raise ConfigError(
                f"this vote was calibrated on {', '.join(self.members)}, and none of them voted, "
                f"but {', '.join(strange)}: fit it on a recording of these members"
            )
        probability, low, high = (float(each[0]) for each in self.apply(self.rows([tally])))
        unknown = f", which does not know {', '.join(strange)}" if strange else ""
        basis = f"calibrated on {self.outcomes} graded questions{unknown}"
        return Trust(probability, low, high, self.outcomes, self.voters, self.cofailure, basis)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Itself as arrays for an Artifact."""
        held = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: np.asarray(each) for name, each in held.items() if each is not None}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Patterns:
        """The patterns in an Artifact's arrays."""
        held: dict[str, Any] = dict(arrays)
        for name in ("outcomes", "voters", "cofailure"):
            held[name] = arrays[name].item() if name in arrays else None
        return cls(**{**held, "members": tuple(str(name) for name in arrays["members"])})


def pattern(tally: Tally) -> list[float]:
    """How the ballots of a vote fell, whoever cast them: terms that log-odds are about linear in.

    They are the log-odds of the winner's share of heads, its lead, the share of abstentions, the
    log of the number of ballots, the log-odds of the agreement, that of the winners' confidence.
    """
    won = tally.winner
    heads: dict[str, int] = {}
    for ballot in tally.ballots:
        if ballot.key is not None:
            heads[ballot.key] = heads.get(ballot.key, 0) + 1
    count, first = len(tally.ballots), heads.get(won or "", 0)
    second = max((number for key, number in heads.items() if key != won), default=0)
    sure = [b.confidence for b in tally.ballots if b.key == won and b.confidence is not None]
    return [
        smoothed(first, count),
        (first - second) / max(count, 1),
        len(tally.abstained) / max(count, 1),
        log(max(count, 1)),
        smoothed(tally.agreement * count, count),
        smoothed(sum(sure), len(sure)),
    ]


def smoothed(part: float, whole: float) -> float:
    """Log-odds of a share, with half a one added on either side."""
    return log((part + 0.5) / (max(whole - part, 0.0) + 0.5))


def stand(tally: Tally, members: Sequence[str]) -> list[float]:
    """Where each member stands: 1 with the winner, −1 against it, 0 if absent or abstaining."""
    won = tally.winner
    side = {b.source: 1.0 if b.key == won else -1.0 for b in tally.ballots if b.key is not None}
    return [side.get(member, 0.0) for member in members]


class Bin(Struct, frozen=True):
    """Outcomes with about the same probability.

    stated: the mean probability. right: the share that was right; low, high: its 95 % Wilson score
    interval. count: outcomes.
    """

    stated: float
    right: float
    low: float
    high: float
    count: int


def reliability(
    probabilities: ArrayLike,
    right: ArrayLike,
    bins: int = 15,
    by: Literal["mass", "width"] = "mass",
) -> list[Bin]:
    """Stated against observed, in bins of equal mass or of equal width; empty ones are left out.

    Equal probabilities share a bin.

    Raises:
        ConfigError: there is nothing to compare, or the two are not equally long.
    """
    stated, marks = np.asarray(probabilities, np.float64), np.asarray(right, np.float64)
    if stated.ndim != 1 or stated.shape != marks.shape or not stated.size:
        raise ConfigError(
            f"{stated.shape} probabilities and {marks.shape} outcomes: give as many of each"
        )
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    edges = inner if by == "width" else np.quantile(stated, inner)
    places = np.searchsorted(np.unique(edges), stated, side="right")
    found = []
    for place in np.unique(places):
        inside = places == place
        count, share = int(inside.sum()), float(marks[inside].mean())
        found.append(Bin(float(stated[inside].mean()), share, *wilson(share, count), count))
    return found


def ece(
    probabilities: ArrayLike,
    right: ArrayLike,
    bins: int = 15,
    by: Literal["mass", "width"] = "mass",
) -> float:
    """Expected calibration error: the mean distance of stated from observed, weighted by count.

    Source: Naeini, Cooper, Hauskrecht 2015; equal mass as in Nixon et al. 2019. It is never below
    the noise of its bins: n outcomes in b bins that are perfectly calibrated still give about
    0.8 · sqrt(p (1 − p) b / n).
    """
    found = reliability(probabilities, right, bins, by)
    total = sum(each.count for each in found)
    return sum(each.count * abs(each.stated - each.right) for each in found) / total
