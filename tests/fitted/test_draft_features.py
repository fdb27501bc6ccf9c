"""What is seen on a draft: its sums, its form, whether its answer follows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.fitted.drafts import LONGEST, NAMES, draft_features, equations, malformed, numbers


def seen(prompt, text, value=None):
    return dict(zip(NAMES, draft_features(prompt, text, value), strict=True))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3 * 20 = 60 cups and 15 + 25 = 40", [(60, 60), (40, 40)]),
        ("$25 (rent) + 10 students × $1.50 = $25 + $15 = $40", [(40, 40), (40, 40)]),
        ("8 x $5 x 60% = $<<8*5*60/100=24>>24", [(24, 24)]),
        ("(3+4)*2 = 14, then 1,200/2=601", [(14, 14), (600, 601)]),
        ("x = 5 and nothing else", []),
        ("1/0 = 3", []),
        ("((((", []),
    ],
)
def test_the_sums_of_a_text_are_worked_out(text, found):
    assert [(each.left, each.right) for each in equations(text)] == found


def test_a_wrong_sum_is_noticed_and_a_right_one_is_not():
    assert seen("2 and 3?", "2 + 3 = 6", "6")["false equations"] == 1
    assert seen("2 and 3?", "2 + 3 = 5", "5")["false equations"] == 0


def test_an_answer_that_follows_from_the_draft_is_told_from_one_that_does_not():
    follows = seen("12 eggs, 3 a day?", "12 / 3 = 4. Answer: 4", "4")
    loose = seen("12 eggs, 3 a day?", "12 / 3 = 4. Answer: 7", "7")
    assert (follows["answer was computed"], loose["answer was computed"]) == (1, 0)
    assert follows["prompt numbers unused"] == 0
    assert seen("12 eggs, 3 a day?", "12 eggs.", "12")["prompt numbers unused"] == 0.5


def test_results_that_lead_nowhere_are_told_from_steps_that_build_on_each_other():
    leads = seen("2 bags of 3, 4 more?", "2 * 3 = 6. 6 + 4 = 10. #### 10", "10")
    stray = seen("2 bags of 3, 4 more?", "2 * 3 = 6. 2 + 4 = 8. #### 8", "8")
    assert (leads["results left unused"], stray["results left unused"]) == (0, 0.5)
    assert leads["last step goes on from a result"] > stray["last step goes on from a result"]
    assert leads["figures that are results"] == 0.25


def test_numbers_in_words_count_as_quantities():
    said = seen("Three boxes of a dozen, half are sold.", "3 * 12 = 36. #### 36", "36")
    assert said["quantities unused"] == pytest.approx(1 / 3)
    assert said["quantities in words"] > seen("3 boxes of 12", "36", "36")["quantities in words"]


@pytest.mark.parametrize(
    ("text", "cut"),
    [("so 15 + 25 = <<15+2", 1), ("it costs 15,00", 1), ("7 + 8 =", 1), ("she paid for the", 1),
     ("#### 15,000", 0), ("It is 15.", 0), ("", 0)],
)  # fmt: skip
def test_a_text_that_breaks_off_is_noticed(text, cut):
    assert seen("?", text)["unfinished"] == cut


def test_what_is_asked_for_is_held_against_the_last_sum():
    prompt = "Ann has 3 pears. Bob has 4. How many do they have in total?"
    assert seen(prompt, "3 + 4 = 7", "7")["asked for a total and adds"] == 1
    assert seen(prompt, "4 - 3 = 1", "1")["asked for a total and adds"] == 0
    assert seen("Is 3 a total? How many are left?", "3 + 4 = 7")["asked for a total"] == 0


def test_numbers_told_in_another_order_than_the_prompts_are_noticed():
    assert seen("1 and 2 and 3", "1 2 3")["prompt numbers out of order"] == 0
    assert seen("1 and 2 and 3", "3 2 1")["prompt numbers out of order"] == 1


def test_form_is_seen_broken_json_no_answer_hedging():
    assert malformed('{"answer": ')
    assert not malformed('```json\n{"answer": 4}\n```')
    assert seen("?", "", None)["no text"] == 1
    assert seen("?", "Sorry, I cannot.", None)["no answer"] == 1
    assert seen("?", "Perhaps 4, maybe 5.", "5")["hedges"] == 1


@pytest.mark.parametrize(
    "text", ["9" * 400, "-" * 9_000, "1 = " * 5_000, "²³ ٣", "\ud800", "(1" * 999]
)
def test_odd_texts_have_finite_features(text):
    values = draft_features(text, text, text)
    assert len(values) == len(NAMES)
    assert all(0 <= value < 99 for value in values)


@given(st.text(max_size=200), st.text(max_size=200), st.none() | st.floats() | st.text(max_size=9))
def test_any_draft_has_as_many_finite_features_as_names(prompt, text, value):
    values = draft_features(prompt, text, value)
    assert len(values) == len(NAMES)
    assert all(abs(each) < 1e4 for each in values)


def test_of_a_long_text_only_the_ends_are_read():
    assert len(numbers("7 " + "a" * 9 * LONGEST)) == 1
    assert seen("?", "4 " * LONGEST, "4")["answer ends the text"] == 1
