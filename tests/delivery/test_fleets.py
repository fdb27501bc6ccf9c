"""Several deployments of one model: in which order they are tried, who stands in for whom."""

import asyncio
from random import Random

import pytest
from stage import PENNY, Act, Heard, Scene, fails, plays, session

import onefold as of
from onefold.runtime.clock import instantly

RETRY = of.Retry(attempts=3, base=1.0, spare=50)


def asked(held, name="all", text="q"):
    """The answer of a model in a session, in virtual time."""
    with held:
        return instantly(of.Model(name)(text))


async def several(count, name="all"):
    """What came of many calls at once."""
    jobs = (of.Model(name)(f"q{i}") for i in range(count))
    return await asyncio.gather(*jobs, return_exceptions=True)


def fleet(scenes, about=None, *, pick="first", weights=(), each=None, **session_about):
    """A session with a fleet `all` of deployments that play these scenes by name."""
    each = each or {}
    models = [
        plays(scene, name, **(about or {}), **each.get(name, {})) for name, scene in scenes.items()
    ]
    return session(*models, of.Fleet("all", tuple(scenes), pick, weights), **session_about)


def test_the_first_is_asked_as_long_as_it_answers():
    scenes = {"a": Scene("from a"), "b": Scene("from b")}
    held = fleet(scenes)
    for _ in range(3):
        assert asked(held).text == "from a"
    assert (scenes["a"].calls, scenes["b"].calls) == (3, 0)


def test_an_answer_comes_from_the_fleet_s_name_and_is_counted_where_it_was_made():
    scenes = {"a": Scene(fails(billed=True)), "b": Scene("from b")}
    held = fleet(scenes, {"typical_tokens": 7})
    answer = asked(held)
    assert answer.source == "all"
    used = held.usage()
    assert set(used) == {"a", "b"}
    assert answer.usage == used["a"].used + used["b"].used
    assert (used["a"].failed, used["b"].failed) == (1, 0)


@pytest.mark.parametrize("kind", [of.Refused, of.RateLimited, of.Unreadable, of.ModelError])
def test_whatever_fails_the_next_is_tried_at_once(kind):
    scenes = {"a": Scene(fails(kind, 2.0)), "b": Scene("from b")}
    answer = asked(fleet(scenes, {"retry": RETRY}))
    assert (answer.text, answer.seconds) == ("from b", 2.0)


def test_when_all_fail_the_error_of_the_first_is_told():
    scenes = {"a": Scene(fails(of.Refused)), "b": Scene(fails(of.Filtered))}
    with pytest.raises(of.Refused) as told:
        asked(fleet(scenes))
    assert told.value.model == "a"


def test_when_all_fail_those_worth_it_are_tried_again_after_a_pause():
    scenes = {"a": Scene(fails(of.Refused)), "b": Scene(fails(of.Unreachable), "from b")}
    heard = Heard()
    held = fleet(scenes, {"retry": RETRY}, listeners=[heard])
    held.models.random = Random(1)
    assert asked(held).text == "from b"
    assert (scenes["a"].calls, scenes["b"].calls) == (1, 2)
    assert [number for number, _, _ in heard.values("retry")] == [1]


def test_the_one_that_may_be_tried_soonest_is_tried_again():
    scenes = {
        "a": Scene(fails(of.RateLimited, retry_after=30.0), "from a"),
        "b": Scene(fails(of.RateLimited, retry_after=3.0), "from b"),
    }
    answer = asked(fleet(scenes, {"retry": RETRY}))
    assert answer.text == "from b"
    assert 3.0 <= answer.seconds <= 4.0


def test_each_deployment_spends_retries_of_its_own():
    scenes = {"a": Scene(fails()), "b": Scene(fails())}
    spare = of.Retry(attempts=2, base=1e-3, share=0.0, spare=1)
    held = fleet(scenes, each={"a": {"retry": spare}})
    for _ in range(3):
        with pytest.raises(of.Unreachable):
            asked(held)
    assert (scenes["a"].calls, scenes["b"].calls) == (4, 3)


def test_one_that_has_no_retries_left_does_not_keep_the_other_from_its_own():
    scenes = {"a": Scene(fails()), "b": Scene(fails(), "from b")}
    none = of.Retry(attempts=2, base=1e-6, share=0.0, spare=0)
    some = of.Retry(attempts=2, base=1.0, share=0.0, spare=1)
    held = fleet(scenes, each={"a": {"retry": none}, "b": {"retry": some}})
    assert asked(held).text == "from b"


def test_weights_are_shares_of_the_calls():
    scenes = {"a": Scene(), "b": Scene(), "c": Scene()}
    held = fleet(scenes, pick="weighted", weights=(3.0, 1.0, 0.0))
    held.models.random = Random(3)
    with held:
        instantly(several(400))
    counts = [scene.calls for scene in scenes.values()]
    assert counts[2] == 0
    assert counts[0] == pytest.approx(300, abs=30)


def test_a_deployment_of_no_weight_still_stands_in():
    scenes = {"a": Scene(fails()), "b": Scene("from b")}
    assert asked(fleet(scenes, pick="weighted", weights=(1.0, 0.0))).text == "from b"


