"""Fitting a judge: it tells right drafts from wrong ones, and says where it cannot."""

import numpy as np
import pytest

import onefold as of
from onefold.core.errors import ConfigError
from onefold.fitted.artifact import unpacked
from onefold.fitted.drafts import NAMES, DraftJudge, draft_features, with_prior
from onefold.judges.learned import LearnedJudge
from onefold.learn.judge import TREES, auc, fit_judge, shipped, side_by_side
from onefold.recording.recording import Draft


def sums(count=60, seed=0, told=True):
    """Members that add; where they err, their sum does not hold, if it is told."""
    draw, rows = np.random.default_rng(seed), []
    for question in range(count):
        a, b = draw.integers(2, 99, 2)
        for member, skill in (("good", 0.9), ("poor", 0.5)):
            right = bool(draw.random() < skill)
            said = a + b + (0 if right or not told else draw.integers(1, 9))
            text = f"There are {a} + {b} = {said} pears. The answer is {said}."
            prompt = f"Ann has {a} pears and buys {b}. How many?"
            rows.append(Draft(f"q{question}", member, text, prompt, str(said), correct=right))
    return of.Recording(rows)


def test_what_can_be_seen_on_a_draft_is_learned():
    fit = fit_judge(sums())
    assert fit.figures["auc_within_members"] > 0.85
    assert fit.figures["log_loss"] < 0.7 * fit.figures["log_loss_of_rates"]
    held = DraftJudge(fit.artifact)
    prompt = "Ann has 3 pears and buys 4. How many?"
    right = held.score(prompt, "There are 3 + 4 = 7 pears. The answer is 7.", "7", "poor")
    wrong = held.score(prompt, "There are 3 + 4 = 9 pears. The answer is 9.", "9", "poor")
    assert right > 0.75 > 0.25 > wrong


def test_where_drafts_tell_nothing_each_member_has_its_own_rate_and_a_note_says_so():
    fit = fit_judge(sums(told=False))
    assert any("own rate" in note for note in fit.notes)
    held = DraftJudge(fit.artifact)
    prompt, text = "Ann has 3 pears and buys 4. How many?", "There are 3 + 4 = 7 pears."
    assert held.score(prompt, text, "7", "good") == held.score(prompt, text + " So 7.", "7", "good")
    assert held.score(prompt, text, "7", "good") > held.score(prompt, text, "7", "poor")


def shops(count, seed):
    """Word problems in two steps, at which a member errs now and then: it leaves one out."""
    draw, rows = np.random.default_rng(seed), []
    for question in range(count):
        a, b, c = (int(each) for each in draw.integers(2, 30, 3))
        right = bool(draw.random() < 0.6)
        text = f"{a} bags of {b} pears are {a} * {b} = {a * b} pears."
        value = a * b + c if right else a * b
        text += f" With {c} more, {a * b} + {c} = {value} pears." if right else ""
        prompt = f"Ann buys {a} bags with {b} pears each, and Bob gives her {c}. How many in all?"
        rows.append(
            Draft(f"q{question}", "m", f"{text} #### {value}", prompt, value, correct=right)
        )
    return rows


def test_what_is_shipped_tells_a_draft_that_stopped_early_before_any_label():
    drafts = shops(40, 0)
    assert unpacked(TREES.read_bytes(), "").about["features"] == [
        *NAMES[: NAMES.index("letters of the prompt")]
    ]
    seen = [draft_features(each.prompt, each.text, each.value) for each in drafts]
    odds = shipped().odds(np.array(seen))
    assert auc(odds, np.array([float(each.correct) for each in drafts])) > 0.95


def test_without_a_prior_no_tree_is_kept_and_nothing_is_believed():
    with_it, without = (fit_judge(of.Recording(shops(60, 1)), prior=p) for p in (True, False))
    assert len(with_it.artifact.arrays["tree_value"]) == 150
    assert len(without.artifact.arrays["tree_value"]) == 0
    assert without.artifact.arrays["weights"][-1] == 0 < with_it.artifact.arrays["weights"][-1]


def test_a_prior_has_no_opinion_of_an_answer_that_is_no_number():
    rows = np.array([draft_features("3 or 4?", "3 + 4 = 8", said) for said in ("8", "pears")])
    odds = with_prior(rows, shipped())[:, -1]
    assert odds[0] < 0 == odds[1]


def test_a_stranger_is_taken_for_an_average_member():
    held = DraftJudge(fit_judge(sums()).artifact)
    scores = [held.score("1 and 2?", "1 + 2 = 3", "3", name) for name in ("poor", "new", "good")]
    assert scores == sorted(scores)


def test_the_same_seed_gives_the_same_file(tmp_path):
    first, second = (fit_judge(sums(), seed=3).save(tmp_path / name) for name in ("a.npz", "b.npz"))
    assert isinstance(first, LearnedJudge)
    assert first.hash == second.hash


def test_fifty_labels_of_one_member_are_enough():
    fit = fit_judge(sums(50), members=["poor"])
    assert fit.artifact.about["labels"] == 50
    assert fit.figures["auc"] > 0.8


@pytest.mark.parametrize(
    ("recording", "members", "words"),
    [
        (of.Recording([Draft("q", "a", "4", correct=True)]), None, "graded"),
        (of.Recording([Draft(f"q{i}", "a", "4", correct=True) for i in range(30)]), None, "class"),
        (sums(), ["good", "god"], "god"),
    ],
)
def test_too_little_to_learn_from_is_an_error_that_says_so(recording, members, words):
    with pytest.raises(ConfigError, match=words):
        fit_judge(recording, members=members)


def test_the_auc_counts_ties_half():
    assert auc(np.array([1.0, 2.0, 2.0, 3.0]), np.array([0, 0, 1, 1])) == pytest.approx(0.875)
    assert auc(np.zeros(4), np.array([0, 1, 0, 1])) == 0.5


def test_words_of_prompt_and_draft_stand_side_by_side():
    from onefold.fitted.texts.words import Words

    words = Words.of(["a b", "b c"], 1)
    left, right = words.rows(["a b", "c"]), words.rows(["", "b c"])
    both = side_by_side(left, right)
    weights = np.arange(both.width, dtype=float)[:, None]
    apart = left.times(weights[: left.width]) + right.times(weights[left.width :])
    assert both.times(weights) == pytest.approx(apart)
