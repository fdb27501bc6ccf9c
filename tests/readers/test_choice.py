"""The choice reader."""

from __future__ import annotations

from string import ascii_uppercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.errors import ConfigError
from onefold.core.query import Query
from onefold.readers.choice import Choice

QUERY = Query("Which one?")
MOODS = ("positive", "negative", "very positive")

LETTERS = {
    "B": "B",
    "b": "B",
    "B.": "B",
    "(c)": "C",
    "**D**": "D",
    "D) Paris": "D",
    "A: Paris": "A",
    "**B. Paris**": "B",
    "The answer is (B)": "B",
    "The answer is A because of the rain": "A",
    "The correct answer is therefore **E**.": "E",
    "Answer:\nC": "C",
    "\\boxed{\\text{D}}": "D",
    '{"reasoning": "(A) fails", "answer": "d"}': "D",
    "The answer is B, not C.": "B",
    "Option C holds; option A is wrong": "C",
    "It can't be A, so B": "B",
    "At first (A) or (B).\nIn the end (C)": "C",
    "A) north\nB) south\nAnswer: B": "B",
    "A good guess from a friend": None,
    "A dog barks. I hear it.": None,
    "The answer is a good question": None,
    "A and B": None,
    "The answer is A or B": None,
    "Both A and C": None,
    "Neither A nor B": None,
    "A) north\nB) south": None,
    "F": None,
    "C++": None,
    "": None,
}
WORDS = {
    "Positive": "positive",
    "VERY positive!": "very positive",
    "The review is negative.": "negative",
    "Positive. Nothing negative in it": "positive",
    "It is not positive": None,
    "positive or negative": None,
    "positively": None,
    "non-negative": None,
}


@pytest.mark.parametrize(("text", "label"), LETTERS.items())
def test_a_letter_is_found_in_prose(text, label):
    assert Choice().read(text, QUERY) == label


@pytest.mark.parametrize(("text", "label"), WORDS.items())
def test_a_label_is_found_whole_and_given_as_declared(text, label):
    assert Choice(MOODS).read(text, QUERY) == label
    assert Choice().read(text, QUERY.but(labels=MOODS)) == label


def test_spaces_and_underscores_are_the_same_in_labels():
    assert Choice(("card_arrival", "refund")).read("Card arrival", QUERY) == "card_arrival"


def test_numbers_as_labels_are_not_found_inside_numbers():
    assert Choice(("1", "2")).read("1.5", QUERY) is None


def test_the_pronoun_is_no_ninth_letter():
    assert Choice(letters=10).read("I think so", QUERY) is None
    assert Choice(letters=10).read("(I)", QUERY) == "I"


@pytest.mark.parametrize("text", [None, 1, ["A"]])
def test_what_is_no_text_abstains(text):
    assert Choice().read(text, QUERY) is None


@pytest.mark.parametrize("labels", [("a", "a"), ("", "b"), (" ",)])
def test_labels_must_be_distinct_and_not_blank(labels):
    with pytest.raises(ConfigError, match="distinct"):
        Choice(labels)


@pytest.mark.parametrize("letters", [1, 27])
def test_there_are_two_to_twenty_six_letters(letters):
    with pytest.raises(ConfigError, match="letters"):
        Choice(letters=letters)


@given(st.text() | st.text("ABCI().*, \nandor"), st.sampled_from([(), MOODS, ("A", "B")]))
def test_no_text_raises_and_only_labels_come_out(text, labels):
    assert Choice(labels).read(text, QUERY) in (None, *(labels or ascii_uppercase[:5]))


@given(st.lists(st.text(min_size=1).filter(str.strip), min_size=1, unique_by=str.strip), st.data())
def test_a_label_is_read_as_it_was_declared(labels, data):
    label = data.draw(st.sampled_from([label.strip() for label in labels]))
    assert Choice(tuple(label.strip() for label in labels)).read(f" {label}\n", QUERY) == label
