"""The last word: who was asked at the end is not overruled by the cheap ones."""

import pytest

import onefold as of
from onefold.core.answer import Answer
from onefold.core.errors import ConfigError, NoAnswer
from onefold.core.query import Query
from onefold.operators.votes.last import LastWord
from onefold.stops.race import Lead


def said(name, value):
    return Answer("" if value is None else str(value), value, name)


def voted(vote, *drafts):
    return vote.ask(Query("?", drafts=drafts, reads="plain"))


def test_the_last_word_beats_two_that_agree():
    answer = voted(LastWord("strong"), said("a", "4"), said("b", "4"), said("strong", "5"))
    assert answer.value == "5"
    assert answer.tally.votes == {"4": 0.0, "5": 1.0}


def test_before_it_is_asked_the_heaviest_answer_wins():
    vote = LastWord("strong", {"a": 1.0, "b": 3.0})
    assert voted(vote, said("a", "4"), said("b", "5")).value == "5"


def test_who_says_nothing_readable_has_no_last_word():
    drafts = said("a", "4"), said("b", "4"), said("strong", None)
    assert voted(LastWord("strong"), *drafts).value == "4"
    with pytest.raises(NoAnswer):
        voted(LastWord("strong"), said("strong", None))


def test_it_is_settled_once_the_last_word_is_spoken():
    vote = LastWord("strong")
    assert vote.settled([said("strong", "5")], ["a"])
    assert not vote.settled([said("a", "5")], ["strong"])
    assert vote.settled([said("a", "5")], [])


def test_two_cheap_that_agree_spare_the_strong_one():
    panel = of.Panel(
        {"a": of.Model("a", provider=of.Fake(["4"])), "b": of.Model("b", provider=of.Fake(["4"])),
         "strong": of.Model("s", provider=of.Fake(["5"]))},
        LastWord("strong"), Lead(2.0), stagger=float("inf"),
    )  # fmt: skip
    answer = panel.ask("2+2?")
    assert (answer.text, answer.unasked) == ("4", ("strong",))


def test_the_last_word_has_a_name():
    with pytest.raises(ConfigError, match="name"):
        LastWord(" ")
