"""The marker that calculates: right solutions pass, corrupted ones do not."""

import asyncio
import re
from itertools import islice
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import onefold as of
from onefold.core.spec import build, dump
from onefold.fitted.texts import sheet
from onefold.lab.puzzles.puzzle import drawn
from onefold.lab.puzzles.stories import easy, hard, shop
from onefold.markers.arithmetic import Arithmetic
from onefold.verbs import Marker

MAKERS = (easy, hard, shop)


def marks(prompt, *steps, **options):
    return asyncio.run(Arithmetic(**options).mark(of.Query(prompt), steps))


@pytest.mark.parametrize("maker", MAKERS)
def test_no_right_solution_is_rejected(maker):
    for puzzle in islice(drawn(maker, 1), 400):
        found = sheet.marks(puzzle.prompt, puzzle.solution.split("\n"), constants=())
        assert found == [1.0] * len(found), puzzle


def corrupted(puzzle, draw):
    """A solution with another number in one place; what was reached on the way stays."""
    lines = puzzle.solution.split("\n")
    place = draw.randrange(len(lines))
    spots = [m for m in re.finditer(r"\d+", lines[place]) if lines[place][m.start() - 1] != ":"]
    spot = draw.choice(spots)
    wrong = draw.choice([n for n in range(3, 500) if n != int(spot[0])])
    lines[place] = f"{lines[place][: spot.start()]}{wrong}{lines[place][spot.end() :]}"
    return lines


@pytest.mark.parametrize("maker", MAKERS)
def test_no_solution_with_another_number_in_one_place_is_accepted(maker):
    draw = Random(3)
    for puzzle in islice(drawn(maker, 3), 400):
        lines = corrupted(puzzle, draw)
        assert 0.0 in sheet.marks(puzzle.prompt, lines, constants=()), (puzzle, lines)


@pytest.mark.parametrize("maker", MAKERS)
def test_a_number_from_nowhere_is_seen_though_all_sums_are_right(maker):
    draw = Random(4)
    for puzzle in islice(drawn(maker, 4), 100):
        there = {int(each) for each in re.findall(r"\d+", puzzle.solution)}
        a, b = draw.sample([n for n in range(101, 400) if n not in there], 2)
        more = (f"{a}+{b}={a + b}", f"Answer: {a + b}")
        assert sheet.marks(puzzle.prompt, [*puzzle.steps, *more])[-2:] == [0.0, 1.0]


@pytest.mark.parametrize(
    "step",
    [
        "47+38:77=85",
        "He eats 3 cups * 2 = 6 cups.",
        "It costs $5 × 3 = $15.00",
        "20% * 50 = 10",
        "So 3/12 = 25% and 12 / 48 * 100 = 25%",
        "(5 + 3) * 2 = 8 * 2 = 16",
        "5 + 3 = 8 + 2 = 10",
        "1,200 + 300 = 1,500",
        "10 / 3 = 3.33",
        "7 / 2 = 4",
        "- 5 + 3 = 8",
        "1) 5 + 3 = 8",
        "5 - 8 = -3",
        "-5 + 3 = -2 and 9 * -4 = -36",
        "£5 * 3 = £15, 3 1/2 * 2 = 7",
        "15+25=<<15+25=40>>40 cups",
        "60 miles/hour * 2 hours = 120 miles",
        "$350 000 x 5/100 = $17 500",
    ],
)
def test_sums_that_hold_pass(step):
    assert marks("", step, sources=False) == [1.0]


@pytest.mark.parametrize(
    "step",
    [
        "47+38:77=86",
        "He eats 3 cups * 2 = 7 cups.",
        "It costs $5 × 3 = $16",
        "1,200 + 300 = 1,600",
        "10 / 3 = 3.44",
        "85 - 1 = 83",
        "(5 + 3) * 2 = 8 * 3 = 24",
        "5 + 3 = 8 + 2 = 11",
        "4.20 + 9.45 + 1.35 = 14.99",
        "15+25=<<15+25=40>>41 cups",
    ],
)
def test_false_sums_do_not(step):
    assert marks("", step, sources=False) == [0.0]


