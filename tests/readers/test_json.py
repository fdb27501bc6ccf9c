"""The JSON reader."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.errors import ConfigError
from onefold.core.query import Query
from onefold.readers.json import Json

QUERY = Query("Which object?")

FOUND = {
    '{"a": [1, {"b": null}]}': {"a": [1, {"b": None}]},
    "[]": [],
    "17": 17,
    "false": False,
    '"word"': "word",
    'So:\n```json\n{"a": 1}\n```\nThat is all.': {"a": 1},
    "```\n17\n```": 17,
    '```json\n{"a": 1}\n```\nBetter:\n```json\n{"a": 2}\n```': {"a": 2},
    'Example {"a": 1}, result {"a": 2}.': {"a": 2},
    'It is {"a": 1}, see [1].': {"a": 1},
    "Sorted: [1, 2] it is": [1, 2],
    '[{"a": 1}, {"a": 2}]': [{"a": 1}, {"a": 2}],
    'With \\frac{1}{2} and {x}: {"a": "}"}': {"a": "}"},
    '{"a": "one\ntwo"}': {"a": "one\ntwo"},
    '{"code": "```py\\n1\\n```"}': {"code": "```py\n1\n```"},
}
BROKEN = ["", "plain words", "[1, 2,]", "{'a': 1}", "NaN", "[1e999]", '{"a": {"b": 1}, "c": oops}']


@pytest.mark.parametrize(("text", "value"), FOUND.items())
def test_json_is_found(text, value):
    found = Json().read(text, QUERY)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", BROKEN)
def test_a_text_without_json_abstains_or_stands_for_itself(text):
    assert Json().read(text, QUERY) is None
    assert Json(otherwise="text").read(text, QUERY) == text


def test_json_null_abstains_even_where_text_would_stand_for_itself():
    assert Json(otherwise="text").read("null", QUERY) is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("answer.value", 3),
        ("items[0].name", "x"),
        ("items[-1].name", "y"),
        ("answer", {"value": 3}),
    ],
)
def test_a_path_leads_to_the_value(path, value):
    text = 'As {"answer": {"value": 3}, "items": [{"name": "x"}, {"name": "y"}]} says'
    assert Json(path).read(text, QUERY) == value


@pytest.mark.parametrize("path", ["other", "answer.value.deeper", "answer[0]", "items[2]"])
def test_a_path_that_leads_nowhere_abstains(path):
    assert Json(path, "text").read('{"answer": {"value": 3}, "items": [1, 2]}', QUERY) is None


def test_of_several_objects_the_last_that_has_the_path_is_read():
    assert Json("answer").read('{"answer": 1} {"answer": 2} {"note": 3}', QUERY) == 2


@pytest.mark.parametrize("path", ["a..b", "items[x]", "a.", "[0", "a]"])
def test_a_malformed_path_is_refused(path):
    with pytest.raises(ConfigError, match="path"):
        Json(path)


def test_nesting_beyond_the_cap_abstains():
    assert Json().read("[" * 90 + "]" * 90, QUERY) is not None
    assert Json().read("[" * 200 + "]" * 200, QUERY) is None


@pytest.mark.parametrize("text", [None, 17, {"a": 1}])
def test_what_is_no_text_abstains(text):
    assert Json(otherwise="text").read(text, QUERY) is None


VALUES = st.recursive(
    st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_a_value_is_read_as_it_was_written(value):
    assert Json().read(json.dumps(value), QUERY) == value


@given(st.dictionaries(st.text(), VALUES, min_size=1), st.sampled_from([None, 2]))
def test_an_object_is_read_in_prose_and_in_fences(value, indent):
    written = json.dumps(value, indent=indent)
    assert Json().read(f"Here it is: {written} – done.", QUERY) == value


@given(st.text() | st.text('{}[]",:1a\\`\n '), st.sampled_from(["", "a", "[0]"]))
def test_no_text_raises(text, path):
    Json(path).read(text, QUERY)
