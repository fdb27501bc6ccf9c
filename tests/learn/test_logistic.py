"""The solver finds the minimum: its slope there is zero, and sparse and dense agree."""

import numpy as np
import pytest

from onefold.fitted.sparse import Sparse
from onefold.learn.logistic import binary, minimised, multinomial, sigmoid, softmax


def world(seed, count=120, width=6, classes=3):
    draw = np.random.default_rng(seed)
    rows = draw.normal(size=(count, width)) * (draw.random((count, width)) < 0.5)
    truth = draw.normal(size=(width, classes))
    drawn = [draw.choice(classes, p=p) for p in softmax(rows @ truth)]
    return rows, np.eye(classes)[drawn]


def sparse(rows):
    where = rows != 0
    starts = np.concatenate([[0], np.cumsum(where.sum(axis=1))])
    return Sparse(rows[where], np.nonzero(where)[1], starts, rows.shape[1])


@pytest.mark.parametrize("seed", range(5))
def test_at_the_minimum_of_a_softmax_regression_the_slope_is_zero(seed):
    rows, targets = world(seed)
    weight = np.random.default_rng(seed).random(len(rows))
    found = multinomial(rows, targets, 0.7, weight)
    slope = (softmax(found.scores(rows)) - targets) * weight[:, None]
    assert np.abs(rows.T @ slope + 0.7 * found.weights).max() < 1e-3
    assert np.abs(slope.sum(axis=0)).max() < 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_unknown_targets_count_for_nothing(seed):
    rows, targets = world(seed)
    targets[::3, 0] = np.nan
    found = binary(rows, targets, 1.3)
    there = ~np.isnan(targets)
    slope = np.where(there, sigmoid(found.scores(rows)) - np.nan_to_num(targets), 0.0)
    assert np.abs(rows.T @ slope + 1.3 * found.weights).max() < 1e-3
    alone = binary(rows[there[:, 0]], targets[there[:, 0], :1], 1.3)
    assert np.allclose(alone.weights[:, 0], found.weights[:, 0], atol=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_sparse_rows_give_what_dense_rows_give(seed):
    rows, targets = world(seed)
    rows[7] = 0.0
    dense, thin = multinomial(rows, targets), multinomial(sparse(rows), targets)
    assert np.allclose(dense.weights, thin.weights, atol=1e-4)
    assert np.allclose(dense.scores(rows), thin.scores(sparse(rows)), atol=1e-4)


def test_an_offset_is_part_of_the_scores():
    rows, targets = world(1)
    offset = np.random.default_rng(1).normal(size=targets.shape)
    found = multinomial(rows, targets, 1.0, offset=offset)
    slope = softmax(found.scores(rows) + offset) - targets
    assert np.abs(rows.T @ slope + found.weights).max() < 1e-3


def test_rows_of_a_sparse_matrix_are_taken_and_widened():
    rows = np.array([[1.0, 0, 2], [0, 0, 0], [0, 3, 0]])
    more = np.array([[5.0, 6], [7, 8], [9, 10]])
    made = sparse(rows).beside(more)
    assert np.array_equal(made.times(np.eye(5)), np.hstack([rows, more]))
    assert np.array_equal(made.take([2, 0, 0]).times(np.eye(5)), np.hstack([rows, more])[[2, 0, 0]])
    assert np.array_equal(made.transposed_times(np.eye(3)), np.hstack([rows, more]).T)


def test_large_scores_make_no_warnings():
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]
    assert softmax(np.array([[1e4, -1e4]])).tolist() == [[1.0, 0.0]]


def test_the_valley_of_rosenbrock_is_walked_to_its_end():
    def loss(p):
        a, b = p
        slope = np.array([-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)])
        return (1 - a) ** 2 + 100 * (b - a * a) ** 2, slope

    assert np.allclose(minimised(loss, np.array([-1.2, 1.0]), close=1e-9), [1, 1], atol=1e-4)
