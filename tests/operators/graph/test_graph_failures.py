"""Nodes that fail: the graph ends, goes on without them, or takes what stands for them."""

import asyncio

import pytest
from dataflow import Diary, Graph, Node, broken, says

import onefold as of
from onefold.core.errors import BudgetExceeded, ConfigError, NoAnswer


def test_a_failing_node_ends_the_graph_cancels_the_rest_and_keeps_the_record(instantly):
    diary = Diary()
    graph = Graph(
        {
            "done": says("done"),
            "bad": broken("RateLimited", 1),
            "slow": diary.node("slow", 9),
            "end": Node("majority", after=["done", "bad", "slow"]),
        }
    )

    async def ended():
        with pytest.raises(NoAnswer, match="node bad failed: RateLimited") as caught:
            await graph("q")
        return caught.value, diary.running

    error, running = instantly(ended())
    assert running == 0
    assert diary.ended == {"slow": 1.0}
    assert [draft.status for draft in error.drafts] == [
        "answered",
        "failed",
        "cancelled",
        "skipped",
    ]
    assert error.__cause__.__class__.__name__ == "RateLimited"


def test_where_a_node_may_be_skipped_those_after_it_see_one_draft_less(instantly):
    graph = Graph(
        {
            "a": says("4"),
            "b": Node(broken(), on_failure="skip"),
            "judge": Node("majority", after=["a", "b"]),
        }
    )
    answer = instantly(graph("q"))
    assert answer.text == "4"
    assert answer.draft("b").error.kind == "Unreachable"
    assert [ballot.source for ballot in answer.tally.ballots] == ["a"]


def test_a_node_that_sees_nothing_any_more_is_skipped_and_so_are_those_after_it(instantly):
    diary = Diary()
    graph = Graph(
        {
            "a": Node(broken(), on_failure="skip"),
            "b": Node(diary.node("b"), after=["a"]),
            "c": Node(diary.node("c"), inputs={"draft": "b.text"}),
            "d": diary.node("d"),
            "e": Node(diary.node("e"), after=["c", "d"]),
        }
    )
    answer = instantly(graph("q"))
    assert answer.text == "e(d())"
    assert [draft.status for draft in answer.drafts] == [
        "failed",
        "skipped",
        "skipped",
        "answered",
        "answered",
    ]
    assert answer.draft("b").error.message == "no answer came from a"
    assert answer.draft("c").error.message == "b.text is not there, as no answer came from b"
    assert set(diary.began) == {"d", "e"}


def test_an_input_that_did_not_come_skips_a_node_whatever_drafts_it_has(instantly):
    graph = Graph(
        {
            "a": says("a"),
            "b": Node(broken(), on_failure="skip"),
            "c": Node(says("c"), after=["a"], inputs={"b": "b.text"}),
            "end": Node("majority", after=["a", "c"]),
        }
    )
    assert instantly(graph("q")).draft("c").status == "skipped"


def test_where_the_output_is_missing_there_is_no_answer(instantly):
    graph = Graph({"a": Node(broken(), on_failure="skip"), "b": Node("majority", after=["a"])})
    with pytest.raises(NoAnswer, match=r"its output b brought no answer: a: Unreachable.*b: Skip"):
        instantly(graph("q"))


def test_a_default_stands_for_a_node_that_failed_and_keeps_why(instantly):
    graph = Graph(
        {
            "a": Node(broken(), default="7"),
            "end": Node("majority", after=["a"]),
        }
    )
    answer = instantly(graph(of.Query("q", reads="number")))
    assert answer.value == 7.0
    assert answer.draft("a").drafts[0].error.kind == "Unreachable"


def test_a_fallback_answers_for_a_node_that_failed_and_a_default_for_both(instantly):
    node = Node(broken(), fallback=says("second"))
    answer = instantly(Graph({"a": node})("q"))
    assert answer.text == "second"
    assert [draft.source for draft in answer.draft("a").drafts] == ["broken"]
    both = Node(broken(), fallback=broken("Refused"), default="third")
    answer = instantly(Graph({"a": both})("q"))
    assert answer.text == "third"
    assert [d.error.kind for d in answer.draft("a").drafts] == ["Unreachable", "Refused"]
    with pytest.raises(NoAnswer, match="Refused"):
        instantly(Graph({"a": Node(broken(), fallback=broken("Refused"))})("q"))


def test_retries_draw_another_sample_each_and_end_with_the_first_answer(instantly):
    samples = []

    @of.operator
    async def third_time(query):
        samples.append(query.sample)
        if len(samples) < 3:
            raise of.Unreadable("gibberish")
        return "at last"

    answer = instantly(Graph({"a": Node(third_time, retries=5)})("q"))
    assert (answer.text, len(samples), len(set(samples))) == ("at last", 3, 3)


def test_a_timeout_is_for_each_try(instantly):
    seconds = iter([5.0, 5.0, 1.0])
    diary = Diary()

    @of.operator
    async def slow_at_first(query):
        return (await diary.node("x", next(seconds))(query)).text

    answer = instantly(Graph({"a": Node(slow_at_first, retries=2, timeout=2)})("q"))
    assert (answer.text, answer.seconds) == ("x()", 5.0)
    with pytest.raises(NoAnswer, match="took longer than 2 s"):
        instantly(Graph({"a": Node(says("x", 3), timeout=2)})("q"))


def test_what_is_wrong_with_the_configuration_ends_the_graph_whatever_a_node_may(instantly):
    @of.operator
    async def wrong(query):
        raise ConfigError("no such thing")

    with pytest.raises(ConfigError, match="no such thing"):
        instantly(Graph({"a": Node(wrong, on_failure="skip", fallback=says("b"))})("q"))


def test_a_budget_that_runs_out_says_so(instantly):
    graph = Graph({"a": says("a"), "b": Node(says("b"), after=["a"])})
    with pytest.raises(BudgetExceeded, match="node b failed"):
        instantly(of.Within(graph, calls=1)("q"))
    loose = Graph({"a": Node(says("a"), on_failure="skip"), "b": Node("majority", after=["a"])})
    with pytest.raises(BudgetExceeded):
        instantly(of.Within(loose, calls=0)("q"))


def test_a_node_that_cancels_itself_has_failed_and_nothing_hangs(instantly):
    @of.operator
    async def gives_up(query):
        raise asyncio.CancelledError

    graph = Graph({"a": gives_up, "b": Node(says("b"), after=["a"])})
    with pytest.raises(NoAnswer, match="node a failed"):
        instantly(graph("q"))
    graph = Graph({"a": Node(gives_up, default="x"), "b": Node("majority", after=["a"])})
    assert instantly(graph("q")).text == "x"


def test_a_node_that_holds_nothing_of_a_graph_works_anywhere(instantly):
    panel = of.Panel([of.Named("sure", Node(broken(), fallback=says("4"))), says("4")])
    assert instantly(panel("q")).text == "4"
    with pytest.raises(ConfigError, match="stands in a Graph"):
        instantly(Node("fake:4", after=["a"])("q"))
