"""The count: order does not matter, ties are named, abstentions never win and always count."""

from math import isclose, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.core.tally import Z95, elect, scores, spell, wilson

values = st.sampled_from([None, "a", "b", "c", 1, 2.0, 3.5])
weights = st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0, 0.1, 0.3])
ballot = st.builds(of.Ballot, st.sampled_from("mnopqr"), values, weights)
methods = st.sampled_from(["sum", "max", "all"])
ties = st.sampled_from(["first", "cheapest", "confident", "smallest"])
policies = st.sampled_from(["count", "ignore"])
tallies = st.builds(
    of.Tally, st.just("rule"), st.lists(ballot, max_size=7).map(tuple), methods, ties, policies
)


def tally(*votes, **more):
    ballots = tuple(
        v if isinstance(v, of.Ballot) else of.Ballot(f"m{i}", v) for i, v in enumerate(votes)
    )
    return of.Tally("majority", ballots, **more)


@given(st.lists(ballot, max_size=8), methods, policies, st.randoms(use_true_random=False))
def test_votes_ignore_order(ballots, method, policy, random):
    mixed = list(ballots)
    random.shuffle(mixed)
    one = of.Tally("r", tuple(ballots), method, "smallest", policy)
    other = of.Tally("r", tuple(mixed), method, "smallest", policy)
    assert one.winner == other.winner
    assert isclose(one.agreement, other.agreement, abs_tol=1e-12)
    assert isclose(one.margin, other.margin, abs_tol=1e-12)
    assert sorted(one.dissent) == sorted(other.dissent)
    assert sorted(one.pivotal) == sorted(other.pivotal)
    assert one.interval == pytest.approx(other.interval)


@given(tallies)
def test_shares_stay_in_bounds_and_the_interval_holds_the_agreement(t):
    assert 0.0 <= t.agreement <= 1.0 or t.method == "max"
    low, high = t.interval
    assert 0.0 <= low <= high <= 1.0
    if t.agreement <= 1.0 and any(b.weight > 0 and b.value is not None for b in t.ballots):
        assert low <= t.agreement + 1e-12
        assert high >= t.agreement - 1e-12


@given(tallies)
def test_an_abstention_never_wins_and_never_votes(t):
    assert t.winner != spell(None)
    assert set(t.votes) == {b.key for b in t.ballots if b.value is not None}
    assert t.abstained == tuple(b.source for b in t.ballots if b.value is None)
    assert (t.winner is None) == all(b.value is None for b in t.ballots)


@given(tallies)
def test_pivotal_members_are_those_whose_absence_changes_the_winner(t):
    expected = []
    for i, b in enumerate(t.ballots):
        without = of.Tally("r", t.ballots[:i] + t.ballots[i + 1 :], t.method, t.ties, t.abstentions)
        if without.winner != t.winner:
            expected.append(b.source)
    assert list(t.pivotal) == expected


@given(tallies)
def test_dissent_is_whoever_voted_otherwise(t):
    assert list(t.dissent) == [
        b.source for b in t.ballots if b.value is not None and spell(b.value) != t.winner
    ]


@given(tallies)
def test_the_margin_is_the_lead_over_the_runner_up(t):
    board = {}
    for b in t.ballots:
        if b.value is not None:
            key, held = spell(b.value), board.get(spell(b.value), 0.0)
            board[key] = max(held, b.weight) if t.method == "max" else held + b.weight
    ranked = [*sorted(board.values(), reverse=True), 0.0, 0.0]
    lead = ranked[0] - ranked[1]
    counted = t.abstentions == "count"
    total = sum(b.weight for b in t.ballots if counted or b.value is not None)
    expected = lead if t.method == "max" else lead / total if total else 0.0
    assert isclose(t.margin, expected, abs_tol=1e-12)


def test_abstentions_stay_in_the_denominator_unless_ignored():
    votes = ("a", "a", None, None)
    assert tally(*votes).agreement == 0.5
    assert tally(*votes, abstentions="ignore").agreement == 1.0
    assert tally(*votes).votes == {"a": 2}


def test_a_flood_of_abstentions_still_cannot_win():
    t = tally("a", *[None] * 99)
    assert (t.winner, t.agreement) == ("a", 0.01)


def test_nobody_voting_means_no_winner_and_no_agreement():
    for t in (tally(), tally(None, None)):
        assert (t.winner, t.agreement, t.margin, t.pivotal, t.dissent) == (None, 0, 0, (), ())
    assert tally().interval == (0.0, 1.0)


