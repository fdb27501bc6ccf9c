"""What values of types look like as JSON, and back."""

import json
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec
import pytest

from onefold.core.errors import ConfigError
from onefold.signatures.shapes import shape, told
from onefold.signatures.typed import made


class Tree(msgspec.Struct):
    name: str
    children: list["Tree"] = []


class Grade(msgspec.Struct):
    points: Annotated[int, msgspec.Meta(ge=0, le=10)]
    day: date


@dataclass
class Sheet:
    pupil: str
    grades: list[Grade] = field(default_factory=list)


class Loose(TypedDict):
    a: int
    b: NotRequired[str]


class Colour(Enum):
    RED = "red"


GRADE = '{"points": 3, "day": "2026-01-02"}'


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Grade, GRADE, Grade(3, date(2026, 1, 2))),
        (
            Sheet,
            f'{{"pupil": "Ada", "grades": [{GRADE}]}}',
            Sheet("Ada", [Grade(3, date(2026, 1, 2))]),
        ),
        (Loose, '{"a": 1}', {"a": 1}),
        (Tree, '{"name": "a", "children": [{"name": "b"}]}', Tree("a", [Tree("b")])),
        (Colour, '"red"', Colour.RED),
        (Colour, '{"value": "red"}', Colour.RED),
        (dict[str, int], '{"value": 3}', {"value": 3}),
        (list[str], '["a", "b"]', ["a", "b"]),
        (list[str], '{"value": ["a"]}', ["a"]),
        (list[Loose], 'Here:\n```json\n[{"a": 1}]\n```', [{"a": 1}]),
        (int, "42", 42),
        (int, '{"value": 42}', 42),
        (float, "42", 42.0),
        (bool, "false", False),
        (Any, '{"a": [1]}', {"a": [1]}),
        ({"type": "object", "required": ["a"]}, 'So: {"a": 1}.', {"a": 1}),
        ({"type": "array", "items": {"type": "integer"}}, "[1, 2]", [1, 2]),
    ],
)
def test_the_value_of_a_text(kind, text, value):
    found = made(text, kind)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (int, "The answer is 42.", 42),
        (float, "It is 7.5, I think.", 7.5),
        (bool, "No, that is not true.", False),
        (Literal["benign", "malicious"], "This one is benign.", "benign"),
    ],
)
def test_a_plain_value_may_be_said_in_words(kind, text, value):
    assert made(text, kind) == value


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        (Grade, '{"points": 11, "day": "2026-01-02"}', "points: Expected int <= 10"),
        (Grade, '{"points": "3", "day": "2026-01-02"}', "points: Expected int, got str"),
        (Grade, '{"points": 3}', "missing required field day"),
        (Sheet, '{"pupil": "Ada", "grades": [{"points": 1.5}]}', r"grades\[0\].points: Expected"),
        (Grade, "I cannot tell.", "no JSON in 'I cannot tell.'"),
        (Grade, "[1]", "Expected object, got array"),
        (int, "The answer is 7.5.", "Expected int, got float"),
        (list[int], '{"value": [1, "a"]}', r"\[1\]: Expected int, got str"),
        (int, "", "no JSON"),
        (Literal["a", "b"], '"c"', "Invalid enum value 'c'"),
    ],
)
def test_what_does_not_fit_says_which_field_and_why(kind, text, why):
    with pytest.raises(Exception, match=why):
        made(text, kind)


def test_of_several_values_in_a_text_the_one_that_fits_counts():
    assert made('For {"points": "?"} I say {"a": 1}.', Loose) == {"a": 1}
    assert made('I say {"a": 1}, and {"note": 2}.', Loose) == {"a": 1}


@pytest.mark.parametrize(
    "kind", [Grade, Sheet, Loose, Tree, Colour, int, list[Sheet], dict[str, int]]
)
def test_a_schema_is_of_one_closed_object(kind):
    schema = shape(kind).schema
    assert schema["type"] == "object"
    assert json.loads(json.dumps(schema)) == schema
    if "properties" in schema:
        assert schema["additionalProperties"] is False


def test_choices_say_what_they_are():
    assert shape(Literal["a", "b"]).schema["properties"]["value"]["type"] == "string"
    assert shape(Literal[1, 2]).schema["properties"]["value"]["type"] == "integer"
    assert "type" not in shape(Literal[1, "a"]).schema["properties"]["value"]


def test_a_schema_of_a_type_that_holds_itself_refers_to_it():
    schema = shape(Tree).schema
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Tree"}
    assert schema["$defs"]["Tree"]["additionalProperties"] is False
    assert shape(list[Tree]).schema["properties"]["value"]["items"] == {"$ref": "#/$defs/Tree"}


def test_pydantic_models_are_asked_for_and_made_by_their_own_rules():
    pydantic = pytest.importorskip("pydantic")

    class Inner(pydantic.BaseModel):
        count: int = pydantic.Field(ge=0, description="how many")

    class Outer(pydantic.BaseModel):
        model_config = {"strict": True}
        day: date
        inner: Inner

    schema = shape(Outer).schema
    assert schema["properties"]["inner"]["properties"]["count"]["description"] == "how many"
    assert schema["additionalProperties"] is False
    assert "$defs" not in schema
    text = '{"day": "2026-01-02", "inner": {"count": 1}}'
    assert made(text, Outer) == Outer(day=date(2026, 1, 2), inner=Inner(count=1))
    assert made(f"[{text}]", list[Outer])[0].inner.count == 1
    with pytest.raises(Exception, match=r"day: Field required; inner\.count: Input should be"):
        made('{"inner": {"count": -1}}', Outer)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (object(), "no type that JSON can hold"),
        (type("Mine", (), {}), "no type that JSON can hold"),
        (list[type("Mine", (), {})], "no type that JSON can hold"),
        (3, "no type that JSON can hold"),
        ([str], r"write a list as list\[str\]"),
        (None, "an output of None is no output"),
        (int | None, "an output of None is no output"),
        ({"typ": "object"}, "did you mean 'type'"),
    ],
)
def test_a_type_that_no_reply_can_have_is_refused(kind, why):
    with pytest.raises(ConfigError, match=why):
        shape(kind)


def test_an_error_without_a_place_is_told_as_it_is():
    assert told(ValueError("odd")) == "odd"
