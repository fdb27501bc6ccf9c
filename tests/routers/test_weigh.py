"""Weights by price, by speed, by load: what a session knows decides among equals."""

import asyncio

import pytest

from onefold import Fake, Limits, Session
from onefold.core.errors import ConfigError
from onefold.core.query import Query
from onefold.core.spec import build, dump
from onefold.routers.keywords import Keywords
from onefold.routers.weigh import LeastBusy, PerDollar, PerSecond
from onefold.verbs import Router

MODELS = {
    "cheap": {
        "provider": "fake:a",
        "price": {"tokens_in": 1, "tokens_out": 2},
        "typical_tokens": 100,
        "typical_seconds": 4,
    },
    "dear": {
        "provider": "fake:b",
        "price": {"tokens_in": 10, "tokens_out": 20},
        "typical_tokens": 100,
        "typical_seconds": 1,
    },
    "free": {"provider": "fake:c", "price": {"tokens_in": 0, "tokens_out": 0}},
    "unpriced": {"provider": "fake:d", "price": None},
}
BOTH = ("cheap", "dear")


@pytest.fixture(autouse=True)
def session():
    with Session(MODELS) as held:
        yield held


def routed(router, text="What?"):
    return asyncio.run(router.route(Query(text)))


def test_a_tenth_of_the_price_is_ten_times_the_weight():
    weights = routed(PerDollar(members=BOTH))
    assert weights["cheap"] == pytest.approx(10 * weights["dear"])
    assert weights["cheap"] == pytest.approx(1 / ((2 * 1 + 100 * 2) / 1e6))


def test_longer_prompts_cost_more():
    short, long = (routed(PerDollar(members=BOTH), text) for text in ("?", "word " * 500))
    assert long["cheap"] < short["cheap"]


def test_strength_says_how_much_the_price_counts():
    weights = routed(PerDollar(members=BOTH, strength=0.5))
    assert weights["cheap"] / weights["dear"] == pytest.approx(10**0.5)
    assert routed(PerDollar(members=BOTH, strength=0)) == {"cheap": 1.0, "dear": 1.0}


def test_a_free_model_counts_as_the_least():
    assert routed(PerDollar(members=["free"], least=0.5)) == {"free": 2.0}


def test_an_unknown_price_is_never_free():
    with pytest.raises(ConfigError, match="'unpriced' has no known price"):
        routed(PerDollar(members=["cheap", "unpriced"]))


def test_an_unknown_model_is_named_with_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'cheap'"):
        routed(PerDollar(members=["cheep"]))


def test_a_router_decides_who_and_the_price_how_much():
    router = Keywords({"knowledge": {"cheap": 0.5, "dear": 1.0}})
    weights = routed(PerDollar(router), "Who wrote Hamlet?")
    assert weights["cheap"] == pytest.approx(5 * weights["dear"])
    assert routed(PerDollar(router), "zzz") == {}


def test_members_with_names_of_their_own_say_which_model_they_are():
    weights = routed(PerSecond(members={"slow one": "cheap", "fast one": "dear"}))
    assert weights == {"slow one": 0.25, "fast one": 1.0}


def test_of_a_fleet_the_cheapest_and_the_fastest_count(session):
    session.models.register("both", {"fleet": list(BOTH)})
    assert routed(PerDollar(members=["both"])) == pytest.approx(
        {"both": routed(PerDollar(members=BOTH))["cheap"]}
    )
    assert routed(PerSecond(members=["both"])) == {"both": 1.0}


def test_measured_seconds_count_before_typical_ones(session):
    line = session.models.line(session.models.find("cheap"))
    for seconds in (0.2, 0.5, 9.0):
        line.latencies.saw(seconds)
    assert routed(PerSecond(members=BOTH)) == {"cheap": 2.0, "dear": 1.0}


def test_calls_under_way_make_a_model_less_preferred(session):
    for name in ("left", "right", "unlimited"):
        limits = None if name == "unlimited" else Limits(concurrency=4)
        session.models.register(name, Fake(("hi",)), limits=limits)
    gate = session.models.line(session.models.find("left")).gate
    assert gate.try_enter()
    assert gate.try_enter()
    found = routed(LeastBusy(members=["left", "right", "unlimited"]))
    assert found == {"left": pytest.approx(1 / 1.5), "right": 1.0, "unlimited": 1.0}


def test_a_model_that_must_rest_is_less_preferred(session):
    session.models.register("spent", Fake(("hi",)), limits=Limits(requests=1))

    async def go():
        line = session.models.line(session.models.find("spent"))
        line.limiter.pause(9.0, asyncio.get_running_loop().time())
        return await LeastBusy(members=["spent", "free"]).route(Query("?"))

    assert asyncio.run(go()) == {"spent": pytest.approx(0.1, rel=1e-3), "free": 1.0}


@pytest.mark.parametrize("kind", [PerDollar, PerSecond, LeastBusy])
def test_somebody_must_be_named(kind):
    with pytest.raises(ConfigError, match="needs members, or a router that names them"):
        kind()


@pytest.mark.parametrize("kind", [PerDollar, PerSecond, LeastBusy])
def test_weights_come_back_from_yaml(kind):
    for made in (
        kind(members=BOTH),
        kind(members={"a": "cheap"}, strength=2.0),
        kind(Keywords({"math": "cheap"})),
    ):
        assert build(dump(made), Router) == made
