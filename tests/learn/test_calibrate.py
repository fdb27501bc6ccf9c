"""Fitting calibrations: honest with many outcomes, careful with few, clear about bad ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import onefold as of
from onefold.fitted.calibration import ece
from onefold.learn.calibrate import calibrated, dependence, fit_calibration, mixed, shares, trusted
from onefold.learn.curves import CURVES, ascending
from onefold.learn.outcomes import outcomes

WORLDS = {
    "true": lambda s: s,
    "boasting": lambda s: 0.3 + 0.4 * s,
    "bent": lambda s: 0.2 + 0.7 * s**4,
    "flat": lambda s: np.full_like(s, 0.7),
}


def world(name, count, seed):
    chance = np.random.default_rng(seed)
    scores = chance.uniform(0.01, 0.99, count)
    truth = WORLDS[name](scores)
    return scores, truth, chance.random(count) < truth


@pytest.mark.parametrize("name", WORLDS)
def test_its_probabilities_are_near_the_truth_and_its_band_holds_it(name):
    held, errors = [], []
    for seed in range(6):
        scores, _, right = world(name, 400, seed)
        made = calibrated("auto", scores, right, seed=seed)
        fresh, truth, _ = world(name, 1000, seed + 100)
        low, high = made.interval(fresh)
        held.append(((low <= truth) & (truth <= high)).mean())
        errors.append(np.abs(made.apply(fresh) - truth).mean())
    assert np.mean(held) > 0.85
    assert np.mean(errors) < 0.05


def test_auto_takes_the_simplest_that_is_about_as_good_as_the_best():
    scores, _, right = world("boasting", 300, 0)
    assert calibrated("auto", scores, right).method == "platt"
    steps = np.where(scores > 0.7, 0.95, 0.2)
    right = np.random.default_rng(1).random(300) < steps
    assert calibrated("auto", scores, right).method == "isotonic"


@pytest.mark.parametrize("method", ["auto", *CURVES])
@settings(max_examples=20)
@given(data=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_a_better_score_never_means_less_and_nothing_is_certain(method, data):
    scores, right = zip(*data, strict=True)
    made = calibrated(method, scores, right)
    grid = np.linspace(0, 1, 41)
    found, (low, high) = made.apply(grid), made.interval(grid)
    assert ((found > 0) & (found < 1)).all()
    assert (np.diff(found) >= -1e-9).all()
    assert ((low <= found + 1e-12) & (found <= high + 1e-12)).all()


def test_few_outcomes_stay_near_their_base_rate_with_a_wide_band():
    made = calibrated("auto", [0.9, 0.8, 0.95], [1, 1, 1])
    assert 0.6 < made.apply(0.9) < 0.95
    low, high = made.interval(0.9)
    assert high - low > 0.3


def test_scores_that_point_the_wrong_way_tell_nothing():
    scores = np.linspace(0.05, 0.95, 200)
    right = np.random.default_rng(2).random(200) < 1 - scores
    for method in ("platt", "beta", "auto"):
        found = calibrated(method, scores, right).apply([0.1, 0.9])
        assert found == pytest.approx([right.mean()] * 2, abs=0.1)


def test_weights_count_as_often_as_they_say():
    scores, _, right = world("bent", 60, 4)
    weight = np.random.default_rng(0).integers(1, 4, 60)
    twice = calibrated("beta", np.repeat(scores, weight), np.repeat(right, weight))
    once = calibrated("beta", scores, right, weight)
    assert np.allclose(once.levels[0], twice.levels[0], atol=1e-6)


def test_the_same_outcomes_and_seed_give_the_same_file():
    scores, _, right = world("bent", 100, 5)
    one, two = (calibrated("auto", scores, right, seed=7) for _ in range(2))
    assert np.array_equal(one.levels, two.levels)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("plat", [0.5], [1]), "did you mean 'platt'"),
        (("auto", [], []), "no outcomes"),
        (("auto", [0.5, float("nan")], [1, 0]), "cannot be calibrated"),
        (("auto", [0.5], [2]), "an outcome is a share"),
        (("auto", [0.5], [float("nan")]), "an outcome is a share"),
        (("auto", [0.5, 0.6], [1]), "as many of each"),
        (("auto", [0.5], [1], [-1.0]), "weights below 0"),
    ],
)
def test_bad_input_is_named(given, message):
    with pytest.raises(of.ConfigError, match=message):
        calibrated(*given)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(0, 99))
def test_made_ascending_rows_ascend_and_keep_their_weighted_mean(values, seed):
    weight = np.random.default_rng(seed).uniform(0.1, 3, len(values))
    found = ascending(np.array([values]), weight)[0]
    assert (np.diff(found) >= -1e-9).all()
    assert found @ weight == pytest.approx(np.array(values) @ weight)


def recording(count=200, seed=0, members=("a", "b", "c"), skill=0.7):
    chance = np.random.default_rng(seed)
    rows = []
    for question in range(count):
        hard = chance.normal(0, 1)
        for name in members:
            right = bool(chance.normal(0, 1) < hard + skill)
            said = "right" if right else f"wrong {chance.integers(2)}"
            rows.append(of.Draft(f"q{question}", name, said, f"Q {question}?", correct=right))
    return of.Recording(rows)


def test_a_vote_is_calibrated_on_questions_that_it_has_not_seen():
    found = fit_calibration(recording(600), "majority")
    assert found.figures["labels"] == 600
    assert found.figures["ece"] < 0.06
    assert found.figures["brier"] < found.figures["brier_before"]
    assert found.notes == ()


def test_a_vote_by_confidence_is_calibrated_too():
    rows = [
        of.Draft(d.query_id, d.member, d.text, d.prompt, correct=d.correct, confidence=0.9)
        for d in recording(100)
    ]
    found = fit_calibration(of.Recording(rows), of.Best())
    assert found.figures["ece"] < found.figures["ece_before"]


def test_members_choose_whose_ballots_count():
    found = fit_calibration(recording(), members=["a", "c"])
    assert list(found.artifact.arrays["members"]) == ["a", "c"]
    with pytest.raises(of.ConfigError, match="no recorded member named 'z'"):
        fit_calibration(recording(), members=["a", "z"])


def test_few_labels_one_class_and_no_winner_are_clear():
    with pytest.raises(of.ConfigError, match="at least 20 are needed"):
        fit_calibration(recording(12))
    with pytest.raises(of.ConfigError, match="one class"):
        fit_calibration(recording(50, skill=99.0))
    rows = recording(60)
    strong = [of.Draft(d.query_id, d.member, "right", d.prompt, correct=True) for d in rows]
    weak = [of.Draft(f"q{n}", "z", "no", f"Q {n}?", correct=False) for n in range(60)]
    found = fit_calibration(of.Recording([*strong, *weak]))
    assert found.notes == ("every outcome is right: the probability is near the base rate for all",)
    with pytest.raises(of.ConfigError, match="0 graded questions have a winner"):
        fit_calibration(rows, reads=of.Json())


def test_one_question_asked_all_over_cannot_be_cross_validated():
    rows = [of.Draft(d.query_id, d.member, d.text, "Q?", correct=d.correct) for d in recording(30)]
    with pytest.raises(of.ConfigError, match="1 different questions cannot make 2 folds"):
        fit_calibration(of.Recording(rows))


def test_members_that_fail_together_are_worth_fewer_voters():
    alone = [
        of.Draft(f"q{n}", name, "x" if right else f"{name}{n}", f"Q {n}?", correct=bool(right))
        for name, seed in (("a", 1), ("b", 2))
        for n, right in enumerate(np.random.default_rng(seed).random(300) < 0.7)
    ]
    voters, cofailure = dependence(outcomes(of.Recording(alone)))
    assert voters == pytest.approx(2.0, abs=0.25)
    assert cofailure == 0.0
    twins = [
        of.Draft(d.query_id, name, d.text, d.prompt, correct=d.correct)
        for d in alone
        if d.member == "a"
        for name in ("a", "b")
    ]
    voters, cofailure = dependence(outcomes(of.Recording(twins)))
    assert voters == pytest.approx(1.0)
    assert cofailure == pytest.approx(0.3, abs=0.06)
    assert dependence(outcomes(of.Recording(twins), members=["a"])) == (None, None)


def test_drafts_to_one_question_count_together_as_far_as_they_fail_together():
    groups = np.repeat(np.arange(50), 4)
    same = np.repeat(np.random.default_rng(0).random(50) < 0.5, 4).astype(float)
    assert shares(same, groups) == pytest.approx(np.full(200, 0.25), abs=0.01)
    free = (np.random.default_rng(0).random(200) < 0.5).astype(float)
    assert shares(free, groups).mean() > 0.8
    assert shares(np.ones(3), np.arange(3)).tolist() == [1.0, 1.0, 1.0]


def test_a_judge_that_failed_leaves_its_weight_to_the_others():
    nan = float("nan")
    scored = np.array([[0.2, 0.8], [nan, 0.8], [0.2, nan]])
    assert mixed(scored, np.array([0.75, 0.25])) == pytest.approx([0.35, 0.8, 0.2])
    assert mixed(scored, np.array([1.0, 0.0])) == pytest.approx([0.2, 0.8, 0.2])
    assert trusted(np.zeros((9, 2)), np.arange(9) % 2.0, np.ones(9)).tolist() == [0.5, 0.5]


def test_calibrated_probabilities_have_little_error_on_new_outcomes():
    scores, _, right = world("boasting", 1000, 8)
    fresh, _, new = world("boasting", 4000, 9)
    found = calibrated("auto", scores, right)
    assert ece(found.apply(fresh), new) < 0.05 < ece(fresh, new)
