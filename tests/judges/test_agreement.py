"""How many of the other drafts say the same."""

import asyncio

import pytest

import onefold as of
from onefold.judges.agreement import Agreement

DRAFTS = (
    of.Answer("4", 4.0, "a"),
    of.Answer("four", 4, "b"),
    of.Answer("?", None, "c"),
    of.Answer("5", 5.0, "d"),
    of.Answer(source="e", error=of.Failure("TimedOut")),
)


def score(answer, drafts=DRAFTS, reads=None):
    query = of.Query("?", drafts=drafts, reads=reads)
    return asyncio.run(Agreement().score(query, answer))


def test_drafts_that_cannot_be_read_count_as_others_and_failures_not_at_all():
    assert score(of.Answer("4", 4.0)) == 0.5
    assert score(of.Answer("6", 6.0)) == 0.0


def test_an_answer_that_nobody_has_read_yet_is_read():
    assert score(of.Answer("It is 4."), reads=of.Number()) == 0.5


def test_without_drafts_or_without_a_value_nothing_can_be_said():
    with pytest.raises(of.Unreadable, match="no replies; in a panel take stop: agree"):
        score(of.Answer("4", 4.0), ())
    with pytest.raises(of.Unreadable, match="could not be read"):
        score(of.Answer(" "))
    with pytest.raises(of.NoAnswer, match="no replies"):
        of.Panel(["fake:a"], judge=Agreement()).ask("?")
