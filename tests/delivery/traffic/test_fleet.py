"""The order in which deployments of a fleet are tried."""

from math import nextafter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.delivery.traffic.fleet import EXPLORED, Fleet, View, ordered

PICKS = ["first", "weighted", "least_busy", "cheapest", "fastest"]
known = st.none() | st.floats(0, 10)
views = st.lists(
    st.builds(View, known, known, st.integers(0, 9), st.integers(0, 9), st.floats(0, 5)),
    min_size=1,
    max_size=8,
)


def fleet(count, pick="first", weights=()):
    """A fleet of so many deployments."""
    return Fleet("f", tuple(f"d{place}" for place in range(count)), pick, tuple(weights))


@given(views=views, pick=st.sampled_from(PICKS), draw=st.floats(0, 1, exclude_max=True))
def test_the_order_holds_each_once_and_those_that_must_wait_last(views, pick, draw):
    group = fleet(len(views), pick)
    order = ordered(group, views, draw)
    assert sorted(order) == list(range(len(views)))
    waits = [views[place].wait for place in order]
    assert waits == sorted(waits)
    assert order == ordered(group, views, draw)


@given(
    weights=st.lists(st.floats(0, 1e12), min_size=1, max_size=8).filter(lambda w: sum(w) > 0),
    draw=st.floats(0, 1, exclude_max=True),
)
def test_a_weightless_one_is_drawn_only_after_all_others(weights, draw):
    order = ordered(fleet(len(weights), "weighted", weights), [View()] * len(weights), draw)
    assert sorted(order) == list(range(len(weights)))
    drawn = [weights[place] > 0 for place in order]
    assert drawn == sorted(drawn, reverse=True)


def test_weighted_draws_the_first_and_the_next_by_their_weights():
    draw, group = Random(3), fleet(3, "weighted", [6.0, 3.0, 1.0])
    orders = [tuple(ordered(group, [View()] * 3, draw.random())) for _ in range(20_000)]
    for order, share in {(0, 1, 2): 0.6 * 0.75, (1, 0, 2): 0.3 * 6 / 7, (2, 1, 0): 0.1 / 3}.items():
        assert orders.count(order) / len(orders) == pytest.approx(share, abs=0.015)


def test_a_draw_next_to_one_is_not_lost_to_rounding():
    group = fleet(3, "weighted", [0.2, 0.1, 0.6])
    assert ordered(group, [View()] * 3, nextafter(1.0, 0.0))[0] == 2


def test_each_rule_sorts_by_its_own():
    views = [View(0.3, 2.0, 5, 10), View(0.1, 3.0, 4, 5), View(0.2, 1.0, 0, 0)]
    for pick, order in {
        "first": [0, 1, 2],
        "cheapest": [1, 2, 0],
        "fastest": [2, 0, 1],
        "least_busy": [2, 0, 1],
    }.items():
        assert ordered(fleet(3, pick), views, 0.5) == order


def test_an_unknown_price_is_dearer_than_any():
    assert ordered(fleet(3, "cheapest"), [View(), View(usd=9.0), View(usd=0.0)], 0.5) == [2, 1, 0]


def test_of_unknown_speed_one_at_a_time_is_tried_first():
    known, idle, tried = View(seconds=1.0), View(), View(inside=1)
    assert ordered(fleet(3, "fastest"), [known, tried, idle], 0.5) == [2, 0, 1]


def test_now_and_then_a_slow_one_is_tried_to_see_whether_it_became_fast():
    views, draw = [View(seconds=1.0), View(seconds=9.0)], Random(5)
    firsts = [ordered(fleet(2, "fastest"), views, draw.random())[0] for _ in range(20_000)]
    assert sum(firsts) / len(firsts) == pytest.approx(EXPLORED / 2, abs=0.004)


def test_whoever_must_wait_comes_after_a_dearer_one_that_need_not():
    views = [View(usd=0.1, wait=3.0), View(usd=0.2, wait=1.0), View(usd=9.0)]
    assert ordered(fleet(3, "cheapest"), views, 0.5) == [2, 1, 0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "name"),
        ({"of": ()}, "of"),
        ({"of": ("a", "a")}, "'a' comes twice"),
        ({"pick": "best"}, "pick"),
        ({"weights": (1.0, 2.0)}, "no use for weights"),
        ({"pick": "weighted", "weights": (1.0,)}, "give each one"),
        ({"pick": "weighted", "weights": (0.0, 0.0)}, "not all zero"),
        ({"pick": "weighted", "weights": (-1.0, 2.0)}, "weights"),
        ({"pick": "weighted", "weights": (float("nan"), 2.0)}, "weights"),
    ],
)
def test_nonsense_is_refused(wrong, said):
    with pytest.raises(of.ConfigError, match=said):
        Fleet(**{"name": "f", "of": ("a", "b"), **wrong})
