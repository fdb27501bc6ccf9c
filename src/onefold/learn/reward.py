"""Fits an outcome reward: the probability that a draft is right, given the drafts beside it.

Verifiers in the sense of Cobbe et al. (2021, arXiv 2110.14168), without a language model: step
checks, form, author, and who says the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from onefold.core.errors import ConfigError
from onefold.fitted.artifact import Artifact
from onefold.fitted.calibration import ece, sigmoid
from onefold.fitted.rewards import WIDTH, company, own_features
from onefold.fitted.sparse import Floats, Ints
from onefold.judges.verifiers.learned import LearnedReward
from onefold.learn.ballots import Ballots, Bools
from onefold.learn.calibrate import calibrated
from onefold.learn.fit import Fit
from onefold.learn.judge import auc, loss
from onefold.learn.logistic import binary
from onefold.learn.outcomes import folds as split
from onefold.learn.outcomes import outcomes
from onefold.recording.recording import Recording
from onefold.verbs import Reader

STRENGTHS = (3.0, 10.0, 30.0, 100.0)
CLOSE = 1e-4


class Board(Struct, frozen=True, eq=False):
    """Graded drafts beside each other.

    seen: (questions, members, WIDTH). same: (questions, members, members) whether two say the
    same, never with oneself. score: (questions, members), NaN where not graded.
    """

    seen: Floats
    same: Bools
    score: Floats

    def take(self, rows: Ints) -> Board:
        """Some of the questions."""
        return Board(self.seen[rows], self.same[rows], self.score[rows])


class Weights(Struct, frozen=True, eq=False):
    """A fitted reward before calibration; the fields are as in `OutcomeReward`."""

    centre: Floats
    scale: Floats
    weights: Floats
    base: Floats
    allies: Floats

    def odds(self, board: Board) -> Floats:
        """Log-odds that each draft is right (questions, members)."""
        shown = np.clip((board.seen - self.centre) / self.scale, -4.0, 4.0) @ self.weights
        made: Floats = shown + self.base + board.same @ self.allies
        return made


def fit_reward(
    recording: Recording,
    *,
    members: Sequence[str] | None = None,
    reads: Reader | str | None = None,
    folds: int = 5,
    seed: int = 0,
) -> Fit:
    """Fit a `LearnedReward` to graded drafts, cross-validated by question and calibrated.

    Raises:
        ConfigError: too few questions are graded, a member is not recorded, there is only one and
            one draw of it, or all are right.
    """
    data = outcomes(recording, reads, members)
    if len(data.ballots.members) < 2:
        raise ConfigError(
            f"only {data.ballots.members[0]} is recorded, and a reward compares drafts: record "
            "several members or draws, or take fit_judge, which looks at one draft alone"
        )
    board = board_of(data.ballots)
    prompts = [p or q for p, q in zip(data.ballots.prompts, data.ballots.queries, strict=True)]
    parts = list(split(prompts, folds, seed))
    graded = ~np.isnan(board.score)
    right = board.score[graded]
    tried = {strength: cross_fitted(board, parts, strength) for strength in STRENGTHS}
    strength = min(tried, key=lambda each: loss(tried[each][graded], right))
    odds = tried[strength]
    verdict = calibrated("auto", sigmoid(odds[graded]), right, seed=seed)
    fitted = weighed(board, strength)
    figures = {
        "drafts": int(graded.sum()),
        "log_loss": loss(odds[graded], right),
        "auc": auc(odds[graded], right),
        "ece": ece(verdict.apply(sigmoid(odds[graded])), right),
        "best_of": picked(odds, board.score),
        "best_member": float(np.nanmean(board.score, axis=0).max()),
        "one_right": float(np.nanmax(np.where(graded, board.score, 0.0), axis=1).mean()),
    }
    about = {"members": data.ballots.members, "labels": data.labels, "seed": seed}
    held = {name: getattr(fitted, name) for name in fitted.__struct_fields__}
    artifact = Artifact(
        "reward", {**about, "figures": figures}, {**held, **verdict.arrays("verdict")}
    )
    return Fit(artifact, LearnedReward, figures, data.notes)


def board_of(ballots: Ballots) -> Board:
    """What the drafts of a recording show, beside each other."""
    codes = ballots.codes
    seen = np.zeros((*codes.shape, WIDTH))
    beside = company(codes)
    for row, column in np.argwhere(codes > -2).tolist():
        draft, code = ballots.drafts[row][column], codes[row, column]
        assert draft is not None, "what has a code is there"
        value = ballots.keys[row][code] if code >= 0 else None
        own = own_features(ballots.prompts[row], draft.text, value)
        seen[row, column] = [*own, *beside[row, column]]
    same = (codes[:, :, None] == codes[:, None, :]) & (codes >= 0)[:, :, None]
    same &= ~np.eye(codes.shape[1], dtype=np.bool_)
    return Board(seen, same, ballots.score)


def weighed(board: Board, strength: float) -> Weights:
    """What is seen, who wrote it and who agrees, weighed by logistic regression."""
    graded = ~np.isnan(board.score)
    seen = board.seen[graded]
    centre, scale = seen.mean(axis=0), seen.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    shown = np.clip((seen - centre) / scale, -4.0, 4.0)
    count = board.score.shape[1]
    who = np.broadcast_to(np.eye(count), (*board.score.shape, count))[graded]
    rows = np.hstack([shown, 2.0 * who, 2.0 * board.same[graded]])
    found = binary(rows, board.score[graded][:, None], strength, close=CLOSE)
    weights, base, allies = np.split(found.weights[:, 0], (WIDTH, WIDTH + count))
    return Weights(centre, scale, weights, found.intercept[0] + 2.0 * base, 2.0 * allies)


def cross_fitted(board: Board, parts: Sequence[tuple[Ints, Ints]], strength: float) -> Floats:
    """Held-out log-odds of each draft (questions, members)."""
    odds = np.zeros(board.score.shape)
    for train, test in parts:
        odds[test] = weighed(board.take(train), strength).odds(board.take(test))
    return odds


def picked(odds: Floats, score: Floats) -> float:
    """Share right of the graded draft with the highest odds, over the questions that have one."""
    graded = ~np.isnan(score)
    rows = graded.any(axis=1)
    best = np.where(graded, odds, -np.inf)[rows].argmax(axis=1)
    return float(score[rows][np.arange(len(best)), best].mean())
