"""Signatures: what they ask, what they refuse, and how they are written down."""

from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

import onefold as of
from onefold.signatures.signature import Form, Signature, signature
from onefold.signatures.typed import Typed


class Flows(msgspec.Struct):
    flows: list[str]
    tone: str = "calm"
    most: int = msgspec.field(default=3, name="limit")


class Verdict(msgspec.Struct):
    label: Literal["benign", "malicious"]
    why: str = ""


@dataclass
class Place:
    city: str
    size: float = 1.0


class Wanted(TypedDict, total=False):
    city: str


@signature
def label(flows: list[str], most: int) -> Verdict:
    """Label each of at most {most} flows:

    {flows}
    """


def test_a_signature_makes_a_query_of_named_inputs():
    capital = Signature("What is the capital of {country}?", system="Be short.", reads="plain")
    query = capital(country="Peru")
    assert query.text == "What is the capital of Peru?"
    assert query.inputs == {"country": "Peru"}
    assert (query.system, query.schema) == ("Be short.", None)
    assert of.ask(query, "fake: Lima ").output == "Lima"


def test_a_function_that_is_only_declared_is_a_signature():
    query = label(flows=["a", "b"], most=2)
    assert query.text == 'Label each of at most 2 flows:\n\n["a","b"]'
    assert query.reads == Typed(Verdict)
    assert query.schema["properties"]["label"]["enum"] == ["benign", "malicious"]
    answer = of.ask(query, 'fake:{"label": "benign"}')
    assert answer.output == answer.value == Verdict("benign")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("{x}", "{x}"),
        (["a", 1], '["a",1]'),
        ({"a": None}, '{"a":null}'),
        (True, "true"),
        (2.5, "2.5"),
        (Verdict("benign"), '{"label":"benign","why":""}'),
        (object, "<class 'object'>"),
    ],
)
def test_texts_stand_as_they_are_and_other_values_as_json(value, shown):
    assert Signature("<{x}>")(x=value).text == f"<{shown}>"


def test_formats_and_braces_of_a_template_mean_what_they_mean_in_python():
    assert Signature('{{"price": {price:.2f}}}')(price=2).text == '{"price": 2.00}'


def test_an_empty_template_lists_the_inputs():
    assert Signature(inputs=["a", "b"])(a="x", b=[1]).text == "a: x\nb: [1]"
    assert Signature(inputs=Place)(city="Rome").text == "city: Rome\nsize: 1.0"


def test_inputs_of_a_class_have_its_types_and_defaults():
    made = Signature("{flows} {tone} {most}", Flows)
    assert made(flows=("a",)).inputs == {"flows": ["a"], "tone": "calm", "most": 3}
    assert made(flows=[], most=1).text == "[] calm 1"
    with pytest.raises(of.ConfigError, match=r"limit: Expected int, got str"):
        made(flows=[], most="many")
    assert Signature(inputs=Wanted)().inputs == {}
    assert Signature(inputs=Wanted, output=int)(city="Rome").text == "city: Rome"


