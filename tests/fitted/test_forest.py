"""Symmetric trees: what they say, and that they come back as they were."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.fitted.forest import Forest

TWO = Forest(
    np.array([[0, 1], [1, 1]]),
    np.array([[0.5, 2.0], [0.0, 9.0]]),
    np.array([[1.0, 2.0, 4.0, 8.0], [0.0, 0.25, 0.5, 0.75]]),
)


@pytest.mark.parametrize(
    ("row", "odds"),
    [([0.0, 0.0], 1.0), ([1.0, 0.0], 2.0), ([0.5, 3.0], 4.25), ([1.0, 3.0], 8.25), ([1, 10], 8.75)],
)
def test_each_tree_adds_the_leaf_that_its_questions_lead_to(row, odds):
    assert TWO.odds(np.array([row])).tolist() == [odds]


@given(st.lists(st.tuples(st.floats(-5, 20), st.floats(-5, 20)), min_size=1, max_size=9))
def test_many_rows_are_told_as_each_alone(rows):
    together = TWO.odds(np.array(rows))
    assert together.tolist() == [TWO.odds(np.array([row]))[0] for row in rows]


def test_no_trees_have_no_opinion():
    assert Forest.none().odds(np.ones((3, 2))).tolist() == [0, 0, 0]


def test_a_forest_comes_back_from_its_arrays():
    rows = np.random.default_rng(0).normal(1, 3, (20, 2))
    assert np.array_equal(Forest.revived(TWO.arrays()).odds(rows), TWO.odds(rows))
