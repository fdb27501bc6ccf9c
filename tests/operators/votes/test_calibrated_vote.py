"""A vote whose confidence is the probability that it is right."""

import numpy as np
import pytest

import onefold as of
from onefold.core.spec import build, dump
from onefold.learn.calibrate import fit_calibration
from onefold.operators.votes.calibrated import CalibratedVote
from onefold.verbs import Operator

SKILLS = {"a": 0.9, "b": 0.7, "c": 0.6}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A majority over three members of known skill, calibrated on 400 questions."""
    chance = np.random.default_rng(5)
    rows = []
    for question in range(400):
        for name, skill in SKILLS.items():
            right = bool(chance.random() < skill)
            text = "right" if right else f"wrong {chance.integers(3)}"
            rows.append(
                of.Draft(f"q{question}", name, text, f"Question {question}?", correct=right)
            )
    return fit_calibration(of.Recording(rows)).save(tmp_path_factory.mktemp("fit") / "vote.npz")


def panel(vote, **says):
    return of.Panel({name: f"fake:{said}" for name, said in says.items()}, vote=vote)


def test_its_confidence_is_a_probability_with_an_interval_and_its_grounds(fitted):
    answer = panel(fitted, a="x", b="x", c="x").ask("?")
    assert answer.value == "x"
    assert answer.confidence == answer.trust.probability > 0.95
    assert answer.interval == (answer.trust.low, answer.trust.high)
    assert answer.trust.low < answer.confidence < answer.trust.high
    assert answer.trust.outcomes == 400
    assert 2.5 < answer.trust.voters <= 3.0
    assert answer.trust.cofailure < 0.1
    assert "calibrated on 400 graded questions" in answer.trust.basis


def test_who_agrees_counts_and_not_only_how_many(fitted):
    strong = panel(fitted, a="x", b="x", c="y").ask("?").confidence
    weak = panel(fitted, a="y", b="x", c="x").ask("?").confidence
    assert strong > weak + 0.2


def test_the_winner_is_the_other_votes_own_and_it_settles_with_it(fitted):
    drafts = [of.Answer("x", "x", "a"), of.Answer("x", "x", "b")]
    assert fitted.count(drafts) == fitted.vote.count(drafts)
    assert fitted.settled(drafts, ["c"])
    assert not fitted.settled(drafts[:1], ["b", "c"])
    stopped = of.Panel(
        dict.fromkeys(SKILLS, "fake:x"), vote=fitted, stop="decided", stagger=float("inf")
    ).ask("?")
    assert stopped.unasked == ("c",)
    assert 0.5 < stopped.confidence < 1.0


def test_other_members_than_it_was_fitted_on_are_named(fitted):
    with pytest.raises(of.ConfigError, match="none of them voted, but x"):
        panel(fitted, x="1").ask("?")
    assert "does not know x" in panel(fitted, a="1", x="1").ask("?").trust.basis


def test_without_a_vote_there_is_no_answer(fitted):
    with pytest.raises(of.NoAnswer):
        of.Panel({"a": "fake:dunno"}, vote=fitted, reads="number").ask("?")


def test_it_comes_back_from_yaml_and_refuses_another_file(fitted, tmp_path):
    assert build(dump(fitted), Operator) == fitted
    other = CalibratedVote("majority", fitted.path, "0" * 64)
    with pytest.raises(of.ConfigError, match="another file than the one that was fitted"):
        panel(other, a="x").ask("?")
    with pytest.raises(of.ConfigError, match="no file"):
        panel(CalibratedVote("majority", str(tmp_path / "none.npz")), a="x").ask("?")
    with pytest.raises(of.ConfigError):
        CalibratedVote(of.Chain(["fake:a"]), fitted.path)
