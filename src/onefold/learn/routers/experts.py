"""The experts behind the learned router: outcomes and heads for two members, tasks for many."""

from __future__ import annotations

import numpy as np

from onefold.fitted.routing import SCALE, Expert
from onefold.fitted.sparse import Floats, Ints, Sparse, product
from onefold.learn.logistic import Linear, binary, minimised, multinomial, softmax

CLOSE = 1e-3
DIRECTIONS = 100
TASKS = 30
STARTS = 3
IMAGINED = 5.0  # questions that a member's mean counts for in each task
GATE = 0.3  # penalty on the weights that tell tasks apart
FLAT = 0.01  # share of a direction's length below which its spread is none


def pair_experts(rows: Sparse, scores: Floats) -> list[Expert]:
    """Experts for two members: what of four outcomes happens, and whether each is right.

    scores: (n, 2) in [0, 1]; where one is missing, that question counts for the other alone.
    The four outcomes carry the signed gain, which difficulty alone does not.
    """
    heads = binary(rows, scores, close=CLOSE)
    found = [Expert(heads.weights, heads.intercept, np.eye(2), together=False)]
    both = np.flatnonzero(~np.isnan(scores).any(axis=1))
    first, second = scores[both].T
    outcomes = np.stack(
        [first * second, first * (1 - second), (1 - first) * second, (1 - first) * (1 - second)],
        axis=1,
    )
    if (outcomes.sum(axis=0) > 0).sum() > 1:
        told = multinomial(rows.take(both), outcomes, close=CLOSE)
        worth = np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
        found.append(Expert(told.weights, told.intercept, worth, together=True))
    return found


def task_experts(
    points: Floats, scores: Floats, means: Floats, codes: Ints | None, seed: int
) -> list[Expert]:
    """Experts for many members: p = Σ P(task | prompt) · μ(task, member).

    Tasks that are told are taken as they are. Where none are, each expert begins with clusters
    of prompts from a start of its own, and then learns what tells members apart.

    points: (n, width) prompts. scores: (n, members), NaN where missing. means: (members) of them.
    codes: (n) the task of each prompt, from 0, where that is known.
    """
    above, there = scores - means, ~np.isnan(scores)
    if codes is not None:
        tasks = np.eye(int(codes.max()) + 1)[codes]
        gate = multinomial(points, tasks, GATE, close=CLOSE)
        held = tasks.T @ np.where(there, above, 0.0) / (tasks.T @ there + IMAGINED)
        return [tasked(gate, means + held)]
    level = np.nanmean(above, axis=1, keepdims=True)
    count, found = max(2, min(TASKS, len(points) // 15)), []
    for start in range(STARTS):
        groups = clusters(points, count, seed + start)
        first = multinomial(points, np.eye(int(groups.max()) + 1)[groups], GATE, close=1e-2)
        gate, relative = joined(points, first, above - level)
        shares = softmax(gate.scores(points))
        held = shares.T @ level / (shares.sum(axis=0)[:, None] + IMAGINED)
        found.append(tasked(gate, means + relative + held))
    return found


def tasked(gate: Linear, worth: Floats) -> Expert:
    """The expert of a gate and of what its tasks are worth (tasks, members)."""
    return Expert(gate.weights, gate.intercept, np.clip(worth, 0.0, 1.0), together=True)


def joined(points: Floats, gate: Linear, wanted: Floats) -> tuple[Linear, Floats]:
    """The gate and what its tasks are worth (tasks, members), fitted as one by least squares.

    wanted: (n, members) how much better each member did than the others, NaN where missing.
    """
    there = ~np.isnan(wanted)
    target, noise = np.where(there, wanted, 0.0), float(np.nanvar(wanted)) + 1e-9
    width, tasks = gate.weights.shape
    cut = (width + 1) * tasks
    first = softmax(gate.scores(points))
    worth = first.T @ target / (first.T @ there + IMAGINED)

    def loss(flat: Floats) -> tuple[float, Floats]:
        both, said = flat[:cut].reshape(width + 1, tasks), flat[cut:].reshape(worth.shape)
        shares = softmax(points @ both[:-1] + both[-1])
        missed = np.where(there, shares @ said - target, 0.0) / noise
        pull = missed @ said.T
        slope = shares * (pull - (shares * pull).sum(axis=1, keepdims=True))
        down = np.vstack([points.T @ slope + GATE * both[:-1], slope.sum(axis=0)])
        turn = shares.T @ missed + IMAGINED / noise * said
        value = 0.5 * noise * (missed**2).sum() + 0.5 * GATE * (both[:-1] ** 2).sum()
        value += 0.5 * IMAGINED / noise * (said**2).sum()
        return float(value), np.concatenate([down.ravel(), turn.ravel()])

    start = np.concatenate([gate.weights.ravel(), gate.intercept, worth.ravel()])
    best = minimised(loss, start, steps=40)
    both = best[:cut].reshape(width + 1, tasks)
    return Linear(both[:-1], both[-1]), best[cut:].reshape(worth.shape)


def clusters(points: Floats, count: int, seed: int, rounds: int = 15) -> Ints:
    """The cluster of each point (n), from 0, by k-means from seeded starts."""
    chance = np.random.default_rng(seed)
    centres = points[chance.choice(len(points), count, replace=False)]
    codes = np.zeros(len(points), dtype=np.int64)
    for _ in range(rounds):
        near = points @ centres.T - 0.5 * (centres**2).sum(axis=1)
        codes = near.argmax(axis=1).astype(np.int64)
        held = np.eye(len(centres))[codes]
        size = held.sum(axis=0)[:, None]
        centres = np.where(size > 0, held.T @ points / np.maximum(size, 1.0), centres)
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def directions(rows: Sparse, count: int, seed: int) -> Floats:
    """Weights (width, count) that make rows into coordinates of spread SCALE.

    The directions of most variance, found by random projections (Halko et al. 2011). One in which
    all rows lie at the same place, as what every prompt says, tells nothing: its weights are 0.
    """
    chance = np.random.default_rng(seed)
    base = rows.transposed_times(chance.normal(size=(rows.shape[0], count + 10)))
    for _ in range(2):
        base = rows.transposed_times(np.linalg.qr(product(rows, base))[0])
    values, turned = np.linalg.eigh(base.T @ base)
    kept = np.argsort(-values)[:count]
    found = base @ (turned[:, kept] / np.sqrt(np.maximum(values[kept], 1e-12)))
    spread = rows.times(found).std(axis=0)
    told = spread > FLAT / np.sqrt(rows.shape[0])  # a coordinate's length over all rows is 1
    made: Floats = found * np.where(told, SCALE / np.where(told, spread, 1.0), 0.0)
    return made
