"""Feedback teaches: who stands how, what changed, and what survives a restart."""

from math import inf

import numpy as np
import pytest

import onefold as of
from onefold import Draft, Recording
from onefold.core.answer import Answer, Failure
from onefold.core.errors import ConfigError
from onefold.experience.drift import Drift
from onefold.experience.experience import HORIZON, Experience, Standing, outcomes
from onefold.runtime.clock import instantly


def model(name, text):
    return of.Model(name, provider=of.Fake((text,)))


def answer(winner="x", **said):
    drafts = tuple(Answer(text, None if text == "?" else text, name) for name, text in said.items())
    return Answer(winner, winner, drafts=drafts, asked="why?")


def shares(given):
    return {row.member: row.score for row in given}


def test_who_said_the_same_shares_the_score_and_dissent_from_a_right_answer_was_wrong():
    told = outcomes(answer(a="x", b="y", c="?", d="x"), 0.9)
    assert shares(told) == {"a": 0.9, "b": 0.0, "c": 0.0, "d": 0.9}


def test_about_dissent_from_a_wrong_answer_nobody_knows_unless_the_right_one_is_told():
    given = answer(a="x", b="y", c="z", d="?")
    assert shares(outcomes(given, 0.0)) == {"a": 0.0}
    assert shares(outcomes(given, 0.0, "y")) == {"a": 0.0, "b": 1.0, "c": 0.0, "d": 0.0}


def test_failures_teach_nothing_about_quality_and_draws_belong_to_their_member():
    given = answer(a="x").but(
        drafts=(
            Answer(source="f", error=Failure("Unreachable")),
            Answer("x", "x", "m"),
            Answer("y", "y", "m#2", sample=1),
        )
    )
    rows = list(outcomes(given, 1.0))
    assert [(row.member, row.sample, row.score) for row in rows] == [("m", 0, 1.0), ("m", 1, 0.0)]


def test_a_panels_answer_takes_feedback_and_the_session_remembers():
    panel = of.Panel([model("a", "4"), model("b", "4"), model("c", "5")])
    with of.Session() as session:
        panel.ask("2+2?").feedback(1.0)
        panel.ask("2+2?").feedback(0.0, right="5")
        stood = {name: session.experience.standing(name) for name in "abcd"}
    assert [stood[name].outcomes for name in "abcd"] == [2, 2, 2, 0]
    assert stood["a"].score == pytest.approx(0.5, abs=0.01)
    assert stood["c"].score == pytest.approx(0.5, abs=0.01)
    assert stood["d"] == Standing()
    assert 0 < stood["a"].low < stood["a"].score < stood["a"].high < 1


def test_only_an_answer_that_a_caller_got_takes_feedback():
    given = of.Panel([model("a", "4"), model("b", "4")]).ask("2+2?")
    for score in (-0.1, 1.1, "good", None):
        with pytest.raises(ConfigError, match="a score is a share"):
            given.feedback(score)
    with pytest.raises(ConfigError, match="as it came from ask"):
        given.drafts[0].feedback(1.0)


def test_what_was_taught_survives_a_restart_and_is_a_recording(tmp_path):
    path = tmp_path / "deep" / "experience.jsonl"
    with of.Session(experience=path) as session:
        of.ask("2+2?", model("a", "4")).feedback(1.0)
        before = session.experience.standing("a")
    assert Experience(path).standing("a") == before
    (row,) = Recording.load(path)
    assert row == Draft("2+2?", "a", "4", "2+2?", "4", usd=row.usd, seconds=row.seconds, score=1.0)
    with path.open("ab") as file:
        file.write(b'{"query_id": "cut o')
    again = Experience(path)
    assert (again.standing("a"), len(again.faults)) == (before, 1)
    assert Experience(path).faults == []


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    experience = Experience(tmp_path / "file" / "experience.jsonl")
    with pytest.raises(ConfigError, match="cannot be written"):
        experience.add(answer(a="x"), 1.0)
    assert list(experience) == []


def test_older_outcomes_weigh_less():
    experience = Experience()
    for share in [1.0] * 20 + [0.0] * 20:
        experience.add(answer(a="x"), share)
    weights = (1 - 1 / HORIZON) ** np.arange(39, -1, -1)
    stood = experience.standing("a")
    assert stood.weight == pytest.approx(weights.sum())
    assert stood.score == pytest.approx(weights[:20].sum() / weights.sum())


