"""Frontiers, hulls and what a threshold sweeps out: by hand, and as algebra."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold import ConfigError
from onefold.lab.bench.curves import Point, aiq, frontier, hull, reached, swept
from onefold.learn.sweep import routed

SHARES = st.floats(0, 1).map(lambda value: round(value, 3))
POINTS = st.lists(
    st.builds(Point, st.just("p"), st.floats(0.01, 10).map(lambda v: round(v, 3)), SHARES),
    min_size=1,
    max_size=12,
)


def test_a_router_that_knows_nothing_recovers_half():
    sweep = routed(np.zeros(4), [0, 0, 1, 0], [1, 1, 1, 0])
    assert sweep.share.tolist() == [0, 1]
    assert (sweep.apgr, sweep.cpt(50), sweep.cpt(80)) == (0.5, 50.0, 80.0)


def test_a_router_that_knows_everything_calls_the_strong_one_only_where_it_helps():
    weak, strong = np.array([0, 1, 1, 1]), np.array([1, 1, 1, 1])
    sweep = routed([9, 0, 0, 0], weak, strong)
    assert sweep.cpt(100) == 25.0
    assert sweep.apgr == 0.875
    assert routed([-9, 0, 0, 0], weak, strong).apgr == 0.125


def test_a_router_can_beat_the_strong_model():
    sweep = routed([2, 1, 0], [0, 0, 1], [1, 1, 0])
    assert sweep.quality.max() == 1.0
    assert sweep.recovered.max() == pytest.approx(2.0)


@given(st.lists(st.tuples(SHARES, SHARES, SHARES), min_size=1, max_size=30), st.randoms())
def test_a_sweep_goes_from_the_weak_to_the_strong_in_whatever_order_questions_come(held, chance):
    one = routed(*np.array(held).T)
    chance.shuffle(held)
    two = routed(*np.array(held).T)
    assert one.share == pytest.approx(two.share)
    assert one.quality == pytest.approx(two.quality)
    weak, strong = np.array(held)[:, 1].mean(), np.array(held)[:, 2].mean()
    assert (one.quality[0], one.quality[-1]) == pytest.approx((weak, strong))


def test_without_a_gap_there_is_nothing_to_recover():
    with pytest.raises(ConfigError, match="without a gap"):
        _ = routed([1, 2], [1, 1], [0, 1]).apgr
    with pytest.raises(ConfigError, match="one of each"):
        routed([1, 2], [1], [0, 1])


def test_a_family_is_measured_by_its_share_of_the_dear_cost():
    weak, strong = Point("w", 1.0, 0.5), Point("s", 3.0, 0.9)
    sweep = swept([Point("m", 2.0, 0.9), Point("out", 9.0, 1.0)], weak, strong)
    assert sweep.share.tolist() == [0, 0.5, 1]
    assert sweep.apgr == pytest.approx(0.75)
    assert sweep.cpt(50) == pytest.approx(25.0)
    with pytest.raises(ConfigError, match="not dearer"):
        swept([], strong, weak)


def test_the_frontier_holds_who_is_beaten_by_nobody():
    points = [Point("a", 1, 0.5), Point("b", 2, 0.4), Point("c", 2, 0.6), Point("d", 3, 0.6)]
    assert [point.name for point in frontier(points)] == ["a", "c"]


@given(POINTS)
def test_a_hull_is_concave_and_above_everybody(points):
    corners = hull(points)
    for point in points:
        assert reached(corners, point.usd) >= point.quality - 1e-9
    slopes = [(b.quality - a.quality) / (b.usd - a.usd) for a, b in pairwise(corners)]
    assert slopes == sorted(slopes, reverse=True)
    assert all(slope > 0 for slope in slopes)


@given(POINTS, st.builds(Point, st.just("new"), st.floats(0.01, 10), SHARES))
def test_another_system_never_lowers_the_area(points, new):
    costs = [point.usd for point in points]
    low, high = min(costs), max(costs) + 1
    assert aiq([*points, new], low, high) >= aiq(points, low, high) - 1e-9


def test_the_area_is_the_mean_height_of_the_hull():
    assert aiq([Point("a", 1, 0.5), Point("b", 3, 0.9)]) == pytest.approx(0.7)
    assert aiq([Point("a", 1, 0.5)], 1, 2) == 0.5
    assert aiq([Point("a", 2, 0.5)], 1, 3) == pytest.approx(0.25)  # below it there is nothing
    with pytest.raises(ConfigError, match="no range"):
        aiq([Point("a", 1, 0.5)])
    with pytest.raises(ConfigError, match="give prices"):
        aiq([])
