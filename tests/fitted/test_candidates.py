"""What speaks for a candidate: the crowd behind it, and how its drafts are written."""

from __future__ import annotations

import numpy as np
import pytest

from onefold.fitted.votes.candidates import (
    FEATURES,
    LEAST,
    TRAITS,
    bare,
    contested,
    features,
    malformed,
    traits,
    written,
)
from onefold.fitted.votes.crowd import Board

PLAIN = "3 boxes of 14 make 42 apples. The answer is 42."


def trait(name: str, text: str, key: str) -> float:
    """One trait of a draft."""
    return traits(text, key)[TRAITS.index(name)]


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("concluded", PLAIN, 1.0),
        ("concluded", "The answer is 42.", 0.0),
        ("repeated", PLAIN, np.log(3)),
        ("malformed", '{"answer": "42"', 1.0),
        ("malformed", 'Thus {"answer": "42"} it is.', 0.0),
        ("cut", "The answer is 42. Let me see whether this", 1.0),
        ("cut", PLAIN, 0.0),
        ("hedging", "Wait, I assume it seems 42. However, that is a mistake.", 1.0),
        ("hedging", PLAIN, 0.0),
        ("length", "", 0.0),
        ("length", "42", np.log(3)),
    ],
)
def test_a_trait_is_read_from_the_text(name, text, wanted):
    assert trait(name, text, "42") == pytest.approx(wanted)


def test_an_empty_answer_is_an_answer_that_no_text_repeats():
    assert traits("The result is the empty string.", "")[:2] == (0.0, 0.0)


@pytest.mark.parametrize(
    ("key", "wanted"), [("NaN", 1.0), (" n/a ", 1.0), ("\\", 1.0), ("None", 0.0), ("42", 0.0)]
)
def test_a_word_for_none_and_a_value_that_breaks_off_are_void(key, wanted):
    assert trait("void", PLAIN, key) == wanted


def test_agreement_on_a_long_answer_says_more_than_on_a_short_one():
    codes, skills = np.array([[0, 1, 1]]), np.array([1.0, 0.6, 0.6])
    short = written(codes, [["3", "4"]], [[PLAIN] * 3])
    long = written(codes, [["3" * 40, "4" * 40]], [[PLAIN] * 3])
    crowd = [features(Board.of(codes), skills, notes)[0][0, :, 0] for notes in (short, long)]
    assert crowd[1][1] - crowd[1][0] > crowd[0][1] - crowd[0][0]


def test_spellings_that_differ_in_case_space_and_quotes_are_alike():
    assert {bare(key) for key in ("'A b'", '"ab"', "ab.", "a B")} == {"ab"}
    assert bare("1,000") == bare("$1000") != bare("100")


def test_a_brace_alone_is_no_readable_object():
    assert malformed("{")
    assert malformed("} {")
    assert not malformed("no braces")


def test_only_questions_on_which_members_differ_are_contested():
    codes = np.array([[0, 0, -1], [0, 1, -1], [-1, -1, -1], [2, 2, 2], [1, -1, 2]])
    assert contested(codes).tolist() == [False, True, False, False, True]


def test_only_contested_drafts_are_looked_at():
    codes = np.array([[0, 0], [0, 1]])
    notes = written(codes, [["42"], ["42", "'42'"]], [[PLAIN, PLAIN], [PLAIN, None]])
    assert not notes.traits[0].any()
    assert notes.traits[1, 0, TRAITS.index("concluded")] == 1.0
    assert notes.alike.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    assert np.expm1(notes.lengths) == pytest.approx(np.array([[2, 2], [2, 4]]))


def test_a_place_without_a_candidate_has_nothing_and_traits_are_relative():
    codes = np.array([[0, 0, 1], [0, -1, -1]])
    notes = written(codes, [["42", "41"], ["42"]], [[PLAIN, "42", "41"], [PLAIN, None, None]])
    rows, none = features(Board.of(codes), np.array([1.0, 0.5, 0.0]), notes)
    assert rows.shape == (2, 2, len(FEATURES))
    assert not rows[1, 1].any()
    assert rows[0, :, 3:].sum(axis=0) == pytest.approx(np.zeros(len(TRAITS)))
    assert rows[..., 1].tolist() == [[0.0, -1.0], [0.0, 0.0]]
    assert (none < 0).all()


def test_a_huge_crowd_against_a_candidate_counts_only_so_much():
    codes = np.array([[0] * 60 + [1]])
    rows, _ = features(Board.of(codes), np.full(61, 9.0), None)
    assert rows[0, 1, 0] == LEAST


def test_members_may_be_left_out_of_what_is_written():
    codes = np.array([[0, 1, 0]])
    notes = written(codes, [["42", "41"]], [[PLAIN, "41", "42"]])
    some = notes.among([0, 1]).take(np.array([0]))
    assert some.alike.tolist() == [[1.0, 1.0]]
    assert (some.traits == notes.traits[:, [0, 1]]).all()
    assert (some.lengths == notes.lengths[:, [0, 1]]).all()
