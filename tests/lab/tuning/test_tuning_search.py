"""Choosing: the best for a budget, the cheapest of a quality, and caution with small gains."""

import numpy as np
import pytest
from msgspec import structs
from pools import pool

import onefold as of
from onefold.core.errors import ConfigError
from onefold.lab.tuning.candidates import lineups, play
from onefold.lab.tuning.ground import ground
from onefold.lab.tuning.search import Choice, Wish
from onefold.lab.tuning.tune import tune

EVERYTHING = np.arange(300)


@pytest.fixture(scope="module")
def played():
    """All candidates of three members on 300 questions."""
    board, _, _ = ground(pool(300), None, "number")
    return play(board, lineups(board, EVERYTHING))


def test_a_budget_holds_for_the_panel_and_for_the_single_member(played):
    choice = Choice(played, EVERYTHING)
    for usd in (0.0015, 0.005, 0.02, 0.03):
        chosen = choice.of(Wish(usd=usd))
        assert choice.upper[chosen.panel] <= usd
        assert choice.costs[chosen.single] <= usd
        assert choice.alone[chosen.single]


def test_more_money_never_promises_less(played):
    choice = Choice(played, EVERYTHING)
    single = [choice.means[choice.of(Wish(usd=usd)).single] for usd in (0.0015, 0.005, 0.05)]
    assert single == sorted(single)


def test_a_panel_is_taken_only_where_it_gains_more_than_its_doubt(played):
    choice = Choice(played, EVERYTHING)
    chosen = choice.of(Wish(usd=0.05))
    difference = played.score[chosen.panel] - played.score[chosen.single]
    assert difference.mean() > 0
    assert choice._gain(chosen.single)[chosen.panel] < difference.mean()


def test_gains_are_the_paired_ones_less_half_a_standard_error(played):
    rows = np.arange(0, 300, 3)
    found = Choice(played, rows)._gain(1)
    for place in range(0, len(found), 17):
        difference = played.score[place, rows] - played.score[1, rows]
        doubt = 0.5 * np.sqrt((difference**2).sum() + 1) / len(rows)
        wanted = 0.0 if place == 1 else difference.mean() - doubt
        assert found[place] == pytest.approx(wanted, abs=1e-5)


def test_a_quality_is_had_as_cheaply_as_can_be(played):
    choice = Choice(played, EVERYTHING)
    costs = [choice.costs[choice.of(Wish(quality=quality)).panel] for quality in (0.5, 0.7, 0.85)]
    assert costs == sorted(costs)
    assert costs[0] < costs[-1]
    assert choice.costs[choice.of(Wish(quality=0.5)).panel] == choice.costs[choice.alone].min()


def test_a_quality_out_of_reach_gives_the_best_and_says_so():
    tuned = tune(pool(120), quality=1.0, reads="number")
    assert not tuned.reached
    assert "nobody promises the quality 1" in tuned.notes[-1]
    assert tuned.pick.promise.quality > 0.8


def test_a_quality_that_is_promised_is_granted_more_cheaply_than_by_the_single_member():
    tuned = tune(pool(300), quality=0.84, reads="number")
    assert tuned.reached
    assert tuned.pick.promise.quality >= 0.84
    assert tuned.pick.promise.usd <= tuned.single.promise.usd


def test_where_voting_only_harms_the_recipe_is_the_best_single_member():
    herd = {"good": (0.9, 0.001), "bad": (0.2, 0.0005), "worse": (0.15, 0.0004)}
    tuned = tune(pool(120, herd), usd=0.01, reads="number")
    assert tuned.pick is tuned.single
    assert tuned.pick.system.members == ("good",)
    assert "no panel was better" in tuned.notes[-1]


def test_the_frontier_rises_with_its_cost():
    tuned = tune(pool(200), usd=0.02, reads="number")
    qualities = [pick.promise.quality for pick in tuned.frontier]
    costs = [pick.promise.usd for pick in tuned.frontier]
    assert len(qualities) > 1
    assert qualities == sorted(qualities)
    assert costs == sorted(costs)


def test_the_same_seed_finds_the_same():
    one, two = (tune(pool(100), usd=0.01, reads="number") for _ in range(2))
    assert one.pick.system == two.pick.system
    assert one.pick.promise == two.pick.promise


def test_thousands_of_panels_are_tried():
    skills = {name: (0.5 + 0.05 * place, 0.001 * 2**place) for place, name in enumerate("abcdefg")}
    tuned = tune(pool(60, skills), usd=0.05, reads="number")
    assert tuned.candidates > 3000


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({}, "wish for one thing"),
        ({"usd": 1.0, "quality": 0.9}, "wish for one thing"),
        ({"quality": 95.0}, "such as 0.95"),
        ({"quality": float("nan")}, "such as 0.95"),
        ({"usd": -1.0}, "zero or more"),
        ({"usd": float("nan")}, "zero or more"),
        ({"usd": 1e-9}, r"a question costs at least \$0.00\d+ \(small\)"),
        ({"usd": 1.0, "questions": 0}, "at least one new question"),
        ({"usd": 1.0, "members": ["smal"]}, "did you mean 'small'"),
    ],
)
def test_a_wish_that_nobody_can_grant_is_an_error(wish, said):
    with pytest.raises(ConfigError, match=said):
        tune(pool(60), reads="number", **wish)


def test_a_budget_of_exactly_the_cheapest_price_is_enough():
    recording = of.Recording(structs.replace(draft, usd=0.001) for draft in pool(60))
    tuned = tune(recording, usd=0.001, reads="number")
    assert tuned.pick.promise.usd == pytest.approx(0.001)
