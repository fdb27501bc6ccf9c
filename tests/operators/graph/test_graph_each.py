"""Nodes that are asked once for each item of a list."""

import pytest
from dataflow import Diary, Graph, Node, says

import onefold as of
from onefold.core.errors import ConfigError, NoAnswer


def lists(*items):
    """An operator that answers with a list."""
    return of.operator(lambda _: of.Answer("a list", list(items)))


def doubled(diary=None, seconds=0.0):
    async def double(query):
        if diary is not None:
            await diary.node(query.text, seconds)(query)
        if query.text == "bad":
            raise of.Unreadable("cannot double")
        return query.text * 2

    return of.operator(double)


def test_each_item_is_asked_at_once_and_the_answers_stay_in_order(instantly):
    diary = Diary()
    graph = Graph(
        {
            "a": lists("x", "y", "z"),
            "b": Node(doubled(diary, 1), each="a.value"),
        }
    )
    answer = instantly(graph("q"))
    assert answer.value == ["xx", "yy", "zz"]
    assert answer.text == "xx\n\nyy\n\nzz"
    assert [draft.source for draft in answer.draft("b").drafts] == ["b[0]", "b[1]", "b[2]"]
    assert (answer.seconds, diary.most) == (1.0, 3)


def test_only_so_many_items_are_asked_at_a_time(instantly):
    diary = Diary()
    node = Node(doubled(diary, 1), each="query.inputs.names", most_concurrent=2)
    query = of.Query("q", inputs={"names": ["a", "b", "c", "d", "e"]})
    answer = instantly(Graph({"b": node})(query))
    assert (answer.seconds, diary.most, len(answer.value)) == (3.0, 2, 5)


def test_an_item_is_the_text_and_an_input_and_its_fields_can_be_named(instantly):
    diary = Diary()
    node = Node(
        diary.node("b"),
        each="a.value",
        inputs={"name": "item.name", "topic": "query.text", "whole": "item"},
    )
    instantly(Graph({"a": lists({"name": "Ann", "age": 3}), "b": node})("q"))
    seen = diary.queries["b"]
    assert seen.text == '{"name":"Ann","age":3}'
    assert seen.inputs == {
        "name": "Ann",
        "topic": "q",
        "whole": {"name": "Ann", "age": 3},
        "item": {"name": "Ann", "age": 3},
    }


def test_drafts_are_shown_with_each_item(instantly):
    diary = Diary()
    node = Node(diary.node("c"), after=["b"], each="a.value")
    instantly(Graph({"a": lists("x"), "b": says("draft"), "c": node})("q"))
    assert [draft.text for draft in diary.queries["c"].drafts] == ["draft"]


def test_an_item_that_fails_ends_the_node_or_is_none_in_its_place(instantly):
    strict = Graph({"a": lists("x", "bad"), "b": Node(doubled(), each="a.value")})
    with pytest.raises(NoAnswer, match="node b failed: Unreadable: cannot double"):
        instantly(strict("q"))
    node = Node(doubled(), each="a.value", on_failure="skip")
    answer = instantly(Graph({"a": lists("x", "bad", "z"), "b": node})("q"))
    assert answer.value == ["xx", None, "zz"]
    assert answer.draft("b").drafts[1].error.kind == "Unreadable"
    both = Graph(
        {"a": lists("bad", "bad"), "b": node, "c": Node("majority", after=["a", "b"])},
    )
    failed = instantly(both("q")).draft("b")
    assert "no item of a.value brought an answer: b[0]: Unread" in failed.error.message


def test_defaults_and_retries_are_about_single_items(instantly):
    node = Node(doubled(), each="a.value", default="?")
    answer = instantly(Graph({"a": lists("x", "bad"), "b": node})("q"))
    assert answer.value == ["xx", "?"]


def test_an_empty_list_gives_an_empty_list(instantly):
    answer = instantly(Graph({"a": lists(), "b": Node(doubled(), each="a.value")})("q"))
    assert (answer.value, answer.text, answer.status) == ([], "", "answered")


def test_what_is_no_list_fails_the_node(instantly):
    graph = Graph({"a": says("text"), "b": Node(doubled(), each="a.value")})
    with pytest.raises(NoAnswer, match=r"a\.value is no list but 'text'"):
        instantly(graph("q"))


def test_items_are_only_where_there_is_an_each():
    with pytest.raises(ConfigError, match="only where the node has an each"):
        Node("fake:a", inputs={"x": "item.name"})
    with pytest.raises(ConfigError, match="give the path of their list as each"):
        Node("fake:a", most_concurrent=3)
