"""The hashing encoder: like texts lie close, in any script, without a fit."""

import asyncio
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.spec import build, dump
from onefold.encoders.words import Hashing, hashed, runs
from onefold.verbs import Encoder


def encode(*texts, **about):
    return asyncio.run(Hashing(**about).encode(texts))


@given(st.lists(st.text(max_size=60), max_size=5), st.sampled_from([16, 100, 2048]))
def test_each_text_is_a_row_of_length_one_or_zero_where_it_is_blank(texts, width):
    rows = hashed(texts, width)
    assert rows.shape == (len(texts), width)
    assert np.isfinite(rows).all()
    lengths = np.linalg.norm(rows, axis=1)
    for text, length in zip(texts, lengths, strict=True):
        assert length == pytest.approx(1.0) or length == 0.0
        assert text.strip() or length == 0.0


@pytest.mark.parametrize(
    ("text", "like", "unlike"),
    [
        ("How do I sort a list in Python?", "Sorting Python lists", "Who painted this church?"),
        ("日本の首都はどこですか", "日本の首都", "猫が好きです"),
        ("Wo wohnt der König?", "der könig wohnt", "Rezept für Brot"),
        ("def f(x): return x", "def g(y): return y", "A poem on the sea"),
    ],
)
def test_like_texts_lie_closer_than_unlike_ones(text, like, unlike):
    first, near, far = encode(text, like, unlike)
    assert first @ near > first @ far


def test_case_and_the_width_of_spaces_do_not_count():
    one, two = encode("Two  Words\n", "two words")
    assert np.array_equal(one, two)


@given(st.text(alphabet="abc d", min_size=3, max_size=40))
def test_a_text_has_as_many_runs_as_places_where_they_start(text):
    words = " ".join(text.split())
    letters = len(words) + 2
    wanted = sum(max(0, letters - length + 1) for length in (2, 3, 4)) if words else 0
    assert len(runs(text)) == wanted


def test_every_process_makes_the_same_vectors():
    code = "from onefold.encoders.words import hashed; print(hashed(['ab ç 字'], 64).tolist())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(hashed(["ab ç 字"], 64).tolist())


def test_half_characters_and_a_hundred_thousand_characters_are_encoded():
    rows = encode("\ud800 a", "word " * 20_000, "")
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 0])


def test_hashing_comes_back_from_yaml():
    assert build("hashing", Encoder) == Hashing()
    assert build(dump(Hashing(512)), Encoder) == Hashing(512)
