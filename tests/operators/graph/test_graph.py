"""Graphs: what each node sees, when it starts, and what comes back."""

import asyncio
import gc

import pytest
from dataflow import Diary, Graph, Node, says

import onefold as of
from onefold.core.errors import ConfigError
from onefold.core.spec import build, dump
from onefold.operators.graph.flow import Flow


def test_a_judge_sees_the_drafts_it_waits_for_in_the_order_of_after(instantly):
    diary = Diary()
    graph = Graph(
        {
            "late": diary.node("late", 2),
            "early": diary.node("early", 1),
            "judge": Node(diary.node("judge"), after=["late", "early"]),
        }
    )
    answer = instantly(graph("q"))
    assert answer.text == "judge(late(),early())"
    assert [draft.source for draft in diary.queries["judge"].drafts] == ["late", "early"]
    assert diary.queries["judge"].text == "q"
    assert [draft.source for draft in answer.drafts] == ["late", "early", "judge"]
    assert answer.seconds == 2.0


def test_each_node_starts_as_soon_as_its_own_inputs_are_there(instantly):
    diary = Diary()
    graph = Graph(
        {
            "quick": diary.node("quick", 1),
            "slow": diary.node("slow", 5),
            "next": Node(diary.node("next", 1), after=["quick"]),
            "end": Node(diary.node("end"), after=["next", "slow"]),
        }
    )
    assert instantly(graph("q")).seconds == 5.0
    assert diary.began == {"quick": 0, "slow": 0, "next": 1, "end": 5}


def test_a_node_without_after_or_inputs_sees_the_query_as_it_is(instantly):
    diary = Diary()
    query = of.Query("q", inputs={"topic": "sea"}, drafts=(of.Answer("before"),), labels=("x",))
    instantly(Graph({"a": diary.node("a")})(query))
    assert diary.queries["a"] == query


def test_inputs_rename_and_select_fields_of_answers_and_of_the_question(instantly):
    diary = Diary()
    label = of.operator(lambda _: of.Answer("a cat", {"label": "cat", "scores": [0.9, 0.1]}))
    inputs = {
        "draft": "a.text",
        "label": "a.value.label",
        "second": "a.value.scores.1",
        "topic": "query.inputs.topic",
        "asked": "query.text",
    }
    graph = Graph({"a": label, "b": Node(diary.node("b"), inputs=inputs)})
    instantly(graph(of.Query("what?", inputs={"topic": "animals"})))
    seen = diary.queries["b"]
    assert seen.inputs == {
        "draft": "a cat",
        "label": "cat",
        "second": 0.1,
        "topic": "animals",
        "asked": "what?",
    }
    assert (seen.text, seen.drafts) == ("what?", ())


def test_every_answer_is_found_by_its_node(instantly):
    graph = Graph({"a": says("4"), "b": says("5"), "c": Node("majority", after=["a", "b"])})
    answer = instantly(graph("2 + 2?"))
    assert [answer.draft(name).text for name in "abc"] == ["4", "5", "4"]
    assert answer.draft("c").tally.dissent == ("b",)
    with pytest.raises(ConfigError, match="no draft named 'd'"):
        answer.draft("d")


def test_the_answer_is_that_of_the_output_and_every_node_runs(instantly):
    nodes = {"a": says("4"), "b": says("5")}
    answer = instantly(Graph(nodes, output="a")("2 + 2?"))
    assert (answer.text, answer.draft("b").text, answer.usage.calls) == ("4", "5", 2)


def test_what_everything_used_adds_up_once(instantly):
    priced = {"price": (1e6, 1e6), "tokens": (1, 2)}
    graph = Graph(
        {
            "a": says("a", **priced),
            "b": of.Panel([says("b", **priced), says("c", **priced)]),
            "c": Node(says("d", **priced), after=["a", "b"]),
        }
    )
    answer = instantly(graph("q"))
    assert (answer.usage.calls, answer.usage.usd) == (4, 12.0)
    assert sum(draft.usage.usd for draft in answer.drafts) == 12.0
    assert len(answer.leaves) == 4


