"""Fits the manifold: where prompts lie, their regions, who does well there, what is strange."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct, structs

from onefold.core.errors import ConfigError
from onefold.core.part import coerce
from onefold.core.spec import dump
from onefold.experience.regions import EVEN, counted
from onefold.fitted.manifold import NEIGHBOURS, Manifold, Near, Points, Regions, expected, nearest
from onefold.fitted.routing import Looks
from onefold.fitted.sparse import Floats, Ints, Matrix, Sparse, product, transposed_product
from onefold.fitted.texts.prompts import SEEN, seen
from onefold.fitted.texts.space import SIGNS, Space
from onefold.fitted.texts.words import Words
from onefold.learn.fit import Fit
from onefold.learn.logistic import Linear, multinomial
from onefold.learn.outcomes import FEWEST, outcomes
from onefold.learn.outcomes import folds as split
from onefold.learn.routers.experts import GATE, clusters
from onefold.learn.routers.nearest import Held, encoded, mean
from onefold.learn.routers.router import average
from onefold.recording.recording import Recording
from onefold.routers.manifold import Manifold as Router
from onefold.verbs import Encoder, Reader

MOST_REGIONS = 64
ASIDE = 0.25  # of the prompts, left aside to see what is usual
TOLD = 40  # prompts below which nothing can be told strange
SPREADS = 1e4  # outcomes that a prior is worth at most
LOCAL = (1.0, 3.0, 10.0, 30.0, 1e6)
"""What a region's mean may count for beside the neighbours' outcomes; the last leaves them out."""


def fit_manifold(
    source: Recording | str | Path | Iterable[str],
    *,
    labels: Sequence[str] | None = None,
    members: Sequence[str] | None = None,
    reads: Reader | str | None = None,
    encoder: Encoder | str | Any = None,
    dimensions: int = 50,
    regions: int | None = None,
    most: int = 20_000,
    folds: int = 5,
    seed: int = 0,
) -> Fit:
    """Fit the manifold router to prompts, and to graded drafts where there are some.

    Prompts become points by principal directions of their words (randomised, Halko et al. 2011)
    and regions by k-means. A member's quality in a region is drawn to its mean over all, by as
    much as regions bear out that they differ (empirical Bayes, a beta prior by moments).

    source: a recording, the path of one, or texts. labels: the task of each text, for texts; a
        recording names them in its column `task`.
    encoder: what makes texts comparable; left out, their own words do.
    regions: how many; left out, the square root of half the prompts, at most 64.
    most: prompts that are kept, drawn by seed from more.

    Raises:
        ConfigError: too few prompts, or labels that are not one a text.
    """
    asked = known(source, labels, members, reads, most, seed)
    part = None if encoder is None else coerce(Encoder, encoder)
    vectors = None if part is None else encoded(part, asked.prompts)
    name = "" if part is None else str(dump(part))
    charted = Chart(asked, vectors, name, dimensions, regions, seed)
    everyone = np.arange(len(asked.prompts))
    made = charted.manifold(everyone)
    notes, figures = list(asked.notes), dict[str, float]()
    if len(everyone) >= TOLD:
        made.usual = charted.usual()
    else:
        notes.append(f"{len(everyone)} prompts are few: none counts as strange ({TOLD} are wanted)")
    if asked.members:
        found = charted.held_out(folds)
        figures |= found.figures()
        if found.sure <= 0:
            made.local, made.prior = LOCAL[-1], fixed(asked.scores)
            made.scores = np.full_like(made.scores, np.nan)
            notes.append("likeness of prompts did not tell who is better: means over all prefer")
    if asked.tasks:
        figures["accuracy"] = charted.recognised(folds)
    artifact = made.artifact({"figures": figures, "seed": seed})

    def make(path: str, hash: str) -> Router:
        return Router(path, hash, encoder=part)

    return Fit(artifact, make, figures, tuple(notes))


class Known(Struct, frozen=True, eq=False):
    """Prompts that differ, and what is known of them.

    scores: (n, members), NaN where nobody graded. tasks: the names; codes: (n) which of them.
    """

    prompts: list[str]
    scores: Floats
    members: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    codes: Ints | None = None
    notes: tuple[str, ...] = ()


def known(
    source: Recording | str | Path | Iterable[str],
    labels: Sequence[str] | None,
    members: Sequence[str] | None,
    reads: Reader | str | None,
    most: int,
    seed: int,
) -> Known:
    """What a source tells: each prompt once, with the mean of its grades.

    Raises:
        ConfigError: too few prompts, or labels that are not one a text.
    """
    if isinstance(source, str | Path):
        source = Recording.load(source)
    notes: list[str] = []
    if isinstance(source, Recording):
        found = outcomes(source, reads, members, fewest=0)
        texts, scores, tasks = found.ballots.prompts, found.ballots.score, found.ballots.tasks
        names, notes = tuple(found.ballots.members), list(found.notes)
        if not found.labels:
            names, scores = (), scores[:, :0]
    else:
        texts = list(source)
        names, scores = (), np.zeros((len(texts), 0))
        tasks = [""] * len(texts) if labels is None else list(labels)
        if len(tasks) != len(texts):
            raise ConfigError(f"{len(tasks)} labels for {len(texts)} texts: give one a text")
    board: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        if text.strip():
            board.setdefault(text, []).append(place)
    if len(board) < FEWEST:
        raise ConfigError(f"{len(board)} different prompts; a manifold needs at least {FEWEST}")
    prompts = list(board)
    if len(prompts) > most:
        kept = np.sort(np.random.default_rng(seed).permutation(len(prompts))[:most])
        notes.append(f"{most} of {len(prompts)} prompts were kept (most={most})")
        prompts = [prompts[place] for place in kept]
    scores = np.array([average(scores[board[prompt]]) for prompt in prompts])
    said = [tasks[board[prompt][0]] for prompt in prompts]
    if not all(said) or len(set(said)) < 2:
        if any(said):
            notes.append("tasks are not named for every prompt, or all alike: they were left aside")
        return Known(prompts, scores, names, notes=tuple(notes))
    listed, codes = np.unique(said, return_inverse=True)
    return Known(prompts, scores, names, tuple(listed.tolist()), codes, tuple(notes))


class Chart:
    """Fits manifolds to some of the prompts, in one space that all of them span."""

    def __init__(
        self,
        asked: Known,
        vectors: Floats | None,
        encoder: str,
        dimensions: int,
        regions: int | None,
        seed: int,
    ) -> None:
        self.asked = asked
        self.vectors = vectors
        self.encoder = encoder
        self.dimensions = dimensions
        self.regions = regions
        self.seed = seed
        self.space = self.spaced(np.arange(len(asked.prompts)))
        self.points = self.placed(self.space, np.arange(len(asked.prompts)))

    def spaced(self, some: Ints) -> Space:
        """The space that some of the prompts span."""
        prompts = [self.asked.prompts[place] for place in some]
        looked = seen(prompts)
        looks = Looks.of(looked)
        words, rows, middle = None, None, np.zeros(0)
        if self.vectors is None:
            words = Words.of(prompts)
            rows = words.rows(prompts)
        else:
            middle = self.vectors[some].mean(axis=0)
            rows = self.vectors[some] - middle
        count = max(1, min(self.dimensions, rows.shape[1] - 1, len(prompts) // 4))
        turn = principal(rows, count, self.seed)
        beside = looks.rows(looked)
        gate = np.zeros((len(turn) + len(SEEN) + 1, 0))
        if self.asked.codes is not None:
            told = self.told(rows, beside, self.asked.codes[some])
            gate = np.vstack([told.weights, told.intercept])
        plain = np.array([np.zeros(SIGNS), np.ones(SIGNS)])
        bare = Space(words, looks, turn, middle, plain, gate, self.encoder)
        signs = bare.signs(product(rows, turn), prompts)
        usual = np.array([signs.mean(axis=0), np.maximum(signs.std(axis=0), 1e-6)])
        return structs.replace(bare, usual=usual)

    def told(self, rows: Matrix, beside: Floats, codes: Ints) -> Linear:
        """What tells tasks apart, from words or vectors and looks."""
        both = rows.beside(beside) if isinstance(rows, Sparse) else np.hstack([rows, beside])
        targets = np.eye(len(self.asked.tasks))[codes]
        return multinomial(both, targets, GATE, close=1e-3)

    def placed(self, space: Space, some: Ints) -> Points:
        """Points of some of the prompts."""
        vectors = None if self.vectors is None else self.vectors[some]
        return space.placed([self.asked.prompts[place] for place in some], vectors)[0]

    def codes(self, points: Points) -> Ints:
        """The regions of points, from 0, by k-means."""
        count = self.regions or int(sqrt(len(points) / 2))
        count = max(1, min(count, MOST_REGIONS if self.regions is None else len(points)))
        return clusters(points.astype(np.float64), count, self.seed)

    def manifold(self, some: Ints) -> Manifold:
        """The manifold of some of the prompts, but for what is usual."""
        points = self.points[some]
        near = nearest(points, points, NEIGHBOURS, own=True)
        codes, scores = self.codes(points), self.asked.scores[some]
        drawn = prior(counted(scores, codes, int(codes.max()) + 1))
        local = best_local(near, codes, scores, drawn)
        who = self.asked.tasks, self.asked.members
        return Manifold(self.space, points, codes, np.zeros(0), *who, scores, drawn, local)

    def usual(self) -> Floats:
        """How deep prompts lie (marks, sorted) to a manifold that was fitted without them."""
        order = np.random.default_rng(self.seed).permutation(len(self.points))
        aside, rest = np.split(order, [max(10, int(ASIDE * len(order)))])
        space = self.spaced(rest)
        points = self.placed(space, rest)
        regions = Regions.of(points, self.codes(points))
        made: Floats = np.sort(regions.depths(self.placed(space, aside)).min(axis=1))
        return made

    def held_out(self, folds: int) -> Held:
        """Scores of whom it prefers on prompts that it did not see."""
        scores = self.asked.scores
        picked, best = np.zeros((2, len(scores)), dtype=np.int64)
        for train, test in split(self.asked.prompts, folds, self.seed):
            made, points = self.manifold(train), self.points[test]
            near, regions = nearest(points, made.points, NEIGHBOURS), made.regions.codes(points)
            counts = counted(made.scores, made.codes, len(made.regions.sizes))
            quality, _ = expected(
                made.prior, counts[regions], near.alike, made.scores[near.places], made.local
            )
            there = ~np.isnan(scores[test])
            picked[test] = np.where(there, quality, -1.0).argmax(axis=1)
            best[test] = np.where(there, mean(scores[train]), -1.0).argmax(axis=1)
        known = np.flatnonzero(~np.isnan(scores).all(axis=1))
        each = scores[known]
        rows = np.arange(len(known))
        return Held(each[rows, picked[known]], each[rows, best[known]], np.nanmax(each, axis=1))

    def recognised(self, folds: int) -> float:
        """The share of held-out prompts whose likeliest task is theirs."""
        assert self.asked.codes is not None
        right = np.zeros(len(self.points))
        for train, test in split(self.asked.prompts, folds, self.seed):
            vectors = None if self.vectors is None else self.vectors[test]
            prompts = [self.asked.prompts[place] for place in test]
            _, told = self.spaced(train).placed(prompts, vectors)
            right[test] = told.argmax(axis=1) == self.asked.codes[test]
        return float(right.mean())


def principal(rows: Matrix, count: int, seed: int) -> Floats:
    """Main directions (width, count) of rows, orthonormal.

    By random projections with two rounds of power iteration (Halko et al. 2011).
    """
    chance = np.random.default_rng(seed)
    base = transposed_product(rows, chance.normal(size=(rows.shape[0], count + 10)))
    for _ in range(2):
        base = transposed_product(rows, np.linalg.qr(product(rows, base))[0])
    found, sizes, _ = np.linalg.svd(base, full_matrices=False)
    found = found[:, :count][:, sizes[:count] > 1e-9 * sizes[0]]
    made: Floats = found.astype(np.float16).astype(np.float64)  # as stored: fits see what is used
    return made


def prior(counts: Floats) -> Floats:
    """Right and wrong answers that each member is taken to have had in any region (members, 2).

    A beta distribution of its quality over regions, by moments: their variance beyond that of
    chance. counts: (regions, members, 2) right and all outcomes.
    """
    right, total = counts[..., 0], counts[..., 1]
    whole = total.sum(axis=0)
    level = (right.sum(axis=0) + EVEN[0]) / (whole + sum(EVEN))
    rates = np.divide(right, total, out=np.zeros_like(right), where=total > 0)
    apart = (total * (rates - level) ** 2).sum(axis=0)
    chance = level * (1.0 - level)
    regions = np.maximum((total > 0).sum(axis=0) - 1, 0)
    spread = whole - (total**2).sum(axis=0) / np.maximum(whole, 1.0)
    varied = np.maximum((apart - regions * chance) / np.maximum(spread, 1.0), 1e-9)
    size = np.clip(chance / varied - 1.0, 1.0, SPREADS)
    made: Floats = size[:, None] * np.stack([level, 1.0 - level], axis=1)
    return made


def fixed(scores: Floats) -> Floats:
    """A prior so strong that every region says what all do."""
    level = mean(scores)
    return SPREADS * np.stack([level, 1.0 - level], axis=1)


def best_local(near: Near, codes: Ints, scores: Floats, drawn: Floats) -> float:
    """What a region's mean should count for, by how probable each outcome is given all others."""
    there = ~np.isnan(scores)
    if not there.any():
        return 1.0
    counts = counted(scores, codes, int(codes.max()) + 1)[codes]
    counts -= np.stack([np.where(there, scores, 0.0), there], axis=2)

    def surprise(local: float) -> float:
        quality, _ = expected(drawn, counts, near.alike, scores[near.places], local)
        sure, came = np.clip(quality[there], 1e-3, 1 - 1e-3), scores[there]
        return -float((came * np.log(sure) + (1 - came) * np.log(1 - sure)).mean())

    return min(LOCAL, key=surprise)
