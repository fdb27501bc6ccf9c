"""Fitting a cascade: cheaper and as good where that can be, else the strongest member alone."""

import asyncio
from itertools import groupby

import numpy as np
import pytest

import onefold as of
from onefold.core.errors import ConfigError
from onefold.core.spec import build, dump
from onefold.fitted.deferral import Cascade
from onefold.learn.ballots import Ballots
from onefold.learn.cascade import Wish, fit_cascade
from onefold.learn.cascade_search import Trial
from onefold.recording.recording import Draft
from onefold.verbs import Operator

CROWD = {"tiny": (0.5, 1.0), "small": (2.0, 2.0), "other": (2.0, 3.0), "strong": (4.0, 40.0)}
QUICK = {"text": False, "most": 3}


def world(count=150, seed=0, crowd=None, wrong=9):
    """Members by (skill, price) on questions of every difficulty; `wrong` mistakes to choose from.

    What is right shows in the text: wrong drafts often do a sum that does not hold.
    """
    draw, rows = np.random.default_rng(seed), []
    for question in range(count):
        hard = 1.5 * draw.normal()
        for member, (skill, price) in (crowd or CROWD).items():
            right = bool(draw.random() < 1 / (1 + np.exp(hard - skill)))
            value = "10" if right else str(20 + draw.integers(wrong))
            text = f"It is {value}: 4 + 6 = {value if draw.random() < 0.8 else 10}"
            prompt = f"Question {question}: 4 and 6?"
            rows.append(
                Draft(f"q{question}", member, text, prompt, value, correct=right, usd=price / 1e3)
            )
    return of.Recording(rows)


def answered(panel, recording, tmp_path):
    """The panel's answers to all recorded questions, from the recording itself."""
    path = tmp_path / "drafts.jsonl"
    recording.write(path)

    async def all_of_them():
        with of.Session(of.replay(str(path))):
            queries = (of.Query(recording.prompts[n].prompt, id=n) for n in recording.queries)
            return [await panel(query) for query in queries]

    return asyncio.run(all_of_them())


def as_value(recording):
    """The same drafts, whose texts are just their values, so that any reader reads them alike."""
    return of.Recording([Draft(d.query_id, d.member, d.value, d.prompt, d.value, correct=d.correct,
                               usd=d.usd) for d in recording])  # fmt: skip


def test_a_cascade_of_good_cheap_members_costs_less_and_is_as_good():
    crowd = {"small": (4, 2.0), "other": (4, 3.0), "third": (4, 4.0), "strong": (4, 40.0)}
    figures = fit_cascade(world(300, crowd=crowd), **QUICK).figures
    assert figures["share"] < 0.6
    assert figures["gain_high"] > 0
    assert figures["gain"] > -0.03


@pytest.mark.parametrize("text", [False, True])
def test_the_saved_panel_does_what_was_fitted(tmp_path, text):
    recording = as_value(world(60 if text else 150))
    fit = fit_cascade(recording, share=0.5, most=3, text=text, folds=3)
    panel = fit.save(tmp_path / "cascade.npz")
    assert build(dump(panel), Operator) == panel
    answers = answered(panel, recording, tmp_path)
    course, ballots = Cascade(fit.artifact).course, Ballots(recording)
    columns = ballots.columns(course.members)
    verdicts = None
    if panel.judge is not None:
        verdicts = np.full((len(answers), len(columns)), np.nan)
        for row, answer in enumerate(answers):
            for draft in answer.drafts:
                verdicts[row, course.members.index(draft.source)] = draft.confidence
    ended, _ = course.follow(ballots.codes[:, columns], verdicts)
    asked = course.through.said[ended] > -2
    for row, answer in enumerate(answers):
        names = {name for name, there in zip(course.members, asked[row], strict=True) if there}
        assert {draft.source for draft in answer.drafts} == names
        assert answer.trust is not None
        assert answer.confidence == answer.trust.probability


def test_the_probability_of_an_answer_is_honest(tmp_path):
    recording = as_value(world(300))
    panel = fit_cascade(recording, share=0.5, **QUICK).save(tmp_path / "cascade.npz")
    answers = answered(panel, as_value(world(300, seed=1)), tmp_path)
    right = np.mean([answer.value == "10" for answer in answers])
    stated = np.mean([answer.confidence for answer in answers])
    assert stated == pytest.approx(right, abs=0.06)
    assert all(answer.interval[0] <= answer.confidence <= answer.interval[1] for answer in answers)


def test_what_may_be_spent_is_kept_to():
    for share in (0.3, 0.7):
        figures = fit_cascade(world(300), share=share, **QUICK).figures
        assert figures["share"] < share + 0.08
    usd = fit_cascade(world(300), usd=0.012, **QUICK).figures["usd"]
    assert usd < 0.015


