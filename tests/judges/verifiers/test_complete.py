"""Whole solutions: all that is given is used, and all that is found leads somewhere."""

import asyncio
from itertools import islice

import pytest

import onefold as of
from onefold.core.spec import build, dump
from onefold.fitted.texts.quantities import known
from onefold.fitted.texts.sheet import completeness
from onefold.judges.verifiers.complete import Complete
from onefold.lab.puzzles.puzzle import drawn
from onefold.lab.puzzles.stories import easy, hard, shop
from onefold.verbs import Judge

PROMPT = "Ann has 47 cards, gets 38, and gives away half. She buys 5 more. How many?"
GOLD = "47+38=85\n85/2=42.5\n42.5+5=47.5\nAnswer: 47.5"


def score(text, prompt=PROMPT, finish="stop", **fields):
    answer = of.Answer(text, source="m", finish=finish)
    return asyncio.run(Complete(**fields).score(of.Query(prompt), answer))


@pytest.mark.parametrize("maker", [easy, hard, shop])
def test_every_right_solution_is_whole(maker):
    for puzzle in islice(drawn(maker, 2), 400):
        assert completeness(puzzle.prompt, puzzle.solution.split("\n")) == (1.0,) * 4, puzzle


@pytest.mark.parametrize("maker", [easy, hard, shop])
def test_a_solution_without_one_of_its_steps_is_not(maker):
    for puzzle in islice(drawn(maker, 3), 200):
        results = [float(step.rpartition("=")[2]) for step in puzzle.steps]
        for place, result in enumerate(results):
            if results.count(result) > 1 or result in known(puzzle.prompt):
                continue  # what it finds is there without it
            kept = [step for i, step in enumerate(puzzle.steps) if i != place]
            met = completeness(puzzle.prompt, [*kept, f"Answer: {puzzle.answer}"])
            assert met is None or min(met) < 1.0, (puzzle, place)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("47+38=85\n85/2=42.5\nAnswer: 42.5", "5 was not used"),
        ("47+38=85\n85+5=90\nAnswer: 90", "half was not used"),
        ("47+38=85\n47/2=23.5\n23.5+5=28.5\nAnswer: 28.5", "85 leads nowhere"),
        ("47+38=85\n85/2=42.5\n42.5+5=47.5\nAnswer: 85", "another answer"),
        ("47+38=85\n85/2=42.5\n42.5+5=48.5\nAnswer: 48.5", "a false sum"),
        ("47+38=85\n85/2=42.5\n42.5+5=47.5", "no answer"),
        ("Answer: 47.5", "no sums"),
    ],
)
def test_what_is_missing_is_seen(text, why):
    assert score(text) == 0.0, why
    assert score(text, shares=True) < 1.0


def test_shares_say_how_much_is_missing():
    one = score("47+38=85\n85/2=42.5\n42.5+5=47.5", shares=True)
    two = score("47+38=85", shares=True)
    assert 0 < two < one < score(GOLD, shares=True) == 1.0


def test_a_number_that_stands_twice_must_be_used_twice():
    prompt = "She has 7 pens and buys 7 more. How many?"
    assert score("7+7=14\nAnswer: 14", prompt) == 1.0
    assert score("7+1=8\nAnswer: 8", prompt) == 0.0


@pytest.mark.parametrize("text", ["Answer: Paris", "Paris", ""])
def test_where_there_is_nothing_to_check_it_cannot_tell(text):
    with pytest.raises(of.Unreadable, match="m has no sums"):
        score(text, "What is the capital of France?")


def test_it_is_built_from_yaml():
    judge = build("complete: {shares: true}", Judge)
    assert judge == Complete(shares=True)
    assert build(dump(judge), Judge) == judge
    assert build("complete", Judge) == Complete()
