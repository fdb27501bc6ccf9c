"""The index: probabilities of labels, of none of them, and what is written and read again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.encoders.words import hashed
from onefold.fitted.artifact import packed, unpacked
from onefold.fitted.index import (
    Index,
    Near,
    Pull,
    Suited,
    directions,
    grouped,
    nearest,
    shared,
    suited,
    surprise,
)


def world(seed=0, labels=3, count=60, width=8, spread=0.3):
    """Texts as points around one direction a label: (rows, codes)."""
    draw = np.random.default_rng(seed)
    codes = np.arange(count) % labels
    rows = np.eye(width)[codes] + spread * draw.normal(size=(count, width))
    return directions(rows), codes


def test_a_text_is_most_probably_of_the_label_around_it():
    rows, codes = world()
    more, right = world(seed=1)
    index = Index(rows, codes, 3, 15)
    assert (index.shares(more).argmax(axis=1) == right).all()


@given(st.integers(0, 1000), st.integers(1, 30))
def test_shares_are_probabilities_and_the_rest_is_that_of_none(seed, neighbours):
    rows, codes = world(seed, spread=1.0, count=20)
    shares = Index(rows, codes, 3, neighbours).shares(world(seed + 1, spread=1.0)[0])
    assert (shares > 0).all()
    assert (shares.sum(axis=1) < 1).all()


def test_what_is_like_nothing_is_of_no_label():
    rows, codes = world(spread=0.1)
    index = Index(rows, codes, 3, 15, Pull(20, 20, 5))
    assert index.shares(np.eye(8)[:3]).max(axis=1).min() > 0.9
    assert index.shares(index.middle[None]).sum() < 0.2


def test_more_stranger_means_less_of_every_label():
    rows, codes = world()
    low, high = (Index(rows, codes, 3, 15, Pull(10, 10, t)).shares(rows) for t in (1.0, 6.0))
    assert (high < low).all()


def test_the_order_of_prototypes_does_not_matter():
    rows, codes = world()
    order = np.random.default_rng(2).permutation(len(rows))
    one, two = Index(rows, codes, 3, 60), Index(rows[order], codes[order], 3, 60)
    assert one.shares(rows) == pytest.approx(two.shares(rows), abs=1e-4)


def test_a_label_without_prototypes_gets_little():
    rows, codes = world(labels=2)
    assert Index(rows, codes, 3, 15).shares(rows)[:, 2].max() < 0.1


def test_the_nearest_are_found_and_missing_ones_do_not_count():
    near = nearest(np.array([[0.1, 0.9, -np.inf, 0.5]]), np.array([0, 1, 1, 0]), 2, 2)
    assert sorted(near.likeness[0]) == [0.5, 0.9]
    sums, slopes = Near(np.array([[0.5, -np.inf]]), np.array([[0, 1]]), 2).pulls(2.0)
    assert sums == pytest.approx(np.array([[1 + np.exp(1.0), 1.0]]))
    assert slopes == pytest.approx(np.array([[0.5 * np.exp(1.0), 0.0]]))


def test_a_likeness_of_minus_infinity_rules_a_label_out():
    near = nearest(np.array([[0.1, 0.2]]), np.array([0, 1]), 2, 2)
    made = shared(Pull(), np.array([[0.3, -np.inf]]), near)
    assert made[0, 1] == 0
    assert made.sum() == pytest.approx(1)


@pytest.mark.parametrize("seed", range(3))
def test_the_slope_of_the_surprise_is_its_derivative(seed):
    draw = np.random.default_rng(seed)
    near = nearest(draw.uniform(-1, 1, (9, 12)), draw.integers(0, 3, 12), 5, 3)
    views = [(draw.uniform(-1, 1, (9, 3)), near, draw.integers(0, 4, 9), 0.7)]
    point, start = draw.uniform(1, 5, 3), np.ones(3)
    _, slope = surprise(point, start, views)
    for place in range(3):
        step = np.eye(3)[place] * 1e-5
        up, down = surprise(point + step, start, views)[0], surprise(point - step, start, views)[0]
        assert slope[place] == pytest.approx((up - down) / 2e-5, abs=1e-6)


def test_weights_are_worth_times_probability_and_the_usual_for_strangers():
    rows, codes = world(labels=2)
    index = Index(rows, codes, 2, 15)
    worth, usual = np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([0.2, 0.1])
    made = Suited(index, ("x", "y"), ("a", "b"), worth, usual, "hashing")
    shares = np.array([[0.6, 0.3]])
    assert made.weights(shares)[0] == pytest.approx([0.6 + 0.15 + 0.02, 0.15 + 0.01])
    assert made.support(shares)[0] == pytest.approx([0.9, 0.3])


def test_what_is_read_says_the_same_as_what_was_written():
    texts = ["add two numbers", "sum of numbers", "a poem on rain", "rain, a song"] * 3
    rows, codes = hashed(texts, 128), np.array([0, 0, 1, 1] * 3)
    index = Index(rows, codes, 2, 5, Pull(8, 9, 1))
    made = Suited(index, ("sums", "songs"), ("a",), np.ones((2, 1)), np.zeros(1), "hashing", True)
    data = packed(made.artifact({"seed": 3}))
    assert data == packed(made.artifact({"seed": 3}))
    again = suited(unpacked(data, "here"))
    assert again.index.shares(rows).tolist() == index.shares(rows).tolist()
    assert (again.labels, again.members, again.found) == (made.labels, made.members, True)
    assert again.weights(index.shares(rows)).tolist() == made.weights(index.shares(rows)).tolist()


def test_rows_are_grouped_and_turned_into_directions():
    rows = np.array([[1, 0], [1, 2], [0, 0]], dtype=np.float32)
    assert grouped(rows, np.array([0, 0, 2]), 3).tolist() == [[2, 2], [0, 0], [0, 0]]
    assert directions(rows)[2].tolist() == [0, 0]
    assert np.linalg.norm(directions(rows)[:2], axis=1) == pytest.approx([1, 1])
