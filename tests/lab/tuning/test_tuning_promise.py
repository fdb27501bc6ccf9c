"""Promises: corrected for the luck of the best, and wide enough to hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pools import pool

from onefold.core.errors import ConfigError
from onefold.lab.tuning.ground import ground
from onefold.lab.tuning.promise import cost_interval, promised, quality_interval, splits, trials
from onefold.lab.tuning.search import Wish
from onefold.lab.tuning.tune import tune

ALIKE = {name: (0.6, 0.001 * (place + 1)) for place, name in enumerate("abcdefg")}


def test_the_best_of_many_equal_members_promises_less_than_it_looks_like():
    board, _, _ = ground(pool(100, ALIKE, seed=3), None, "number")
    (trial,) = trials(board, [Wish()])
    for role in (0, 1):
        looks = trial.optimism(role)[:, 0].mean()
        assert looks > 0.01


def test_a_choice_that_is_the_same_in_all_folds_has_no_optimism():
    board, _, _ = ground(pool(100, {"good": (0.95, 0.001), "bad": (0.1, 0.01)}), None, "number")
    (trial,) = trials(board, [Wish()])
    assert trial.optimism(1)[:, 0] == pytest.approx(0.0, abs=1e-6)


def test_equal_prompts_stay_on_one_side_of_a_split():
    prompts = [f"question {n // 2}" for n in range(40)]
    for _, _, seen, unseen in splits(prompts, 0):
        assert not {prompts[n] for n in seen} & {prompts[n] for n in unseen}


def test_fewer_questions_than_folds_are_an_error():
    with pytest.raises(ConfigError, match="folds"):
        list(splits(["the same"] * 60, 0))


@given(st.integers(0, 100), st.integers(50, 400), st.integers(1, 5000), st.floats(0, 0.05))
def test_an_interval_of_quality_holds_its_promise_and_stays_a_share(
    right, count, questions, spread
):
    score = np.arange(count) < round(right / 100 * count)
    low, high = quality_interval(float(score.mean()), score.astype(float), spread, questions)
    assert 0 <= low <= score.mean() <= high <= 1


@given(st.integers(50, 400), st.integers(1, 5000))
def test_an_interval_of_cost_holds_its_promise_and_narrows_with_more_questions(count, questions):
    usd = np.random.default_rng(count).lognormal(size=count)
    low, high = cost_interval(usd, 0.0, questions)
    assert 0 < low < usd.mean() < high
    more_low, more_high = cost_interval(usd, 0.0, questions + 100)
    assert low < more_low
    assert more_high < high


def test_intervals_of_quality_hold_for_the_means_over_new_questions():
    chance = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        share = chance.uniform(0.5, 0.98)
        seen = (chance.random(150) < share).astype(float)
        low, high = quality_interval(float(seen.mean()), seen, 0.0, 200)
        held += low <= (chance.random(200) < share).mean() <= high
    assert held >= 0.96 * 400


def test_free_members_cost_nothing_for_certain():
    assert cost_interval(np.zeros(50), 0.0, 100) == (0.0, 0.0)


def test_partial_scores_make_the_interval_narrower_than_right_and_wrong():
    half = np.full(100, 0.5)
    coin = (np.arange(100) < 50).astype(float)
    narrow = quality_interval(0.5, half, 0.0, 200)
    wide = quality_interval(0.5, coin, 0.0, 200)
    assert narrow[1] - narrow[0] < 0.5 * (wide[1] - wide[0])


def test_optimism_is_taken_off_and_bad_luck_is_not_added():
    score, usd = np.ones(100), np.ones(100)
    lucky = np.array([[0.03, 0.0], [0.05, 0.0]])
    assert promised(score, usd, lucky, 200).quality == pytest.approx(0.96)
    assert promised(score, usd, -lucky, 200).quality == 1.0


def test_what_is_promised_is_kept_on_questions_that_nobody_saw():
    held = 0
    for seed in range(12):
        recording = pool(400, seed=seed)
        seen = set(recording.queries[:150])
        tuned = tune(
            type(recording)(d for d in recording if d.query_id in seen),
            usd=0.01,
            reads="number",
        )
        rest = type(recording)(d for d in recording if d.query_id not in seen)
        board, _, _ = ground(rest, None, "number")
        score, usd = replayed(board, tuned.pick.system)
        low, high = tuned.pick.promise.quality_interval
        least, most = tuned.pick.promise.usd_interval
        held += low <= score <= high and least <= usd <= most
    assert held >= 11


def replayed(board, candidate):
    """A candidate's mean score and cost on a board."""
    from onefold.lab.tuning.candidates import Race, lineup_of

    score, usd = Race(board, [lineup_of(board, candidate)]).end(candidate.rule)
    return float(score.mean()), float(usd.mean())