def test_a_graph_is_a_node_of_a_graph(instantly):
    inner = Graph({"x": says("x", 1), "y": Node(says("y", 1), after=["x"])})
    graph = Graph({"sub": inner, "z": says("z", 2), "end": Node(says("e"), after=["sub", "z"])})
    answer = instantly(graph("q"))
    assert answer.seconds == 2.0
    assert answer.draft("sub").draft("x").text == "x"


def test_node_results_stream_as_they_come_and_only_the_output_speaks():
    graph = Graph({"a": says("one two"), "b": Node(says("three four"), after=["a"])})
    events = [(event.kind, event.source, event.text) for event in graph.stream("q")]
    assert events == [
        ("draft", "a", "one two"),
        ("token", "three four", "three "),
        ("token", "three four", "four"),
        ("draft", "b", "three four"),
        ("answer", "three four", "three four"),
    ]


def test_nodes_that_ask_the_same_draw_different_samples(instantly):
    model = of.Model("m", provider=of.Fake(("first", "second", "third")))
    graph = Graph(
        {"a": model, "b": model, "c": model, "all": Node("majority", after=["a", "b", "c"])}
    )
    with of.Session(cache="memory"):
        answer = instantly(graph("q"))
    assert [draft.text for draft in answer.drafts[:3]] == ["first", "second", "third"]


def test_a_graph_comes_back_from_its_description():
    graph = Graph(
        {
            "a": "fake:a",
            "b": {"panel": ["fake:b", "fake:c"]},
            "c": Node(
                "fake:c",
                after=["a", "b"],
                inputs={"x": "a.value.label"},
                when="a.confidence < 0.8",
                retries=2,
                timeout=1.5,
                fallback="fake:d",
                default="none",
            ),
            "d": Node("fake:e", each="c.value", most_concurrent=3, on_failure="skip"),
        },
        most_concurrent=4,
        first="cheapest",
    )
    assert build(dump(graph)) == graph
    assert hash(build(dump(graph))) == hash(graph)
    text = """
        graph:
          nodes:
            a: fake:4
            judge: {node: {operator: majority, after: [a]}}
    """
    assert build(text) == Graph({"a": "fake:4", "judge": Node("majority", after=["a"])})


def test_cancelling_a_graph_cancels_all_that_runs():
    diary = Diary()
    graph = Graph({"a": diary.node("a", 9), "b": diary.node("b", 9)}, output="a")

    async def left():
        task = asyncio.create_task(graph("q"))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return diary.running, len(asyncio.all_tasks())

    assert asyncio.run(left()) == (0, 1)


def test_a_thousand_runs_at_once_leave_nothing_behind(instantly):
    nodes = {"n0": says("0", 1)}
    for i in range(1, 10):
        nodes[f"n{i}"] = Node(says(str(i), 1), after=[f"n{(i - 1) // 2}"])
    graph = Graph(nodes, output="n9")

    async def crowd():
        answers = await asyncio.gather(*(graph(f"q{i}") for i in range(1000)))
        return {answer.seconds for answer in answers}, len(asyncio.all_tasks())

    def held():
        gc.collect()
        return sum(isinstance(thing, Flow | asyncio.Task) for thing in gc.get_objects())

    before = held()
    assert instantly(crowd()) == ({4.0}, 1)
    assert held() <= before


def test_ten_thousand_nodes_run(instantly):
    nodes = {"n0": "fake:x"}
    for i in range(1, 10_000):
        nodes[f"n{i}"] = Node("fake:x", after=[f"n{(i - 1) // 2}"])
    answer = instantly(Graph(nodes, output="n9999")("q"))
    assert len(answer.drafts) == answer.usage.calls == 10_000


def test_a_chain_of_ten_thousand_nodes_runs(instantly):
    step = of.operator(count_on)
    nodes = {"n0": step}
    for i in range(1, 10_000):
        nodes[f"n{i}"] = Node(step, after=[f"n{i - 1}"])
    assert instantly(Graph(nodes)("q")).value == 10_000


async def count_on(query):
    return (query.drafts[0].value if query.drafts else 0) + 1