def test_inputs_may_be_a_pydantic_model():
    pydantic = pytest.importorskip("pydantic")

    class Question(pydantic.BaseModel):
        text: str
        most: int = pydantic.Field(3, ge=1)

    made = Signature("{text} {most}", Question)
    assert made(text="a").inputs == {"text": "a", "most": 3}
    with pytest.raises(of.ConfigError, match="most: Input should be greater"):
        made(text="a", most=0)
    with pytest.raises(of.ConfigError, match="needs text"):
        made()
    one = Signature("{asked}", {"asked": Question})
    assert one(asked={"text": "a"}).text == '{"text":"a","most":3}'
    with pytest.raises(of.ConfigError, match=r"asked: .*text: Field required"):
        one(asked={})


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "needs flows, most; given: nothing"),
        ({"most": 2}, "needs flows; given: most"),
        ({"flow": [], "most": 2}, "no input named 'flow'; did you mean 'flows'"),
        ({"flows": "a", "most": 2}, r"flows: Expected array, got str"),
        ({"flows": ["a", 3], "most": 2}, r"flows: \[1\]: Expected str, got int"),
        ({"flows": [], "most": True}, "most: Expected int, got bool"),
    ],
)
def test_inputs_that_are_missing_unknown_or_of_a_wrong_type_are_named(given, why):
    with pytest.raises(of.ConfigError, match=why):
        label(**given)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"template": "{a} {b}", "inputs": ["a"]}, "template: no input named 'b'"),
        ({"template": "{a}", "inputs": ["a", "b"]}, "'b' is nowhere in the template"),
        ({"template": "no input", "inputs": Place}, "'city' is nowhere in the template"),
        ({"template": "a }"}, "template: single '}' encountered.*brace itself"),
        ({"template": "a {"}, "brace itself"),
        ({"template": '{"label": 1}'}, "is no input"),
        ({"template": "{}"}, "is no input"),
        ({"template": "{0}"}, "is no input"),
        ({"template": "{a.b}"}, "is no input"),
        ({"template": "{a[0]}"}, "is no input"),
        ({"template": "{a!r}"}, "{a!r} is no input"),
        ({"template": "{a:{b}}"}, "is no input"),
        ({}, "needs a template, or inputs"),
        ({"template": " \n"}, "needs a template, or inputs"),
        ({"inputs": ["a", "a"]}, "'a' stands twice"),
        ({"inputs": ["a b"]}, "no name for an input"),
        ({"inputs": [1]}, "no name for an input"),
        ({"inputs": {"a": 3}}, r"inputs\.a: 3 is no type"),
        ({"inputs": {"a": "sting"}}, "no type named 'sting'"),
        ({"inputs": int}, "no named fields"),
        ({"inputs": 3}, "no named fields"),
        ({"inputs": "no.such:Thing"}, "no type at"),
        ({"template": "a", "output": "sting"}, "no type named 'sting'"),
        ({"template": "a", "output": object()}, "no type that JSON can hold"),
        ({"template": "a", "output": None}, "an output of None"),
        ({"template": "a", "output": int, "reads": "number"}, "only a text is read"),
        ({"template": "a", "output": {"typ": 1}}, "did you mean 'type'"),
    ],
)
def test_a_signature_is_checked_when_it_is_made(fields, why):
    with pytest.raises(of.ConfigError, match=why):
        Signature(**fields)


def test_a_format_that_does_not_fit_its_input_is_refused():
    with pytest.raises(of.ConfigError, match=r"\{price:\.2f\} cannot be written"):
        Signature("{price:.2f}")(price="two")


def test_a_function_must_say_all_that_a_signature_needs():
    def silent(a: str): ...

    def defaulted(a: str = "x"):
        """{a}"""

    def many(*a: str):
        """{a}"""

    def unknown(a: "Nobody"):  # noqa: F821
        """{a}"""

    for function, why in (
        (silent, "no docstring"),
        (defaulted, "take a class of inputs"),
        (many, "take a class of inputs"),
        (unknown, "Nobody"),
    ):
        with pytest.raises(of.ConfigError, match=why):
            signature(function)


@pytest.mark.parametrize(
    "made",
    [
        Signature("Sum up: {text}"),
        Signature("signature"),
        Signature("{a}\n\n  {b} \x85", ["b", "a"]),
        Signature("{a}", {"a": list[int] | None}, system="x", reads="number"),
        Signature(inputs=Flows, output=Verdict),
        Signature("{city}{size}", Place, list[Place]),
        Signature("{a}", output=Literal["yes", "no: 'quoted'"]),
        Signature("{a}", output={"type": "object", "required": ["b"], "enum": [{"b": None}, 1.5]}),
        Signature("nothing to fill in", {}, dict[str, Any]),
        label,
    ],
)
def test_a_signature_comes_back_from_yaml(made):
    again = of.build(of.dump(made), Form)
    assert again == made == of.build(of.dump(made), Signature)
    assert hash(again) == hash(made)
    assert again != Signature("another {text}")


def test_a_signature_of_a_local_class_says_why_it_cannot_be_written():
    class Local(msgspec.Struct):
        a: int

    made = Signature("x", output=Local)
    assert made == Signature("x", output=Local)
    with pytest.raises(of.ConfigError, match="top level of a module"):
        of.dump(made)


names = some.from_regex(r"[a-z]{1,5}", fullmatch=True)


@given(some.dictionaries(names, some.text()), some.lists(some.text(), min_size=9, max_size=9))
def test_words_and_inputs_of_any_kind_come_through_a_template(inputs, between):
    words = [text.replace("{", "{{").replace("}", "}}") for text in between]
    template = words[0] + "".join(
        f"{{{name}}}{word}" for name, word in zip(inputs, words[1:], strict=False)
    )
    if not template.strip():
        return
    told = between[0] + "".join(
        value + word for value, word in zip(inputs.values(), between[1:], strict=False)
    )
    used = dict(list(inputs.items())[:8])
    assert Signature(template)(**used).text == told
