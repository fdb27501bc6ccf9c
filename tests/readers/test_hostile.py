"""No text makes a reader raise, hang, or take more than linear time."""

from __future__ import annotations

from time import process_time

import pytest

from onefold.core.query import Query
from onefold.readers.boolean import Boolean
from onefold.readers.choice import Choice
from onefold.readers.json import Json
from onefold.readers.number import Number

QUERY = Query("What now?")
LENGTH = 300_000
READERS = [
    Number(),
    Number("first"),
    Boolean(),
    Choice(),
    Choice(("yes", "no", "very positive", "positive")),
    Json(),
    Json("answer.value", "text"),
]
UNITS = [
    *'{[(-−$0915`"\\.#*_ \n٣½?:=AI',
    *("1,", "1.", "1.111.", "111,", "1,111,111,", "1/1/", "1e", "0x", "1 1/1", "1-1-", "10^", "-$"),
    *("the answer is ", "the answer to ", "answer", "answer: ", "#### ", "**Answer", "\\boxed{"),
    *('{"answer":', '"answer": "', '{"a":1},', '{"a":[', "{}", "[[]]", "[1],", '\\"', '{"', "]}"),
    *("```", "```\n", "\\frac{1}{2}", "\\frac{", "- 1", "1 ", "1'111"),
    *("A ", "(B) ", "A and ", "option ", "not ", "yes", "no ", "true? ", "maybe ", "very ", "n't "),
]
GENEROUS = 12.0  # four times the text may take this many times as long; a square would take 16
BRIEF = 0.02  # seconds below which a clock says nothing


def spent(reader, text):
    """CPU seconds that a reading takes."""
    start = process_time()
    reader.read(text, QUERY)
    return process_time() - start


@pytest.mark.parametrize("reader", READERS, ids=repr)
@pytest.mark.parametrize("unit", UNITS, ids=ascii)
def test_reading_a_hostile_text_is_linear_in_its_length(reader, unit):
    text = unit * (LENGTH // len(unit))
    quarter = spent(reader, text[: LENGTH // 4])
    assert spent(reader, text) < GENEROUS * max(quarter, BRIEF)
