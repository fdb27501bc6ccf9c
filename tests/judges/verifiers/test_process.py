"""One score from the marks of steps: which steps are marked, and what becomes of the marks."""

import asyncio
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.core.spec import build, dump
from onefold.judges.verifiers.process import Process, one
from onefold.verbs import Judge, Marker

SEEN = []


class Scripted(Marker, name="scripted"):
    """Gives these marks, and remembers the steps."""

    marks: tuple[float | None, ...] = ()

    async def mark(self, query, steps):
        SEEN.append(list(steps))
        return self.marks


def score(marks, text="a\nb\nc", finish="stop", **fields):
    judge = Process(Scripted(tuple(marks)), **fields)
    return asyncio.run(judge.score(of.Query("?"), of.Answer(text, source="m", finish=finish)))


@pytest.mark.parametrize(
    ("aggregate", "expected"), [("min", 0.5), ("prod", 0.4), ("last", 0.8), ("mean", 2.3 / 3)]
)
def test_marks_become_one_score(aggregate, expected):
    assert score([1.0, 0.5, 0.8], aggregate=aggregate) == pytest.approx(expected)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_every_aggregate_is_a_share_and_bounded_by_its_marks(marks):
    low, high = min(marks), max(marks)
    assert one(marks, "prod") <= low == one(marks, "min") <= one(marks, "last") <= high
    assert low - 1e-9 <= one(marks, "mean") <= high + 1e-9
    assert 0 <= one(marks, "prod") <= 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.integers(0, 8))
def test_a_better_step_never_makes_a_worse_answer(marks, place):
    better = [1.0 if i == place else mark for i, mark in enumerate(marks)]
    for way in ("min", "prod", "last", "mean"):
        assert one(better, way) >= one(marks, way) - 1e-12


def test_steps_the_marker_cannot_tell_are_left_out():
    assert score([None, 0.5, None]) == 0.5
    with pytest.raises(of.Unreadable, match="scripted could tell of none of 3 steps"):
        score([None, None, None])


@pytest.mark.parametrize("wrong", [nan, inf, -0.1, 1.1])
def test_a_mark_that_is_no_share_is_unreadable_and_names_the_marker(wrong):
    with pytest.raises(of.Unreadable, match="scripted marked a step"):
        score([1.0, wrong, 1.0])


@pytest.mark.parametrize("marks", [(), (1.0,), (1.0,) * 4])
def test_another_number_of_marks_is_unreadable(marks):
    with pytest.raises(of.Unreadable, match=f"scripted gave {len(marks)} marks for 3 steps"):
        score(marks)


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_answer_without_steps_is_unreadable(text):
    with pytest.raises(of.Unreadable, match="m has no steps"):
        score([], text)


def test_a_step_that_was_cut_off_is_not_marked():
    assert score([0.5, 0.7], finish="length") == 0.5
    assert SEEN[-1] == ["a", "b"]
    with pytest.raises(of.Unreadable, match="a step that was cut off"):
        score([], "a", finish="length")


def test_steps_end_where_it_says():
    score([1.0, 1.0], "a\nb\n\nc", at=("\n\n",))
    assert SEEN[-1] == ["a\nb", "c"]
    with pytest.raises(of.ConfigError, match="say where steps end"):
        Process("arithmetic", at=())


def test_an_answer_that_is_only_begun_is_judged_too():
    judge = Process("arithmetic")
    query = of.Query("She has 47, gets 38, and gives 5 away. How many?")
    for text, expected in {"47+38=85\n": 1.0, "47+38=85\n85-5=81": 0.0}.items():
        assert asyncio.run(judge.score(query, of.Answer(text))) == expected


def test_it_is_built_from_yaml():
    judge = build("process: {marker: {arithmetic: {sources: false}}, aggregate: prod}", Judge)
    assert judge.aggregate == "prod"
    assert build(dump(judge), Judge) == judge
    assert build("process: arithmetic", Judge) == Process("arithmetic")


def test_a_panel_fails_a_draft_that_cannot_be_marked():
    panel = of.Panel(["fake:2+2=4", "fake:Four."], judge=Process("arithmetic"), vote="best")
    answer = panel.ask("What is 2+2?")
    assert answer.text == "2+2=4"
    assert [draft.status for draft in answer.drafts] == ["answered", "failed"]
