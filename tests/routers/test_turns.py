"""Routers that balance: in turn, and by how members fared."""

import asyncio

import pytest

import onefold as of
from onefold.core.errors import ConfigError
from onefold.core.spec import build, dump
from onefold.routers.weigh import Performance, RoundRobin
from onefold.verbs import Router


def routed(router):
    return asyncio.run(router.route(of.Query("why?")))


def first(router):
    return next(iter(routed(router)))


def test_each_member_comes_first_in_turn_and_a_session_counts_for_itself():
    router = RoundRobin(members=("a", "b", "c"))
    with of.Session():
        assert [first(router) for _ in range(5)] == ["a", "b", "c", "a", "b"]
        assert list(routed(router)) == ["c", "a", "b"]
    with of.Session():
        assert first(router) == "a"


def test_those_that_a_router_names_take_turns():
    named = of.build({"keywords": {"to": {"code": ["x", "y"]}}}, Router)
    router = RoundRobin(named)
    code, chat = of.Query("Write a Python function"), of.Query("hm")
    with of.Session():
        turns = [next(iter(asyncio.run(router.route(code)))) for _ in range(3)]
        assert asyncio.run(router.route(chat)) == {}
    assert turns == ["x", "y", "x"]


def taught(good, bad, count):
    held = {name: of.Model(name, provider=of.Fake((name,))) for name in (good, bad)}
    for number in range(count):
        of.Panel(held).ask(f"{number}?").feedback(1.0, right=good)


def test_weights_follow_how_members_fared_lately():
    router = Performance(members=("good", "bad", "new"))
    with of.Session():
        assert routed(router) == {"good": 0.5, "bad": 0.5, "new": 0.5}
        taught("good", "bad", 30)
        weights = routed(router)
    assert weights["good"] > 0.9 > weights["new"] > weights["bad"]


def test_a_cautious_one_trusts_few_outcomes_less():
    router = Performance(members=("good",), cautious=True)
    with of.Session():
        taught("good", "bad", 3)
        few = routed(router)["good"]
        taught("good", "bad", 60)
        assert few < 0.5 < routed(router)["good"] < 1


@pytest.mark.parametrize("cls", [Performance, RoundRobin])
def test_somebody_must_be_named(cls):
    with pytest.raises(ConfigError, match="needs members"):
        cls()
    part = cls(members=("a", "b"))
    assert build(dump(part), Router) == part
