"""Telemetry: every named event is told in its order, and handlers disturb nobody."""

import pytest

import onefold as of
from onefold import Fake, Model, Panel, Session, Telemetry
from onefold.core.errors import ConfigError, NoAnswer
from onefold.runtime.clock import instantly
from onefold.runtime.telemetry import EVENTS

MODELS = {
    "good": Fake(("a",), seconds=(1.0,), tokens=(10, 5), price=(1e3, 2e3)),
    "other": Fake(("b",), seconds=(2.0,), tokens=(10, 5), price=(1e3, 2e3)),
    "slow": Fake(("a",), seconds=(9.0,)),
    "broken": Fake(error="Refused"),
}


def told(operator, text="?", events=("*",), fails=False):
    """What handlers hear of one question: (event, measured, about)."""
    heard = []
    telemetry = Telemetry()
    for event in events:
        telemetry.on(event, lambda name, measured, about: heard.append((name, measured, about)))

    async def asked():
        with Session(MODELS, listeners=[telemetry]):
            return await operator(text)

    if fails:
        with pytest.raises(NoAnswer):
            instantly(asked())
    else:
        instantly(asked())
    assert telemetry.faults == []
    return heard


def names(heard):
    return [name for name, _, _ in heard]


def panel(*members, **about):
    return Panel([Model(name) for name in members], **about)


def test_a_panels_life_is_told_in_order():
    assert names(told(panel("good", "other", "good"))) == [
        "predict.start",
        *["model.start"] * 3,
        *["model.stop"] * 3,
        "vote.complete",
        "consensus.reached",
        "predict.stop",
    ]


def test_failures_and_cancellations_of_models_are_exceptions():
    heard = told(panel("broken", "good", "slow", stop="first"))
    assert names(heard).count("model.start") == 3
    ended = {
        about["name"]: (name, about["status"]) for name, _, about in heard if name[:6] == "model."
    }
    assert ended == {
        "broken": ("model.exception", "failed"),
        "good": ("model.stop", "ok"),
        "slow": ("model.exception", "cancelled"),
    }


def test_every_event_there_is_is_told_sooner_or_later():
    heard = told(panel("good", "broken", "good"))
    heard += told(panel("good", "other", "broken"))
    heard += told(panel("broken", "broken"), fails=True)
    assert set(names(heard)) == set(EVENTS)


def test_a_panel_that_fails_ends_in_an_exception_and_no_consensus():
    heard = told(panel("broken", "broken"), fails=True)
    assert names(heard)[-2:] == ["consensus.failed", "predict.exception"]
    assert "vote.complete" not in names(heard)


def test_a_vote_that_finds_no_answer_is_no_completed_vote():
    heard = told(panel("good", "other", vote="unanimous"), fails=True)
    assert names(heard)[-2:] == ["consensus.failed", "predict.exception"]
    assert "vote.complete" not in names(heard)


def test_a_split_vote_is_no_consensus():
    heard = names(told(panel("good", "other")))
    assert "consensus.failed" in heard
    assert "consensus.reached" not in heard


def test_a_start_measures_nothing_and_a_stop_its_time_money_and_tokens():
    heard = {
        name: (measured, about) for name, measured, about in told(panel("good", "other", "good"))
    }
    assert heard["predict.start"][0] == {}
    measured, about = heard["predict.stop"]
    assert measured["duration"] == 2.0
    assert measured["usd"] == pytest.approx(3 * 0.02)
    assert measured["tokens"] == 45
    assert about["success"]
    assert about["status"] == "ok"


def test_the_vote_tells_who_won_and_by_how_much():
    heard = told(panel("good", "other", "good"), events=["vote.complete"])
    ((name, measured, about),) = heard
    assert name == "vote.complete"
    assert about["answer"] == "a"
    assert about["votes"] == {"a": 2, "b": 1}
    assert about["consensus"] == pytest.approx(2 / 3)
    assert measured["duration"] == 0


def test_an_exception_brings_its_error():
    heard = told(panel("broken", "good", "good"), events=["model.exception"])
    ((_, _, about),) = heard
    assert type(about["error"]).__name__ == "Refused"
    assert not about["success"]


def test_a_single_model_is_a_prediction_too():
    assert names(told(Model("good"))) == [
        "predict.start",
        "model.start",
        "model.stop",
        "predict.stop",
    ]


def test_a_panel_in_a_panel_is_one_prediction_with_two_votes():
    heard = names(told(Panel([panel("good", "good"), Model("good")])))
    assert heard.count("predict.start") == heard.count("predict.stop") == 1
    assert heard.count("vote.complete") == 2
    assert heard.count("model.stop") == 3


def test_a_question_without_text_starts_nothing():
    heard = []
    telemetry = Telemetry().on("*", lambda *event: heard.append(event))
    with Session(listeners=[telemetry]), pytest.raises(ConfigError):
        Model("fake:a").ask("")
    assert heard == []


def test_only_the_events_asked_for_are_heard():
    assert names(told(panel("good", "good"), events=["model.stop"])) == ["model.stop"] * 2


def test_several_handlers_hear_the_same_event_in_order():
    heard = []
    telemetry = Telemetry()
    telemetry.on("predict.stop", lambda *_: heard.append("first"))
    telemetry.on("*", lambda name, *_: heard.append(f"any {name}"))
    telemetry.on("predict.stop", lambda *_: heard.append("second"))
    with Session(listeners=[telemetry]):
        Model("fake:a").ask("?")
    assert heard[-3:] == ["first", "second", "any predict.stop"]


def test_a_handler_that_raises_disturbs_nobody_and_is_kept():
    heard = []

    def broken(name, measured, about):
        raise ZeroDivisionError(name)

    telemetry = Telemetry().on("*", broken).on("predict.stop", lambda *_: heard.append(1))
    with Session(listeners=[telemetry]):
        assert Model("fake:a").ask("?").text == "a"
    assert heard == [1]
    assert [name for name, _ in telemetry.faults] == [
        "predict.start", "model.start", "model.stop", "predict.stop",
    ]  # fmt: skip
    assert all(isinstance(error, ZeroDivisionError) for _, error in telemetry.faults)


def test_an_event_nobody_tells_is_refused_with_the_nearest():
    with pytest.raises(
        ConfigError, match=r"no event named 'predict\.strat'; did you mean 'predict\.start'"
    ):
        Telemetry().on("predict.strat", print)


def test_a_handler_is_a_function():
    with pytest.raises(ConfigError, match=r"handler of 'model\.stop' is a function, not 7"):
        Telemetry().on("model.stop", 7)


def test_a_run_tells_one_prediction_a_question():
    heard = []
    telemetry = Telemetry().on("predict.stop", lambda *event: heard.append(event))
    of.run(Model("fake:a"), ["a", "b", "c"], session=Session(listeners=[telemetry]))
    assert len(heard) == 3
