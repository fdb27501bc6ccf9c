"""Which strategy and vote `adaptive` takes, by how good its judge is and what can be paid."""

import pytest
from stepping import search

import onefold as of
from onefold.operators.search.adaptive import Adaptive, guided
from onefold.operators.search.beams import DVTS
from onefold.operators.search.particles import Particles


def choice(strategy, calls):
    """The strategy that was taken, and the rule that decided."""
    taken = []

    def listen(phase, span, what, value):
        if phase == "stop" and (span.verb, span.name) == ("route", "adaptive"):
            taken.extend(span.answer)

    with of.Session(listeners=[listen]):
        answer = search(strategy, budget={"calls": calls}).ask("?")
    return *taken, answer.tally.rule


@pytest.mark.parametrize(
    ("half", "whole", "calls", "taken"),
    [
        (0.8, 1.0, 40, ("particles", "weighted")),
        (0.8, 0.9, 80, ("dvts", "weighted")),
        (0.8, 0.9, 30, ("particles", "weighted")),
        (0.5, 1.0, 40, ("best_of_n", "best")),
        (0.5, 0.8, 40, ("weighted_best_of_n", "weighted")),
        (0.3, 0.2, 40, ("majority", "majority")),
    ],
)
def test_the_judge_and_the_budget_choose(half, whole, calls, taken):
    assert choice(Adaptive(half, whole, first=99), calls) == taken


def test_votes_come_from_more_subtrees_of_more_candidates_the_more_can_be_paid():
    assert guided(7, sure=False) == guided(7, sure=True) == Particles(7)
    assert guided(64, sure=True) == Particles(64)
    assert [guided(paths, sure=False) for paths in (8, 16, 64)] == [
        DVTS(4, 2),
        DVTS(8, 2),
        DVTS(16, 4),
    ]


def test_without_single_steps_it_chooses_among_whole_answers():
    plain = of.Model("plain", provider=of.Fake(("Answer: 1",)))
    answer = search(Adaptive(0.9, 0.9), "constant", model=plain, budget={"calls": 9}).ask("?")
    assert answer.tally.rule == "weighted"
