"""Fitting an outcome reward: it tells right drafts from wrong ones by those beside them."""

import asyncio

import numpy as np
import pytest

import onefold as of
from onefold.core.errors import ConfigError
from onefold.core.spec import build, dump
from onefold.fitted.rewards import COMPANY, OutcomeReward, company
from onefold.judges.verifiers.learned import LearnedReward
from onefold.learn.reward import fit_reward
from onefold.recording.recording import Draft
from onefold.verbs import Judge

SKILLS = {"good": 0.8, "fair": 0.6, "poor": 0.4, "wild": 0.3}


def sums(count=80, seed=0, skills=SKILLS):
    """Members that add, and err each in their own way; their sums always seem to hold."""
    draw, rows = np.random.default_rng(seed), []
    for question in range(count):
        a, b = (int(each) for each in draw.integers(10, 99, 2))
        for member, skill in skills.items():
            right = bool(draw.random() < skill)
            said = a + b + (0 if right else int(draw.integers(1, 9)))
            shown = draw.random() < 0.5
            text = f"{a}+{said - a}={said}\nAnswer: {said}" if shown else f"I think so: {said}"
            prompt = f"Ann has {a} pears and buys {b}. How many?"
            rows.append(Draft(f"q{question}", member, text, prompt, str(said), correct=right))
    return of.Recording(rows)


@pytest.fixture(scope="module")
def fit():
    return fit_reward(sums())


def test_company_and_steps_tell_more_than_who_wrote_it(fit):
    figures = fit.figures
    assert figures["auc"] > 0.9
    assert figures["best_of"] > figures["best_member"] + 0.02
    assert figures["best_of"] <= figures["one_right"]
    assert figures["ece"] < 0.15


def said(values):
    return tuple(
        of.Answer(f"I think so: {v}", str(v), name) for name, v in zip(SKILLS, values, strict=True)
    )


def score(judge, drafts, place):
    query = of.Query("Ann has 10 pears and buys 20. How many?", drafts=drafts)
    return asyncio.run(judge.score(query, drafts[place]))


def test_a_draft_that_others_confirm_scores_higher(fit, tmp_path):
    judge = fit.save(tmp_path / "reward.npz")
    alone, confirmed = said((30, 31, 32, 33)), said((30, 30, 32, 30))
    assert score(judge, confirmed, 0) > score(judge, alone, 0)
    assert score(judge, said((31, 30, 31, 31)), 1) < score(judge, alone, 1)
    assert all(0 < score(judge, alone, place) < 1 for place in range(4))


def test_its_live_object_scores_as_the_fit_did(fit):
    """The order of members must not matter, and strangers are taken for average ones."""
    live = OutcomeReward(fit.artifact)
    others = [("fair", "30"), ("poor", "31"), ("wild", None)]
    args = ("10 and 20?", "10+20=30\nAnswer: 30", "30")
    assert live.score(*args, "good", others) == pytest.approx(
        live.score(*args, "good", others[::-1])
    )
    ranked = [live.score(*args, name, others) for name in ("wild", "new", "good")]
    assert ranked == sorted(ranked)
    assert live.score(*args, "good", [("new", "30")]) > live.score(*args, "good", [("new", "1")])


def test_without_other_drafts_it_is_unreadable(fit, tmp_path):
    judge = fit.save(tmp_path / "reward.npz")
    one = of.Answer("30", "30", "good")
    for drafts in ((), (one,)):
        with pytest.raises(of.Unreadable, match=r"query\.drafts has none"):
            asyncio.run(judge.score(of.Query("?", drafts=drafts), one))


def test_a_vote_picks_by_it(fit, tmp_path):
    judge = fit.save(tmp_path / "reward.npz")
    says = {"good": "I think so: 31", "fair": "10+20=30\nAnswer: 30", "poor": "Answer: 30"}
    members = {name: of.Model(name, provider=of.Fake((text,))) for name, text in says.items()}
    panel = of.Panel(members, vote=of.Ranked([judge]), reads="number")
    assert panel.ask("Ann has 10 pears and buys 20. How many?").value == 30


def test_the_same_seed_gives_the_same_file_and_yaml_finds_it(tmp_path):
    first, second = (fit_reward(sums(40), seed=3).save(tmp_path / n) for n in ("a.npz", "b.npz"))
    assert isinstance(first, LearnedReward)
    assert first.hash == second.hash
    assert build(dump(first), Judge) == first


def test_one_member_alone_cannot_be_compared():
    with pytest.raises(ConfigError, match="take fit_judge"):
        fit_reward(sums(skills={"good": 0.7}))


def test_company_says_who_agrees_and_who_stands_against():
    found = company(np.array([[0, 0, 1, -1], [0, 1, 2, -2]]))
    same, rival, candidates, read = (
        dict(zip(COMPANY, np.moveaxis(found, 2, 0), strict=True))[name]
        for name in ("same", "largest rival", "candidates", "read")
    )
    assert same[0] == pytest.approx([1 / 3, 1 / 3, 0, 0])
    assert rival[0] == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3])
    assert candidates[0] == pytest.approx([0.5] * 4)
    assert read[0].tolist() == [1, 1, 1, 0]
    assert same[1] == pytest.approx([0, 0, 0, 0])
    assert rival[1, :3] == pytest.approx([0.5] * 3)
