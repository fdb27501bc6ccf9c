"""What CrucibleEnsemble reads, ours reads as well; where it misreads, ours does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from onefold.core.query import Query
from onefold.readers.boolean import Boolean
from onefold.readers.json import Json
from onefold.readers.number import Number
from onefold.readers.similarity import similarity
from onefold.readers.text import LowercaseTrim

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
QUERY = Query("As Crucible reads it")
READERS = {
    "lowercase_trim": LowercaseTrim(blank="keep"),
    "numeric": Number(mode="first"),
    "numeric_extract_nonstring": Number(mode="first"),
    "boolean": Boolean(),
    "json": Json(otherwise="text"),
}
MENDED = {
    "normalize-025": 42.0,
    "normalize-029": 0.5,
    "normalize-030": -0.5,
    "normalize-031": -5.0,
    "normalize-032": -42.0,
    "normalize-036": 1234.56,
    "normalize-039": -5.0,
    "normalize-041": 0.5,
    "normalize-088": False,
    "normalize-089": False,
    "normalize-090": False,
    "normalize-091": False,
    "normalize-092": None,
    "normalize-093": False,
}


def cases(name: str) -> list[Any]:
    path = CASES / name
    if not path.exists():
        reason = pytest.mark.skip(reason=f"{path} is not there")
        return [pytest.param({}, marks=reason, id=name)]
    known = json.loads(path.read_text("utf-8"))["cases"]
    return [pytest.param(case, id=case["id"]) for case in known if case["area"] == "normalize"]


@pytest.mark.parametrize("case", cases("crucible.json"))
def test_what_crucible_reads_is_read_alike(case):
    options, text, expected = case["options"], case["input"], case["expected"]
    if options.get("function") == "text_similarity":
        assert similarity(*text) == pytest.approx(expected, abs=1e-12)
        return
    reader = READERS.get(str(options.get("normalization")))
    if reader is None or options.get("function") == "extract_response_text":
        pytest.skip("about replies and functions, which are no readers here")
    if isinstance(text, dict):
        text = text.get("response", text.get("text"))
    value = reader.read(text, QUERY)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize("case", cases("crucible_flaws.json"))
def test_what_crucible_misreads_is_read_rightly(case):
    reader = Number() if case["options"]["normalization"] == "numeric" else Boolean()
    value = reader.read(case["input"], QUERY)
    assert value != case["expected"] or type(value) is not type(case["expected"])
    assert value == MENDED.get(case["id"], value)
    if reader == Number() and case["id"] != "normalize-025":
        assert Number("first").read(case["input"], QUERY) == value
