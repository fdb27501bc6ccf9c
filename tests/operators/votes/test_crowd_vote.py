"""The crowd's vote: no fit, members of given accuracy."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError, NoAnswer
from onefold.core.query import Query
from onefold.operators.votes.crowd import Crowd

VALUES = st.sampled_from(["x", "y", "z", None])
NAMES = ("ada", "bob", "cyd", "dan")
EXPERT = Crowd({"ada": 0.97, "bob": 0.4, "cyd": 0.4})


def drafts(*said: object) -> tuple[Answer, ...]:
    """Drafts of the members in their order."""
    return tuple(Answer(str(v), v, name) for name, v in zip(NAMES, said, strict=False))


def won(part: Crowd, *said: object) -> Answer:
    """The answer to what the members said."""
    return asyncio.run(part.answer(Query("?", drafts=drafts(*said))))


def test_equal_members_decide_by_majority_and_an_expert_alone():
    assert won(Crowd(), "y", "x", "x").value == "x"
    assert won(EXPERT, "y", "x", "x").value == "y"


def test_more_agreement_means_more_confidence_and_shared_mistakes_less():
    few, many = won(Crowd(), "x", "x", "y"), won(Crowd(), "x", "x", "x", "y")
    assert few.confidence < many.confidence
    copying = won(Crowd(concentration=0.1), "x", "x", "x", "y")
    assert copying.confidence < many.confidence
    independent = won(Crowd(spread=0), "x", "x", "x", "y")
    assert many.confidence < independent.confidence


def test_all_draws_of_a_member_have_its_accuracy():
    given = (Answer("y", "y", "bob"), Answer("y", "y", "bob#2"), Answer("x", "x", "ada"))
    assert asyncio.run(EXPERT.answer(Query("?", drafts=given))).value == "x"


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_votes_are_shares_and_the_heaviest_backer_is_the_best(said):
    tally = EXPERT.count(drafts(*said))
    if any(value is not None for value in said):
        assert sum(tally.votes.values()) == pytest.approx(1.0)
        answer = won(EXPERT, *said)
        assert answer.value == tally.winner
        assert 0 <= answer.confidence <= tally.agreement + 1e-9
    else:
        assert tally.winner is None
        with pytest.raises(NoAnswer):
            won(EXPERT, *said)


@given(st.lists(VALUES, min_size=1, max_size=3), VALUES)
def test_what_is_settled_stays(said, last):
    before = drafts(*said)
    if EXPERT.settled(before, (NAMES[len(said)],)):
        assert EXPERT.count(drafts(*said, last)).winner == EXPERT.count(before).winner


def test_it_settles_early_where_it_can():
    assert EXPERT.settled(drafts("x", "x", "x"), ("dan",))
    assert EXPERT.settled(drafts("x"), ())
    assert not EXPERT.settled((), ("ada",))
    assert not EXPERT.settled(drafts("x"), [f"m{i}" for i in range(9)])
    assert EXPERT.count(()).winner is None


def test_what_is_no_share_is_refused():
    with pytest.raises(ConfigError, match="accuracy"):
        Crowd({"ada": 1.5})
    with pytest.raises(ConfigError, match="concentration"):
        Crowd(concentration=0)
