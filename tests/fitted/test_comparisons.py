"""Comparisons that a step restates: whether they were told, and whether the sum follows."""

from __future__ import annotations

from random import Random

import pytest

from onefold.fitted.texts.comparisons import Comparisons
from onefold.fitted.texts.sheet import completeness, marks
from onefold.lab.puzzles.stories import compared

PROMPT = (
    "Tom has 3 times as many shells as Eva. Eva has 12 shells. Tom has 5 fewer shells than Cara. "
    "How many shells does Cara have?"
)


def test_a_comparison_that_was_told_and_is_used_in_its_direction_fits():
    told = Comparisons(PROMPT)
    assert told.fits("Tom 3 times Eva, Tom 12*3:30=36") is True
    assert told.fits("Tom 5 fewer Cara, Cara 36+5=41") is True


@pytest.mark.parametrize(
    "step",
    [
        "Tom 5 fewer Cara, Cara 36-5=31",  # the wrong way round
        "Tom 5 more Cara, Cara 36-5=31",  # another comparison
        "Tom 4 fewer Cara, Cara 36+4=40",  # another number
        "Cara 5 fewer Tom, Cara 36-5=31",  # the wrong people
        "Tom 5 fewer Cara, Eva 36+5=41",  # someone else is counted
        "Tom 5 fewer Cara, Cara 12+5=17",  # from the wrong count
    ],
)
def test_one_that_does_not_follow_from_the_prompt_does_not_fit(step):
    told = Comparisons(PROMPT)
    told.fits("Tom 3 times Eva, Tom 12*3:30=36")
    assert told.fits(step) is False
    assert marks(PROMPT, ["Tom 3 times Eva, Tom 12*3:30=36", step])[1] == 0.0


def test_a_count_that_nobody_knows_yet_cannot_be_used():
    assert Comparisons(PROMPT).fits("Tom 5 fewer Cara, Cara 36+5=41") is False


def test_a_step_that_restates_nothing_is_left_to_the_sums():
    told = Comparisons(PROMPT)
    assert told.fits("12*3:30=36") is None
    assert told.fits("Tom has 3 times as many as Eva, so 12*3=36") is None


def test_no_right_solution_is_ever_rejected():
    draw = Random(11)
    for _ in range(1000):
        puzzle = compared(draw)
        assert min(completeness(puzzle.prompt, puzzle.solution.split("\n")) or (0,)) == 1.0


def test_a_comparison_turned_round_is_always_seen():
    draw, turned = Random(12), {"+": "-", "-": "+"}
    seen = 0
    while seen < 1000:
        puzzle = compared(draw)
        step = puzzle.steps[0]
        sign = next((sign for sign in turned if sign in step), None)
        if sign is None:
            continue
        seen += 1
        assert marks(puzzle.prompt, [step.replace(sign, turned[sign])])[0] == 0.0