@pytest.mark.parametrize(
    ("policy", "winner"),
    [("first", "b"), ("cheapest", "a"), ("confident", "c"), ("smallest", "a")],
)
def test_each_tie_policy_prefers_whom_it_names(policy, winner):
    t = tally(
        of.Ballot("1", "b", 1.0, 0.5, 3.0),
        of.Ballot("2", "c", 1.0, 0.9, 2.0),
        of.Ballot("3", "a", 1.0, 0.7, 1.0),
        ties=policy,
    )
    assert t.winner == winner


def test_cheapest_never_prefers_an_unknown_price_and_confident_never_an_unstated_one():
    free = of.Ballot("1", "unknown", 1.0, None, None)
    known = of.Ballot("2", "known", 1.0, 0.0, 99.0)
    assert tally(free, known, ties="cheapest").winner == "known"
    assert tally(free, known, ties="confident").winner == "known"


def test_the_smallest_of_numbers_is_by_size_not_by_spelling():
    assert tally(10, 9, ties="smallest").winner == "9"
    assert tally("10", "9", ties="smallest").winner == "10"
    assert tally(-2, 1.5, ties="smallest").winner == "-2"


def test_sums_that_differ_by_rounding_alone_are_a_tie():
    heavy = [of.Ballot(str(i), "b", w) for i, w in enumerate((0.1, 0.2, 0.3))]
    t = tally(*heavy, of.Ballot("x", "a", 0.6), ties="smallest")
    assert 0.1 + 0.2 + 0.3 != 0.6
    assert t.winner == "a"


@given(st.integers(-(2**53), 2**53))
def test_a_whole_number_is_spelled_alike_as_integer_and_as_float(n):
    assert spell(n) == spell(float(n)) == str(n)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (4, 4.0),
        (0.0, -0.0),
        ([4, 1.5], [4.0, 1.5]),
        ({"x": 4, "y": [1]}, {"y": [1.0], "x": 4.0}),
        ((1, 2), [1, 2]),
    ],
)
def test_equal_values_meet_under_one_spelling(one, other):
    assert spell(one) == spell(other)


@pytest.mark.parametrize(
    "apart",
    [
        (4, 4.5),
        (nan, float("inf")),
        (float("inf"), float("-inf")),
        (nan, "null"),
        ([4], 4),
        (0.1, 0.2),
    ],
)
def test_different_values_do_not_meet(apart):
    one, other = apart
    assert spell(one) != spell(other)


def test_what_json_cannot_say_is_spelled_as_python_does():
    assert spell(object) == repr(object)
    assert spell({1, 2}) == spell({2, 1})


@pytest.mark.parametrize(
    ("won", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),
        (2, 3, 0.2077, 0.9385),
        (3, 3, 0.4385, 1.0),
    ],
)
def test_the_interval_is_wilson_s(won, n, low, high):
    assert wilson(won / n, n) == pytest.approx((low, high), abs=5e-5)


@given(st.floats(0.01, 0.99), st.floats(1, 1000))
def test_the_interval_s_bounds_solve_wilson_s_equation(share, n):
    for bound in wilson(share, n):
        assert (share - bound) ** 2 == pytest.approx(Z95**2 * bound * (1 - bound) / n, rel=1e-6)


def test_the_interval_of_a_weighted_vote_uses_the_effective_number_of_voters():
    t = tally(of.Ballot("1", "a", 3.0), of.Ballot("2", "b", 1.0), of.Ballot("3", "b", 1.0))
    assert t.interval == pytest.approx(wilson(3 / 5, 25 / 11))


def test_unequal_weights_never_narrow_the_interval():
    even = tally(*[of.Ballot(str(i), "a", 1.0) for i in range(4)])
    uneven = tally(*[of.Ballot(str(i), "a", w) for i, w in enumerate((4.0, 1.0, 1.0, 1.0))])
    assert uneven.interval[0] < even.interval[0]


def test_under_max_the_agreement_is_the_winner_s_own_score():
    t = tally(
        of.Ballot("1", "a", 0.6), of.Ballot("2", "a", 0.7), of.Ballot("3", "b", 0.65), method="max"
    )
    assert (t.winner, t.agreement) == ("a", 0.7)
    assert t.margin == pytest.approx(0.05)


def test_candidates_are_listed_in_order_of_first_mention():
    t = tally("b", None, "a", "b")
    assert list(scores(t.ballots, "sum")) == ["b", "a"]
    assert elect((), "sum", "first") is None
