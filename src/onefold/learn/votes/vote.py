"""Fits votes: drafts fused by what recorded outcomes say about who says what, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import structs

from onefold.core.errors import ConfigError
from onefold.fitted.artifact import Artifact
from onefold.fitted.calibration import ece
from onefold.fitted.sparse import Floats
from onefold.fitted.votes.candidates import FEATURES
from onefold.fitted.votes.crowd import off_diagonal, voters
from onefold.fitted.votes.fusing import FAITHFUL, KIND, Fusion
from onefold.learn.calibrate import calibrated
from onefold.learn.fit import Fit
from onefold.learn.outcomes import FEWEST, outcomes
from onefold.learn.outcomes import folds as split
from onefold.learn.votes.prior import WARY, WEIGHTS
from onefold.learn.votes.sample import Sample, sampled
from onefold.learn.votes.unlabelled import Knowledge, known_skills, unlabelled
from onefold.learn.votes.weighing import Begun, Held, held_out, weighed
from onefold.operators.votes.fused import Fused
from onefold.recording.recording import Recording
from onefold.verbs import Reader

MANY = 500  # graded questions from which every weight may be fitted anew


def fit_vote(
    recording: Recording,
    *,
    members: Sequence[str] | None = None,
    reads: Reader | str | None = None,
    folds: int = 5,
    seed: int = 0,
    prior: Sequence[float] | None = None,
    text: bool = True,
    skills: Knowledge | None = None,
) -> Fit:
    """Fit a `Fused` vote to recorded outcomes; from 25 graded questions up.

    Each member's skill is learned from the grades (`crowd`), what speaks for a candidate is
    weighed as it was over many other pools, and the loyalty to the best member is fitted: more of
    it where fusing might do harm. From MANY graded questions on all weights are fitted anew, where
    that is better on questions left out. The best member decides alone where fusing lost on those.
    The notes say which.

    folds, seed: of the questions left out in turn, for the figures and the choice.
    prior: what `fitted.votes.candidates.FEATURES` weigh to begin with; None takes what is shipped.
    text: whether it counts how drafts are written.
    skills: what is known of the members from other tasks: an earlier fit or its artifact,
        recordings that are graded, or skills by name ({} for nothing). Skills are then expected
        there, up to a common shift; and where fewer than FEWEST questions are graded, the grades
        are not used: skills come from who agrees with whom as well (label-free).

    Raises:
        ConfigError: too few questions are graded and no skills are given, a member is not in the
            recording, or weights that do not fit.
    """
    begun = Begun(weights_of(prior))
    found = outcomes(recording, reads, members, FEWEST if skills is None else 0)
    names = found.ballots.members
    around = known_skills(skills, names, reads)
    if found.labels < FEWEST:
        sample, notes = sampled(found.ballots, np.arange(len(found.labelled)), text)
        made, more = unlabelled(sample, names, begun.weights, around)
        return packed(made, {"labels": 0}, (*found.notes, *notes, *more), seed)
    sample, notes = sampled(found.ballots, np.flatnonzero(found.labelled), text)
    made, figures, more = graded(sample, names, begun.but(around=around), folds, seed)
    return packed(made, figures, (*found.notes, *notes, *more), seed)


def weights_of(prior: Sequence[float] | None) -> Floats:
    """The weights to begin with.

    Raises:
        ConfigError: they are not as many as there are features, not finite, or the crowd's is
            not above 0.
    """
    weights = WEIGHTS if prior is None else np.asarray(prior, dtype=float)
    if weights.shape != WEIGHTS.shape or not np.isfinite(weights).all() or weights[0] <= 0:
        raise ConfigError(
            f"a prior has {len(FEATURES)} finite weights, of {', '.join(FEATURES)}, the first "
            f"above 0, not {prior!r:.80}"
        )
    return weights


def packed(made: Fusion, figures: Mapping[str, Any], notes: tuple[str, ...], seed: int) -> Fit:
    """A fusion as a fit."""
    about = {
        "labels": made.outcomes,
        "loyalty": made.loyalty,
        "basis": made.basis,
        "method": figures.get("method", "unlabelled"),
        "seed": seed,
    }
    return Fit(Artifact(KIND, about, made.arrays()), Fused, figures, notes)


def graded(
    sample: Sample, names: Sequence[str], begun: Begun, folds: int = 5, seed: int = 0
) -> tuple[Fusion, dict[str, Any], tuple[str, ...]]:
    """The fusion by graded drafts, its figures on questions left out, and notes."""
    tried: dict[str, tuple[Begun, Held]] = {}
    for name, full in (("prior", False), ("full", True)):
        if not full or len(sample) >= MANY:
            way = begun.but(full=full)
            held = held_out(sample, way, folds, seed)
            if held.risky:
                way = way.but(margin=WARY)
                held = held_out(sample, way, folds, seed)
            tried[name] = (way, held)
    method = max(tried, key=lambda name: (tried[name][1].gain, name))
    way, held = tried[method]
    made, right, alone = weighed(sample, way), held.right, held.lost
    if alone:
        made, right = structs.replace(made, loyalty=FAITHFUL), held.led
    stated = np.zeros(len(sample))
    for train, test in split(sample.prompts, folds, seed):
        curve = calibrated("auto", held.plain[train], right[train], seed=seed)
        stated[test] = curve.apply(held.plain[test])
    made = structs.replace(
        made,
        members=tuple(names),
        calibration=calibrated("auto", held.plain, right, seed=seed),
        outcomes=len(sample),
        basis=f"fitted on {len(sample)} graded questions",
    )
    best = names[int(made.skills.argmax())]
    figures = {
        "labels": len(sample),
        "method": "single" if alone else method,
        "best": best,
        "single": float(held.alone.mean()),
        "fused": float(right.mean()),
        "plurality": float(plurality(sample).mean()),
        "ece": ece(stated, right),
        "voters": voters(made.related),
        "cofailure": float(off_diagonal(made.cofailures).mean()) if len(names) > 1 else 0.0,
        "loyalty": float(made.loyalty),
    }
    return made, figures, chosen_note(figures, tried)


def chosen_note(
    figures: Mapping[str, Any], tried: Mapping[str, tuple[Begun, Held]]
) -> tuple[str, ...]:
    """What was chosen and why, in sentences."""
    best, method = figures["best"], figures["method"]
    gains = ", ".join(f"{name} {100 * held.gain:+.2f}" for name, (_, held) in tried.items())
    said = f"points won against the best member on questions left out, by weights: {gains}"
    if method == "single":
        return (f"{best} decides alone, because fusing lost ({said})",)
    notes = [f"drafts are fused by the {method} weights ({said})"]
    if tried[method][0].margin == WARY:
        notes.append(f"fusing might do harm here: it takes a clear lead to overrule {best}")
    return tuple(notes)


def plurality(sample: Sample) -> Floats:
    """(questions) how right the most common candidate is, the first named among equals."""
    winners = sample.board.sums().argmax(axis=1)
    first = sample.board.first(-np.arange(sample.score.shape[1], dtype=float))
    rows = np.arange(len(sample))
    speaker = first[rows, winners]
    return np.where(speaker >= 0, sample.score[rows, speaker], 0.0)
