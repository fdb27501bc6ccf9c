"""Votes without labels: members' skills from other tasks, and from who agrees with whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from onefold.core.errors import ConfigError
from onefold.fitted.artifact import Artifact
from onefold.fitted.calibration import Calibration
from onefold.fitted.sparse import Floats
from onefold.fitted.votes.candidates import scattered
from onefold.fitted.votes.crowd import (
    FIRMEST,
    LOOSE,
    graded_skills,
    posterior,
    relations,
    ungraded_skills,
)
from onefold.fitted.votes.fusing import Fusion, revive
from onefold.learn.fit import Fit
from onefold.learn.outcomes import outcomes
from onefold.learn.votes.prior import WARY
from onefold.learn.votes.sample import Sample, sampled
from onefold.recording.recording import Recording
from onefold.verbs import Reader

Knowledge = Fit | Artifact | Recording | Sequence[Recording] | Mapping[str, float]
DOUBT = 1.0  # log-odds by which a probability may be off that nobody could check
SIDES = np.array([-9.0, 9.0])
UNCHECKED = Calibration("unchecked", SIDES, np.stack([SIDES, SIDES - DOUBT, SIDES + DOUBT]), 0)


def known_skills(
    known: Knowledge | None, names: Sequence[str], reads: Reader | str | None
) -> Floats | None:
    """Where members' skills are expected, None where nothing is known of them.

    A member that is not known is expected at the mean of those that are.

    Raises:
        ConfigError: more than half of the members are not known, or a recording cannot be used.
    """
    if known is None or (isinstance(known, Mapping) and not known):
        return None
    if isinstance(known, Fit | Artifact):
        fusion = revive(known.artifact if isinstance(known, Fit) else known)
        told = dict(zip(fusion.members, fusion.skills.tolist(), strict=True))
    elif isinstance(known, Mapping):
        told = {name: float(skill) for name, skill in known.items()}
    else:
        tasks = [known] if isinstance(known, Recording) else known
        told = mean_skills(tasks, names, reads)
    there = [name for name in names if name in told]
    if 2 * len(there) < len(names):
        missing = ", ".join(name for name in names if name not in told)
        raise ConfigError(
            f"nothing is known of {missing}: give skills of at least half of the members"
        )
    mean = float(np.mean([told[name] for name in there]))
    return np.array([told.get(name, mean) for name in names])


def mean_skills(
    tasks: Sequence[Recording], names: Sequence[str], reads: Reader | str | None
) -> dict[str, float]:
    """Skills by member from graded tasks, each less its task's mean: a hard task counts as an easy
    one.
    """
    found: dict[str, list[float]] = {}
    for task in tasks:
        members = [name for name in task.members if name in names]
        if members:
            known = outcomes(task, reads, members)
            sample, _ = sampled(known.ballots, np.flatnonzero(known.labelled), text=False)
            skills = graded_skills(sample.score, sample.told)
            for name, skill in zip(members, skills - skills.mean(), strict=True):
                found.setdefault(name, []).append(float(skill))
    return {name: float(np.mean(each)) for name, each in found.items()}


def unlabelled(
    sample: Sample, names: Sequence[str], weights: Floats, around: Floats | None
) -> tuple[Fusion, tuple[str, ...]]:
    """The fusion by drafts that nobody graded, and notes.

    Its probabilities are the model's own: a curve from another task would make them worse.
    """
    board = sample.board
    fresh = scattered(board, sample.notes)
    apart = LOOSE if around is None else FIRMEST
    skills = ungraded_skills(board, around, apart, concentration=fresh)
    chance = np.exp(posterior(board, skills, concentration=fresh))
    share = np.take_along_axis(chance, np.maximum(board.codes, 0), axis=1)
    related, alike = relations(share, board.voted, board.codes)
    known = "" if around is None else ", and from other tasks"
    basis = f"no grades: skills from agreement on {len(sample)} questions{known}"
    made = Fusion(
        tuple(names),
        skills,
        np.zeros(len(skills)),
        weights,
        WARY,
        related,
        alike,
        UNCHECKED,
        0,
        basis,
    )
    return made, (f"{basis}; that fusing beats the best member could not be checked",)
