"""The vote that ranks and filters: who goes on, in which order, and what the next vote sees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.core.spec import build, dump
from onefold.operators.composing.shortlist import Shortlist


async def length(query, answer):
    if "?" in answer.text:
        raise of.Unreadable("unclear")
    return len(answer.text) / 10


async def first_two(query):
    return " ".join(draft.text for draft in query.drafts)


def asked(*texts, confidences=()):
    stated = [*confidences, *[None] * len(texts)]
    return of.Query(
        "Why?", drafts=tuple(of.Answer(t, t, f"m{i}", stated[i]) for i, t in enumerate(texts))
    )


def test_the_best_go_on_best_first():
    answer = Shortlist(length, most=2, vote=first_two).ask(asked("aaa", "b", "cccc", "dd"))
    assert answer.text == "cccc aaa"
    assert len(answer.drafts) == 4


def test_those_above_a_score_go_on():
    assert Shortlist(length, at=0.2, vote=first_two).ask(asked("a", "bb", "ccc")).text == "ccc bb"
    with pytest.raises(of.NoAnswer, match=r"none of 2 drafts reaches 0.5: the best is m1, 0.300"):
        Shortlist(length, at=0.5).ask(asked("a", "bbb"))


def test_the_score_is_the_confidence_and_the_best_one_wins_unless_told_otherwise():
    answer = of.Panel(["fake:aa", "fake:bbbb", "fake:c"], vote=Shortlist(length, most=2)).ask("?")
    assert (answer.text, answer.confidence) == ("bbbb", 0.4)
    assert answer.tally.rule == "best of the best 2 of 3"


def test_a_majority_of_the_best_few():
    query = asked("aaa", "bbb", "bbb", "c", "c", "c", "c")
    assert Shortlist(length, most=3, vote="majority").ask(query).text == "bbb"


def test_without_a_judge_the_confidence_that_drafts_state_counts():
    query = asked("a", "b", "c", confidences=(0.2, 0.9))
    assert Shortlist(most=1).ask(query).text == "b"
    with pytest.raises(of.NoAnswer, match="give a judge"):
        Shortlist(most=1).ask(asked("a", "b"))


def test_what_the_judge_cannot_score_is_left_out():
    assert Shortlist(length, most=9, vote=first_two).ask(asked("a", "what?")).text == "a"
    with pytest.raises(of.Unreadable, match="no draft could be scored: unclear"):
        Shortlist(length, most=9).ask(asked("why?", "what?"))


def test_a_judge_that_compares_sees_the_others():
    answer = Shortlist("agreement", most=1).ask(asked("a", "b", "b"))
    assert answer.text == "b"


@given(st.lists(st.text("ab", min_size=1, max_size=9), min_size=1, max_size=6), st.integers(1, 6))
def test_it_keeps_exactly_the_best(texts, most):
    answer = Shortlist(length, most=most, vote=first_two).ask(asked(*texts))
    assert answer.text.split() == sorted(texts, key=lambda text: -len(text))[:most]


def test_it_comes_back_from_its_description():
    made = build("shortlist: {judge: {graded: fake:a}, most: 3, at: 0.5, vote: {blend: fake:b}}")
    assert build(dump(made)) == made
    with pytest.raises(of.ConfigError, match="keeps every draft"):
        Shortlist("stated")


def test_a_plan_counts_scores_and_the_vote():
    vote = Shortlist({"graded": "fake:j"}, most=2, vote={"blend": "fake:w"})
    plan = of.plan(of.Panel(["fake:a", "fake:b", "fake:c"], vote=vote), "Why?")
    assert plan.expected.calls == 3 + 3 + 1
