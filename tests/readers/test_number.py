"""The number reader."""

from __future__ import annotations

from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.query import Query
from onefold.core.spec import build, dump
from onefold.readers.number import Number
from onefold.verbs import Reader

QUERY = Query("How many?")

BOTH = {
    "Total: $9,876.50": 9876.5,
    "-$7": -7.0,
    "$-7": -7.0,
    "- $7": -7.0,
    "£12": 12.0,
    ".25": 0.25,
    "-.25": -0.25,
    "- 8": -8.0,
    "−19": -19.0,
    "3/4": 0.75,
    "1 1/2": 1.5,
    "75%": 75.0,
    "2e3": 2000.0,
    "2.5E-1": 0.25,
    "8e": 8.0,
    "7.": 7.0,
    "4.5.6": 4.5,
    "2,345,678": 2345678.0,
    "12,34,567": 1234567.0,
    "9.876,54": 9876.54,
    "1.234.567": 1234567.0,
    "2,75": 2.75,
    "(9)": -9.0,
    "($1,200)": -1200.0,
    "2031-12-24": 2031.0,
    "12:30": 12.0,
    "-0": 0.0,
}
STATED = {
    "Step 1: add 2. Answer: 17": 17.0,
    "3+4=7": 7.0,
    "So we get 3 and then 9 apples.": 9.0,
    '{"reasoning": "3 × 4", "answer": "12 apples for 2"}': 12.0,
    '```json\n{"reasoning": "6",\n "answer": 1,500\n}\n```\nIn 3 days.': 1500.0,
    '{"answer": "2 + 3 = 5"}, sorry: {"answer": "6"}': 6.0,
    "It is \\boxed{\\frac{3}{8}}, by step 2.": 0.375,
    "The answer is **42** because 6 * 7 = 42 and 1 = 1.": 42.0,
    "The final answer is: $\\boxed{-5}$": -5.0,
    "The answer to question 3 is 12.": 12.0,
    "Adding 3\n#### 1,234": 1234.0,
    "#### 3 steps\nfirst, 8": 8.0,
    "**Final Answer**\n\n$36$": 36.0,
    "The answer is 8. I hope the answer is clear!": 8.0,
    "The answer is (5)": 5.0,
    "3¾": 3.75,
    "-½": -0.5,
    "0xff": 255.0,
    "６４": 64.0,
    "1\u202f234\u202f567": 1234567.0,
    "\\$1{,}050": 1050.0,
    "3 × 10^4": 30000.0,
    "10^{-2}": 0.01,
    "an area of 12 m2": 12.0,
    "10 - 4": 4.0,
    "(3,4)": 4.0,
}
FIRST = {
    "Step 1: add 2. Answer: 17": 1.0,
    "3+4=7": 3.0,
    "½": None,
    "0xff": 0.0,
    "9-4": 9.0,
    "(3,4)": 3.0,
}
NONE = ["", " ", "seven", "Infinity", "NaN", "-", "$", ".", "1e999", "9" * 400, "1/0", "10^9999"]


@pytest.mark.parametrize(("text", "value"), [*BOTH.items(), *STATED.items()])
def test_the_stated_answer_is_read(text, value):
    assert Number().read(text, QUERY) == value


@pytest.mark.parametrize(("text", "value"), [*BOTH.items(), *FIRST.items()])
def test_the_first_plain_number_is_read(text, value):
    assert Number("first").read(text, QUERY) == value


@pytest.mark.parametrize("text", [*NONE, None, 42, 4.2, ["1"]])
def test_what_is_no_finite_number_abstains(text):
    assert Number().read(text, QUERY) is None
    assert Number(mode="first").read(text if text != "10^9999" else "", QUERY) is None


@pytest.mark.parametrize("said", ['"none of them"', '"___"', "null"])
def test_an_answer_field_without_a_number_silences_the_numbers_around_it(said):
    assert Number().read(f'{{"reasoning": "4 and 5", "answer": {said}}}', QUERY) is None


def test_dashes_before_several_lines_are_bullets():
    assert Number("first").read("- 5 apples\n- 3 pears", QUERY) == 5.0


def test_the_modes_survive_yaml():
    assert build(dump(Number("first")), Reader) == Number("first")


@given(
    st.text() | st.text("0123456789.,-−/e$()½%=:^ x{}\\\n"), st.sampled_from(["stated", "first"])
)
def test_no_text_raises_and_every_value_is_finite(text, mode):
    value = Number(mode).read(text, QUERY)
    assert value is None or (isinstance(value, float) and isfinite(value))


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["stated", "first"]))
def test_a_number_is_read_as_it_was_spelled(value, mode):
    assert Number(mode).read(repr(value), QUERY) == value
    assert Number().read(f"First 3, then 4.\nThe answer is {value!r}.", QUERY) == value


@given(
    st.integers(-(10**15), 10**15),
    st.sampled_from(["{:,}", "${:,}", "**{:,}**", "\\boxed{{{:,}}}"]),
)
def test_a_whole_number_is_read_however_it_is_dressed(value, dress):
    assert Number().read(dress.format(value), QUERY) == value
