"""Calibrations as they are applied: curves, patterns of votes, and how well they fit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.core.tally import Ballot, Tally
from onefold.fitted.artifact import Artifact, unpacked
from onefold.fitted.calibration import (
    Calibration,
    Patterns,
    ece,
    log_odds,
    pattern,
    reliability,
    sigmoid,
    stand,
)

KNOTS = np.array([-2.0, 0.0, 2.0])
CURVE = Calibration("platt", KNOTS, np.stack([KNOTS / 2, KNOTS / 2 - 1, KNOTS / 2 + 1]), 40)


def voted(*values, sources="abcdefgh", confidence=None):
    pairs = zip(sources, values, strict=False)
    return Tally("majority", tuple(Ballot(s, v, 1.0, confidence) for s, v in pairs))


def packed(tmp_path, arrays):
    path = tmp_path / "file.npz"
    Artifact("x", {}, arrays).save(path)
    return unpacked(path.read_bytes(), "file").arrays


def test_between_knots_a_curve_is_straight_in_log_odds_and_flat_outside():
    scores = sigmoid(np.array([-9.0, -1.0, 0.0, 1.0, 9.0]))
    assert np.allclose(log_odds(CURVE.apply(scores)), [-1, -0.5, 0, 0.5, 1])
    low, high = CURVE.interval(scores)
    assert (low < CURVE.apply(scores)).all()
    assert (CURVE.apply(scores) < high).all()
    trust = CURVE.trust(0.5, "why")
    assert (trust.probability, trust.outcomes, trust.basis) == (0.5, 40, "why")
    assert (trust.low, trust.high) == pytest.approx((0.2689, 0.7311), abs=1e-4)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_a_probability_is_never_0_or_1_and_order_is_kept(scores):
    found = CURVE.apply(sorted(scores))
    assert ((found > 0) & (found < 1)).all()
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize("score", [float("nan"), -0.1, 1.5, float("inf")])
def test_what_is_no_share_cannot_be_calibrated(score):
    with pytest.raises(of.ConfigError, match=r"must lie in \[0, 1\]"):
        CURVE.apply([0.5, score])


def test_curves_and_patterns_come_back_from_their_file(tmp_path):
    again = Calibration.of(packed(tmp_path, CURVE.arrays()))
    assert (again.method, again.outcomes) == ("platt", 40)
    assert np.array_equal(again.levels, CURVE.levels)
    with pytest.raises(of.ConfigError, match="holds no other: fit it again"):
        Calibration.of(CURVE.arrays(), "other")
    for voters, cofailure in ((2.5, 0.1), (None, None)):
        made = Patterns(
            ("a", "b"), np.zeros(6), np.ones(6), np.arange(9.0), np.eye(9), 50, voters, cofailure
        )
        found = Patterns.of(packed(tmp_path, made.arrays()))
        assert (found.members, found.outcomes) == (("a", "b"), 50)
        assert (found.voters, found.cofailure) == (voters, cofailure)
        assert np.array_equal(found.weights, made.weights)


def test_a_pattern_does_not_know_names_and_a_stand_does():
    one, other = voted("4", "4", "5", None), voted("4", None, "4", "5")
    assert pattern(one) == pattern(other)
    assert stand(one, "abcdz") == [1.0, 1.0, -1.0, 0.0, 0.0]
    assert stand(other, "abcdz") == [1.0, 0.0, 1.0, -1.0, 0.0]


def test_more_agreement_and_more_confidence_are_larger_terms():
    split, whole = pattern(voted("4", "5", "6")), pattern(voted("4", "4", "4"))
    assert whole[0] > split[0]
    assert whole[1] > split[1]
    assert pattern(voted("4", confidence=0.9))[5] > pattern(voted("4", confidence=0.2))[5]
    assert all(np.isfinite(pattern(tally)).all() for tally in (voted(), voted(None), voted("")))


def test_members_that_nobody_knows_are_named_and_none_known_is_an_error():
    made = Patterns(("a", "b"), np.zeros(6), np.ones(6), np.zeros(9), np.eye(9) / 100, 50)
    assert made.trust(voted("4", "4")).basis == "calibrated on 50 graded questions"
    assert "does not know c" in made.trust(voted("4", "4", "4")).basis
    with pytest.raises(of.ConfigError, match="calibrated on a, b, and none of them voted, but x"):
        made.trust(voted("4", sources="x"))


def test_the_error_is_the_mean_distance_of_stated_from_observed():
    stated, right = [0.9] * 10 + [0.2] * 10, [1] * 7 + [0] * 3 + [1] * 4 + [0] * 6
    assert ece(stated, right) == pytest.approx(0.2)
    assert ece(stated, right, by="width") == pytest.approx(0.2)
    bins = reliability(stated, right)
    assert [(each.stated, each.right, each.count) for each in bins] == [
        (pytest.approx(0.2), 0.4, 10),
        (pytest.approx(0.9), 0.7, 10),
    ]
    assert all(each.low < each.right < each.high for each in bins)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1), st.randoms())
def test_the_error_does_not_depend_on_the_order_and_every_outcome_is_in_one_bin(pairs, chance):
    other = list(pairs)
    chance.shuffle(other)
    assert ece(*zip(*pairs, strict=True)) == pytest.approx(ece(*zip(*other, strict=True)))
    for by in ("mass", "width"):
        bins = reliability(*zip(*pairs, strict=True), bins=4, by=by)
        assert sum(each.count for each in bins) == len(pairs)
        assert len(bins) <= 4


def test_nothing_and_unequal_lengths_cannot_be_compared():
    for stated, right in (([], []), ([0.5], [1, 0]), ([[0.5]], [[1]])):
        with pytest.raises(of.ConfigError, match="as many of each"):
            ece(stated, right)
