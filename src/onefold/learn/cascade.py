"""Fits a cascade: whom to ask first, when it is enough, whom to ask next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Any

import numpy as np
from msgspec import Struct, structs

from onefold.core.errors import ConfigError, unknown
from onefold.core.part import Part
from onefold.core.tally import Z95
from onefold.fitted.artifact import Artifact
from onefold.fitted.calibration import Calibration, log_odds, sigmoid
from onefold.fitted.deferral import Course
from onefold.fitted.sparse import Floats
from onefold.fitted.votes.crowd import off_diagonal, relations
from onefold.judges.learned import LearnedJudge
from onefold.learn.ballots import Ballots
from onefold.learn.calibrate import calibrated
from onefold.learn.cascade_search import (
    FINE,
    Facts,
    Replay,
    Trial,
    World,
    course,
    facts,
    replay,
    trial,
    trials,
)
from onefold.learn.fit import Fit
from onefold.learn.judge import Seen, Weights, arrays, cross_fitted, loss, seen_in, weighed
from onefold.learn.outcomes import FEWEST, folds, outcomes
from onefold.operators.panel import Panel
from onefold.operators.votes.last import Likeliest
from onefold.recording.recording import Recording
from onefold.routers.next import Next
from onefold.stops.learned import Worth
from onefold.verbs import Reader

FAITHS = (0.0, 0.25, 0.5, 0.75)
FINALISTS, INNER = 3, 4
MODEST = 0.05  # price at which few stop early, so that the drafts of several are weighed
ROOM = 1.3  # a judge may make a cascade so much cheaper
PRESENT = 0.8  # of the questions that the most diligent member answered
NEAR = 0.98  # of what may be spent, so that other questions do not cost more


class Wish(Struct, frozen=True):
    """What is wanted: to spend at most a share of the strongest member's cost, or a quality.

    gain: the least gain over the strongest member, as a share of right answers.
    """

    share: float = inf
    gain: float | None = None

    def best(self, found: Sequence[Trial]) -> Trial | None:
        """The trial that keeps the promise, None where none does."""
        within = [
            each for each in found if each.share <= NEAR * self.share and each.share < 1 - 1e-9
        ]
        if self.gain is None:
            return max(within, key=lambda t: (round(t.cautious, 9), -t.share), default=None)
        good = [t for t in within if min(t.promise, t.gain) - t.error / 2 >= self.gain]
        return min(good, key=lambda t: (t.share, -t.promise), default=None)


class Judged(Struct, frozen=True, eq=False):
    """A judge of all members' drafts: before calibration, and calibrated."""

    weights: Weights
    seen: Seen
    curve: Calibration

    def verdicts(self, seen: Seen) -> Floats:
        """P(right) of each draft: (questions, members)."""
        return self.curve.apply(sigmoid(self.weights.odds(seen))).reshape(-1, len(seen.members))

    def arrays(self, columns: Sequence[int]) -> dict[str, Any]:
        """Itself as `DraftJudge` reads it, for some of the members."""
        kept = structs.replace(self.weights, base=self.weights.base[list(columns)])
        return {**arrays(kept, self.seen), **self.curve.arrays("verdict")}


class Made(Struct, frozen=True, eq=False):
    """A cascade that was chosen: its members in the world, its course, and its judge."""

    columns: tuple[int, ...]
    course: Course
    judge: Judged | None = None

    def replay(self, world: World, seen: Seen | None) -> Replay:
        """What it does on a world of all members; seen: on the same questions."""
        some = world.among(self.columns)
        if self.judge is None or seen is None:
            return replay(self.course, some)
        return replay(self.course, some, self.judge.verdicts(seen)[:, self.columns])


def fit_cascade(
    recording: Recording,
    *,
    members: Sequence[str] | None = None,
    reads: Reader | str | None = None,
    usd: float | None = None,
    share: float | None = None,
    quality: float | None = None,
    strong: str | None = None,
    most: int = 5,
    text: bool = True,
    prior: bool = True,
    folds: int = 5,
    seed: int = 0,
) -> Fit:
    """Fit a panel that asks cheap members first and stops when no other one is worth its price.

    usd: to spend at most, on the mean question; share: the same as a share of what the strongest
        member costs. quality: least share of right answers. Without any of them, the cheapest
        cascade that promises to be as good as the strongest member; then it falls back to that
        member where held-out questions say otherwise, and says so.
    strong: the strongest member; None takes the one most often right. It has the last word.
    most: members that the cascade may have, 2 to 6. text: whether what the drafts look like counts.
    prior: as for `fit_judge`.

    Raises:
        ConfigError: too few questions are graded, a member is not recorded, or a wish is none.
    """
    if not 2 <= most <= 6:
        raise ConfigError(f"most={most}: a cascade has 2 to 6 members")
    data = outcomes(recording, reads, members)
    world, seen, notes = known_to_all(data.ballots, strong, text, prior)
    known = facts(world, strong)
    wish = wished(usd, share, quality, known)
    best = world.members[known.strong]
    made = chosen(world, known, seen, wish, most, seed)
    held = crossed(world, known, seen, wish, most, folds, seed)
    figures = compared(world, known, held)
    if made is None:
        notes.append(f"no cascade keeps that promise: {best} answers alone")
    elif figures["gain_high"] < 0:
        notes.append(f"on held-out questions {best} alone was better")
        if usd is share is quality is None:
            notes.append(f"{best} answers alone")
            made = None
    if made is None:
        made = Made((known.strong,), course(world, known, (known.strong,), 0.0))
        held = made.replay(world, None)
        figures = compared(world, known, held)
    artifact = packed(world, made, held, figures, seed)
    return Fit(artifact, part_of(made, reads), figures, (*data.notes, *notes))


