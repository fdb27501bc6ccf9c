"""The manifold of known prompts: their regions, who does well there, what is strange to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from onefold.fitted.artifact import Artifact
from onefold.fitted.sparse import Floats, Ints
from onefold.fitted.texts.space import LOOKS, Space

KIND = "manifold"
NEIGHBOURS = 10
POOLED = 5.0  # points that the spread of all counts for in a region's own
LEAST = 0.01  # variance that every direction has
ACROSS = 2.0 * (1.0 + LOOKS**2)  # squared distance of points that have nothing in common
AT_ONCE = 500  # prompts compared with all known ones at a time
Points = NDArray[np.float32]


class Near(NamedTuple):
    """The nearest of some points: places and distances (n, neighbours), the nearest anywhere."""

    places: Ints
    distances: Floats

    @property
    def alike(self) -> Floats:
        """How alike they are, in [0, 1], falling fast: a cosine, squared."""
        made: Floats = np.maximum(0.0, 1.0 - self.distances**2 / ACROSS) ** 2
        return made


def nearest(points: Points, known: Points, count: int, own: bool = False) -> Near:
    """The `count` nearest known points; own: `points` are those, and none is its own neighbour."""
    count = min(count, len(known) - own)
    if count < 1:
        return Near(np.zeros((len(points), 0), np.int64), np.zeros((len(points), 0)))
    lengths = np.einsum("ij,ij->i", known, known)
    places, distances = [], []
    for start in range(0, len(points), AT_ONCE):
        some = points[start : start + AT_ONCE]
        squares = lengths - 2.0 * (some @ known.T)
        if own:
            squares[np.arange(len(some)), start + np.arange(len(some))] = np.inf
        found = np.argpartition(squares, count - 1, axis=1)[:, :count]
        square = np.take_along_axis(squares, found, axis=1) + (some * some).sum(axis=1)[:, None]
        places.append(found)
        distances.append(np.sqrt(np.maximum(square, 0.0)))
    return Near(np.concatenate(places), np.concatenate(distances).astype(np.float64))


class Regions(Struct, frozen=True, eq=False):
    """Regions of the space, each a bell of its own.

    centres: (regions, width). forms: (width, regions · width) what makes a region's points round.
    middles: (regions · width) the centres so turned. sizes: (regions) log-volume of each.
    """

    centres: Points
    forms: Points
    middles: Points
    sizes: Floats

    @classmethod
    def of(cls, points: Points, codes: Ints) -> Regions:
        """The regions that codes, from 0, give points; few points borrow the spread of all."""
        width, whole = points.shape[1], np.cov(points.T) + LEAST * np.eye(points.shape[1])
        centres, forms, sizes = [], [], []
        for code in range(int(codes.max()) + 1):
            own = points[codes == code]
            spread = np.cov(own.T) * len(own) if len(own) > 1 else np.zeros_like(whole)
            spread = (spread + POOLED * whole) / (len(own) + POOLED)
            root = np.linalg.cholesky(spread)
            centres.append(own.mean(axis=0))
            forms.append(np.linalg.inv(root).T)
            sizes.append(2.0 * np.log(np.diagonal(root)).sum())
        stacked = np.hstack(forms).astype(np.float32)
        middles = np.concatenate([c @ f for c, f in zip(centres, forms, strict=True)])
        assert stacked.shape == (width, len(centres) * width)
        return cls(np.array(centres), stacked, middles.astype(np.float32), np.array(sizes))

    def depths(self, points: Points) -> Floats:
        """How far outside each region points lie (n, regions): −2 · log-density, but a constant."""
        turned = (points @ self.forms - self.middles).reshape(len(points), len(self.sizes), -1)
        made: Floats = np.einsum("nrw,nrw->nr", turned, turned).astype(np.float64) + self.sizes
        return made

    def codes(self, points: Points) -> Ints:
        """The region of each point (n): that of the nearest centre."""
        return nearest(points, self.centres, 1).places[:, 0]


def expected(
    prior: Floats, counts: Floats, alike: Floats, said: Floats, local: float
) -> tuple[Floats, Floats]:
    """Qualities (n, members) of members at prompts, and what each counts for, in outcomes.

    prior: (members, 2) right and wrong answers in any region. counts: (n, members, 2) right and
    all outcomes in the prompt's own. alike: (n, near) of its neighbours; said: (n, near, members)
    how members did on those, NaN where nobody knows. local: as for `Manifold`.
    """
    right = counts[..., 0] + prior[:, 0]
    total = counts[..., 1] + prior.sum(axis=1)
    there = ~np.isnan(said)
    weight = np.minimum(local, total)
    drawn = weight * right / total + np.einsum("nk,nkm->nm", alike, np.where(there, said, 0.0))
    count = weight + np.einsum("nk,nkm->nm", alike, there)
    return np.clip(drawn / count, 0.0, 1.0), count


class View(Struct, frozen=True, eq=False):
    """Prompts as a manifold sees them: points (n, width), tasks (n, tasks), regions (n), their
    nearest known ones, and novelty (n) in [0, 1].
    """

    points: Points
    tasks: Floats
    regions: Ints
    near: Near
    novelty: Floats


class Manifold:
    """Known prompts and what is known of them.

    points: (n, width). codes: (n) the region of each.
    members, scores: who did how well on each (n, members), NaN where nobody knows.
    prior: (members, 2) right and wrong answers that each is taken to have had in any region.
    local: what a region's mean counts for beside the neighbours' outcomes, as outcomes.
    usual: (marks) sorted depths of prompts that a fit left aside, none where there were too few.
    """

    def __init__(
        self,
        space: Space,
        points: Points,
        codes: Ints,
        usual: Floats,
        tasks: Sequence[str] = (),
        members: Sequence[str] = (),
        scores: Floats | None = None,
        prior: Floats | None = None,
        local: float = 1.0,
    ) -> None:
        self.space = space
        self.points = points.astype(np.float16).astype(np.float32)  # as stored, so fits see it
        self.codes = codes
        self.regions = Regions.of(self.points, codes)
        self.usual = usual
        self.tasks = tuple(tasks)
        self.members = tuple(members)
        self.scores = np.zeros((len(points), 0)) if scores is None else scores
        self.prior = np.zeros((0, 2)) if prior is None else prior
        self.local = local

    def view(self, prompts: Sequence[str], vectors: Floats | None = None) -> View:
        """Prompts as this manifold sees them; vectors: as for `Space.placed`."""
        points, tasks = self.space.placed(prompts, vectors)
        near = nearest(points, self.points, NEIGHBOURS)
        return View(points, tasks, self.regions.codes(points), near, self.novelty(points))

    def novelty(self, points: Points) -> Floats:
        """The share of usual prompts that lie less deep outside all regions (n), in [0, 1]."""
        if not len(self.usual):
            return np.zeros(len(points))
        depths = self.regions.depths(points).min(axis=1)
        made: Floats = self.usual.searchsorted(depths) / len(self.usual)
        return made

    def artifact(self, about: dict[str, Any]) -> Artifact:
        """What is written to a file, with more facts about it."""
        facts = {
            "encoder": self.space.encoder,
            "local": self.local,
            "members": list(self.members),
            "tasks": list(self.tasks),
        }
        arrays: dict[str, NDArray[Any]] = {
            "points": self.points.astype(np.float16),
            "codes": self.codes,
            "usual": self.usual,
            "scores": self.scores.astype(np.float32),
            "prior": self.prior,
            **self.space.arrays(),
        }
        return Artifact(KIND, {**about, **facts}, arrays)


def manifold(artifact: Artifact) -> Manifold:
    """What `Manifold.artifact` wrote."""
    about, arrays = artifact.about, artifact.arrays
    return Manifold(
        Space.revived(arrays, about["encoder"]),
        arrays["points"].astype(np.float32),
        arrays["codes"],
        arrays["usual"],
        about["tasks"],
        about["members"],
        arrays["scores"].astype(np.float64),
        arrays["prior"],
        about["local"],
    )
