"""The network in numpy: what it computes, however its rows are cut and batched."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_network import arrays, network, plainly

WEIGHTS, NETWORK = arrays(), network()
CODES = st.lists(st.integers(0, NETWORK.pieces - 1), min_size=1, max_size=20)


def after(codes, first):
    """Logits after each token from the `first` on: read at once up to there, then step by step."""
    past, logits = NETWORK.start([codes[:first]], room=len(codes))
    found = [logits[0]]
    for code in codes[first:]:
        found.append(NETWORK.step(past, np.array([code]))[0])
    return np.array(found)


@settings(max_examples=40)
@given(CODES, st.data())
def test_reading_at_once_and_step_by_step_give_what_the_plain_arithmetic_gives(codes, data):
    first = data.draw(st.integers(1, len(codes)))
    expected = plainly(WEIGHTS, codes)[first - 1 :]
    np.testing.assert_allclose(after(codes, first), expected, atol=2e-4)


@settings(max_examples=30)
@given(st.lists(CODES, min_size=2, max_size=5))
def test_rows_of_any_lengths_do_not_see_each_other(rows):
    past, logits = NETWORK.start(rows, room=4)
    for step in range(3):
        for row, mine in zip(rows, logits, strict=True):
            alone = plainly(WEIGHTS, [*row, *[7] * step])[-1]
            np.testing.assert_allclose(mine, alone, atol=2e-4)
        logits = NETWORK.step(past, np.array([7] * len(rows)))


def test_rows_that_join_and_leave_change_nothing_for_the_others():
    past, _ = NETWORK.start([[1, 2, 3], [4, 5], [6, 7, 8, 9]], room=3)
    other, _ = NETWORK.start([[3, 1], [2] * 9], room=30)
    past.join(other)
    past.drop(1)  # the last takes its place
    past.drop(3)
    logits = NETWORK.step(past, np.array([5, 5, 5]))
    for row, mine in zip([[1, 2, 3], [2] * 9, [6, 7, 8, 9]], logits, strict=True):
        np.testing.assert_allclose(mine, plainly(WEIGHTS, [*row, 5])[-1], atol=2e-4)


def test_a_memory_that_others_need_wider_keeps_what_it_holds():
    past, _ = NETWORK.start([[1, 2, 3]], room=1)
    wide, _ = NETWORK.start([[1, 2, 3]], room=60)
    assert past.layers[0].keys.shape[3] < wide.layers[0].keys.shape[3]
    wide.join(past)
    logits = NETWORK.step(wide, np.array([4, 4]))
    assert logits[0] == pytest.approx(logits[1], abs=1e-5)
