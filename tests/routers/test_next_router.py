"""The cascade's router and stop: whom to ask next, and when nobody is worth it any more."""

import asyncio

import numpy as np
import pytest

import onefold as of
from onefold.core.answer import Answer, failed
from onefold.core.errors import ConfigError, NoAnswer
from onefold.core.spec import build, dump
from onefold.fitted.artifact import Artifact
from onefold.fitted.deferral import joint
from onefold.fitted.steps import steps
from onefold.learn.calibrate import calibrated
from onefold.operators.votes.last import Likeliest
from onefold.routers.next import Next
from onefold.stops.learned import Worth
from onefold.verbs import Race, Router, Stop

NAMES = ["small", "other", "strong"]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    skills = np.array([2.0, 2.0, 4.5])
    arrays = {
        "joint": joint(steps(3), skills, 1.5, 3.0, 0.05),
        "costs": np.array([0.01, 0.01, 0.1]),
        "base": np.zeros(3),
        **calibrated("platt", np.linspace(0.05, 0.95, 60), np.arange(60) > 30).arrays(),
    }
    about = {"members": NAMES, "last": 2, "faith": 0.0, "basis": "made up", "cofailure": 0.1}
    where = tmp_path_factory.mktemp("cascade") / "cascade.npz"
    Artifact("cascade", about, arrays).save(where)
    return str(where)


def said(name, value):
    return Answer(str(value), None if value is None else str(value), name)


def preferred(path, *drafts):
    weights = asyncio.run(Next(path).route(of.Query("?", drafts=drafts)))
    return sorted(weights, key=lambda name: -weights[name])


def panel(path, **replies):
    members = {name: of.Model(name, provider=of.Fake([text])) for name, text in replies.items()}
    return of.Panel(
        members, Likeliest(path), Worth(path), stagger=float("inf"), quorum=1, route=Next(path)
    )


def test_everybody_may_be_asked_at_first_a_cheap_one_before_all(path):
    assert set(preferred(path)) == set(NAMES)
    assert preferred(path)[0] in ("small", "other")


def test_who_was_asked_is_not_preferred_again_and_disagreement_calls_the_strong_one(path):
    assert preferred(path, said("small", 4))[0] == "other"
    assert preferred(path, said("small", 4), said("other", 5)) == ["strong"]
    assert preferred(path, said("small", 4), failed("other", ValueError("no"))) == ["strong"]


def test_it_is_enough_when_two_cheap_ones_agree_and_not_before(path):
    stop, out = Worth(path), ("strong",)
    assert stop.enough(Race((said("small", 4), said("other", 4)), out))
    assert not stop.enough(Race((said("small", 4), said("other", 5)), out))
    assert not stop.enough(Race((said("small", None), said("other", None)), out))
    assert not stop.enough(Race((said("small", 4),), ("other", "strong")))


def test_members_that_the_panel_lacks_or_that_failed_are_not_waited_for(path):
    stop = Worth(path)
    assert stop.enough(Race((said("small", 4), said("other", 5)), ()))
    broken = failed("strong", ValueError("no"))
    assert stop.enough(Race((said("small", 4), said("other", 5), broken), ()))


def test_the_panel_spares_the_strong_one_where_the_cheap_agree(path):
    answer = panel(path, strong="5", small="4", other="4").ask("2+2?")
    assert (answer.text, answer.unasked) == ("4", ("strong",))
    assert answer.trust.basis == "made up"
    assert answer.trust.low <= answer.confidence <= answer.trust.high


def test_the_strong_one_has_the_last_word(path):
    answer = panel(path, strong="5", small="4", other="6").ask("2+2?")
    assert (answer.text, answer.source) == ("5", "strong")
    assert sum(vote > 0 for vote in answer.votes.values()) == 1


def test_a_cascade_goes_on_where_a_member_fails(path):
    members = [
        of.Named("small", of.Model("a", provider=of.Fake(error="Refused"))),
        of.Named("other", of.Model("b", provider=of.Fake(["4"]))),
        of.Named("strong", of.Model("c", provider=of.Fake(["4"]))),
    ]
    made = of.Panel(
        members, Likeliest(path), Worth(path), stagger=float("inf"), quorum=1, route=Next(path)
    )
    assert made.ask("2+2?").text == "4"


def test_a_panel_of_strangers_is_an_error_that_names_them(path):
    with pytest.raises(ConfigError, match="fitted to small, other, strong"):
        Worth(path).enough(Race((said("x", 4),)))
    with pytest.raises(ConfigError):
        panel(path, x="4", y="4").ask("2+2?")


def test_where_nothing_can_be_read_there_is_no_answer(path):
    silent = of.Query("?", drafts=(said("small", None), said("strong", None)))
    with pytest.raises(NoAnswer):
        Likeliest(path).ask(silent)


def test_they_come_back_from_their_descriptions(path):
    assert build(dump(Next(path, "ab")), Router) == Next(path, "ab")
    assert build(dump(Worth(path)), Stop) == Worth(path)
