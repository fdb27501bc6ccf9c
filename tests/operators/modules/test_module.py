"""Modules: who answers, as whom, how, and to which inputs."""

from typing import Literal

import pytest

import onefold as of
from onefold.operators.modules.module import Module, call
from onefold.signatures.signature import Signature

SUM_UP = Signature("Sum up: {text}", system="In English.")
LABEL = Signature("{flow}, {port}", {"flow": str, "port": int}, Literal["benign", "malicious"])


def listening(reply="fine"):
    """A model that remembers what it was asked."""
    seen = []

    def says(request: of.Request):
        seen.append(request)
        return reply

    return of.Model("m", provider=says), seen


def test_persona_instructions_and_reasoning_stand_before_the_question():
    model, seen = listening()
    module = Module(model, SUM_UP, "a terse editor", "Think twice.", temperature=0.2, max_tokens=9)
    assert call(module, text="All is well.").output == "fine"
    (request,) = seen
    assert [(m.role, m.content) for m in request.messages] == [
        ("system", "You are a terse editor.\n\nIn English.\n\nThink twice."),
        ("user", "Sum up: All is well."),
    ]
    assert request.sampling == of.Sampling(temperature=0.2, max_tokens=9)


def test_without_a_signature_the_query_stays():
    model, seen = listening()
    Module(model, persona="a poet.").ask(of.Query("Rain?", system="Rhyme."))
    assert [m.content for m in seen[0].messages] == ["You are a poet.\n\nRhyme.", "Rain?"]


def test_a_text_is_the_only_input_of_a_signature():
    model, seen = listening()
    module = Module(model, SUM_UP)
    for query in ("All is well.", SUM_UP(text="All is well.")):
        module.ask(query)
        assert seen[-1].prompt == "Sum up: All is well."


def test_inputs_that_a_signature_does_not_know_are_left_to_others():
    module = Module("fake:benign", LABEL)
    assert call(module, flow="a", port=1, colour="red").output == "benign"


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"flow": "a"}, "needs port; given: flow"),
        ({"flow": "a", "port": "b"}, "port: Expected int, got str"),
    ],
)
def test_inputs_that_are_missing_or_wrong_are_named(inputs, why):
    with pytest.raises(of.ConfigError, match=why):
        call(Module("fake:x", LABEL), **inputs)
    with pytest.raises(of.ConfigError, match="needs flow, port; given: nothing"):
        Module("fake:x", LABEL).ask("just a text")


def test_a_module_is_an_operator_like_any_other():
    module = Module("fake:benign", LABEL)
    query = LABEL(flow="a", port=1)
    assert of.Panel([module, "fake:malicious", module]).ask(query).output == "benign"
    shown = (module >> Module("fake:short", SUM_UP)).ask(
        query.but(inputs={**query.inputs, "text": "b"})
    )
    assert (shown.output, shown.drafts[0].output) == ("short", "benign")
    assert of.plan(module, query).worst.calls == 2


def test_only_a_single_model_draws_as_it_is_told():
    with pytest.raises(of.ConfigError, match="temperature, max_tokens: only a single model"):
        Module(of.Panel(["fake:a"]), temperature=1.0, max_tokens=3)


@pytest.mark.parametrize(
    "module",
    [
        Module("fake:a"),
        Module("fake:a", SUM_UP, persona="a poet", reasoning="Slowly.", temperature=0.5, top_p=0.9),
        Module(of.Panel(["fake:a", "fake:b"]), LABEL),
        Module("fake:a", "Sum up: {text}"),
    ],
)
def test_a_module_comes_back_from_yaml(module):
    assert of.build(of.dump(module)) == module


def test_a_call_without_inputs_is_refused():
    with pytest.raises(of.ConfigError, match="the query is empty"):
        call("fake:x")
