"""Words: the same rows one by one and many at once, in any language and at any length."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.fitted.artifact import Artifact, packed, unpacked
from onefold.fitted.texts.words import Words, hashed, portions

TEXTS = [
    "The cat sat.",
    "the cat ran",
    "a dog sat\nA) 12",
    "a dog ran",
    "Ω и 猫が好き",
    "猫 и Ω",
    "",
]
VOCABULARY = Words.of(TEXTS)


def dense(rows):
    made = np.zeros(rows.shape)
    made[rows.rows, rows.columns] = rows.values
    return made


def spoken(text):
    return len(hashed(text)[0])


@given(st.lists(st.text(max_size=30), max_size=8))
def test_rows_are_the_same_one_by_one_and_many_at_once(texts):
    vocabulary = Words.of([*texts, *texts, *TEXTS])
    many = dense(vocabulary.rows(texts))
    assert many.shape == (len(texts), vocabulary.width)
    for text, row in zip(texts, many, strict=True):
        assert np.allclose(dense(vocabulary.rows([text]))[0], row)


@given(st.lists(st.text(max_size=30), max_size=8))
def test_sums_are_rows_times_weights_one_by_one_and_many_at_once(texts):
    for vocabulary in (Words.of([*texts, *texts, *TEXTS]), Words.of([])):
        weights = np.random.default_rng(0).normal(size=(vocabulary.width, 3))
        folded, wanted = vocabulary.folded(weights), vocabulary.rows(texts).times(weights)
        assert np.allclose(vocabulary.sums(texts, folded), wanted)
        for text, row in zip(texts, wanted, strict=True):
            assert np.allclose(vocabulary.alone(text, folded), row)


@given(st.text(max_size=60))
def test_a_row_has_length_one_or_is_zero(text):
    length = (VOCABULARY.rows([text, "the"]).values ** 2).sum()
    assert length == pytest.approx(1) or length == pytest.approx(2)
    assert not len(Words.of([]).rows([text]).values)


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), (" \t ", 0), ("one two", 2), ("a, b!", 4), ("\n\n\nx", 2), ("naïve", 1), ("猫が", 2)],
)
def test_words_marks_and_breaks_are_told_apart(text, count):
    assert spoken(text) == count


def test_case_and_the_width_of_spaces_do_not_count_and_order_does():
    assert np.array_equal(hashed("The  CAT sat")[0], hashed("the cat sat")[0])
    assert np.array_equal(hashed("ΟΔΟΣ")[0], hashed("οδοσ")[0])
    assert hashed("ab")[0] != hashed("ba")[0]
    same, other = dense(VOCABULARY.rows(["the cat", "cat the"]))
    assert not np.allclose(same, other)


def test_neighbours_are_of_one_text_only():
    vocabulary = Words.of(["left right", "left right"])
    assert vocabulary.width == 3
    assert (dense(vocabulary.rows(["left", "right"])) > 0).sum() == 2


def test_rare_words_weigh_more_and_those_in_one_text_are_not_kept():
    vocabulary = Words.of(["a b", "a b", "a", "a c"], fewest=2)
    assert len(np.unique(vocabulary.rarity)) == 2
    assert dense(vocabulary.rows(["c"])).sum() == 0
    assert Words.of(["a b", "a b", "a"], most=1).width == 1


def test_repetition_does_not_count():
    assert np.allclose(*dense(VOCABULARY.rows(["cat", "cat cat cat"])))


def test_a_vocabulary_comes_back_from_its_file():
    artifact = unpacked(packed(Artifact("router", {}, VOCABULARY.arrays())), "here")
    again = Words.revived(artifact.arrays)
    assert np.allclose(dense(again.rows(TEXTS)), dense(VOCABULARY.rows(TEXTS)), atol=1e-6)


def test_a_prompt_of_a_hundred_thousand_characters_and_half_a_character_are_read():
    long = "the cat sat. " * 8_000
    assert np.allclose(*dense(VOCABULARY.rows([long, "the cat sat. the"])))
    assert np.allclose(dense(VOCABULARY.rows([long]))[0], dense(VOCABULARY.rows([long, ""]))[0])
    assert spoken("broken \ud800 half") == 3


def test_texts_are_cut_into_portions_that_lose_none():
    texts = ["x" * 30_000, "", "y" * 60_000, "z", ""]
    parts = portions(texts)
    assert [text for part in parts for text in part] == texts
    assert len(parts) > 1