def wished(usd: float | None, share: float | None, quality: float | None, known: Facts) -> Wish:
    """What is wanted, in terms of the strongest member.

    Raises:
        ConfigError: a number is out of range, or both costs are given.
    """
    if usd is not None and share is not None:
        raise ConfigError("give usd or share, not both: they mean the same limit")
    for name, value in (("usd", usd), ("share", share), ("quality", quality)):
        if value is not None and not value > 0:
            raise ConfigError(f"{name}={value!r} must be more than 0")
    if quality is not None and quality > 1:
        raise ConfigError(f"quality={quality!r} is a share of right answers, at most 1")
    most = usd / known.usd[known.strong] if usd is not None else share
    if quality is not None:
        return Wish(most or inf, quality - known.rates[known.strong])
    return Wish(inf, 0.0) if most is None else Wish(float(most))


def known_to_all(
    ballots: Ballots, strong: str | None, text: bool, prior: bool = True
) -> tuple[World, Seen | None, list[str]]:
    """The questions that all members answered, what the drafts show, and notes on what went.

    Raises:
        ConfigError: too little is left, or the strongest member is not in it.
    """
    if strong is not None and strong not in ballots.members:
        raise unknown("recorded member", strong, ballots.members)
    graded, notes = ~np.isnan(ballots.score), []
    usd, priced = ballots.usd, ~np.isnan(ballots.usd).all(axis=0)
    if not priced.any():
        notes.append("no draft has a price: every call counts as much as any other")
        usd, priced = np.ones_like(usd), np.ones_like(priced)
    there = graded.mean(axis=0) >= PRESENT * graded.mean(axis=0).max()
    for column in np.flatnonzero(~(priced & there)):
        name, why = ballots.members[column], "has no price" if there[column] else "is often absent"
        if name == strong:
            raise ConfigError(f"{name} {why}: it cannot be the strongest member of a cascade")
        notes.append(f"{name} {why}, and is left out")
    kept = np.flatnonzero(priced & there)
    rows = np.flatnonzero(graded[:, kept].all(axis=1))
    if len(rows) < FEWEST or len(kept) < 2:
        raise ConfigError(
            f"{len(rows)} questions with a graded answer of each of {len(kept)} members with a "
            f"price: a cascade needs {FEWEST} of at least two"
        )
    if len(rows) < len(graded):
        notes.append(
            f"{len(rows)} of {len(graded)} questions have all members graded: fitted to those"
        )
    cost = usd[np.ix_(rows, kept)]
    cost = np.where(np.isnan(cost), np.nanmean(cost, axis=0), cost)
    names = [ballots.members[column] for column in kept]
    cells = np.ix_(rows, kept)
    prompts = [ballots.prompts[row] or ballots.queries[row] for row in rows]
    world = World(ballots.codes[cells], ballots.correct[cells], cost, names, prompts)
    return world, seen_in(ballots, rows, kept, prior) if text else None, notes


def chosen(
    world: World, known: Facts, seen: Seen | None, wish: Wish, most: int, seed: int
) -> Made | None:
    """The cascade that keeps the wish best, None where none does."""
    found = trials(world, known, most)
    judge, verdicts = (None, None) if seen is None else judged(seen, seed)
    if verdicts is not None:
        for columns in finalists(found, Wish(ROOM * wish.share, wish.gain)):
            plain = [each for each in found if each.columns == columns]
            found += sobered(told(world, known, columns, verdicts[:, columns]), plain)
    best = wish.best(found)
    if best is None:
        return None
    made = course(world, known, best.columns, best.price, best.faith)
    return Made(best.columns, made, judge if best.faith else None)


def finalists(found: Sequence[Trial], wish: Wish) -> list[tuple[int, ...]]:
    """The members of the best few cascades."""
    left: list[Trial] = list(found)
    names: list[tuple[int, ...]] = []
    while len(names) < FINALISTS and (best := wish.best(left)):
        names.append(best.columns)
        left = [each for each in left if each.columns != best.columns]
    return names


