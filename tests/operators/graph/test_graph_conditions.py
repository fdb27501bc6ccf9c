"""Conditional edges: comparisons, functions and models that say whether a node runs."""

import pytest
from dataflow import Diary, Graph, Node, broken, says
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.core.errors import ConfigError, NoAnswer
from onefold.core.spec import build, dump
from onefold.operators.graph.condition import Condition, Holds, Where
from onefold.runtime.clock import instantly

ANSWER = of.Answer("Paris, sorry", ["x", 3], "a", confidence=0.6)


def holds(test, answer=ANSWER):
    """Whether a node behind an answer runs under a condition."""
    diary = Diary()
    first = of.operator(lambda _: answer)
    graph = Graph({"a": first, "b": Node(diary.node("b"), when=test)}, output="a")
    return instantly(graph(of.Query("hard one", inputs={"n": 3}))).draft("b").status == "answered"


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("a.confidence < 0.8", True),
        ("a.confidence<0.6", False),
        ("a.confidence <= 0.6", True),
        ("a.confidence >= 0.7", False),
        ("a.text == 'Paris, sorry'", True),
        ("a.text != 'Paris, sorry'", False),
        ("a.text contains 'sorry'", True),
        ("a.value contains 4", False),
        ("a.value.1 in [1, 2, 3]", True),
        ("a.value.0 not in ['x']", False),
        ("a.value.1 == query.inputs.n", True),
        ("query.text contains 'hard'", True),
        ("a.value", True),
        ("not a.value", False),
        ("a.reasoning", False),
        ("a.trust == null", True),
        ("a.status == 'answered'", True),
    ],
)
def test_a_comparison_decides_whether_a_node_runs(test, expected):
    assert holds(test) is expected


def test_a_skipped_node_says_which_condition_did_not_hold():
    graph = Graph({"a": says("a"), "b": Node(says("b"), when="a.text == 'x'")}, output="a")
    skipped = instantly(graph("q")).draft("b")
    assert skipped.error.kind == "Skipped"
    assert "a.text == 'x'" in skipped.error.message


def test_two_branches_meet_again_in_whatever_came():
    graph = Graph(
        {
            "kind": of.operator(lambda query: "sum" if "+" in query.text else "prose"),
            "sum": Node(says("4"), when="kind.text == 'sum'"),
            "prose": Node(says("words"), when="kind.text != 'sum'"),
            "end": Node("majority", after=["sum", "prose"]),
        }
    )
    assert instantly(graph("2 + 2?")).text == "4"
    assert instantly(graph("Hello")).text == "words"
    assert instantly(graph("Hello")).usage.calls == 1


def test_a_function_or_a_model_decides_too_and_is_paid_for():
    assert holds(lambda query: query.text == "hard one")
    assert not holds(of.operator(lambda _: False))
    assert holds(of.Read(says("yes"), "boolean"))
    graph = Graph({"a": says("a"), "b": Node(says("b"), when=of.Read(says("no"), "boolean"))}, "a")
    answer = instantly(graph("q"))
    assert (answer.draft("b").status, answer.usage.calls) == ("skipped", 2)


def test_a_condition_that_says_neither_fails_its_node():
    with pytest.raises(NoAnswer, match="says 'perhaps', neither true nor false"):
        holds(says("perhaps"))
    with pytest.raises(NoAnswer, match="do not compare"):
        holds("a.confidence < 0.8", of.Answer("x"))


def test_a_condition_about_a_node_without_an_answer_skips_unless_it_asks_for_its_status():
    nodes = {
        "a": Node(broken(), on_failure="skip"),
        "other": says("other"),
        "value": Node(says("value"), when="a.text != 'x'"),
        "rescue": Node(says("rescue"), when="a.status == 'failed'"),
        "why": Node(says("why"), when="a.error.kind == 'Unreachable'"),
    }
    answer = instantly(Graph(nodes, output="other")("q"))
    assert answer.draft("value").error.message == "a.text is not there, as no answer came from a"
    assert (answer.draft("rescue").text, answer.draft("why").text) == ("rescue", "why")


def test_conditions_are_written_and_read_back():
    kind = Condition

    @of.operator
    def is_hard(query):
        return len(query.text) > 20

    for made in (
        Where("a.text == 'x'"),
        Holds(is_hard),
        Holds("fake:yes"),
        Holds(of.Read("fake:yes", "boolean")),
        Holds("openai:gpt-4.1"),
    ):
        assert build(dump(made), kind) == made
    graph = Graph({"a": "fake:a", "b": Node("fake:b", when=is_hard)}, output="a")
    assert "when: is_hard" in dump(graph)
    assert build(dump(graph)) == graph


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("a", "names no field: write a.text"),
        ("a.txt == 1", "did you mean 'text'"),
        ("a.text == yes", "quote texts"),
        ("a.text = 'yes'", "is no path"),
        ("a.text ==", "is no path"),
        ("a.__class__", "no field named '__class__'"),
        ("item.text == 'x'", "not about each item"),
        ("", "is no path"),
    ],
)
def test_a_condition_that_is_none_is_refused_when_it_is_built(test, message):
    with pytest.raises(ConfigError, match=message):
        Node("fake:a", when=test)


@given(st.text(max_size=30))
def test_any_text_is_a_condition_or_a_config_error(test):
    try:
        made = Node("fake:a", when=test)
    except ConfigError:
        return
    assert build(dump(made)) == made
