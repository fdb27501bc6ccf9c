"""Social choice: whom each rule puts first, and the properties that the rules are known for."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.operators.votes.social import (
    approval,
    borda,
    copeland,
    places,
    preferences,
    ranked_pairs,
)

RULES = [borda, copeland, ranked_pairs]
CONDORCET = [copeland, ranked_pairs]
# Tennessee's capital, the textbook case: Memphis, Nashville, Chattanooga, Knoxville.
TENNESSEE = [
    *[[0, 1, 2, 3]] * 42,
    *[[1, 2, 3, 0]] * 26,
    *[[2, 3, 1, 0]] * 15,
    *[[3, 2, 1, 0]] * 17,
]


def profiles(voters=(1, 7), candidates=(2, 5)):
    """Rankings of some candidates by some voters."""
    return st.integers(*candidates).flatmap(
        lambda count: st.lists(
            st.permutations(range(count)), min_size=voters[0], max_size=voters[1]
        )
    )


def beats(rankings):
    return preferences([places(each, len(rankings[0])) for each in rankings])


def best(shares):
    return [i for i, share in enumerate(shares) if share == max(shares)]


def condorcet(table):
    """Who beats everybody in pairs, None where nobody does."""
    others = range(len(table))
    wins = [all(table[i][j] > table[j][i] for j in others if j != i) for i in others]
    return wins.index(True) if any(wins) else None


@pytest.mark.parametrize("rule", RULES)
def test_the_textbook_case_is_won_by_nashville(rule):
    assert best(rule(beats(TENNESSEE))) == [1]


def test_borda_gives_the_textbook_points_as_shares():
    points = [126, 194, 173, 107]
    assert borda(beats(TENNESSEE)) == pytest.approx([each / 300 for each in points])


def test_ranked_pairs_leaves_the_weakest_majority_of_a_circle_out():
    circle = [[0, 1, 2]] * 8 + [[1, 2, 0]] * 7 + [[2, 0, 1]] * 5  # 0>1 by 6, 1>2 by 10, 2>0 by 4
    assert ranked_pairs(beats(circle)) == [1.0, 0.5, 0.0]
    assert copeland(beats(circle)) == [0.5] * 3


@pytest.mark.parametrize("rule", RULES)
def test_without_any_preference_all_have_half(rule):
    assert rule([[0.0] * 3 for _ in range(3)]) == [0.5] * 3


@pytest.mark.parametrize("rule", CONDORCET)
def test_one_candidate_alone_has_all(rule):
    assert rule([[0.0]]) == [1.0]


@given(profiles())
def test_shares_lie_between_nothing_and_all_and_average_to_half(rankings):
    for rule in RULES:
        shares = rule(beats(rankings))
        assert all(0 <= share <= 1 for share in shares)
        assert sum(shares) == pytest.approx(len(shares) / 2)


@given(profiles(), st.randoms(use_true_random=False))
def test_no_rule_knows_the_voters_by_name(rankings, random):
    shuffled = random.sample(rankings, len(rankings))
    for rule in RULES:
        assert rule(beats(shuffled)) == rule(beats(rankings))


@given(profiles(voters=(1, 1)) | profiles(voters=(3, 7)), st.data())
def test_no_rule_knows_the_candidates_by_name(rankings, data):
    table = beats(rankings)
    margins = [abs(table[i][j] - table[j][i]) for i in range(len(table)) for j in range(i)]
    names = data.draw(st.permutations(range(len(table))))
    renamed = beats([[names[each] for each in ranking] for ranking in rankings])
    for rule in RULES:
        if rule is ranked_pairs and len({*margins}) < len(margins):
            continue  # equal margins go by the candidates' order
        shares = rule(table)
        assert [rule(renamed)[name] for name in names] == pytest.approx(shares)


@given(profiles())
def test_who_beats_everybody_in_pairs_wins_where_the_rule_promises_it(rankings):
    table = beats(rankings)
    winner = condorcet(table)
    if winner is not None:
        assert [best(rule(table)) for rule in CONDORCET] == [[winner]] * 2
        assert borda(table)[winner] > 0.5


@given(profiles(voters=(1, 1)))
def test_one_voter_gets_its_own_ranking(rankings):
    for rule in RULES:
        shares = rule(beats(rankings))
        assert sorted(range(len(shares)), key=lambda i: -shares[i]) == list(rankings[0])


@given(profiles(), st.data())
def test_rising_in_one_ranking_never_costs_the_win(rankings, data):
    """Monotonicity, which Borda, Copeland and ranked pairs all keep."""
    for rule in (borda, copeland):
        winner = best(rule(beats(rankings)))[0]
        voter = data.draw(st.integers(0, len(rankings) - 1))
        raised = [list(each) for each in rankings]
        place = raised[voter].index(winner)
        raised[voter].insert(max(0, place - 1), raised[voter].pop(place))
        assert winner in best(rule(beats(raised)))


def test_those_left_out_of_a_ranking_share_its_last_place():
    assert preferences([places([2], 3)]) == [[0, 0.5, 0], [0.5, 0, 0], [1, 1, 0]]


def test_a_voter_without_an_opinion_does_not_count():
    assert preferences([[0.9, None, 0.1]]) == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert approval([[0.9, None, 0.1], [0.2, None, 0.6]], 0.5) == [0.5, 0.0, 0.5]


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=6))
def test_approval_falls_as_more_is_asked(scores):
    rising = [approval(scores, at) for at in (0.0, 0.3, 0.7, 1.0)]
    assert rising[0] == [1.0] * 3
    for easy, hard in pairwise(rising):
        assert all(a >= b for a, b in zip(easy, hard, strict=True))