def test_a_degradation_is_noticed_and_what_was_before_it_forgotten():
    draw = np.random.default_rng(5)
    experience = Experience()
    for share in (draw.random(400) < 0.9).astype(float):
        experience.add(answer(a="x"), share)
    assert experience.changes == []
    for share in (draw.random(60) < 0.5).astype(float):
        experience.add(answer(a="x"), share)
    (change,) = experience.changes
    assert (change.member, change.what, change.worse) == ("a", "score", True)
    assert change.before == pytest.approx(0.9, abs=0.03)
    assert change.after < 0.7
    assert change.seen <= 440
    assert "a became worse: score" in str(change)
    assert experience.standing("a").score == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("usual", [0.3, 0.6, 0.9, 0.98])
def test_a_steady_member_raises_hardly_any_alarm(usual):
    draw = np.random.default_rng(0)
    alarms = 0
    for _ in range(20):
        drift = Drift()
        alarms += sum(drift.add(s) is not None for s in (draw.random(1000) < usual).astype(float))
    assert alarms <= 8  # of 20,000 outcomes


@pytest.mark.parametrize(("before", "after"), [(0.9, 0.6), (0.5, 0.9), (0.97, 0.8), (1.0, 0.7)])
def test_a_change_is_noticed_within_some_dozens_of_outcomes(before, after):
    draw = np.random.default_rng(1)
    late = []
    for _ in range(20):
        drift = Drift()
        for share in draw.random(300) < before:
            drift.add(float(share))
        for count, share in enumerate(draw.random(400) < after):
            if drift.add(float(share)) is not None:
                late.append(count)
                break
    assert len(late) == 20
    assert np.median(late) < 80


def test_without_any_feedback_failures_and_disagreement_are_watched():
    experience = Experience()
    good, other = model("b", "4"), model("c", "4")
    with of.Session(listeners=[experience]):

        async def asked(first, count):
            for number in range(count):
                await of.Panel([first, good, other], quorum=1)(f"question {number}")

        instantly(asked(model("a", "4"), 60))
        assert experience.changes == []
        instantly(asked(model("a", "5"), 40))
        instantly(asked(of.Model("a", provider=of.Fake(("4",), error="Unreachable")), 40))
    what = [(change.member, change.what, change.worse) for change in experience.changes]
    assert what == [("a", "agreement", True), ("a", "failures", True)]


def test_weights_are_earned():
    panel = of.Panel([model("good", "x"), model("bad", "y"), model("worse", "y")], vote="earned")
    with of.Session():
        assert panel.ask("q").text == "y"
        for _ in range(40):
            panel.ask("q").feedback(0.0, right="x")
        given = panel.ask("q")
    assert given.text == "x"
    assert given.tally.votes["x"] > given.tally.votes["y"]


def test_an_earned_vote_is_settled_once_the_rest_cannot_turn_it():
    vote = of.Earned()
    drafts = [Answer("x", "x", name) for name in "ab"]
    with of.Session():
        assert not vote.settled(drafts, ["c", "d"])
        assert vote.settled(drafts, ["c"])
        assert vote.settled(drafts, [])


def test_a_router_learns_whom_to_ask_for_what():
    sums, rhymes = model("sums", "x"), model("rhymes", "x")
    route = of.Online(["sums", "rhymes"], alike=1.0, strength=2)
    panel = of.Panel([sums, rhymes], stop="first", stagger=inf, route=route)

    def taught(prompt, good):
        with_all = of.Panel([sums, rhymes])
        given = with_all.ask(prompt)
        drafts = [d.but(value="x" if d.source == good else "y") for d in given.drafts]
        given.but(drafts=tuple(drafts)).feedback(1.0)

    with of.Session():
        for number in range(25):
            taught(f"add the numbers {number} and {number + 3}", "sums")
            taught(f"write a poem with rhyme about tree {number}", "rhymes")
        assert panel.ask("please add the numbers 7 and 900").source == "sums"
        assert panel.ask("write a rhyme, a poem about the sea").source == "rhymes"


def test_a_router_is_corrected_by_experience_and_repeats_its_draws():
    first = of.router(lambda _: {"a": 0.9, "b": 0.6})
    route = of.Online(router=first, strength=5)
    drawn = of.Online(router=first, strength=5, explore=True)
    with of.Session() as session:
        fresh = instantly(route.route(of.Query("q")))
        assert fresh == pytest.approx({"a": 0.9, "b": 0.6})
        for _ in range(30):
            of.ask("q", model("a", "x")).feedback(0.0)
        weights = instantly(route.route(of.Query("q")))
        assert weights["a"] < 0.3 < weights["b"] == pytest.approx(0.6)
        one, same = (instantly(drawn.route(of.Query("q"))) for _ in range(2))
        assert one == same
        assert one != weights
        session.experience.add(answer(a="x"), 0.0)
        assert instantly(drawn.route(of.Query("q"))) != one


def test_an_online_router_needs_somebody_to_prefer():
    with pytest.raises(ConfigError, match="needs members, or a router"):
        of.Online()
