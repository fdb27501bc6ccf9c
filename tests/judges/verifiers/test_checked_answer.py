"""The judge that knows what is right."""

import asyncio

import pytest

import onefold as of
from onefold.core.query import asked
from onefold.core.spec import build, dump
from onefold.judges.verifiers.checked import CheckedAnswer
from onefold.verbs import Judge


def score(answers, text, reads="number", **fields):
    query = asked(of.Query("6·7?", id="q1", reads=reads))
    return asyncio.run(CheckedAnswer(answers, **fields).score(query, of.Answer(text, source="m")))


@pytest.mark.parametrize(
    ("answers", "text", "expected"),
    [
        ({"6·7?": 42}, "It is 42.", 1.0),
        ({"6·7?": "42"}, "It is 42.", 1.0),
        ({"q1": 42}, "It is 41.", 0.0),
        ({"q1": 42, "6·7?": 41}, "It is 42.", 1.0),
        ({"q1": 42.00001}, "It is 42.", 1.0),
    ],
)
def test_right_is_one_and_wrong_is_zero(answers, text, expected):
    assert score(answers, text) == expected


def test_values_of_other_kinds_are_compared_as_they_are_read():
    assert score({"q1": "Paris"}, " paris ", reads="lowercase_trim") == 1.0
    assert score({"q1": True}, "yes", reads="boolean") == 1.0
    assert score({"q1": False}, "yes", reads="boolean") == 0.0
    assert score({"q1": 42}, "It is 43.", relative=0.05) == 1.0


def test_what_nobody_knows_or_nobody_can_read_is_no_score():
    with pytest.raises(of.Unreadable, match="nobody said what is right"):
        score({"other": 1}, "It is 42.")
    with pytest.raises(of.Unreadable, match="m could not be read"):
        score({"q1": 42}, "I do not know.")


def test_it_is_built_from_yaml():
    judge = build({"checked": {"answers": {"q1": 42}}}, Judge)
    assert judge == CheckedAnswer({"q1": 42})
    assert build(dump(judge), Judge) == judge
