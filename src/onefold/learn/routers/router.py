"""Fits the learned router: how good each member is for a prompt, from recorded outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from onefold.core.errors import ConfigError
from onefold.core.part import coerce
from onefold.core.spec import dump
from onefold.fitted.routing import Expert, Looks, Routing
from onefold.fitted.sparse import Floats, Ints, Matrix, Sparse
from onefold.fitted.texts.prompts import seen
from onefold.fitted.texts.words import Words
from onefold.learn.fit import Fit
from onefold.learn.outcomes import FEWEST, Outcomes, outcomes
from onefold.learn.outcomes import folds as split
from onefold.learn.routers.experts import DIRECTIONS, directions, pair_experts, task_experts
from onefold.learn.routers.nearest import encoded
from onefold.learn.sweep import routed
from onefold.recording.recording import Recording
from onefold.routers.learned import Learned
from onefold.verbs import Encoder, Reader

FEW = 50
TAUGHT = 10  # questions of a recorded task, on average, from which on tasks are not searched for
SURE = 1.28  # standard errors above zero that held-out evidence must lie: nine times in ten
DRAWS = 200


class Table(Struct, frozen=True, eq=False):
    """Graded questions with their features.

    rows: (n, width) words and what stands beside them, for two members; for more, the words' main
    directions and the same. codes: (n) the task of each, from 0, None where unknown.
    """

    prompts: Sequence[str]
    scores: Floats
    rows: Matrix
    codes: Ints | None
    seed: int

    def experts(self, train: Ints) -> list[Expert]:
        """The experts that some of the questions teach, for rows as these."""
        scores = self.scores[train]
        if isinstance(self.rows, Sparse):
            return pair_experts(self.rows.take(train), scores)
        codes = None if self.codes is None else np.unique(self.codes[train], return_inverse=True)[1]
        return task_experts(self.rows[train], scores, average(scores), codes, self.seed)

    def told(self, count: int) -> Floats:
        """What experts say (n, members) that were taught by the other folds of the questions."""
        said = np.empty(self.scores.shape)
        for train, test in split(self.prompts, count, self.seed):
            rows = self.rows.take(test) if isinstance(self.rows, Sparse) else self.rows[test]
            found = self.experts(train)
            said[test] = sum(expert.qualities(rows) for expert in found) / len(found)
        return said


def fit_router(
    recording: Recording,
    *,
    members: Sequence[str] | None = None,
    reads: Reader | str | None = None,
    labels: Mapping[str, str] | None = None,
    keep: int | None = None,
    usd_per_point: float | None = None,
    encoder: Encoder | str | Any = None,
    folds: int = 5,
    seed: int = 0,
) -> Fit:
    """Fit the learned router to graded drafts: each member's quality, predicted from the prompt.

    Two members are told apart by the four outcomes that a question can have and by whether each
    is right, both by logistic regression; more of them by tasks, which prompts are probably of
    and at which some are better. What is predicted shrinks towards the members' means as far as
    held-out questions demand, and a router that learned nothing has no opinion.

    labels: the task of each question, by its id or its prompt, for three members or more; left
        out, those that the recording names count, and where it names none, tasks are found.
    keep: as for `Learned`. usd_per_point: US dollars that a hundredth of quality is worth; left
        out, price does not count.
    encoder: its vectors stand beside the words.

    Raises:
        ConfigError: too few questions are graded, all alike, or by fewer than two members.
    """
    found = outcomes(recording, reads, members)
    asked = Asked.of(found, labels)
    part = None if encoder is None else coerce(Encoder, encoder)
    words, looked = Words.of(asked.prompts), seen(asked.prompts)
    looks = Looks.of(looked)
    beside = looks.rows(looked)
    if part is not None:
        beside = np.hstack([beside, encoded(part, asked.prompts)])
    spoken, turn = words.rows(asked.prompts), None
    rows: Matrix = spoken.beside(beside)
    if len(asked.members) > 2:
        turn = directions(spoken, min(DIRECTIONS, len(asked.prompts) // 4), seed)
        rows = np.hstack([spoken.times(turn), beside])
    table = Table(asked.prompts, asked.scores, rows, asked.codes, seed)
    means, told = average(asked.scores), table.told(folds)
    strength = borne_out(told - means, asked.scores - means)
    notes = [*found.notes, *asked.notes, *said_of(strength, len(asked.prompts))]
    experts = table.experts(np.arange(len(asked.prompts)))
    if turn is not None:
        experts = [expert.turned(turn) for expert in experts]
    name = "" if part is None else str(dump(part))
    made = Routing(asked.members, words, looks, experts, means, strength, asked.usd, name)
    figures = measured(means + strength * (told - means), asked.scores, made.usual, seed)
    artifact = made.artifact({"figures": figures, "labels": len(asked.prompts), "seed": seed})
    cost = priced(asked.usd, usd_per_point)

    def make(path: str, hash: str) -> Learned:
        return Learned(path, hash, keep, cost, None, part)

    return Fit(artifact, make, {**figures, "strength": strength}, tuple(notes))


class Asked(Struct, frozen=True, eq=False):
    """The questions that can teach a router.

    scores: (n, members), NaN where missing. usd: (members) mean price of a question, NaN where
    unknown. codes: (n) the task of each, None where nobody told.
    """

    members: tuple[str, ...]
    prompts: list[str]
    scores: Floats
    usd: Floats
    codes: Ints | None
    notes: tuple[str, ...]

    @classmethod
    def of(cls, found: Outcomes, labels: Mapping[str, str] | None) -> Asked:
        """Those that are graded and have a prompt, and a label where labels are given.

        Raises:
            ConfigError: too few are left, or fewer than two members.
        """
        ballots, notes = found.ballots, []
        columns = np.flatnonzero((~np.isnan(ballots.score)).sum(axis=0) >= FEWEST)
        members = tuple(ballots.members[column] for column in columns)
        if silent := [name for name in ballots.members if name not in members]:
            few = f"under {FEWEST} graded drafts of {', '.join(silent)}"
            notes.append(f"{few}: the router does not know them")
        if len(members) < 2:
            raise ConfigError(
                f"a router chooses among members, and {len(members)} of {len(ballots.members)} "
                f"have {FEWEST} graded drafts: give it at least two"
            )
        keys = list(zip(ballots.queries, ballots.prompts, strict=True))
        tasks = [labels.get(name, labels.get(said)) if labels else "" for name, said in keys]
        kept = [
            place
            for place, (_, said) in enumerate(keys)
            if found.labelled[place] and said.strip() and tasks[place] is not None
        ]
        if len(kept) < FEWEST:
            raise ConfigError(
                f"{len(kept)} of {len(keys)} questions have a grade, a prompt"
                f"{' and a label' if labels else ''}; at least {FEWEST} are needed"
            )
        if left_out := len(keys) - len(kept):
            notes.append(f"{left_out} questions without grade, prompt or label were left out")
        codes = None
        if labels and len(members) == 2:
            notes.append("labels count with three members or more: they were left aside")
        elif len(members) > 2:
            given = [(tasks if labels else ballots.tasks)[place] or "" for place in kept]
            codes, said = coded(given, bool(labels))
            notes += said
        rows = np.ix_(np.array(kept), columns)
        prompts = [ballots.prompts[place] for place in kept]
        usd = average(ballots.usd[rows])
        return cls(members, prompts, ballots.score[rows], usd, codes, tuple(notes))


def coded(tasks: Sequence[str], wanted: bool) -> tuple[Ints | None, list[str]]:
    """The code of each question's task, from 0, None where tasks are to be found; and notes.

    wanted: they count in any case. Otherwise every question has to name one, and there must be
    at least two, with TAUGHT questions each on average.
    """
    names, codes = np.unique(tasks, return_inverse=True)
    if wanted:
        return codes, []
    named = sum(map(bool, tasks))
    if not named:
        return None, []
    if named == len(tasks) and 2 <= len(names) <= len(tasks) / TAUGHT:
        return codes, [f"{len(names)} tasks were taken as the recording names them"]
    why = f"{named} of {len(tasks)} questions name a task, {len(names)} different ones"
    return None, [f"{why}: they were left aside: tasks were found"]


def average(values: Floats) -> Floats:
    """The mean of each column without what is missing, NaN where all is."""
    there = ~np.isnan(values)
    count = there.sum(axis=0)
    total = np.where(there, values, 0.0).sum(axis=0)
    mean: Floats = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    return mean


def borne_out(told: Floats, happened: Floats) -> float:
    """The share in [0, 1] of what was told of members' differences that happened; 0 if unsure.

    told, happened: (n, members) above the members' means, NaN in `happened` where missing. The
    share is the slope of a regression through zero (Stein's shrinkage, measured).
    """
    there = ~np.isnan(happened)
    count = np.maximum(there.sum(axis=1, keepdims=True), 1)

    def relative(values: Floats) -> Floats:
        known = np.where(there, values, 0.0)
        return np.where(there, known - known.sum(axis=1, keepdims=True) / count, 0.0)

    said, came = relative(told), relative(happened)
    each = (said * came).sum(axis=1)
    size = float((said**2).sum())
    if size < 1e-12 or each.mean() <= SURE * each.std() / np.sqrt(len(each)):
        return 0.0
    return float(np.clip(each.sum() / size, 0.0, 1.0))


def said_of(strength: float, count: int) -> list[str]:
    """Notes on what was learned from so many questions."""
    notes = []
    if count < FEW:
        notes.append(f"{count} questions are few: {FEW} are wanted, and some hundreds teach more")
    if strength == 0:
        notes.append(
            "prompts did not tell who is better on held-out questions: the router has no opinion"
        )
    elif strength < 0.5:
        notes.append(f"held-out questions bore out {strength:.0%} of what prompts promised")
    return notes


def priced(usd: Floats, usd_per_point: float | None) -> float:
    """What the dearest member's price is worth in quality.

    Raises:
        ConfigError: a member's price is unknown, or a point is worth nothing.
    """
    if usd_per_point is None:
        return 0.0
    if not usd_per_point > 0:
        raise ConfigError(f"usd_per_point is {usd_per_point:g}; it must be above 0")
    if np.isnan(usd).any():
        raise ConfigError("usd_per_point needs what drafts cost: give the recording a column usd")
    return float(usd.max() / (100 * usd_per_point))


def measured(told: Floats, scores: Floats, cheap: int, seed: int) -> dict[str, float]:
    """Cross-validated figures of what was told (n, members), where every member answered.

    right, single, oracle: mean score of the member put first, of the best single one, and of the
    best for each question. closed: share of the gap between the last two. log_loss: of what was
    told; usual_log_loss: of the members' means. apgr, cpt50, cpt80: as of `sweep.Sweep`, in shares
    of the calls to the best member instead of the cheapest. low, high: of the first of them, by
    95 % bootstrap intervals.
    """
    whole = ~np.isnan(scores).any(axis=1)
    told, scores = told[whole], scores[whole]
    if len(scores) < FEWEST:
        return {}
    means = scores.mean(axis=0)
    dear = int(means.argmax())
    picked = scores[np.arange(len(scores)), told.argmax(axis=1)]
    single, best = scores[:, dear], scores.max(axis=1)
    figures = {
        "right": picked.mean(),
        "single": single.mean(),
        "oracle": best.mean(),
        "log_loss": log_loss(told, scores),
        "usual_log_loss": log_loss(means, scores),
    }
    picks = np.random.default_rng(seed).integers(0, len(scores), (DRAWS, len(scores)))
    gap = float((best - single).sum())
    if gap > 0:
        figures["closed"] = (picked - single).sum() / gap
        drawn = (picked - single)[picks].sum(axis=1) / gap
        figures["closed_low"], figures["closed_high"] = np.percentile(drawn, (2.5, 97.5))
    gain, preference = scores[:, dear] - scores[:, cheap], told[:, dear] - told[:, cheap]
    if gain.sum() > 0:
        sweep = routed(preference, scores[:, cheap], scores[:, dear])
        figures.update(apgr=sweep.apgr, cpt50=sweep.cpt(50) / 100, cpt80=sweep.cpt(80) / 100)
        nothing = np.zeros(len(gain))
        areas = [routed(preference[p], nothing, gain[p]).apgr for p in picks if gain[p].sum() > 0]
        figures["apgr_low"], figures["apgr_high"] = np.percentile(areas, (2.5, 97.5))
    return {name: float(figure) for name, figure in figures.items()}


def log_loss(told: Floats, scores: Floats) -> float:
    """Mean cross entropy of scores in nats; what is told counts as within [.001, .999]."""
    sure = np.clip(told, 1e-3, 1 - 1e-3)
    return float(-(scores * np.log(sure) + (1 - scores) * np.log(1 - sure)).mean())
