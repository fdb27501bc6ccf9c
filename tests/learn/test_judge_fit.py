"""Fitting a judge: it tells right drafts from wrong ones, and says where it cannot."""

import numpy as np
import pytest

import onefold as of
from onefold.core.errors import ConfigError
from onefold.fitted.drafts import DraftJudge
from onefold.judges.learned import LearnedJudge
from onefold.learn.judge import auc, fit_judge, side_by_side
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
