"""The demo's problems are fresh, its router knows the families, its picture shows who is beaten."""

import asyncio

import pytest

import onefold as of
from onefold.lab.bench.curves import Point
from onefold.lab.demo.exam import FAMILIES, HARD, exam, final, labelled
from onefold.lab.demo.picture import HEIGHT, picture
from onefold.lab.demo.ways import router


def test_no_problem_of_an_exam_was_ever_trained_on():
    taught = {prompt for prompt, _ in labelled(400, 5)}
    asked = [example.query.text for example in exam(200, 5)]
    assert len(set(asked)) > 190
    assert not taught & set(asked)


def test_the_families_come_in_turn():
    assert [family for _, family in labelled(8, 1)] == [*FAMILIES, *FAMILIES]


def test_an_exam_is_the_same_for_a_seed_and_another_for_the_next():
    assert exam(12, 3) == exam(12, 3)
    assert exam(12, 3) != exam(12, 4)
    assert {example.query.id for example in exam(12, 3, HARD)} == set(map(str, range(1, 13)))


@pytest.mark.parametrize(
    ("text", "said"),
    [("3+4=7\nAnswer: 7", "7"), ("Answer: [1, 2]", "[1, 2]"), ("7", "7"), ("  ", None)],
)
def test_what_stands_behind_the_last_mark_is_the_answer(text, said):
    assert final(text) == said


def test_the_router_sends_fresh_prompts_to_their_family_and_none_when_it_does_not_know(tmp_path):
    route = router(tmp_path, 1)

    def preferred(prompt):
        found = asyncio.run(route.route(of.Query(prompt)))
        return max(found, key=found.__getitem__) if found else None

    pairs = labelled(80, "others")
    assert sum(preferred(prompt) == family for prompt, family in pairs) >= 78
    assert preferred("Zygotes, qua gametes, undergo syngamy.") is None


def test_the_picture_has_capitals_for_those_that_nobody_beats():
    points = [Point("cheap", 1e-6, 0.5), Point("beaten", 1e-5, 0.4), Point("dear", 1e-4, 0.9)]
    lines = picture(points).split("\n")
    assert len(lines) == HEIGHT + 2
    drawn = "".join(lines[:HEIGHT])
    assert "A" in drawn
    assert "b" in drawn
    assert "C" in drawn
    assert lines[-1].strip().startswith("$0.001")
    assert lines[-1].endswith("$0.100 for 1,000 questions")


def test_a_single_way_can_be_drawn_too():
    assert "A" in picture([Point("only", 1e-6, 1.0)])
