"""Routers made of routers: the first with an opinion, the best few, a mixture."""

import asyncio
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.core.errors import ConfigError
from onefold.core.query import Query
from onefold.core.spec import build, dump
from onefold.routers.combine import FirstOf, Mix, Top
from onefold.routers.keywords import Keywords
from onefold.verbs import Router


class Says(Router, name="test_says"):
    """Says what it is told."""

    weights: dict[str, float] = {}

    async def route(self, query):
        return self.weights


class Again(Router, name="test_again"):
    """Wants to be asked again."""

    again: ClassVar[bool] = True

    async def route(self, query):
        return {"b": 1.0} if query.drafts else {"a": 1.0}


def routed(router):
    return asyncio.run(router.route(Query("?")))


weights = st.dictionaries(st.sampled_from("abcd"), st.floats(0.01, 10), max_size=4)


def test_the_first_router_with_an_opinion_decides():
    assert routed(FirstOf([Says(), Says({"a": 1.0}), Says({"b": 1.0})])) == {"a": 1.0}
    assert routed(FirstOf([Says({"a": 0.0}), Says({"b": 1.0})])) == {"b": 1.0}
    assert routed(FirstOf([Says(), Says()])) == {}


@given(weights, st.integers(1, 5))
def test_top_keeps_the_best_so_many(said, count):
    kept = routed(Top(Says(said), count))
    assert len(kept) == min(count, len(said))
    assert all(said[name] == weight for name, weight in kept.items())
    assert not kept or min(kept.values()) >= max([said[n] for n in said if n not in kept] or [0])


def test_among_equals_top_keeps_those_named_first():
    assert list(routed(Top(Says({"b": 1.0, "a": 1.0, "c": 1.0}), 2))) == ["b", "a"]


@given(st.lists(weights, min_size=1, max_size=4), st.data())
def test_a_mixture_sums_to_one_and_scales_do_not_matter(said, data):
    shares = data.draw(st.lists(st.floats(0.1, 5), min_size=len(said), max_size=len(said)))
    mixed = routed(Mix([Says(each) for each in said], shares))
    louder = [Says({name: 7 * weight for name, weight in each.items()}) for each in said]
    assert mixed == pytest.approx(routed(Mix(louder, shares)))
    assert sum(mixed.values()) == pytest.approx(1.0 if any(said) else 0.0)


def test_a_mixture_weighs_opinions_and_leaves_out_who_has_none():
    routers = [Says({"a": 3.0, "b": 1.0}), Says({"b": 5.0}), Says()]
    assert routed(Mix(routers)) == pytest.approx({"a": 0.375, "b": 0.625})
    assert routed(Mix(routers, [3, 1, 9])) == pytest.approx({"a": 0.5625, "b": 0.4375})
    assert routed(Mix([Says(), Says()])) == {}
    assert routed(Mix([Says({"a": 1.0}), Says()], [0, 1])) == {}


@pytest.mark.parametrize("shares", [[1], [0, 0], [1, 2, 3]])
def test_a_mixture_with_weights_that_do_not_fit_is_refused(shares):
    with pytest.raises(ConfigError, match="for 2 routers: give each one, not all zero"):
        Mix([Says(), Says()], shares)


def test_a_combination_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="at least one router"):
        FirstOf([])
    with pytest.raises(ConfigError, match="at least one router"):
        Mix([])


@pytest.mark.parametrize("combined", [FirstOf([Says(), Again()]), Top(Again()), Mix([Again()])])
def test_a_router_that_wants_to_be_asked_again_is_asked_again_inside_others(combined):
    panel = of.Panel({"a": "fake:1", "b": "fake:2"}, route=combined, stagger=float("inf"))
    assert combined.again
    assert [draft.source for draft in panel.ask("?").drafts] == ["a"]
    assert not Top(Says()).again


def test_combinations_come_back_from_yaml():
    keywords = {"keywords": {"math": "a"}}
    made = build(
        {"first_of": [{"top": {"router": keywords, "count": 2}}, {"mix": [keywords]}]}, Router
    )
    assert made == FirstOf([Top(Keywords({"math": "a"}), 2), Mix([Keywords({"math": "a"})])])
    assert build(dump(made), Router) == made


def test_a_panel_asks_only_whom_its_router_prefers():
    panel = of.Panel(
        {"coder": "fake:print()", "poet": "fake:rain"},
        route=Top(Keywords({"code": "coder", "writing": "poet"})),
    )
    assert panel.ask("Write a Python function").text == "print()"
    assert panel.ask("Write a haiku about rain").usage.calls == 1
    assert panel.ask("zzz").usage.calls == 2
