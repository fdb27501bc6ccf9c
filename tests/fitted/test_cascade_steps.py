"""The states of a cascade and the way through them: probabilities add up, no way is better."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.errors import ConfigError
from onefold.fitted.deferral import Course, joint
from onefold.fitted.steps import UNASKED, renumbered, steps, way

SKILLS = np.array([0.5, 1.0, 1.4, 3.0])


def course(costs=(0.01, 0.02, 0.03, 0.1), last=3, faith=0.0, skills=SKILLS):
    table = joint(steps(len(skills)), skills, 1.5, 2.0, 0.1)
    names = list("abcdef")[: len(skills)]
    return Course(names, table, np.array(costs), last, np.zeros(len(skills)), faith)


@pytest.mark.parametrize("members", range(1, 6))
def test_every_state_stands_there_once_and_is_found(members):
    through = steps(members)
    assert len({tuple(state) for state in through.said}) == len(through.said)
    assert (through.find(through.said) == np.arange(len(through.said))).all()
    assert (through.said[0] == UNASKED).all()


@given(st.lists(st.integers(-2, 3), min_size=4, max_size=4))
def test_numbering_anew_keeps_who_agrees_and_goes_up_in_member_order(codes):
    before, after = np.array(codes), renumbered(np.array([codes]))[0]
    for i in range(4):
        for j in range(4):
            assert (before[i] == before[j]) == (after[i] == after[j])
    named = [code for code in after if code >= 0]
    assert sorted(set(named), key=named.index) == list(range(len(set(named))))


@pytest.mark.parametrize("members", range(1, 6))
def test_what_a_member_may_say_adds_up_to_one(members):
    through = steps(members)
    table = joint(through, np.linspace(-1, 2, members), 1.5, 2.0, 0.1)
    total = table.sum(axis=1)
    assert total[0] == pytest.approx(1)
    after = np.where(through.after >= 0, total[through.after], 0).sum(axis=2)
    there = (through.after >= 0).any(axis=2)
    assert after[there] == pytest.approx((total[:, None] * there)[there])


def best(made, state=None):
    """The worth of a state by trying everything."""
    through = made.through
    state = 0 if state is None else state
    table = made.joint
    total = table[state].sum()
    said = through.said[state]
    chance = table[state] / total
    worth = 0.0
    if said.max() >= 0:
        spoke = made.last >= 0 and said[made.last] >= 0
        worth = chance[said[made.last]] if spoke else chance[:-1].max()
    tried = [worth] if said.max() >= 0 else []
    for member in range(through.members):
        after = [s for s in through.after[state, member] if s >= 0]
        if after:
            gained = sum(table[s].sum() / total * best(made, s) for s in after)
            tried.append(gained - made.costs[member])
    return max(tried) if tried else worth


@pytest.mark.parametrize("last", [-1, 2])
@pytest.mark.parametrize("price", [0.001, 0.03, 0.3])
def test_no_way_is_better_than_the_one_that_is_found(last, price):
    made = course(price * np.array([0.1, 0.2, 1.0]), last, skills=SKILLS[1:])
    assert made.way().worth[0, 0] == pytest.approx(best(made))


def test_following_the_way_is_worth_what_it_promises():
    made, draw = course(), np.random.default_rng(0)
    count = 20_000
    hard = draw.normal(size=(count, 1)) * 1.5
    right = draw.random((count, 4)) < 1 / (1 + np.exp(hard - SKILLS))
    codes = np.where(right, 0, 1 + np.arange(4))  # no two make the same mistake
    silent = draw.random((count, 4)) < 0.1
    table = joint(steps(4), SKILLS, 1.5, 1e9, 0.1)
    made = Course(list("abcd"), table, made.costs, 3, made.base)
    ended, chance = made.follow(np.where(silent, -1, codes))
    won = made.winners(ended, chance)
    said = made.through.said[ended]
    good = ((said == won[:, None]) & (won >= 0)[:, None] & right & ~silent).any(axis=1)
    spent = ((said > UNASKED) * made.costs).sum(axis=1)
    assert (good - spent).mean() == pytest.approx(made.way().worth[0, 0], abs=0.01)


def test_dear_members_are_not_asked_and_cheap_ones_are():
    assert course((9.0, 9.0, 9.0, 9.0)).way().next[0, 0] >= 0, "somebody must answer"
    free = course((0.0, 0.0, 0.0, 0.0), last=-1)
    ended, _ = free.follow(np.array([[0, 1, 2, 3]]))
    assert (free.through.said[ended] >= 0).sum() >= 3


def test_a_member_that_is_lost_is_not_asked():
    made = course((0.9, 0.9, 0.9, 0.01))
    assert made.way().next[0, 0] == 3
    assert made.way(lost=np.array([3])).next[0, 0] != 3
    assert made.way(lost=np.arange(4)).next[0, 0] == -1


def test_the_last_word_stands_and_without_one_the_likeliest_wins():
    codes = np.array([[0, 0, 0, 1]])
    for last, winner in ((3, 1), (-1, 0)):
        made = course(last=last, skills=np.array([2.0, 2.0, 2.0, 2.2]))
        state = made.through.find(codes)
        assert made.winners(state, made.way().chance[0, state])[0] == winner


def test_a_judge_that_doubts_a_draft_makes_the_cascade_go_on():
    made = course((0.01, 0.01, 0.01, 0.25), faith=1.0)
    codes = np.zeros((2, 4), dtype=np.int64)
    ended, chance = made.follow(codes, np.array([[0.999] * 4, [0.05] * 4]))
    asked = (made.through.said[ended] > UNASKED).sum(axis=1)
    assert asked[0] < asked[1]
    assert chance[0, 0] > 0.9


def test_a_verdict_that_is_missing_says_nothing():
    made = course(faith=1.0)
    assert (made.odds(np.array([[np.nan, 0.5, 0.5, 0.5]]))[0, 0]) == 0
    with pytest.raises(ConfigError, match="share"):
        made.odds(np.array([[1.5, 0.5, 0.5, 0.5]]))


def test_the_way_keeps_to_its_states_whatever_it_costs():
    through = steps(3)
    found = way(through, joint(through, SKILLS[:3], 1.5, 2.0, 0.1)[None], np.zeros(3))
    assert found.chance.sum(axis=2) == pytest.approx(1)
    assert ((found.worth >= 0) & (found.worth <= 1)).all()
