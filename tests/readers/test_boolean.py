"""The boolean reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.query import Query
from onefold.readers.boolean import Boolean

QUERY = Query("Is it so?")

TRUE = [
    "YES!",
    "Yes, this holds.",
    "**Yes** – it isn't false",
    "the answer is TRUE",
    "Correct",
    "affirmative.",
    "1",
    "1.7",
    "yes and also no",
    "It is not false",
    "There is no doubt: yes",
    "Is it false? True.",
    '{"reasoning": "no", "answer": true}',
    "\\boxed{\\text{Yes}}",
    "It might be otherwise at first.\n\nAnswer: yes",
    "Some say it is false.\nSo yes.",
    "not only true but obvious",
]
FALSE = [
    "no",
    "No, that is not true",
    "The answer is no.",
    "false, but in a way yes",
    "not true",
    "That isn't true",
    "This is not really true",
    "Untrue",
    "No-one",
    "incorrect",
    "Not correct",
    "negative",
    "0",
    "1. The answer is no",
    "True or false: false",
    "I don't think the answer is yes",
]
ABSTAIN = [
    "",
    "Maybe",
    "perhaps yes",
    "I am not sure, but the answer is yes",
    "Uncertain: no",
    "not necessarily true",
    "It depends, yes or no",
    "I cannot tell whether this is true",
    "yep",
    "knowledge",
    "yesterday",
    "truely",
    "10",
    "1,000",
    "That is correct",
    '{"reasoning": "yes", "answer": null}',
    None,
    1,
    True,
]


@pytest.mark.parametrize("text", TRUE)
def test_a_yes_is_true(text):
    assert Boolean().read(text, QUERY) is True


@pytest.mark.parametrize("text", FALSE)
def test_a_no_is_false(text):
    assert Boolean().read(text, QUERY) is False


@pytest.mark.parametrize("text", ABSTAIN)
def test_what_says_neither_abstains(text):
    assert Boolean().read(text, QUERY) is None


WORDS = st.lists(
    st.sampled_from(
        [
            "yes",
            "no",
            "true",
            "not",
            "maybe",
            "answer",
            "is",
            ":",
            ".",
            "?",
            "\n",
            "correct",
            "isn't",
        ]
    )
)


@given(st.text() | WORDS.map(" ".join))
def test_no_text_raises(text):
    assert Boolean().read(text, QUERY) in (True, False, None)


@given(st.sampled_from(["true", "false"]), st.integers(0, 5))
def test_each_not_turns_the_answer_round(word, count):
    text = "not " * count + word
    assert Boolean().read(text, QUERY) is ((word == "true") == (count % 2 == 0))
