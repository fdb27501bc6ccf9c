"""Which candidate is right: a choice between those of a question, by what speaks for each."""

from __future__ import annotations

import numpy as np

from onefold.fitted.sparse import Floats
from onefold.fitted.votes.crowd import Board, Bools, log_sum
from onefold.learn.logistic import minimised


def chosen(
    rows: Floats,
    there: Bools,
    right: Bools,
    around: Floats,
    precision: Floats,
    offset: Floats | float = 0.0,
    weight: Floats | None = None,
) -> Floats:
    """The most probable weights (features) of a conditional logit (McFadden 1974).

    rows: (questions, width, features) what speaks for each candidate. there, right: (questions,
    width) whether it exists, and is right; several may be. Questions without a right candidate, or
    without a wrong one, say nothing. around, precision: (features) of the weights' Gaussian prior.
    offset: scores to add to. weight: (questions) how much each counts.
    """
    good, bad = there & right, there & ~right
    kept = good.any(axis=1) & bad.any(axis=1)
    rows, there, good = rows[kept], there[kept], good[kept]
    scale = np.ones(len(rows)) if weight is None else weight[kept]
    added = np.broadcast_to(offset, kept.shape + there.shape[1:])[kept]

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = np.where(there, rows @ weights + added, -np.inf)
        all_sum, good_sum = log_sum(scores, 1), log_sum(np.where(good, scores, -np.inf), 1)
        share = np.exp(scores - all_sum[:, None])
        owed = np.where(good, np.exp(scores - good_sum[:, None]), 0.0)
        pull = ((share - owed) * scale[:, None]).ravel()
        off = weights - around
        value = float(scale @ (all_sum - good_sum)) + 0.5 * float(precision @ off**2)
        slope: Floats = pull @ rows.reshape(-1, rows.shape[2]) + precision * off
        return value, slope

    return minimised(loss, around.copy())


def backers(board: Board) -> Floats:
    """(questions, width, members) 1 where a member backs a candidate, else 0."""
    return np.asarray(board.codes[:, None, :] == np.arange(board.width)[:, None], np.float64)