@pytest.mark.parametrize(
    "step",
    [
        "",
        "There are seven of them.",
        "x = 5",
        "2x + 3 = 7",
        "We get 6s - 4 = 116.",
        "3:30 + 2 = 5:30",
        "2 hours + 30 minutes = 150 minutes",
        "3 dozen + 2 = 38",
        "2^3 = 8",
        "reverse abc=cba",
        "Monday Tuesday",
        "1 cup of 2 * 3 = 9",
    ],
)
def test_what_is_no_sum_or_can_be_read_in_two_ways_is_not_marked(step):
    assert marks("", step, sources=False) == [None]


def test_a_rounded_result_may_be_used_exactly_or_as_shown():
    assert marks("", "10 / 3 = 3.33", "3.33 * 300 = 1000", sources=False) == [1.0, 1.0]
    assert marks("", "10 / 3 = 3.33", "3.33 * 300 = 999", sources=False) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("prompt", "step"),
    [
        ("She has 47 and gets 38.", "47+38=85"),
        ("She has twenty-five, and gives away half.", "25/2=12.5"),
        ("He has 7; then it triples.", "7*3=21"),
        ("Three dozen eggs", "3*12=36"),
        ("30% of 50", "50*0.7=35"),
        ("3/4 of 20", "20*0.75=15"),
        ("5 hours a week", "5*52=260"),
        ("50 cents each, 8 of them", "8*0.5=4"),
    ],
)
def test_numbers_come_from_the_prompt_in_figures_in_words_or_by_what_words_imply(prompt, step):
    assert marks(prompt, step) == [1.0]
    assert marks("Nothing.", step) == [0.0]
    assert marks("Nothing.", step, sources=False) == [1.0]


def test_numbers_may_come_from_earlier_results_and_constants():
    assert marks("4 and 5", "4+5=9", "9*5=45", "8*9=72") == [1.0, 1.0, 0.0]
    assert marks("4 and 5", "4*2=8") == [1.0]
    assert marks("4 and 5", "4*2=8", constants=()) == [0.0]


def test_the_answer_is_the_last_result():
    steps = ("4+5=9", "9*5=45")
    for said in ("Answer: 45", "#### 45", "\\boxed{45}", "So the answer is $45."):
        assert marks("4 and 5", *steps, said)[-1] == 1.0
    assert marks("4 and 5", *steps, "Answer: 9")[-1] == 0.0
    assert marks("4 and 5", *steps, "Answer: 9", answer="any")[-1] == 1.0
    assert marks("4 and 5", *steps, "Answer: 8", answer="any")[-1] == 0.0
    assert marks("4 and 5", *steps, "Answer: 8", answer="free")[-1] is None
    assert marks("4 and 5", *steps, "Answer: yes")[-1] is None
    assert marks("4 and 5", "Answer: 9") == [None]


def test_what_cannot_be_seen_is_known():
    prompt = "She has 47, gets 38, and gives 5 away."
    assert marks(prompt, "47+38:76=85") == [1.0]  # what was reached on the way
    assert marks(prompt, "47-38=9", "9-5=4", "Answer: 4") == [1.0] * 3  # a plan that is wrong


@settings(max_examples=300)
@given(st.lists(st.text(alphabet="0123456789+-*/=:.,%()$ ax\n<>", max_size=30), max_size=4))
def test_whatever_is_written_there_is_one_mark_a_step(steps):
    found = sheet.marks("7 and 8", steps)
    assert len(found) == len(steps)
    assert set(found) <= {0.0, 1.0, None}


def test_it_is_known_by_name():
    part = build({"arithmetic": {"sources": False, "constants": [3]}}, Marker)
    assert part == Arithmetic(sources=False, constants=(3.0,))
    assert build(dump(part), Marker) == part
    with pytest.raises(of.ConfigError):
        Arithmetic(answer="first")
