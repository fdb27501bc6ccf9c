"""Labelled prototypes: how probably a text is of each kind, and who suits that kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from onefold.fitted.artifact import Artifact

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rows = TypeVar("Rows", NDArray[np.float32], NDArray[np.float64])
KIND = "nearest"
STRONGEST = 80.0  # so that no exponential overflows


class Pull(Struct, frozen=True):
    """How strongly likeness counts, as fitted: the odds of a label are
    exp(centre · c) · (1 + Σ exp(near · s)), those of none of them exp(stranger).

    c: likeness of a text to the middle of the label's prototypes. s: its likeness to each of
    those that are among its nearest. Both are cosines in [-1, 1].
    """

    centre: float = 10.0
    near: float = 10.0
    stranger: float = 3.0


USUAL = Pull()


class Index:
    """Prototypes with labels.

    rows: (prototypes, width) encoded texts. codes: (prototypes) the label of each, from 0.
    labels: how many there are. neighbours: prototypes that a text is compared to one by one.
    """

    def __init__(
        self,
        rows: NDArray[np.floating[Any]],
        codes: Ints,
        labels: int,
        neighbours: int,
        pull: Pull = USUAL,
    ) -> None:
        self.rows = rows.astype(np.float16)  # as it is stored, so that a fit sees what is used
        self.codes = codes
        self.labels = labels
        self.neighbours = min(neighbours, len(rows))
        self.pull = pull
        exact = self.rows.astype(np.float32)
        spread = exact.std(axis=0)
        self.middle = exact.mean(axis=0)
        usual = spread.mean() + np.float32(1e-6)  # so that columns unseen so far do not shout
        self.scale = 1.0 / np.sqrt(spread**2 + 0.5 * usual**2)
        self.prototypes = self.placed(exact)
        self.sums = grouped(self.prototypes, codes, labels)
        self.centres = directions(self.sums)

    def placed(self, rows: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Encoded texts (n, width) as directions from the prototypes' middle, columns alike."""
        return directions((rows.astype(np.float32) - self.middle) * self.scale)

    def shares(self, rows: NDArray[np.floating[Any]]) -> Floats:
        """Probability of each label (n, labels); what is missing to 1 is that of none of them."""
        placed = self.placed(rows)
        near = nearest(placed @ self.prototypes.T, self.codes, self.neighbours, self.labels)
        return shared(self.pull, (placed @ self.centres.T).astype(np.float64), near)[:, :-1]


class Suited(Struct, frozen=True, eq=False):
    """An index, and who suits its labels.

    worth: (labels, members) how well a member suits a label, in [0, 1]; 0 is not at all.
    usual: (members) how well it suits a text of which nothing is known.
    encoder: the part that made the prototypes. found: whether labels are clusters without names.
    """

    index: Index
    labels: tuple[str, ...]
    members: tuple[str, ...]
    worth: Floats
    usual: Floats
    encoder: str
    found: bool = False

    def weights(self, shares: Floats) -> Floats:
        """How well each member suits texts (n, members), from their labels' probabilities."""
        strange = np.maximum(0.0, 1.0 - shares.sum(axis=1, keepdims=True))
        made: Floats = shares @ self.worth + strange * self.usual
        return made

    def support(self, shares: Floats) -> Floats:
        """Probability that texts are of a label that a member suits at all (n, members)."""
        made: Floats = shares @ (self.worth > 0)
        return made

    def artifact(self, about: dict[str, Any]) -> Artifact:
        """What is written to a file, with more facts about it."""
        pull = self.index.pull
        facts = {
            "encoder": self.encoder,
            "found": self.found,
            "labels": list(self.labels),
            "members": list(self.members),
            "neighbours": self.index.neighbours,
            "pull": [pull.centre, pull.near, pull.stranger],
        }
        arrays: dict[str, NDArray[Any]] = {
            "codes": self.index.codes,
            "rows": self.index.rows,
            "usual": self.usual,
            "worth": self.worth,
        }
        return Artifact(KIND, {**about, **facts}, arrays)


