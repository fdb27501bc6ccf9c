"""Data against JSON Schemas, held against the reference implementation."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from onefold.core.errors import ConfigError
from onefold.signatures.checking import check_schema, misfit

FLOW = {
    "type": "object",
    "properties": {
        "label": {"enum": ["benign", "malicious"]},
        "ports": {"type": "array", "items": {"type": "integer", "minimum": 1}, "maxItems": 3},
        "note": {"type": ["string", "null"], "maxLength": 9, "pattern": "^[a-z]*$"},
        "inner": {"$ref": "#/$defs/Inner"},
    },
    "required": ["label"],
    "additionalProperties": False,
    "$defs": {"Inner": {"anyOf": [{"const": 1}, {"type": "object", "required": ["a"]}]}},
}


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        ({"label": "benign", "ports": [1], "note": None, "inner": {"a": 2}}, ""),
        ({}, "label: is missing"),
        ({"label": "ben"}, "label: 'ben' is none of 'benign', 'malicious'"),
        ({"label": "benign", "ports": [1, 0]}, "ports[1]: 0 is below 1"),
        ({"label": "benign", "ports": [1, True]}, "ports[1]: expected integer, got boolean"),
        ({"label": "benign", "ports": [1] * 4}, "ports: [1, 1, 1, 1] has more items than 3"),
        ({"label": "benign", "note": "A"}, "note: 'A' does not match '^[a-z]*$'"),
        ({"label": "benign", "note": "aaaaaaaaaa"}, "note: 'aaaaaaaaaa' is longer than 9"),
        ({"label": "benign", "inner": {}}, "inner: fits none of 2 forms: inner: {} is none of 1"),
        ({"label": "benign", "lable": 1}, "lable: no such field; known: label, ports, note, inner"),
        ([], "it: expected object, got array"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(data, wrong):
    assert misfit(data, FLOW, FLOW) == wrong


values = some.recursive(
    some.none() | some.booleans() | some.integers(-3, 3) | some.floats(-2, 2) | some.text("ab"),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text("ab"), inner),
    max_leaves=5,
)
bounds = some.integers(0, 2)
words = {
    "type": some.sampled_from(["object", "array", "string", "integer", "number", "boolean"])
    | some.just(["null", "number"]),
    "enum": some.lists(values, min_size=1, max_size=3),
    "const": values,
    "required": some.lists(some.text("ab"), max_size=2, unique=True),
    "pattern": some.sampled_from(["^a", "b$"]),
    **dict.fromkeys(["minimum", "exclusiveMaximum", "minLength", "maxLength", "minItems"], bounds),
}
schemas = some.recursive(
    some.fixed_dictionaries({}, optional=words) | some.booleans(),
    lambda inner: some.fixed_dictionaries(
        {},
        optional={
            **words,
            "items": inner,
            "properties": some.dictionaries(some.text("ab", max_size=2), inner, max_size=2),
            "additionalProperties": inner,
            "anyOf": some.lists(inner, min_size=1, max_size=2),
            "oneOf": some.lists(inner, min_size=1, max_size=2),
            "allOf": some.lists(inner, min_size=1, max_size=2),
        },
    ),
    max_leaves=4,
)


@given(values, schemas)
def test_it_agrees_with_the_reference_implementation(data, schema):
    jsonschema = pytest.importorskip("jsonschema")
    check_schema(schema, "output")
    fits = jsonschema.Draft202012Validator(schema).is_valid(data)
    assert (misfit(data, schema, {}) == "") is fits


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"typ": "object"}, "did you mean 'type'"),
        ({"type": "text"}, "no type named 'text'"),
        ({"properties": {"a": {"if": True}}}, r"output\.properties\.a: no keyword named 'if'"),
        ({"items": [1]}, r"output\.items: a JSON Schema is a mapping"),
        ([], "a JSON Schema is a mapping"),
    ],
)
def test_a_word_that_would_not_be_kept_is_refused(schema, why):
    with pytest.raises(ConfigError, match=why):
        check_schema(schema, "output")


def test_a_reference_to_nothing_is_refused():
    with pytest.raises(ConfigError, match="no schema at"):
        misfit(1, {"$ref": "#/$defs/Nobody"}, {})