def test_the_cheapest_is_asked_first_and_an_unknown_price_last():
    scenes = {"a": Scene("unknown"), "b": Scene("dear"), "c": Scene("cheap")}
    prices = {"a": None, "b": of.Price(2.0, 2.0), "c": of.Price(1.0, 1.0)}
    each = {name: {"price": price} for name, price in prices.items()}
    assert asked(fleet(scenes, pick="cheapest", each=each)).text == "cheap"
    del scenes["c"]
    assert asked(fleet(scenes, pick="cheapest", each=each)).text == "dear"


def test_the_fastest_is_known_after_each_was_tried():
    scenes = {"a": Scene(Act("slow", 5.0)), "b": Scene(Act("quick", 1.0))}
    held = fleet(scenes, pick="fastest")
    held.models.random = Random(5)

    async def main():
        return [(await of.Model("all")(f"q{i}")).text for i in range(30)]

    with held:
        said = instantly(main())
    assert said[:2] == ["slow", "quick"]
    assert said.count("quick") >= 27


def test_the_least_busy_is_asked_where_places_are_counted():
    scenes = {"a": Scene(Act("a", 1.0)), "b": Scene(Act("b", 1.0))}
    each = {name: {"limits": of.Limits(concurrency=40)} for name in scenes}
    with fleet(scenes, pick="least_busy", each=each):
        instantly(several(20))
    assert (scenes["a"].calls, scenes["b"].calls) == (10, 10)


def test_nobody_waits_for_a_minute_while_another_has_room():
    scenes = {"a": Scene("from a"), "b": Scene("from b")}
    each = {"a": {"limits": of.Limits(requests=2)}}
    with fleet(scenes, each=each):

        async def main():
            return [(await of.Model("all")(f"q{i}")).text for i in range(5)]

        assert instantly(main()) == ["from a"] * 2 + ["from b"] * 3


def test_nobody_waits_for_a_deployment_that_is_left_alone():
    scenes = {"a": Scene(*[fails()] * 2, "from a"), "b": Scene("from b")}
    each = {"a": {"breaker": of.Breaking(least=2, rest=10.0, probes=1)}}

    async def main():
        said = [(await of.Model("all")(f"q{i}")).text for i in range(4)]
        assert scenes["a"].calls == 2
        await asyncio.sleep(10.0)
        return [*said, (await of.Model("all")("probe")).text]

    with fleet(scenes, each=each):
        assert instantly(main()) == ["from b"] * 4 + ["from a"]


def test_when_everyone_is_left_alone_it_says_so_at_once():
    scenes = {"a": Scene(fails()), "b": Scene(fails())}
    terms = {"breaker": of.Breaking(least=2, rest=10.0), "retry": RETRY}
    with fleet(scenes, terms):
        instantly(several(2))
        made = scenes["a"].calls + scenes["b"].calls
        (error,) = instantly(several(1))
    assert isinstance(error, of.Unreachable)
    assert "left alone" in str(error)
    assert scenes["a"].calls + scenes["b"].calls == made


def test_a_budget_that_does_not_afford_the_first_is_not_spent_on_another():
    scenes = {"a": Scene(), "b": Scene()}
    with pytest.raises(of.BudgetExceeded):
        asked(fleet(scenes, budget=of.Budget(calls=0)))
    assert scenes["a"].calls + scenes["b"].calls == 0


def test_a_fleet_knows_its_own_before_it_is_asked():
    nested = session(
        plays(Scene(), "a"), of.Fleet("inner", ("a",)), of.Fleet("outer", ("inner", "a"))
    )
    with pytest.raises(of.ConfigError, match=r"models\.outer: inner is a fleet too"):
        asked(nested, "outer")
    with pytest.raises(of.ConfigError, match="'nowhere'"):
        asked(session(of.Fleet("all", ("nowhere",))))


def test_a_fleet_may_hold_models_that_need_no_entry():
    held = of.Session({"all": {"fleet": ["fake:one", "fake:two"]}})
    assert asked(held).text == "one"


def test_under_a_cap_in_dollars_each_of_a_fleet_needs_a_price():
    held = session(
        plays(Scene(), "a", price=PENNY),
        plays(Scene(), "b", price=None),
        of.Fleet("all", ("a", "b")),
        budget=5.0,
    )
    with pytest.raises(of.ConfigError, match="'b' has no known price"):
        asked(held)


def test_what_a_fleet_said_is_kept_until_one_of_its_own_changes():
    def held(text, cache):
        models = {"a": f"fake:{text}", "b": "fake:b", "all": {"fleet": ["a", "b"]}}
        return of.Session(models, cache=cache)

    from onefold.delivery.cache import Memory

    cache = Memory()
    assert asked(held("one", cache)).usage.calls == 1
    assert asked(held("one", cache)).usage.calls == 0
    assert asked(held("two", cache)).text == "two"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"fleet": ["a"], "pik": "first"}, r"models\.all.*'pik'; did you mean 'pick'"),
        ({"fleet": ["a"], "pick": "best"}, r"models\.all.*'best'"),
        ({"fleet": []}, r"models\.all"),
        ({"fleet": "a"}, r"models\.all"),
        ({"fleet": ["a", "a"]}, r"models\.all.*comes twice"),
        ({"fleet": ["a", "b"], "weights": [1, 2]}, r"models\.all.*pick weighted"),
    ],
)
def test_a_wrong_fleet_is_named_with_its_place(entry, words):
    with pytest.raises(of.ConfigError, match=words):
        of.Session({"a": "fake:a", "b": "fake:b", "all": entry})
