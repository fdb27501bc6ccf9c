"""Contenders that are fitted rather than listed: a cascade, a fused vote, a router."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from msgspec import Struct

from onefold.core.errors import ConfigError
from onefold.fitted.routing import routing
from onefold.lab.bench.bench import bench
from onefold.lab.tuning.board import Board
from onefold.lab.tuning.candidates import noticed
from onefold.lab.tuning.promise import Floats, Promise, cost_interval, quality_interval
from onefold.lab.tuning.search import CAUTION, Wish
from onefold.learn.cascade import fit_cascade
from onefold.learn.fit import Fit
from onefold.learn.outcomes import folds
from onefold.learn.routers.router import fit_router
from onefold.learn.votes.vote import fit_vote
from onefold.operators.panel import Panel
from onefold.recording.recording import Recording
from onefold.routers.learned import Learned as Routed
from onefold.verbs import Operator, Reader

MOST = 7
FOLDS = 4
COSTS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 2.0)


class Learned(Struct, frozen=True, eq=False):
    """A panel that needs a fitted file, and its figures on questions that it was not fitted to.

    kind: cascade, vote or router. quality: mean score in [0, 1]. usd: (questions) what each costs.
    cost: of a router, as for its part. drift: how far the logarithm of the cost lies from that of
        others fitted for the same wish.
    """

    kind: str
    members: tuple[str, ...]
    fit: Fit
    reader: Reader | None
    quality: float
    usd: Floats
    cost: float = 0.0
    drift: float = 0.0

    def operator(self, path: str, hash: str) -> Operator:
        """The panel, from the path and the hash of its file."""
        if self.kind == "cascade":
            return self.fit.make(path, hash)  # type: ignore[return-value]
        seats = [name.partition("#")[0] for name in self.members]
        if self.kind == "vote":
            return Panel(seats, vote=self.fit.make(path, hash), quorum=1, reads=self.reader)
        route = Routed(path, hash, keep=1, cost=self.cost)
        return Panel(seats, route=route, quorum=1, reads=self.reader)

    @property
    def sure(self) -> float:
        """The quality less half a standard error, as who is taken for it looks too good."""
        count = len(self.usd)
        variance = max(self.quality * (1 - self.quality), 1 / count)
        return max(0.0, self.quality - CAUTION * float(np.sqrt(variance / count)))

    def promise(self, questions: int, seed: int) -> Promise:
        """What it will keep on new questions."""
        count = len(self.usd)
        score = (np.arange(count) < round(self.sure * count)).astype(float)
        between = quality_interval(self.sure, score, 0.0, questions, seed)
        paid = cost_interval(self.usd, self.drift, questions)
        return Promise(self.sure, between, float(self.usd.mean()), paid, questions)


def contenders(
    recording: Recording, board: Board, reader: Reader | None, wish: Wish, seed: int
) -> Iterator[Learned | str]:
    """What can be fitted for a wish, or why it cannot."""
    kept = set(board.ids)
    graded = Recording(d for d in recording if d.query_id in kept and d.usd is not None)
    told = any(draft.text or draft.value is not None for draft in graded)
    for fitted in (cascade, vote, router) if told else (router,):
        try:
            found = fitted(graded, board, reader, wish, seed)
        except ConfigError as error:
            yield f"no {fitted.__name__} was fitted: {error}"
        else:
            if found is not None:
                yield found


def cascade(
    recording: Recording, board: Board, reader: Reader | None, wish: Wish, seed: int
) -> Learned | None:
    """A cascade of the members that matter, for the same wish; None for one without a bound."""
    if wish == Wish():
        return None
    names = first_draws(board, noticed(board.score.mean(axis=1), board.usd.mean(axis=1), MOST))
    if len(names) < 2:
        return None
    usd = wish.usd if wish.quality is None else None
    fit = fit_cascade(
        recording,
        members=names,
        reads=reader,
        usd=usd,
        quality=wish.quality,
        folds=FOLDS,
        seed=seed,
    )
    costs, unseen = replayed(fit, recording, reader), float(fit.figures["usd"])
    if unseen > wish.usd or not min(unseen, costs.mean()) > 0:
        return None
    drift = float(np.log(unseen / costs.mean()))
    costs *= np.exp(drift / 2)
    quality = float(fit.figures["quality"])
    return Learned("cascade", tuple(names), fit, reader, quality, costs, drift=abs(drift))


def vote(
    recording: Recording, board: Board, reader: Reader | None, wish: Wish, seed: int
) -> Learned | None:
    """A fused vote of the best members that the budget pays for together; None if under two."""
    right, usd = board.score.mean(axis=1), board.usd.mean(axis=1)
    names, spent = [], 0.0
    for one in np.argsort(-right, kind="stable"):
        if spent + usd[one] <= wish.usd:
            names.append(board.members[one])
            spent += float(usd[one])
    names = [name for name in board.members if name in names]
    if len(names) < 2 or (wish.quality is not None and wish.usd == float("inf")):
        return None
    fit = fit_vote(recording, members=names, reads=reader, seed=seed)
    columns = [board.members.index(name) for name in names]
    costs = board.usd[columns].sum(axis=0).astype(float)
    return Learned("vote", tuple(names), fit, reader, float(fit.figures["fused"]), costs)


def router(
    recording: Recording, board: Board, reader: Reader | None, wish: Wish, seed: int
) -> Learned | None:
    """A router to one member a question, at the price of quality that suits the wish best; None
    where nothing can be told from the prompts.
    """
    names = first_draws(board, list(range(len(board.members))))
    if len(names) < 2 or not any(draft.prompt for draft in recording):
        return None
    columns = [board.members.index(name) for name in names]
    score, usd = board.score[columns].T.astype(float), board.usd[columns].T.astype(float)
    predicted, part = np.zeros_like(score), np.zeros(len(score), int)
    for fold, (seen, unseen) in enumerate(folds(board.prompts, FOLDS, seed)):
        kept = {board.ids[row] for row in seen}
        some = Recording(draft for draft in recording if draft.query_id in kept)
        held = routing(fit_router(some, members=names, reads=reader, seed=seed).artifact)
        predicted[unseen] = held.qualities([board.prompts[row] for row in unseen])
        part[unseen] = fold
    fit = fit_router(recording, members=names, reads=reader, seed=seed)
    if routing(fit.artifact).strength == 0:
        return None
    rows, price = (
        np.arange(len(score)),
        usd.mean(axis=0) / max(float(usd.mean(axis=0).max()), 1e-12),
    )
    found = []
    for cost in COSTS:
        asked = (predicted - cost * price).argmax(axis=1)
        right, paid = float(score[rows, asked].mean()), usd[rows, asked]
        if paid.mean() + paid.std() / len(paid) ** 0.5 <= wish.usd and right >= (wish.quality or 0):
            spent = np.bincount(part, paid) / np.bincount(part)
            drift = float(np.log(np.maximum(spent, 1e-12)).std(ddof=1))
            found.append(Learned("router", tuple(names), fit, reader, right, paid, cost, drift))
    if wish.quality is None:
        return max(found, key=lambda each: each.quality, default=None)
    return min(found, key=lambda each: float(each.usd.mean()), default=None)


def first_draws(board: Board, places: list[int]) -> list[str]:
    """Members by their places, further draws left out."""
    return list(dict.fromkeys(board.members[one].partition("#")[0] for one in places))


def replayed(fit: Fit, recording: Recording, reader: Reader | None) -> Floats:
    """What a fitted panel costs on each question of a recording."""
    with TemporaryDirectory() as folder:
        panel = fit.save(Path(folder) / "fitted.npz")
        rows = bench({"": panel}, recording=recording, reads=reader)
        return np.array([row.usd or 0.0 for row in rows if row.system == ""])


def preferred(found: Learned, quality: float, usd: float, wish: Wish) -> bool:
    """Whether it is surely better than a promise at the same budget, or cheaper at a quality."""
    cost = float(found.usd.mean())
    if wish.quality is not None:
        return found.sure >= wish.quality and cost < usd
    return cost <= wish.usd and found.sure > quality
