"""Likeness of texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.readers.similarity import distance, similarity

SHORT = st.text("abé", max_size=8)


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [
        ("", "", 1.0),
        ("", "abc", 0.0),
        ("sunday", "saturday", 0.625),
        ("flaw", "lawn", 0.5),
        ("  Same ", "sAME", 1.0),
        ("e\u0301te\u0301", "\u00e9t\u00e9", 1.0),
    ],
)
def test_likeness_is_a_share_of_the_longer_text(first, second, share):
    assert similarity(first, second) == pytest.approx(share, abs=1e-12)


def slowly(a, b):
    """The textbook's table."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        left = [i]
        for j, y in enumerate(b, 1):
            left.append(min(row[j] + 1, left[-1] + 1, row[j - 1] + (x != y)))
        row = left
    return row[-1]


@given(SHORT, SHORT)
def test_the_distance_is_the_textbooks(a, b):
    assert distance(a, b) == slowly(a, b)


@given(st.text(), st.text())
def test_likeness_is_symmetric_and_within_bounds(a, b):
    assert 0.0 <= similarity(a, b) == similarity(b, a) <= 1.0
