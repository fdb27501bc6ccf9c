"""Programs that fail in Ember, both its generations, and pass here: each promise it makes."""

import asyncio

import pytest
from dataflow import Diary, Graph, Node, broken, says

import onefold as of
from onefold.core.errors import ConfigError


def test_a_judge_never_judges_the_drafts_of_an_earlier_run(instantly):
    seen = []

    async def drafts(query):
        return f"draft about {query.text}"

    async def judge(query):
        seen.append([draft.text for draft in query.drafts])
        return query.drafts[0].text

    graph = Graph({"draft": drafts, "judge": Node(judge, after=["draft"])})
    first, second = instantly(graph("tides")), instantly(graph("comets"))
    assert (first.text, second.text) == ("draft about tides", "draft about comets")
    assert seen == [["draft about tides"], ["draft about comets"]]


def test_one_lost_member_does_not_lose_the_others(instantly):
    graph = Graph(
        {
            "gemini": says("4"),
            "claude": Node(broken("RateLimited"), on_failure="skip"),
            "gpt": says("4"),
            "judge": Node("majority", after=["gemini", "claude", "gpt"]),
        }
    )
    answer = instantly(graph("2 + 2?"))
    assert answer.text == "4"
    assert answer.draft("claude").error.kind == "RateLimited"
    panel = of.Panel([says("4"), broken(), says("4")])
    assert instantly(Graph({"ensemble": panel})("2 + 2?")).text == "4"


def test_more_than_ten_members_keep_their_order(instantly):
    diary = Diary()
    names = [f"model_{i}" for i in range(25)]
    nodes = {name: diary.node(name, 25 - i) for i, name in enumerate(names)}
    judge = Node(diary.node("judge"), after=names)
    answer = instantly(Graph({**nodes, "judge": judge})("q"))
    assert [draft.source for draft in diary.queries["judge"].drafts] == names
    assert [draft.source for draft in answer.drafts] == [*names, "judge"]


def test_a_circle_is_an_error_and_not_silently_dropped():
    with pytest.raises(ConfigError, match="a -> b -> a"):
        Graph({"a": Node("fake:a", after=["b"]), "b": Node("fake:b", after=["a"])})


def test_no_barrier_waits_for_the_slowest_of_a_layer(instantly):
    graph = Graph(
        {
            "a": says("a", 0.1),
            "b": says("b", 0.3),
            "a2": Node(says("a2", 0.3), after=["a"]),
            "b2": Node(says("b2", 0.1), after=["b"]),
            "end": Node("majority", after=["a2", "b2"]),
        }
    )
    assert instantly(graph("q")).seconds == pytest.approx(0.4)  # in layers: 0.3 + 0.3


def test_every_call_is_parallel_and_not_only_the_first():
    diary = Diary()
    nodes = {f"m{i}": diary.node(f"m{i}", 0.05) for i in range(5)}
    graph = Graph({**nodes, "end": Node(diary.node("end"), after=list(nodes))})

    async def twice():
        most = []
        for _ in range(2):
            diary.most = 0
            await graph("q")
            most.append(diary.most)
        return most

    assert asyncio.run(twice()) == [5, 5]


def test_the_example_of_its_introduction_runs(instantly):
    ensemble = of.Panel([says("tides"), says("tides"), says("comets")])
    graph = Graph({"ensemble": ensemble, "judge": Node("majority", after=["ensemble"])})
    answer = instantly(graph("Explain how to set up several models in parallel"))
    assert answer.draft("judge").text == "tides"
    assert len(answer.draft("ensemble").drafts) == 3