def test_a_quality_is_reached_at_the_least_cost():
    low, high = (fit_cascade(world(300), quality=q, **QUICK).figures for q in (0.75, 0.9))
    assert low["share"] < high["share"]
    assert low["quality"] > 0.7


def test_where_cheap_members_are_useless_the_strongest_answers_alone():
    crowd = {"bad": (-8.0, 18.0), "worse": (-8.0, 19.0), "strong": (4.0, 40.0)}
    fit = fit_cascade(world(100, crowd=crowd), **QUICK)
    assert any("alone" in note for note in fit.notes)
    assert fit.figures["gain"] == 0
    assert fit.figures["share"] == 1
    assert fit.artifact.about["members"] == ["strong"]


def test_a_cascade_of_one_answers_too(tmp_path):
    crowd = {"bad": (-8.0, 19.0), "strong": (4.0, 40.0)}
    recording = as_value(world(60, crowd=crowd))
    panel = fit_cascade(recording, **QUICK).save(tmp_path / "cascade.npz")
    assert {a.source for a in answered(panel, recording, tmp_path)} == {"strong"}


def test_members_that_make_the_same_mistakes_are_not_trusted_together():
    crowd = {"copy": (1.0, 1.0), "twin": (1.0, 1.5), "strong": (4.0, 40.0)}
    alike, apart = (
        fit_cascade(world(300, crowd=crowd, wrong=w), quality=0.85, **QUICK) for w in (1, 50)
    )
    assert alike.figures["share"] > apart.figures["share"]


def test_fifty_labels_are_enough_and_the_seed_decides():
    first, again = (fit_cascade(world(50), share=0.5, **QUICK, seed=4) for _ in range(2))
    assert first.figures == again.figures
    assert set(first.artifact.arrays) == set(again.artifact.arrays)


def test_without_prices_every_call_counts_the_same():
    bare = of.Recording([Draft(d.query_id, d.member, d.text, d.prompt, d.value, correct=d.correct)
                         for d in world(80)])  # fmt: skip
    assert any("no draft has a price" in note for note in fit_cascade(bare, **QUICK).notes)


def test_members_without_price_or_with_gaps_are_left_out_and_told():
    rows = [
        Draft(d.query_id, d.member, d.text, d.prompt, d.value, correct=d.correct,
              usd=None if d.member == "tiny" else d.usd)
        for d in world(100) if d.member != "other" or int(d.query_id[1:]) % 3
    ]  # fmt: skip
    notes = " ".join(fit_cascade(of.Recording(rows), **QUICK).notes)
    assert "tiny has no price" in notes
    assert "other is often absent" in notes
    with pytest.raises(ConfigError, match="tiny has no price"):
        fit_cascade(of.Recording(rows), strong="tiny", **QUICK)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"usd": 1.0, "share": 0.5}, "not both"),
        ({"share": 0.0}, "more than 0"),
        ({"quality": 1.5}, "at most 1"),
        ({"quality": float("nan")}, "more than 0"),
        ({"most": 1}, "2 to 6"),
        ({"strong": "stronk"}, "stronk"),
        ({"members": ["strong"]}, "at least two"),
    ],
)
def test_a_wish_that_is_none_is_an_error(wish, words):
    with pytest.raises(ConfigError, match=words):
        fit_cascade(world(30), **{"text": False, **wish})


def test_too_few_graded_questions_are_an_error():
    with pytest.raises(ConfigError, match="graded"):
        fit_cascade(world(10))


def test_draws_of_one_member_may_stand_in_a_cascade(tmp_path):
    rows = [
        Draft(d.query_id, "m" if d.member in ("small", "other") else d.member, d.value, d.prompt,
              d.value, correct=d.correct, usd=d.usd, sample=int(d.member == "other"))
        for d in world(120) if d.member != "tiny"
    ]  # fmt: skip
    fit = fit_cascade(of.Recording(rows), members=["m", "m#2", "strong"], share=0.6, **QUICK)
    assert fit.artifact.about["members"] == ["m", "m#2", "strong"]
    names = [k for k, _ in groupby(m.model for m in fit.save(tmp_path / "c.npz").members)]
    assert names == ["m", "strong"]


def test_what_was_measured_counts_more_the_more_questions_there_are():
    def chosen(questions: int) -> float:
        lucky = Trial((0, 2), 0.1, 0.02, 0.01, questions, -0.02, 0.5)
        likely = Trial((1, 2), 0.2, 0.0, 0.01, questions, 0.01, 0.5)
        return Wish(0.6).best([lucky, likely]).price

    assert (chosen(30), chosen(500)) == (0.2, 0.1)


def test_one_more_member_must_bring_more_than_it_doubts():
    few, many = (Trial(some, 0.1, 0.01, 0.0, 200, 0.01, 0.5) for some in ((0, 2), (0, 1, 2)))
    assert Wish(0.6).best([many, few]) is few
