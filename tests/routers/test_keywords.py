"""Keywords: which task a prompt sets, in many languages, and whom that prefers."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.errors import ConfigError
from onefold.core.query import Message, Query
from onefold.core.spec import build, dump
from onefold.routers.cues import CUES
from onefold.routers.keywords import Keywords, task_types
from onefold.verbs import Router


def routed(router, text):
    return asyncio.run(router.route(Query(text)))


@pytest.mark.parametrize(
    ("prompt", "task"),
    [
        ("Solve for x: 3x + 4 = 19", "math"),
        ("A shop has 12 eggs and sells 5. How many eggs are left?", "math"),
        ("¿Cuántos huevos quedan si tengo 12 y uso 5?", "math"),
        ("Write a Python function that reverses a list.", "code"),
        ("用Python写一个函数来排序", "code"),
        ("Fix this:\n```\nfor i in range(3)\n```", "code"),
        ("If all bloops are razzies, are some razzies bloops? Infer step by step.", "reasoning"),
        ("Write a haiku about rain", "writing"),
        ("напиши рассказ о море", "writing"),
        ("Who wrote Hamlet?", "knowledge"),
        ("what is the capital of Peru", "knowledge"),
        ("Translate to French: I love cats", "translation"),
        ("übersetze das ins Englische", "translation"),
        (
            "Summarize the following article: " + "The king of France is bald. " * 900,
            "summarisation",
        ),
        ("The king of France is bald. " * 900 + "\nTL;DR", "summarisation"),
        ("请总结以下文章", "summarisation"),
        ("Extract all names from this text: Ann met Bob.", "extraction"),
        ("Hi! How are you?", "conversation"),
        ("こんにちは", "conversation"),
    ],
)
def test_a_prompt_shows_its_task(prompt, task):
    best, confidence = next(iter(task_types(prompt).items()))
    assert (best, confidence >= 0.5) == (task, True)


@pytest.mark.parametrize("prompt", ["", " ", "asdf qwer", "…", "\ud800", "12345"])
def test_where_nothing_gives_the_task_away_there_is_no_opinion(prompt):
    assert all(confidence < 0.5 for confidence in task_types(prompt).values())
    assert routed(Keywords({"math": "a", "code": "b"}), prompt or "?") == {}


@given(st.text(max_size=300))
def test_confidences_are_shares_that_sum_to_less_than_one_best_first(prompt):
    found = list(task_types(prompt).values())
    assert found == sorted(found, reverse=True)
    assert all(0 < share < 1 for share in found)
    assert sum(found) < 1
    assert set(task_types(prompt)) <= set(CUES)


@given(st.text(max_size=60), st.sampled_from(sorted(CUES)))
def test_a_cue_never_lowers_the_confidence_in_its_task(prompt, task):
    before = task_types(prompt).get(task, 0.0)
    assert task_types(prompt, {task: ["zzyx"]}).get(task, 0.0) == pytest.approx(before)
    assert task_types(f"{prompt} zzyx", {task: ["zzyx"]}).get(task, 0.0) >= before - 1e-9


def test_members_are_named_by_a_text_a_list_or_weights():
    prompt = "Write a Python function that reverses a list."
    assert list(routed(Keywords({"code": "a"}), prompt)) == ["a"]
    two = routed(Keywords({"code": ["a", "b"]}), prompt)
    assert list(two) == ["a", "b"]
    assert two["a"] == two["b"] == task_types(prompt)["code"]
    weighed = routed(Keywords({"code": {"a": 0.5, "b": 1}}), prompt)
    assert weighed["b"] == 2 * weighed["a"]


def test_below_the_threshold_there_is_no_opinion():
    router = Keywords({"knowledge": "a"})
    assert routed(router, "Who wrote Hamlet?")
    assert routed(Keywords({"knowledge": "a"}, at=0.99), "Who wrote Hamlet?") == {}
    assert routed(Keywords({"math": "a"}), "Who wrote Hamlet?") == {}


def test_two_tasks_may_share_a_member_where_the_threshold_lets_both():
    prompt = "Translate to French and summarize: the cat sat."
    found = task_types(prompt)
    both = routed(Keywords({"translation": "a", "summarisation": "a"}, at=0.2), prompt)
    assert both == {"a": pytest.approx(found["translation"] + found["summarisation"])}


def test_words_of_ones_own_make_new_tasks_and_help_old_ones():
    router = Keywords({"tax": "clerk", "code": "coder"}, words={"tax": ["VAT", "tax return"]})
    assert routed(router, "Is VAT due on this?")["clerk"] >= 0.5
    assert routed(router, "Where is my tax return?")["clerk"] >= 0.5
    assert routed(router, "Where is my return of tax?") == {}
    assert routed(Keywords({"code": "c"}, words={"code": ["gizmo"]}), "Mend the gizmo")


def test_cues_are_whole_words():
    assert "code" not in task_types("The javanese capitol")
    assert "code" in task_types("The java island")


def test_the_last_words_of_the_user_count_in_a_conversation():
    said = (Message("user", "Hi!"), Message("assistant", "Yes?"), Message("user", "Solve for x"))
    assert asyncio.run(Keywords({"math": "m"}).route(Query(messages=said))) == {
        "m": task_types("Solve for x")["math"]
    }


def test_an_unknown_task_is_named_with_the_nearest():
    with pytest.raises(ConfigError, match="no task named 'maths'; did you mean 'math'"):
        Keywords({"maths": "a"})


def test_keywords_come_back_from_yaml_where_the_tasks_alone_are_enough():
    made = build({"keywords": {"math": ["a", "b"], "code": "c"}}, Router)
    assert made == Keywords({"math": ["a", "b"], "code": "c"})
    assert build(dump(made), Router) == made


@pytest.mark.parametrize(
    "text",
    ["how many x = 3; ", "(" * 16, "1" * 16, "a_b(", "select from ", "日本語を", "if all ", "$ x "],
)
def test_a_hundred_thousand_characters_are_read_as_their_ends(text):
    prompt = text * (100_000 // len(text))
    assert task_types(prompt) == task_types(prompt[:2000] + "\n" + prompt[-2000:])