def judged(seen: Seen, seed: int) -> tuple[Judged, Floats]:
    """A judge of the members' drafts, and its verdicts on drafts that it was not fitted to."""
    odds, _ = cross_fitted(seen, INNER, seed)
    curve = calibrated("platt", sigmoid(odds), seen.score)
    verdicts = curve.apply(sigmoid(odds)).reshape(-1, len(seen.members))
    return Judged(weighed(seen), seen, curve), verdicts


def told(world: World, known: Facts, columns: tuple[int, ...], verdicts: Floats) -> list[Trial]:
    """A cascade with a judge, at every price, with the faith that the outcomes support."""
    some, faith = world.among(columns), believed(world, known, columns, verdicts)
    if not faith:
        return []
    made = course(world, known, columns, 1.0, faith)
    done = (replay(made.at_price(price), some, verdicts) for price in FINE)
    return [
        trial(world, known, columns, price, each, faith)
        for price, each in zip(FINE, done, strict=True)
    ]


def sobered(found: list[Trial], plain: list[Trial]) -> list[Trial]:
    """Trials with a judge that hope no more, beyond what they gain, than those without do."""
    if not found:
        return []
    more = optimism(found) - optimism(plain)
    return [structs.replace(each, hoped=each.hoped - more) for each in found]


def optimism(found: list[Trial]) -> float:
    """What trials hope beyond what they gain, on average."""
    return sum(each.hoped - each.gain for each in found) / len(found)


def believed(world: World, known: Facts, columns: tuple[int, ...], verdicts: Floats) -> float:
    """How much of a judge's verdicts (questions, columns) makes the winners' chances truest."""
    some = world.among(columns)

    def doubt(faith: float) -> float:
        done = replay(course(world, known, columns, MODEST, faith), some, verdicts)
        return loss(log_odds(done.chance), done.right.astype(np.float64))

    return min(FAITHS, key=doubt)


def crossed(
    world: World, known: Facts, seen: Seen | None, wish: Wish, most: int, folds_: int, seed: int
) -> Replay:
    """What cascades do on questions that nothing of them was fitted to or chosen on."""
    count, best = len(world.codes), world.members[known.strong]
    right, usd, chance = np.zeros(count, dtype=np.bool_), np.zeros(count), np.zeros(count)
    for train, test in folds(world.prompts, folds_, seed):
        there = world.take(train)
        about = facts(there, best)
        made = chosen(there, about, seen and seen.questions(train), wish, most, seed)
        if made is None:
            made = Made((about.strong,), course(there, about, (about.strong,), 0.0))
        done = made.replay(world.take(test), seen and seen.questions(test))
        right[test], usd[test], chance[test] = done.right, done.usd, done.chance
    return Replay(right, usd, chance, np.zeros(count, dtype=np.int64))


def compared(world: World, known: Facts, held: Replay) -> dict[str, float]:
    """Quality and cost beside the strongest member's, with a paired 95 % interval of the gain."""
    alone = world.right[:, known.strong]
    gains = held.right.astype(np.float64) - alone
    half = Z95 * float(gains.std()) / len(gains) ** 0.5
    paid, price = float(held.usd.mean()), float(world.usd[:, known.strong].mean())
    return {
        "quality": float(held.right.mean()),
        "strongest": float(alone.mean()),
        "gain": float(gains.mean()),
        "gain_low": float(gains.mean()) - half,
        "gain_high": float(gains.mean()) + half,
        "usd": paid,
        "strongest_usd": price,
        "share": paid / price,
    }


def packed(
    world: World, made: Made, held: Replay, figures: dict[str, float], seed: int
) -> Artifact:
    """A cascade as its file."""
    some, course = world.among(made.columns), made.course
    known = np.ones(some.right.shape, dtype=np.bool_)
    alike = relations(some.right.astype(np.float64), known, some.codes)[1]
    about = {
        "members": course.members,
        "last": course.last,
        "faith": course.faith,
        "basis": f"fitted to {len(held.right)} graded questions",
        "cofailure": float(off_diagonal(alike).mean()) if len(made.columns) > 1 else None,
        "figures": figures,
        "seed": seed,
    }
    curve = calibrated("auto", held.chance, held.right, seed=seed)
    held_arrays = {"joint": course.joint, "costs": course.costs, "base": course.base}
    judge = {} if made.judge is None else made.judge.arrays(made.columns)
    return Artifact("cascade", about, {**held_arrays, **judge, **curve.arrays()})


def part_of(made: Made, reads: Reader | str | None) -> Callable[[str, str], Part]:
    """The panel that runs a cascade, from the path and the hash of its file."""
    seats = [name.partition("#")[0] for name in made.course.members]

    def part(path: str, hash: str) -> Panel:
        return Panel(
            seats,
            vote=Likeliest(path, hash),
            stop=Worth(path, hash),
            stagger=inf,
            quorum=1,
            route=Next(path, hash),
            judge=LearnedJudge(path, hash, "cascade") if made.judge else None,
            reads=reads,
        )

    return part
