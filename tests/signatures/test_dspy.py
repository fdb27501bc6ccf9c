"""Signatures of DSPy as ours: its documented attributes, its short form, and the real thing."""

from types import SimpleNamespace
from typing import Literal

import pytest

import onefold as of
from onefold.signatures.dspy import from_dspy
from onefold.signatures.signature import Signature


def field(annotation, name, desc="", prefix=""):
    """A field as DSPy keeps it."""
    extra = {"desc": desc or f"${{{name}}}", "prefix": prefix}
    return SimpleNamespace(annotation=annotation, json_schema_extra=extra)


SORTING = SimpleNamespace(
    instructions="Sort the {mail}.",
    input_fields={"mail": field(str, "mail", prefix="The Mail:"), "n": field(int, "n", "how many")},
    output_fields={
        "kind": field(Literal["spam", "ham"], "kind"),
        "sure": field(float, "sure", "in [0, 1]"),
    },
)


def test_fields_become_the_prompt_and_the_output():
    made = from_dspy(SORTING)
    query = made(mail="Dear friend", n=1)
    assert query.text == "Sort the {mail}.\n\nThe Mail: Dear friend\nN (how many): 1"
    assert made.output["properties"]["kind"] == {"enum": ["ham", "spam"], "type": "string"}
    assert made.output["properties"]["sure"] == {"type": "number", "description": "in [0, 1]"}
    answer = of.ask(query, 'fake:{"kind": "spam", "sure": 0.9}')
    assert answer.output == {"kind": "spam", "sure": 0.9}
    with pytest.raises(of.ConfigError, match="n: Expected int"):
        made(mail="x", n="one")
    with pytest.raises(of.Unreadable, match="kind: 'eggs' is none of 'ham', 'spam'"):
        of.ask(query, 'fake:{"kind": "eggs", "sure": 1}').output  # noqa: B018


def test_it_comes_back_from_yaml():
    made = from_dspy(SORTING)
    assert of.build(of.dump(made), Signature) == made


def test_the_short_form_needs_nobody():
    made = from_dspy("question, notes: list[str] -> answer: float, why")
    assert made.inputs == {"question": str, "notes": list[str]}
    assert list(made.output["properties"]) == ["answer", "why"]
    text = made(question="How far?", notes=["a"]).text
    assert text.startswith(
        "From the fields `question`, `notes` work out the fields `answer`, `why`"
    )
    assert text.endswith('Question: How far?\nNotes: ["a"]')
    assert from_dspy("question -> label: Literal['a:b', 'c']").output["required"] == ["label"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("question", "is no signature"),
        ("a -> b -> c", "is no signature"),
        ("a -> ", "no output fields"),
        ("a: strng -> b", "did you mean 'str'"),
        (object(), "no input_fields and output_fields"),
        (
            SimpleNamespace(input_fields={}, output_fields={"a": field(object(), "a")}),
            "no type that JSON can hold",
        ),
    ],
)
def test_what_is_no_signature_is_refused(given, why):
    with pytest.raises(of.ConfigError, match=why):
        from_dspy(given)


def test_a_real_one_reads_the_same():
    dspy = pytest.importorskip("dspy")

    class Sorting(dspy.Signature):
        """Sort the mail."""

        mail: str = dspy.InputField()
        kind: Literal["spam", "ham"] = dspy.OutputField(desc="what it is")

    made = from_dspy(Sorting)
    assert made(mail="Dear friend").text == "Sort the mail.\n\nMail: Dear friend"
    assert made.output["properties"]["kind"]["enum"] == ["ham", "spam"]
    assert made.output["properties"]["kind"]["description"] == "what it is"
