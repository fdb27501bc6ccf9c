"""What a session's outcomes add to a manifold: who does well where, as it is learned."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from onefold.core.tally import wilson
from onefold.experience.drift import Missed
from onefold.experience.experience import lived
from onefold.fitted.manifold import NEIGHBOURS, Manifold, Near, Points, View, expected, nearest
from onefold.fitted.sparse import Floats

Encode = Callable[[Sequence[str]], Awaitable[Floats]]
KEPT = 4_000  # prompts that outcomes are remembered of
RECENT = 200  # outcomes of a member that are looked back on when it has changed
FAMILIAR = 3  # prompts with feedback that make a place a known one
EVEN = (1.0, 1.0)  # right and wrong answers of a member of which nothing is known


class Prospect(NamedTuple):
    """How a member is expected to do on a prompt.

    quality: probability in [0, 1] that it is right; low, high: its 95 % interval. neighbours:
    known prompts nearby whose outcomes it had.
    """

    member: str
    quality: float
    low: float
    high: float
    neighbours: int


class Ring:
    """The latest prompts with feedback, and who did how well on each.

    points: (room, width). scores: (room, members), NaN where nobody knows.
    """

    def __init__(self, width: int, members: int) -> None:
        self.points: Points = np.zeros((0, width), np.float32)
        self.scores: Floats = np.zeros((0, members))
        self.places: dict[bytes, int] = {}
        self.keys: deque[bytes] = deque()
        self.count = 0

    def __len__(self) -> int:
        return min(self.count, KEPT)

    def place(self, key: bytes, point: Points) -> int:
        """The place of a prompt; a new one takes that of the oldest."""
        found = self.places.get(key)
        if found is not None:
            return found
        place = self.count % KEPT
        if self.count >= KEPT:
            del self.places[self.keys.popleft()]
        elif place >= len(self.points):
            more = min(max(64, len(self.points)), KEPT - len(self.points))
            self.points = np.pad(self.points, ((0, more), (0, 0)))
            self.scores = np.pad(self.scores, ((0, more), (0, 0)), constant_values=np.nan)
        self.points[place], self.scores[place] = point, np.nan
        self.places[key] = place
        self.keys.append(key)
        self.count += 1
        return place

    def column(self) -> None:
        """Make room for one more member."""
        self.scores = np.pad(self.scores, ((0, 0), (0, 1)), constant_values=np.nan)

    def near(self, point: Points, count: int) -> Near:
        """The nearest prompts to a point (1, width)."""
        return nearest(point, self.points[: len(self)], count)


class Regional:
    """A manifold with a session's outcomes: right answers counted by region and by neighbour.

    A member's quality is drawn from that in all regions to its own in the region, by as much as
    regions differ (empirical Bayes), and from there to its outcomes on the nearest prompts.
    Memory is bounded. A member whose outcomes are no longer what was expected (a CUSUM on what
    was missed) loses its past.

    counts: (regions, members, 2) right and all outcomes.
    """

    def __init__(self, known: Manifold) -> None:
        self.known = known
        self.heard = 0
        self.members = list(known.members)
        self.prior = known.prior.copy()
        self.scores = known.scores.copy()
        self.centres = known.regions.centres.copy()
        self.sizes = np.bincount(known.codes, minlength=len(self.centres)).astype(float)
        self.counts = counted(known.scores, known.codes, len(self.centres))
        self.ring = Ring(known.points.shape[1], len(self.members))
        self.missed: dict[str, Missed] = {}
        self.recent: dict[str, deque[tuple[bytes, int, float]]] = {}

    def learn(self, member: str, point: Points, score: float) -> None:
        """One more outcome in [0, 1] of a member, at a prompt's point (width)."""
        column = self._column(member)
        row = point[None]
        near = nearest(row, self.known.points, NEIGHBOURS)
        region = self._region(row)
        quality, count, _ = self._expected(region, near, self.ring.near(row, NEIGHBOURS))
        key = point.tobytes()
        place = self.ring.place(key, point)
        earlier = self.ring.scores[place, column]
        self.ring.scores[place, column] = score if np.isnan(earlier) else (earlier + score) / 2
        self.counts[region, column] += (score, 1.0)
        self.sizes[region] += 1.0
        self.centres[region] += (point - self.centres[region]) / self.sizes[region]
        recent = self.recent.setdefault(member, deque(maxlen=RECENT))
        recent.append((key, region, score))
        doubt = 0.5 / sqrt(1.0 + float(count[column]))
        since = self.missed.setdefault(member, Missed()).add(score, float(quality[column]), doubt)
        if since:
            self._forget(member, column, since)

    def prospects(self, view: View) -> list[Prospect]:
        """How each member is expected to do on one prompt, the best first."""
        ring = self.ring.near(view.points, NEIGHBOURS)
        region = self._region(view.points)
        found = [
            Prospect(member, quality, *wilson(quality, count), neighbours)
            for member, quality, count, neighbours in zip(
                self.members,
                *(each.tolist() for each in self._expected(region, view.near, ring)),
                strict=True,
            )
        ]
        return sorted(found, key=lambda each: -each.quality)

    def novelty(self, view: View) -> float:
        """How strange one prompt is, in [0, 1]: less where several like ones had feedback.

        A prompt without one known word is like no other.
        """
        told = float(view.novelty[0])
        ring = self.ring.near(view.points, FAMILIAR)
        spoken = view.points[0, : self.known.space.dimensions].any()
        if not spoken or ring.distances.shape[1] < FAMILIAR:
            return told
        return told * (1.0 - float(ring.alike.mean()))

    def _region(self, point: Points) -> int:
        return int(nearest(point, self.centres, 1).places[0, 0])

    def _column(self, member: str) -> int:
        """The column of a member, a new one for a new member."""
        if member not in self.members:
            self.members.append(member)
            self.prior = np.vstack([self.prior, EVEN])
            self.counts = np.pad(self.counts, ((0, 0), (0, 1), (0, 0)))
            self.scores = np.pad(self.scores, ((0, 0), (0, 1)), constant_values=np.nan)
            self.ring.column()
        return self.members.index(member)

    def _expected(self, region: int, near: Near, ring: Near) -> tuple[Floats, Floats, Floats]:
        """Quality, what it counts for, and known neighbours of each member at a point."""
        said = np.concatenate([self.scores[near.places], self.ring.scores[ring.places]], axis=1)
        alike = np.concatenate([near.alike, ring.alike], axis=1)
        counts = self.counts[region][None]
        quality, count = expected(self.prior, counts, alike, said, self.known.local)
        return quality[0], count[0], (~np.isnan(said)).sum(axis=1)[0]

    def _forget(self, member: str, column: int, since: int) -> None:
        """Drop what was known of a member before its latest outcomes."""
        latest = list(self.recent[member])[-since:]
        self.scores[:, column] = np.nan
        self.ring.scores[:, column] = np.nan
        self.counts[:, column] = 0.0
        mean = float(np.mean([score for _, _, score in latest]))
        self.prior[column] = (EVEN[0] + EVEN[1]) * np.array([mean, 1.0 - mean])
        for key, region, score in latest:
            if key in self.ring.places:
                self.ring.scores[self.ring.places[key], column] = score
            self.counts[region, column] += (score, 1.0)
        self.recent[member] = deque(latest, maxlen=RECENT)


