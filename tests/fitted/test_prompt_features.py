"""What is seen of a prompt, and that everything can be seen of anything."""

from math import log1p

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.fitted.routing import FAR, SCALE, Looks
from onefold.fitted.texts.prompts import SEEN, seen

QUESTION = "Which number is PRIME? Say it.\nA. 4\nB. 1,234.5\nC. none of them\nAnswer:"


def look(prompt):
    return dict(zip(SEEN, seen([prompt])[0], strict=True))


def test_options_numbers_and_shares_are_seen():
    found = look(QUESTION)
    assert found["letters of the prompt"] == log1p(len(QUESTION))
    assert found["letters of the question"] == log1p(QUESTION.index("\n"))
    assert found["letters of an option"] == pytest.approx(log1p((1 + 7 + 12) / 3))
    assert found["letters of the shortest option"] == log1p(1)
    assert found["share of digits"] == 6 / len(QUESTION)
    assert found["numbers"] == found["different numbers"] == log1p(2)
    assert found["greatest number"] == pytest.approx(log1p(1234.5))
    assert found["least number"] == log1p(4)
    assert found["share of capitals"] == pytest.approx(sum(c.isupper() for c in QUESTION) / 73, 0.1)


def test_decimals_parts_and_multiples_are_seen():
    found = look("Half of 2.5 kg costs twice as much as 1/3 of 4, or $7.00.")
    assert found["decimal numbers"] == log1p(2)
    assert found["parts and multiples"] == log1p(3)
    assert found["numbers"] == log1p(5)


@given(st.text(max_size=200))
def test_everything_seen_is_a_number(prompt):
    assert np.isfinite(seen([prompt])).all()


def test_very_long_numbers_and_prompts_are_seen():
    assert np.isfinite(seen(["9" * 100_000, "", "1,2,3 1.2.3 ٣"])).all()
    assert seen([]).shape == (0, len(SEEN))


def test_looks_are_standardised_and_what_is_far_counts_as_far():
    found = seen(["one 1.", "two 2. three", "four 4. five six? 6", "x" * 10])
    looks = Looks.of(found)
    rows = looks.rows(found)
    assert np.allclose(rows.mean(axis=0), 0)
    spread = rows.std(axis=0)
    assert np.allclose(spread[spread > 0], SCALE)
    assert np.abs(looks.rows(seen(["9 " * 10_000]))).max() == pytest.approx(FAR * SCALE)
