"""Votes fitted to recorded outcomes: what they win, when they hold back, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec import structs

from onefold.core.errors import ConfigError
from onefold.fitted.artifact import packed
from onefold.fitted.calibration import ece
from onefold.fitted.votes.fusing import Decision, revive
from onefold.learn.ballots import Ballots
from onefold.learn.votes import vote
from onefold.learn.votes.choice import chosen
from onefold.learn.votes.prior import WEIGHTS
from onefold.learn.votes.sample import Sample, sampled
from onefold.learn.votes.vote import MANY, fit_vote
from onefold.learn.votes.weighing import Held
from onefold.recording.recording import Draft, Recording

SKILLS = {"ada": 2.0, "bob": 1.6, "cyd": 1.2, "dan": 0.2, "eve": -0.3}


def recording(
    questions: int,
    seed: int = 1,
    skills: dict[str, float] | None = None,
    trap: float = 0.0,
    grades: bool = True,
) -> Recording:
    """Members answer questions of all difficulties; `trap`: how often the wrong say the same."""
    draw, rows = np.random.default_rng(seed), []
    for question in range(questions):
        hard = 1.5 * draw.normal()
        for name, skill in (skills or SKILLS).items():
            right = bool(draw.random() < 1 / (1 + np.exp(hard - skill)))
            wrong = "trap" if draw.random() < trap else f"wrong {draw.integers(6)}"
            said = "right" if right else wrong
            correct = right if grades else None
            text = f"It is {said}, so {said}."
            rows.append(
                Draft(f"{seed}/{question}", name, text, f"{question}?", said, None, correct)
            )
    return Recording(rows)


def decided(fit, held: Recording) -> tuple[Decision, Sample]:
    """What a fit decides on another recording of the same members."""
    ballots = Ballots(held)
    sample, _ = sampled(ballots, np.arange(len(ballots.queries)), text=True)
    return revive(fit.artifact).among(ballots.members).decide(sample.board, sample.notes), sample


@pytest.mark.parametrize(("labels", "least"), [(25, 0.0), (100, 0.005), (600, 0.01)])
def test_a_fused_vote_beats_the_best_member_on_new_questions_or_is_no_worse(labels, least):
    fit = fit_vote(recording(labels))
    decision, sample = decided(fit, recording(1500, 2))
    best = sample.score[:, list(SKILLS).index(fit.figures["best"])].mean()
    assert decision.said(sample.score).mean() >= best + least
    assert fit.figures["labels"] == labels
    assert fit.figures["fused"] > fit.figures["single"] - 0.02


def test_a_crowd_that_falls_into_the_same_trap_does_not_overrule_the_expert():
    skills = {"ada": 3.5, "bob": -1.0, "cyd": -1.0, "dan": -1.0, "eve": -1.0}
    fit = fit_vote(recording(100, 3, skills, trap=1.0))
    decision, sample = decided(fit, recording(1500, 4, skills, trap=1.0))
    assert decision.said(sample.score).mean() >= sample.score[:, 0].mean() - 0.003
    assert fit.figures["plurality"] < fit.figures["single"] - 0.1


def test_where_fusing_lost_the_best_member_decides_alone_and_the_notes_say_so(monkeypatch):
    lost = np.arange(100) < 10
    held = Held(1.0 - lost, np.ones(100), np.ones(100), np.full(100, 0.9), 0.9 - 0.5 * lost)
    assert held.lost
    assert held.risky
    monkeypatch.setattr(vote, "held_out", lambda *_: held)
    fit = fit_vote(recording(100))
    assert fit.figures["method"] == "single"
    assert f"{fit.figures['best']} decides alone" in fit.notes[-1]
    decision, sample = decided(fit, recording(200, 4))
    best = sample.score[:, list(SKILLS).index(fit.figures["best"])]
    assert (decision.said(sample.score) == best).all()


def test_a_few_overrules_that_won_are_no_risk_and_none_are_no_loss():
    ones = np.ones(100)
    won = Held(
        ones, ones - (np.arange(100) < 9), ones, 0.9 * ones, 0.9 - 0.5 * (np.arange(100) < 9)
    )
    same = Held(ones, ones, ones, 0.9 * ones, 0.9 * ones)
    assert not won.risky
    assert not same.risky
    assert not same.lost


@pytest.mark.parametrize("labels", [100, MANY])
def test_a_vote_that_was_fitted_without_texts_reads_none(labels):
    assert revive(fit_vote(recording(labels)).artifact).reads_texts
    assert not revive(fit_vote(recording(labels), text=False).artifact).reads_texts


def test_weights_are_fitted_anew_only_from_many_grades():
    few, many = fit_vote(recording(100)), fit_vote(recording(MANY))
    assert (few.artifact.arrays["weights"] == WEIGHTS).all()
    assert "full" not in few.notes[-1]
    assert any("full" in note for note in many.notes)


def test_the_stated_probability_is_met_on_new_questions():
    fit = fit_vote(recording(500))
    decision, sample = decided(fit, recording(3000, 5))
    curve = revive(fit.artifact).calibration
    assert ece(curve.apply(decision.plain), decision.said(sample.score), 10) < 0.03
    low, high = curve.interval(decision.plain)
    assert (low <= curve.apply(decision.plain)).all()
    assert low.mean() < decision.said(sample.score).mean() < high.mean()


def test_equal_fits_are_equal_files_and_another_seed_changes_only_folds(tmp_path):
    one, two = (fit_vote(recording(60), seed=4) for _ in range(2))
    assert packed(one.artifact) == packed(two.artifact)
    other = fit_vote(recording(60), seed=5)
    assert (other.artifact.arrays["skills"] == one.artifact.arrays["skills"]).all()
    part = one.save(tmp_path / "vote.npz")
    assert part.hash


def test_too_few_grades_one_class_and_a_strange_prior_are_errors():
    with pytest.raises(ConfigError, match="at least 20"):
        fit_vote(recording(19))
    with pytest.raises(ConfigError, match="at least 20"):
        fit_vote(recording(50, grades=False))
    right = Recording(structs.replace(draft, correct=True) for draft in recording(50))
    with pytest.raises(ConfigError, match="one class"):
        fit_vote(right)
    for wrong in ([1.0], [float("nan")] * len(WEIGHTS), [-1.0] * len(WEIGHTS)):
        with pytest.raises(ConfigError, match="a prior has 10 finite weights"):
            fit_vote(recording(50), prior=wrong)
    with pytest.raises(ConfigError, match="'zoe'"):
        fit_vote(recording(50), members=["ada", "zoe"])


def test_missing_cells_and_missing_texts_are_told():
    rows = recording(50).drafts
    odd = [
        structs.replace(d, value="nan", correct=False) if i % 40 == 0 else d
        for i, d in enumerate(rows)
    ]
    assert "7 values 'nan'" in fit_vote(Recording(odd)).notes[0]
    bare = Recording(structs.replace(d, text="") for d in rows)
    assert any("no texts" in note for note in fit_vote(bare).notes)
    assert not any("no texts" in note for note in fit_vote(bare, text=False).notes)


def test_a_member_absent_from_half_the_questions_is_told_and_fitted_on_the_rest():
    rows = [d for i, d in enumerate(recording(200)) if d.member != "ada" or i % 10]
    fit = fit_vote(Recording(rows))
    assert any("ada has no draft for" in note for note in fit.notes)
    assert fit.figures["best"] in ("ada", "bob")


def test_drafts_that_are_not_graded_are_as_right_as_those_that_say_the_same():
    rows = [structs.replace(d, correct=None) if i % 3 else d for i, d in enumerate(recording(300))]
    part, whole = fit_vote(Recording(rows)), fit_vote(recording(300))
    assert part.figures["fused"] == pytest.approx(whole.figures["fused"], abs=0.1)
    assert np.corrcoef(part.artifact.arrays["skills"], list(SKILLS.values()))[0, 1] > 0.9


def test_a_single_member_answers_for_itself():
    fit = fit_vote(recording(50), members=["ada"])
    assert fit.figures["fused"] == fit.figures["single"]
    assert fit.figures["voters"] == 1.0


def test_without_grades_skills_come_from_another_task_or_an_earlier_fit():
    bare, graded = recording(400, 6, grades=False), recording(400, 6)
    for known in (fit_vote(recording(100)), [recording(100)], recording(100), SKILLS, {}):
        fit = fit_vote(bare, skills=known)
        decision, sample = decided(fit, graded)
        assert decision.said(sample.score).mean() > sample.score.max(axis=0).mean() * 0.5
        assert decision.said(sample.score).mean() >= sample.score[:, 0].mean() - 0.01
        assert any("no grades" in note for note in fit.notes)
        assert fit.artifact.about["labels"] == 0


def test_knowledge_of_less_than_half_of_the_members_is_refused():
    with pytest.raises(ConfigError, match="nothing is known of bob, cyd, dan"):
        fit_vote(recording(50, grades=False), skills={"ada": 1.0, "eve": 0.0})
    half = fit_vote(recording(50, grades=False), skills={"ada": 1.0, "bob": 0.5, "cyd": 0.0})
    assert np.isfinite(half.artifact.arrays["skills"]).all()


def test_knowledge_from_another_task_helps_a_few_grades():
    fit = fit_vote(recording(25, 8), skills=fit_vote(recording(400)))
    found = fit.artifact.arrays["skills"]
    assert np.corrcoef(found, list(SKILLS.values()))[0, 1] > 0.95


def test_a_choice_learns_what_speaks_for_the_right_candidate():
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(800, 3, 2))
    scores = rows @ np.array([1.5, -0.5]) + draw.gumbel(size=(800, 3))
    right = scores == scores.max(axis=1, keepdims=True)
    there = np.ones(right.shape, bool)
    found = chosen(rows, there, right, np.zeros(2), np.full(2, 1e-3))
    assert found == pytest.approx([1.5, -0.5], abs=0.2)
    held = chosen(rows, there, right, np.array([1.0, 1.0]), np.full(2, 1e9))
    assert held == pytest.approx([1.0, 1.0], abs=1e-3)
    assert chosen(rows, there, there, np.ones(2), np.ones(2)) == pytest.approx([1.0, 1.0])
