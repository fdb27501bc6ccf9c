"""A function as a tool: where its arguments come from, how they are checked, what it answers."""

import math
from dataclasses import dataclass
from typing import Literal

import pytest

import onefold as of
from onefold.core.spec import build, dump
from onefold.operators.composing.tool import tool


@dataclass
class Place:
    """Where something is."""

    x: int
    y: int = 0


def power(base: float, exponent: int = 2) -> float:
    """A power."""
    return base**exponent


def tagged(text: str, tags: list[str], mood: Literal["good", "bad"] = "good") -> str:
    """A text with tags."""
    return f"{text} {'/'.join(tags)} {mood}"


def moved(place: Place) -> dict:
    """One step to the right."""
    return {"x": place.x + 1, "y": place.y}


def drafted(text, value=None):
    return of.Query("q", drafts=(of.Answer(text, value, "m"),))


def test_named_inputs_are_its_arguments():
    answer = tool(power).ask(of.Query(inputs={"base": 3, "exponent": 3}))
    assert (answer.text, answer.value) == ("27", 27.0)
    assert tool(power).ask(of.Query("ignored", inputs={"base": "3", "other": 1})).value == 9.0


def test_what_a_model_wrote_as_json_are_its_arguments():
    model = of.Model('fake:Sure: ```json\n{"base": 2, "exponent": 5}\n```')
    assert (model >> tool(power)).ask("Two to the fifth?").value == 32.0
    assert tool(power).ask('{"base": 4}').value == 16.0
    assert tool(power).ask(drafted("…", {"base": 5})).value == 25.0


def test_a_single_missing_argument_may_be_the_text_itself():
    assert tool(power).ask("7").value == 49.0
    tagging = of.Query("hello", inputs={"tags": ["a"]})
    assert tool(tagged).ask(tagging).text == "hello a good"


def test_inputs_go_before_what_a_model_wrote():
    query = of.Query(
        "q", inputs={"exponent": 1}, drafts=drafted('{"base": 2, "exponent": 9}').drafts
    )
    assert tool(power).ask(query).value == 2.0


def test_arguments_become_what_their_annotations_say():
    answer = tool(moved).ask(of.Query(inputs={"place": {"x": 1}}))
    assert (answer.value, answer.text) == ({"x": 2, "y": 0}, '{"x":2,"y":0}')


def test_texts_answers_and_nothing_are_answers_as_they_are():
    assert tool(lambda _: None).ask("x").value is None
    assert tool(lambda _: of.Answer("so", confidence=0.3)).ask("x").confidence == 0.3


def test_an_async_tool_is_awaited():
    async def double(n: int) -> int:
        return 2 * n

    assert tool(double).ask("21").value == 42


def test_a_missing_or_wrong_input_is_an_error_of_the_caller():
    with pytest.raises(of.ConfigError, match="power needs base: give it in the query's inputs"):
        tool(power).ask(of.Query(inputs={"exponent": 3}))
    with pytest.raises(of.ConfigError, match="power: base='much' does not fit: Expected `float`"):
        tool(power).ask(of.Query(inputs={"base": "much"}))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no JSON here", "tagged needs text, tags, m wrote no JSON object: 'no JSON here'"),
        ('{"text": "a"}', "tagged needs tags, m wrote"),
        ('{"text": "a", "tags": 3}', "tagged: tags=3 does not fit: Expected `array`"),
        ('{"text": "a", "tags": [], "mod": 1}', "no argument named 'mod'; did you mean 'mood'"),
        ('{"text": "a", "tags": [], "mood": "ok"}', "tagged: mood='ok' does not fit"),
    ],
)
def test_what_a_model_wrote_wrongly_is_unreadable(text, why):
    with pytest.raises(of.Unreadable, match=why):
        tool(tagged).ask(drafted(text))


def test_a_function_that_cannot_be_called_by_names_is_refused_when_it_is_made():
    def placed(a, /):
        return a

    with pytest.raises(of.ConfigError, match="placed takes a by place"):
        tool(placed)
    with pytest.raises(of.ConfigError, match="sqrt takes x by place"):
        tool(math.sqrt)
    with pytest.raises(of.ConfigError, match="does not say which arguments it takes"):
        tool(max)


def test_a_tool_is_known_by_its_name_like_any_function():
    made = tool(power)
    assert made == tool(power)
    panel = of.Panel(["fake:a", "power"])
    assert panel.members[1] == made
    assert build(dump(panel)) == panel
    assert "power" in dump(panel)
    assert of.Panel([made]).ask("3").source == "power"
    with pytest.raises(of.ConfigError, match="no registered name"):
        dump(tool(lambda a: a))


def test_what_a_tool_raises_is_a_failed_draft_in_a_panel():
    def broken(n: int) -> int:
        raise ValueError(n)

    answer = of.Panel([tool(broken), "fake:3"], quorum=1).ask("3")
    assert (answer.text, answer.drafts[0].error.kind) == ("3", "ValueError")
