"""How candidates are weighed by graded drafts, and what that is worth on questions left out."""

from __future__ import annotations

import numpy as np
from msgspec import Struct, structs

from onefold.fitted.sparse import Floats
from onefold.fitted.votes.candidates import features
from onefold.fitted.votes.crowd import FIRM, LOOSE, graded_skills, relations
from onefold.fitted.votes.fusing import Decision, Fusion, led
from onefold.learn.outcomes import folds as split
from onefold.learn.votes.choice import backers, chosen
from onefold.learn.votes.prior import BOLD
from onefold.learn.votes.sample import Sample
from onefold.learn.votes.unlabelled import UNCHECKED

RIDGE = 20.0  # precision of weights around what they begin with
HARM, AHEAD = 0.003, 300  # a loss of that share in that many new questions is harm


class Begun(Struct, frozen=True, eq=False):
    """What a fit begins with, and how it goes on.

    weights: of `candidates.FEATURES`. around: where skills are expected, None for alike.
    full: whether all weights are fitted, else the loyalty alone. margin: the least loyalty.
    """

    weights: Floats
    around: Floats | None = None
    full: bool = False
    margin: float = BOLD

    def but(self, **changes: object) -> Begun:
        """The same with some fields changed."""
        return structs.replace(self, **changes)


class Held(Struct, frozen=True, eq=False):
    """What was decided on questions that were not fitted on, one number for each.

    right: how right the winner is. led: how right the leader's answer is. alone: how right the best
    member is, who may have said nothing. plain, stay: as in `Decision`.
    """

    right: Floats
    led: Floats
    alone: Floats
    plain: Floats
    stay: Floats

    @property
    def gain(self) -> float:
        """Mean by which the winner is right more often than the best member."""
        return float((self.right - self.alone).mean())

    @property
    def lost(self) -> bool:
        """Whether fusing lost against the best member by more than two standard errors."""
        off = self.right - self.alone
        return float(off.sum()) < -2 * float(np.sqrt((off**2).sum()))

    @property
    def risky(self) -> bool:
        """Whether harm in new questions lies within two standard errors of what is expected.

        Expected is the mean of what was seen and of what the probabilities say.
        """
        left = self.plain != self.stay
        won = (self.right + self.plain)[left].sum() / 2 / len(left)
        lost = (self.led + self.stay)[left].sum() / 2 / len(left)
        return bool(won - lost + HARM < 2 * np.sqrt((won + lost) / AHEAD))


def weighed(sample: Sample, begun: Begun) -> Fusion:
    """A fusion by graded drafts, not yet calibrated; its members are called by their numbers."""
    apart = LOOSE if begun.around is None else FIRM
    skills = graded_skills(sample.score, sample.told, begun.around, apart)
    rows, _ = features(sample.board, skills, sample.notes)
    bonus = led(sample.board, skills)[:, :, None]
    there, right = sample.board.sums() > 0, sample.right() > 0.5
    weights, own = begun.weights.copy(), np.zeros(len(skills))
    if sample.notes is None:
        weights[2:] = 0.0
    if begun.full:
        design = np.concatenate([bonus, rows, backers(sample.board)], axis=2)
        start = np.concatenate([[0.0], weights, own])
        precision = np.append(1.0, np.full(len(start) - 1, RIDGE))
        fitted = chosen(design, there, right, start, precision)
        weights, own = fitted[1 : len(weights) + 1], fitted[len(weights) + 1 :]
    else:
        fitted = chosen(bonus, there, right, np.zeros(1), np.ones(1), rows @ weights)
    related, alike = relations(sample.score, sample.known, sample.board.codes)
    return Fusion(
        tuple(map(str, range(len(skills)))),
        skills,
        own,
        weights,
        begun.margin + max(0.0, float(fitted[0])),
        related,
        alike,
        UNCHECKED,
    )


def held_out(sample: Sample, begun: Begun, folds: int, seed: int) -> Held:
    """What is decided on each fold by what the others teach."""
    made = np.zeros((5, len(sample)))
    for train, test in split(sample.prompts, folds, seed):
        asked = sample.take(test)
        fusion = weighed(sample.take(train), begun)
        decision: Decision = fusion.decide(asked.board, asked.notes)
        made[0, test] = decision.said(asked.score)
        made[1, test] = asked.score[np.arange(len(test)), decision.leaders]
        made[2, test] = asked.score[:, int(fusion.skills.argmax())]
        made[3:, test] = decision.plain, decision.stay
    return Held(*made)
