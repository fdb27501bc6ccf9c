"""Two systems beside each other: the interval, the test, the ratios, and what is left out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from madeup import row, rows

from onefold import ConfigError
from onefold.lab.bench.compare import compare, mcnemar, paired, resampled
from onefold.lab.bench.results import Results

MARKS = st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=1, max_size=30)


def beside(one, two, **about):
    return compare(Results(one), Results(two), **about)[0]


def test_the_gain_comes_with_its_paired_interval_and_a_test():
    better, worse = (
        rows("a", [1.0] * 80 + [0.0] * 20),
        rows("b", [0.0] * 20 + [1.0] * 60 + [0.0] * 20),
    )
    found = beside(better, worse)
    assert (found.questions, found.better, found.worse) == (100, 20, 0)
    assert found.gain == pytest.approx(0.2)
    assert 0.1 < found.low < 0.2 < found.high < 0.3
    assert found.p == pytest.approx(2 / 2**20)
    assert found.verdict == "better"
    assert beside(worse, better).verdict == "worse"


@given(MARKS, st.integers(0, 5))
def test_a_system_beside_itself_shows_nothing(marks, seed):
    found = beside(rows("a", marks), rows("a", marks), seed=seed)
    assert (found.gain, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert found.verdict == "no difference shown"


@given(st.lists(st.tuples(*[st.sampled_from([0.0, 0.3, 1.0])] * 2), min_size=1, max_size=30))
def test_the_other_way_round_is_the_negative(both):
    one, two = (
        rows(name, marks) for name, marks in zip("ab", zip(*both, strict=True), strict=True)
    )
    there, back = beside(one, two, draws=500), beside(two, one, draws=500)
    assert there.gain == pytest.approx(-back.gain)
    assert (there.better, there.worse, there.p) == (back.worse, back.better, back.p)
    assert there.low <= there.gain + 1e-9
    assert there.gain <= there.high + 1e-9


def test_the_same_seed_gives_the_same_interval():
    one, two = rows("a", [1.0, 0.0, 1.0] * 9), rows("b", [0.0, 1.0, 1.0] * 9)
    assert beside(one, two, seed=4) == beside(one, two, seed=4)
    assert beside(one, two, seed=4).low != beside(one, two, seed=5, draws=101).low


def test_the_exact_test_is_the_binomial_one():
    assert mcnemar(10, 2) == pytest.approx(0.03857421875)
    assert mcnemar(0, 0) == mcnemar(3, 3) == 1.0
    assert mcnemar(0, 2000) < 1e-300 or mcnemar(0, 2000) == 0.0


def test_ratios_of_cost_time_and_tokens_have_intervals_where_all_is_known():
    used = {"tokens_in": 10, "tokens_out": 10}
    one = rows("a", [1.0, 1.0], usd=1.0, seconds=1.0, **used)
    two = rows("b", [1.0, 1.0], usd=4.0, **used)
    found = beside(one, two)
    assert found.usd_ratio == pytest.approx((0.25, 0.25, 0.25))
    assert found.tokens_ratio == pytest.approx((1, 1, 1))
    assert found.seconds_ratio is None


def test_what_is_left_out_is_told():
    differ = ({"fingerprint": "x"}, {"expected": "7"}), ({"fingerprint": "y"}, {"expected": "8"})
    one, two = (
        [
            *rows(name, [1.0, 0.0]),
            row(f"of {name}", name, 1.0),
            row("other", name, 1.0, **prompt),
            row("wanted", name, 1.0, **wanted),
            row("ungraded", name, 1.0 if name == "b" else None),
        ]
        for name, (prompt, wanted) in zip("ab", differ, strict=True)
    )
    found = beside(one, two)
    assert found.questions == 2
    assert [note.split(" ")[0] for note in found.notes] == ["1", "1", "2", "1"]
    assert "only a was asked" in found.notes[0]


def test_systems_are_matched_by_name_or_named():
    first = Results([*rows("a", [1.0, 1.0]), *rows("b", [0.0, 1.0])])
    second = Results([*rows("b", [1.0, 1.0]), *rows("c", [0.0, 1.0])])
    assert [(found.one, found.two) for found in compare(first, second)] == [("b", "b")]
    named = compare(first, second, "a", "c")
    assert [(found.one, found.two) for found in named] == [("a", "c")]
    within = compare(first, first, "a")
    assert [(found.one, found.two) for found in within] == [("a", "b")]
    with pytest.raises(ConfigError, match="did you mean"):
        compare(first, second, "aa")
    with pytest.raises(ConfigError, match="--one, --two"):
        compare(Results([*rows("x", [1.0]), *rows("y", [1.0])]), second)


def test_each_dataset_is_compared_by_itself():
    def both(name):
        held = [*rows(name, [1.0]), row("q0", name, 0.0, dataset="e")]
        return Results(held)

    found = compare(both("a"), both("b"))
    assert [each.dataset for each in found] == ["d", "e"]
    with pytest.raises(ConfigError, match="--dataset"):
        compare(Results(rows("a", [1.0])), Results([row("q", "b", 1.0, dataset="e")]))
    with pytest.raises(ConfigError, match="nothing can be compared"):
        compare(Results([row("q", "a")]), Results([row("q", "b")]))


def test_resampled_means_leave_unknown_cells_out():
    columns = np.array([[1.0, np.nan], [1.0, 2.0], [1.0, 2.0]])
    drawn = resampled(columns, 50)
    assert (drawn[:, 0] == 1.0).all()
    assert np.isin(drawn[:, 1], (0.0, 2.0)).all()


def test_the_interval_is_that_of_a_normal_mean():
    chance = np.random.default_rng(1)
    values = chance.normal(0.3, 1.0, 900)
    mean, low, high = paired(values)
    assert (mean - low, high - mean) == pytest.approx((1.96 / 30, 1.96 / 30), rel=0.1)
