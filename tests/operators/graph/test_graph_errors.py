"""Graphs that cannot run are refused when they are built, with names and the way out."""

import pytest
from dataflow import Diary, Graph, Node

import onefold as of
from onefold.core.errors import ConfigError
from onefold.operators.graph.paths import path
from onefold.operators.modules.module import Module

WRONG = {
    "it is empty": ({}, "empty: give it at least one node"),
    "a circle of one": ({"a": Node("fake:a", after=["a"])}, "a -> a; take one arrow out"),
    "a circle of two": (
        {"a": Node("fake:a", after=["b"]), "b": Node("fake:b", after=["a"])},
        "a -> b -> a",
    ),
    "a circle behind a tail": (
        {
            "x": "fake:x",
            "a": Node("fake:a", after=["x", "c"]),
            "b": Node("fake:b", inputs={"y": "a.text"}),
            "c": Node("fake:c", when="b.text == 'z'"),
            "d": Node("fake:d", after=["c"]),
        },
        "a -> b -> c -> a",
    ),
    "nobody has the name": (
        {"judge": "fake:a", "b": Node("fake:b", after=["jugde"])},
        r"nodes.b: after: no node named 'jugde'; did you mean 'judge'\? Known: b, judge",
    ),
    "nobody has the input": (
        {"a": "fake:a", "b": Node("fake:b", inputs={"x": "c.text"})},
        "nodes.b: inputs.x: no node named 'c'",
    ),
    "nobody has the list": ({"b": Node("fake:b", each="c.value")}, "nodes.b: each: no node named"),
    "nobody has the condition": (
        {"b": Node("fake:b", when="c.value")},
        "nodes.b: when: no node named",
    ),
    "several ends": ({"a": "fake:a", "b": "fake:b"}, "2 nodes lead nowhere: a, b; .*output='b'"),
    "a dot in a name": ({"gpt-4.1": "fake:a"}, "letters, digits and _"),
    "a reserved name": ({"query": "fake:a"}, "no node can be named 'query'"),
    "no name": (["fake:a"], r"nodes\[0\] has no name"),
    "one name twice": (
        [of.Named("a", "fake:a"), of.Named("a", "fake:b")],
        "two nodes named 'a': rename one",
    ),
    "a wrong operator": ({"a": {"modle": "x"}}, "nodes.a: no operator named 'modle'"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_graph_that_cannot_run_is_refused(what):
    nodes, message = WRONG[what]
    with pytest.raises(ConfigError, match=message):
        Graph(nodes)


def test_an_output_must_be_a_node():
    with pytest.raises(ConfigError, match="output: no node named 'c'; did you mean"):
        Graph({"cc": "fake:a"}, output="c")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"after": ["a", "a"]}, "'a' stands twice"),
        ({"after": "a"}, "after: 'a' does not fit"),
        ({"inputs": {"x": "a"}}, "inputs.x: the path 'a' names no field: write a.text or a.value"),
        ({"inputs": {"x": "a.valeu.b"}}, "did you mean 'value'"),
        ({"inputs": {"x": "query.texts"}}, "did you mean 'text'"),
        ({"inputs": {"x": "a..text"}}, "is no path"),
        ({"inputs": {"x": "a.draft"}}, "no field named 'draft'"),
        ({"retries": -1}, "retries"),
        ({"timeout": 0}, "timeout"),
        ({"on_failure": "ignore"}, "on_failure"),
        ({"default": "x", "on_failure": "skip"}, "never fails"),
        ({"afer": ["a"]}, "no field named 'afer'; did you mean 'after'"),
    ],
)
def test_a_node_that_makes_no_sense_is_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        Node("fake:a", **fields)


def test_what_the_question_must_have_is_checked_before_anything_is_paid(instantly):
    diary = Diary()
    graph = Graph(
        {
            "a": diary.node("a"),
            "b": Node(diary.node("b"), after=["a"], inputs={"x": "query.inputs.topic"}),
        }
    )
    with pytest.raises(ConfigError, match=r"nodes.b: inputs.x: query.inputs.topic: .*'topic'"):
        instantly(graph("q"))
    assert not diary.began


def test_what_a_signature_needs_must_be_supplied(instantly):
    module = Module("fake:a", "Is {label} right about {topic}?")
    with pytest.raises(ConfigError, match=r"nodes.b: inputs: its signature needs 'topic', which"):
        Graph({"a": "fake:a", "b": Node(module, inputs={"label": "a.text"})})
    inputs = {"label": "a.text", "topic": "query.text"}
    graph = Graph({"a": "fake:a cat", "b": Node(module, inputs=inputs)})
    seen = []

    def listen(phase, span, _, __):
        if (phase, span.verb) == ("start", "complete"):
            seen.append(span.query.prompt)

    with of.Session(listeners=[listen]):
        instantly(graph("animals"))
    assert seen == ["animals", "Is a cat right about animals?"]


def test_paths_reach_fields_keys_and_places_and_nothing_private():
    answer = of.Answer("x", {"a": [{"b": 1}]}, drafts=(of.Answer("y"),))
    assert path("n.value.a.0.b").of(answer) == 1
    assert path("n.drafts.0.text").of(answer) == "y"
    for text in ("n.value.c", "n.value.a.1", "n.text.upper", "n.value.a.x", "n.usage._x"):
        with pytest.raises(of.Unreadable, match="there is no"):
            path(text).of(answer)