def suited(artifact: Artifact) -> Suited:
    """What `Suited.artifact` wrote."""
    about, arrays = artifact.about, artifact.arrays
    labels, pull = tuple(about["labels"]), Pull(*about["pull"])
    return Suited(
        Index(arrays["rows"], arrays["codes"], len(labels), about["neighbours"], pull),
        labels,
        tuple(about["members"]),
        arrays["worth"],
        arrays["usual"],
        about["encoder"],
        about["found"],
    )


def grouped(rows: NDArray[np.float32], codes: Ints, groups: int) -> NDArray[np.float32]:
    """The sum of the rows of each group (groups, width)."""
    made: NDArray[np.float32] = (np.arange(groups)[:, None] == codes).astype(np.float32) @ rows
    return made


def directions(rows: Rows) -> Rows:
    """Rows at length 1; zero stays zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    made: Rows = rows / np.maximum(lengths, np.float32(1e-12))
    return made


class Near(Struct, frozen=True, eq=False):
    """The nearest prototypes of each text: likeness and label, (n, neighbours) each.

    A likeness of -inf is no neighbour. labels: how many there are.
    """

    likeness: Floats
    codes: Ints
    labels: int

    def pulls(self, strength: float) -> tuple[Floats, Floats]:
        """1 + Σ exp(strength · s) for each label (n, labels), and its slope in `strength`."""
        there = np.isfinite(self.likeness)
        likeness = np.where(there, self.likeness, 0.0)
        each = np.exp(strength * likeness) * there
        count = len(each)
        places = (np.arange(count)[:, None] * self.labels + self.codes).ravel()
        sums, slopes = (
            np.bincount(places, part.ravel(), count * self.labels).astype(np.float64)
            for part in (each, each * likeness)
        )
        return 1.0 + sums.reshape(count, -1), slopes.reshape(count, -1)


def nearest(likeness: NDArray[np.floating[Any]], codes: Ints, count: int, labels: int) -> Near:
    """The nearest of all prototypes, from their likeness (n, prototypes)."""
    places = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
    best = np.take_along_axis(likeness, places, axis=1).astype(np.float64)
    return Near(best, codes[places], labels)


def shared(pull: Pull, centres: Floats, near: Near) -> Floats:
    """Probability of each label, and of none of them last (n, labels + 1).

    centres: (n, labels) likeness to each label's middle; -inf rules the label out.
    """
    scores = pull.centre * centres + np.log(near.pulls(pull.near)[0])
    scores = np.hstack([scores, np.full((len(scores), 1), pull.stranger)])
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    made: Floats = odds / odds.sum(axis=1, keepdims=True)
    return made


def pull_at(point: Floats) -> Pull:
    """A pull from its three numbers, kept where no exponential overflows."""
    centre, near, stranger = np.clip(point, [1e-3, 0, -STRONGEST], STRONGEST)
    return Pull(float(centre), float(near), float(stranger))


def surprise(
    point: Floats, start: Floats, views: Sequence[tuple[Floats, Near, Ints, float]]
) -> tuple[float, Floats]:
    """Mean surprise at the right labels under a pull, and its slope; drawn a little to `start`.

    views: (likeness to centres, nearest prototypes, right labels, weight).
    """
    pull, total, slope = pull_at(point), 0.0, np.zeros(3)
    for centres, near, right, weight in views:
        if not len(right):
            continue
        made, each = shared(pull, centres, near), np.arange(len(right))
        scale = weight / len(right)
        total -= scale * float(np.log(np.maximum(made[each, right], 1e-300)).sum())
        made[each, right] -= 1.0
        pulls, slopes = near.pulls(pull.near)
        level = np.where(np.isfinite(centres), centres, 0.0)
        left = made[:, :-1]
        moved = [(left * level).sum(), (left * slopes / pulls).sum(), made[:, -1].sum()]
        slope += scale * np.array(moved)
    away = 1e-4 * (point - start)
    return total + 0.5 * float(away @ (point - start)), slope + away
