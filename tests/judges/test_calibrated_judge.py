"""A judge whose score is the probability that an answer is right."""

import asyncio

import numpy as np
import pytest

import onefold as of
from onefold.core.spec import build, dump
from onefold.judges.calibrated import Calibrated
from onefold.judges.combine import Mean
from onefold.learn.calibrate import fit_calibration
from onefold.verbs import Judge


def boasting(count=300, seed=3):
    """Drafts that state too much: right in half of the cases where they say 90 %."""
    chance = np.random.default_rng(seed)
    for number in range(count):
        sure = bool(chance.random() < 0.5)
        right = bool(chance.random() < (0.5 if sure else 0.2))
        text = f"{number}. Confidence: {90 if sure else 60}%"
        yield of.Draft(f"q{number}", "m", text, f"Question {number}?", correct=right)


def score(judge, text):
    return asyncio.run(judge.score(of.Query("?"), of.Answer(text, source="m")))


def test_what_is_stated_becomes_what_is_true(tmp_path):
    found = fit_calibration(of.Recording(boasting()), "stated")
    judge = found.save(tmp_path / "judge.npz")
    assert isinstance(judge, Calibrated)
    assert score(judge, "Confidence: 90%") == pytest.approx(0.5, abs=0.1)
    assert score(judge, "Confidence: 60%") == pytest.approx(0.2, abs=0.1)
    assert found.figures["ece"] < 0.15 < 0.3 < found.figures["ece_before"]
    assert build(dump(judge), Judge) == judge


def test_what_the_judge_cannot_read_stays_unreadable(tmp_path):
    judge = fit_calibration(of.Recording(boasting()), "stated").save(tmp_path / "judge.npz")
    with pytest.raises(of.Unreadable, match="states no confidence"):
        score(judge, "I would not know")


def test_drafts_that_cannot_be_scored_are_left_out_and_told():
    rows = [*boasting(), of.Draft("x", "m", "no idea", "Question x?", correct=False)]
    found = fit_calibration(of.Recording(rows), "stated")
    assert found.artifact.about["labels"] == 300
    assert "1 scores could not be had, such as: m states no confidence" in found.notes[0]


def test_a_judge_that_answers_prose_throughout_is_an_error():
    rows = [of.Draft(f"q{n}", "m", "fine", f"Q {n}?", correct=n % 2 == 0) for n in range(40)]
    with pytest.raises(of.ConfigError, match="0 graded questions have a score by stated"):
        fit_calibration(of.Recording(rows), "stated")


def test_several_judges_are_weighed_by_what_they_tell(tmp_path):
    chance = np.random.default_rng(1)
    rows, told, noise = [], {}, {}
    for number in range(300):
        right, text = bool(chance.random() < 0.6), f"text {number}"
        told[text] = float(np.clip(chance.normal(0.7 if right else 0.4, 0.15), 0, 1))
        noise[text] = float(chance.random())
        rows.append(of.Draft(f"q{number}", "m", text, f"Q {number}?", correct=right))
    says = [of.judge(lambda _, answer, by=by: by[answer.text]) for by in (told, noise)]
    judges = Mean(says, failing="fail")
    judge = fit_calibration(of.Recording(rows), judges).save(tmp_path / "mean.npz")
    assert (judge.judge.judges, judge.judge.failing) == (tuple(says), "fail")
    assert judge.judge.weights[0] > 0.85
    assert sum(judge.judge.weights) == pytest.approx(1.0)