async def looked(
    key: Hashable, known: Manifold, prompt: str, encode: Encode | None
) -> tuple[Regional, View]:
    """What the session knows, every outcome so far learned, and how it sees a prompt.

    key: whose state it is; parts with the same key share it. encode: texts to the vectors that the
    manifold was fitted with, if it was.
    """
    experience = lived()
    live = experience.pupils.get(key)
    if not isinstance(live, Regional) or live.known is not known:
        live = experience.pupils[key] = Regional(known)
    before = live.heard
    count, rows = experience.since(before)
    prompts = list(dict.fromkeys(row.prompt for row in rows if row.prompt))
    if prompts:
        vectors = None if encode is None else await encode(prompts)
        if live.heard == before:  # nobody else learned them meanwhile
            points = dict(zip(prompts, known.space.placed(prompts, vectors)[0], strict=True))
            for row in rows:
                if row.prompt:
                    live.learn(row.member, points[row.prompt], row.score or 0.0)
            live.heard = count
    return live, known.view([prompt], None if encode is None else await encode([prompt]))


def counted(scores: Floats, codes: np.ndarray, regions: int) -> Floats:
    """Right answers and all outcomes by region and member (regions, members, 2)."""
    groups = (np.arange(regions)[:, None] == codes).astype(np.float64)
    there = ~np.isnan(scores)
    return np.stack([groups @ np.where(there, scores, 0.0), groups @ there], axis=2)
