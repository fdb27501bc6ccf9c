"""Agreement, shared mistakes, effective voters, the oracle: against loops and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from madeup import row, rows

from onefold.lab.bench.matrices import oracle, pairs
from onefold.lab.bench.results import Results

CELL = st.none() | st.tuples(st.sampled_from([None, "x", "y"]), st.sampled_from([None, 0.0, 1.0]))


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8))
def test_pairs_are_what_a_loop_counts(held):
    made = [
        row(f"q{n}", name, cell[1], value=cell[0])
        for n, both in enumerate(held)
        for name, cell in zip("ab", both, strict=True)
        if cell is not None
    ]
    results = Results([*made, row("more", "a"), row("more", "b")])
    met = pairs(results.grid)
    both = [(one, two) for one, two in held if one and two]
    said = [(one[0], two[0]) for one, two in both if one[0] and two[0]]
    marks = [(one, two) for one, two in both if one[1] is not None and two[1] is not None]
    wrong = [(one, two) for one, two in marks if one[1] < 0.5 and two[1] < 0.5]
    assert met.agreement[0, 1] == share(sum(one == two for one, two in said), len(said))
    assert met.both_wrong[0, 1] == share(len(wrong), len(marks))
    same = sum(one[0] is not None and one[0] == two[0] for one, two in wrong)
    assert met.same_mistake[0, 1] == share(same, len(marks))
    assert np.array_equal(met.agreement, met.agreement.T, equal_nan=True)


def share(part, whole):
    return pytest.approx(part / whole if whole else np.nan, nan_ok=True)


def test_correlation_is_pearsons_over_the_questions_of_both():
    chance = np.random.default_rng(0)
    one, two = (chance.random((2, 50)) < 0.6).astype(float)
    results = Results([*rows("a", one), *rows("b", two), row("only", "a", 1.0)])
    met = pairs(results.grid)
    assert met.correlation[0, 1] == pytest.approx(np.corrcoef(one, two)[0, 1])


def test_the_oracle_takes_the_best_member_and_the_cheapest_of_those():
    results = Results(
        [*rows("a", [1, 0, 0], usd=1.0), *rows("b", [1, 1, 0], usd=2.0), row("q9", "a"),
         row("q9", "b")]
    )  # fmt: skip
    score, usd = oracle(results.grid)
    assert np.array_equal(score, [1, 1, 0, np.nan], equal_nan=True)
    assert np.array_equal(usd, [1, 2, 1, np.nan], equal_nan=True)


def test_pairs_become_rows_of_a_table():
    met = pairs(Results([*rows("a", [1, 0]), *rows("b", [1, 0])]).grid)
    (only,) = met.rows()
    assert (only["one"], only["two"], only["agreement"], only["same_mistake"]) == ("a", "b", 1, 0.5)
