"""The fitted vote at work: winners, what they rest on, and what it does without."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

import onefold as of
from onefold.core.answer import Answer
from onefold.core.errors import ConfigError, NoAnswer
from onefold.core.query import Query
from onefold.learn.votes.vote import fit_vote
from onefold.operators.votes.fused import Fused
from onefold.recording.recording import Draft, Recording

SHARES = {"ada": 0.95, "bob": 0.6, "cyd": 0.55, "dan": 0.5}


@pytest.fixture(scope="module", params=[True, False], ids=["texts", "no texts"])
def part(request, tmp_path_factory) -> Fused:
    """A vote fitted on members of these shares, with and without a look at their texts."""
    draw, rows = np.random.default_rng(0), []
    for question in range(120):
        for name, share in SHARES.items():
            right = bool(draw.random() < share)
            said = "yes" if right else f"no {draw.integers(5)}"
            rows.append(Draft(str(question), name, f"I say {said}.", "", said, None, right))
    path = tmp_path_factory.mktemp("fitted") / "vote.npz"
    return fit_vote(Recording(rows), text=request.param).save(path)


def drafts(**said: object) -> tuple[Answer, ...]:
    """Drafts by member; None could not be read."""
    return tuple(Answer(f"{name} says {value}", value, name) for name, value in said.items())


def won(part: Fused, given: tuple[Answer, ...]) -> Answer:
    """The answer to some drafts."""
    return asyncio.run(part.answer(Query("?", drafts=given)))


def test_the_expert_stands_against_the_crowd_and_speaks_for_it(part):
    answer = won(part, drafts(bob="x", ada="y", cyd="z", dan="x"))
    assert (answer.value, answer.source, answer.text) == ("y", "ada", "ada says y")
    together = won(part, drafts(bob="x", cyd="x", ada="x", dan="z"))
    assert together.source == "ada"
    assert together.confidence > answer.confidence


def test_votes_are_probabilities_and_the_trust_says_what_stands_behind_them(part):
    answer = won(part, drafts(ada="y", bob="x", cyd="x", dan=None))
    assert sum(answer.votes.values()) == pytest.approx(1.0)
    assert max(answer.votes, key=answer.votes.get) == "y"
    trust = answer.trust
    assert trust.low <= trust.probability == answer.confidence <= trust.high
    assert answer.interval == (trust.low, trust.high)
    assert trust.outcomes == 120
    assert 1 <= trust.voters <= 3
    assert 0 <= trust.cofailure < 0.5
    assert "fitted on 120 graded questions; unread: dan" in trust.basis


def test_who_is_missing_or_unknown_is_said(part):
    assert "without: cyd, dan" in won(part, drafts(ada="x", bob="x")).trust.basis
    basis = won(part, drafts(ada="x", bob="x", zoe="y")).trust.basis
    assert "taken as average: zoe" in basis
    assert won(part, drafts(ada="x")).trust.cofailure is None


def test_mostly_unknown_members_are_an_error_that_names_them(part):
    with pytest.raises(ConfigError, match=r"knows nothing of zoe, yan"):
        part.count(drafts(ada="x", zoe="y", yan="y"))


def test_another_draw_of_a_member_has_its_skill_but_is_not_another_voter(part):
    given = (*drafts(bob="x", ada="y"), Answer("again", "x", "bob#2"))
    answer = won(part, given)
    assert answer.value == "y"
    assert answer.trust.voters < 2.9


def test_an_empty_answer_counts_and_an_unread_one_does_not(part):
    assert won(part, drafts(ada="", bob="", cyd="x")).value == ""
    with pytest.raises(NoAnswer, match="none of which could be read"):
        won(part, drafts(ada=None, bob=None))
    with pytest.raises(NoAnswer, match="no drafts"):
        won(part, ())
    assert part.count(()).winner is None


def test_it_is_settled_only_when_nothing_can_change(part):
    everyone = drafts(ada="x", bob="x", cyd="x")
    assert part.settled(everyone, ())
    assert not part.settled(drafts(bob="x"), ("ada",))
    assert not part.settled((), ("ada",))
    assert not part.settled(everyone, [f"m{i}" for i in range(9)])
    for last in ("x", "new", None):
        if part.settled(everyone, ("dan",)):
            assert won(part, (*everyone, *drafts(dan=last))).value == "x"


def test_agreement_settles_it_early_where_texts_do_not_count(part):
    early = part.settled(drafts(ada="x", bob="x", cyd="x"), ("dan",))
    assert early != part._held().reads_texts


def test_a_file_of_another_hash_or_kind_is_refused(part, tmp_path):
    with pytest.raises(ConfigError, match="has the hash"):
        Fused(part.path, "0" * 64).count(drafts(ada="x"))
    with pytest.raises(ConfigError, match="no file"):
        Fused(str(tmp_path / "gone.npz")).count(drafts(ada="x"))


def test_a_panel_decides_by_it_and_survives_a_failing_member(part, instantly):
    members = {
        "ada": {"model": {"model": "fake:a", "provider": {"fake": ["y"]}}},
        "bob": {"model": {"model": "fake:b", "provider": {"fake": ["x"]}}},
        "cyd": {"model": {"model": "fake:c", "provider": {"fake": {"error": "RateLimited"}}}},
    }
    answer = instantly(of.Panel(members, vote=part)("?"))
    assert (answer.text, answer.source) == ("y", "ada")
    assert "without: cyd, dan" in answer.trust.basis
