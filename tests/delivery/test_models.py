"""Models that a session knows: names, aliases, enums, prices, look-ups, and what they used."""

from enum import Enum, StrEnum

import pytest
from stage import Plays, Scene, fails, plays, session

import onefold as of
from onefold.delivery.deployment import Deployment
from onefold.delivery.models import Models, as_price
from onefold.runtime.clock import instantly


class Fast(Enum):
    """Names of models, as an application lists them."""

    SMALL = "small"
    LARGE = "fake:large"


class Told(StrEnum):
    """The same with texts."""

    SMALL = "small"


def asked(held, operator="m"):
    """The answer of an operator in a session, in virtual time."""
    with held:
        return instantly(of.build(operator)("word"))


def test_an_alias_means_the_same_model():
    scene = Scene("yes")
    held = session(plays(scene, "gpt-4o-mini", aliases=("mini", "cheap")))
    assert held.deployment("mini") is held.deployment("gpt-4o-mini") is held.deployment("cheap")
    for name in ("mini", "cheap", "gpt-4o-mini"):
        assert asked(held, {"model": name}).text == "yes"
    assert held.usage()["gpt-4o-mini"].calls == 3
    assert set(held.usage()) == {"gpt-4o-mini"}


def test_an_alias_shares_the_cache_with_its_model():
    scene = Scene("yes")
    held = session(plays(scene, "m", aliases=("n",)), cache="memory")
    asked(held, {"model": "m"})
    assert asked(held, {"model": "n"}).usage.calls == 0
    assert scene.calls == 1


@pytest.mark.parametrize("taken", ["m", "n"])
def test_no_two_models_have_a_name_or_an_alias_in_common(taken):
    models = Models({"m": {"provider": "fake:a", "aliases": ["n"]}})
    with pytest.raises(of.ConfigError, match=f"two models named '{taken}': rename one"):
        models.register(taken, "fake:b")
    with pytest.raises(of.ConfigError, match=f"two models named '{taken}': rename the alias"):
        models.register("other", {"provider": "fake:b", "aliases": [taken]})


def test_a_registration_that_fails_leaves_nothing_behind():
    models = Models({"m": "fake:a"})
    with pytest.raises(of.ConfigError):
        models.register("other", {"provider": "fake:b", "aliases": ["free", "m"]})
    models.register("free", "fake:c")
    assert models.find("free").name == "free"
    assert models.find("m").name == "m"


def test_a_deployment_is_known_by_the_name_it_is_registered_under():
    models = Models()
    models.register("mine", Deployment("other", of.Fake(("a",))))
    assert models.find("mine").provider == of.Fake(("a",))
    assert [model.name for model in models.listed()] == ["mine"]


def test_a_model_is_found_by_an_enum():
    held = of.Session({Fast.SMALL.value: "fake:small"})
    assert asked(held, Fast.SMALL).text == "small"
    assert asked(held, Fast.LARGE).text == "large"
    assert asked(held, Told.SMALL).text == "small"
    panel = asked(held, {"panel": {"members": [Fast.SMALL, Fast.LARGE]}})
    assert [draft.text for draft in panel.drafts] == ["small", "large"]


@pytest.mark.parametrize("name", [Fast.SMALL, Told.SMALL])
def test_a_model_is_registered_under_an_enum_and_looked_up_by_it(name):
    held = of.Session({name: "fake:one"})
    assert held.deployment(name).name == "small"
    assert held.deployment("small") is held.deployment(name)
    assert held.deployment(Fast.LARGE).name == "fake:large"
    held = of.Session()
    held.register(name, "fake:two")
    assert asked(held, of.Model(name)).text == "two"


def test_a_bare_name_may_be_a_provider_that_is_ready_made():
    held = of.Session()
    assert held.deployment("fake:x") is held.deployment("fake:x")

    from onefold.functions import provider

    @provider
    def test_models_shouts(text):
        return text.upper()

    assert asked(held, "test_models_shouts").text == "WORD"


def test_an_unknown_name_is_told_with_the_nearest_of_models_aliases_and_operators():
    models = Models({"gpt-4o-mini": {"provider": "fake:a", "aliases": ["cheap"]}})
    for name, near in [("gpt-4o-mimi", "gpt-4o-mini"), ("chep", "cheap"), ("pannel", "panel")]:
        with pytest.raises(of.ConfigError, match=f"did you mean '{near}'"):
            models.find(name)
    with pytest.raises(of.ConfigError, match="no provider named 'fke'; did you mean 'fake'"):
        models.find("fke:a")
    with pytest.raises(of.ConfigError, match="needs fields: register it"):
        models.find("replay:drafts.csv")


PRICED = of.Price(3.0, 4.0)


@pytest.mark.parametrize(
    ("prices", "price"),
    [
        ({}, of.Price(1.0, 2.0)),
        ({"m": PRICED}, PRICED),
        ({"m": (3, 4)}, PRICED),
        ({"m": [3, 4]}, PRICED),
        ({"m": {"tokens_in": 3, "tokens_out": 4}}, PRICED),
        ({"openai:gpt-x": PRICED}, PRICED),
        ({"gpt-x": PRICED}, PRICED),
        ({"gpt-x": (9, 9), "openai:gpt-x": PRICED}, PRICED),
        ({"openai:gpt-x": (9, 9), "m": PRICED}, PRICED),
        ({"another": (9, 9)}, of.Price(1.0, 2.0)),
    ],
)
def test_a_price_of_the_session_s_goes_before_any_other_by_the_nearest_name(prices, price):
    entry = {"provider": {"openai": "gpt-x"}, "price": {"tokens_in": 1, "tokens_out": 2}}
    assert of.Session({"m": entry}, prices=prices).deployment("m").price == price


def test_a_price_of_the_session_s_holds_for_models_that_have_no_entry():
    held = of.Session(prices={"fake:yes": (1e6, 0), "openai:gpt-x": PRICED, "gpt-y": PRICED})
    assert held.deployment("openai:gpt-x").price == PRICED
    assert held.deployment("openai:gpt-y").price == PRICED
    assert asked(held, "fake:yes").usage.usd == 1.0


def test_a_price_of_the_session_s_holds_for_a_model_that_brings_its_own_provider():
    scene = Scene(of.Reply("yes", 1, 0, 1))
    held = of.Session(prices={"own": (1e6, 1e6)})
    assert asked(held, of.Model("own", provider=Plays(scene))).usage.usd == 2.0


@pytest.mark.parametrize("price", ["cheap", 3, (1,), (1, -2), (1, 2, 3, 4, 5, 6), {"tokens_in": 1}])
def test_what_is_no_price_is_named_with_its_model(price):
    with pytest.raises(of.ConfigError, match=r"prices\.m|a price is zero or more"):
        of.Session(prices={"m": price})


def test_a_price_is_itself():
    assert as_price("m", PRICED) is PRICED


def test_models_are_listed_by_tag_provider_and_capability():
    models = Models(
        {
            "a": {"provider": "fake:a", "tags": ["code", "fast"], "capabilities": ["schema"]},
            "b": {"provider": "fake:b", "tags": ["code"]},
            "c": {"provider": "sim:small", "capabilities": ["schema", "logprobs"]},
            "all": {"fleet": ["a", "b"]},
        }
    )

    def listed(**about):
        return [model.name for model in models.listed(**about)]

    assert listed() == ["a", "b", "c"]
    assert listed(tag="code") == ["a", "b"]
    assert listed(tag="code", capability="schema") == ["a"]
    assert listed(provider="sim") == ["c"]
    assert listed(capability="logprobs", provider="fake") == []


def test_usage_is_told_by_model_provider_and_tag_beside_its_estimate():
    def model(name, *tags):
        scene = Scene(of.Reply("yes", 10, 0, 5))
        return plays(scene, name, tags=tags, typical_tokens=7)

    held = session(model("a", "code"), model("b", "code", "fast"), model("c"), model("unused"))
    for name in ("a", "b", "b", "c"):
        asked(held, {"model": name})
    asked(held, "fake:free")
    models = held.usage()
    assert {name: spent.calls for name, spent in models.items()} == {
        "a": 1, "b": 2, "c": 1, "fake:free": 1,
    }  # fmt: skip
    assert models["b"].used == of.Usage(20, 0, 10, 0.3, 2)
    assert (models["b"].estimated.tokens_out, models["b"].estimated.estimated) == (14, True)
    tags = held.usage("tag")
    assert {name: spent.calls for name, spent in tags.items()} == {"code": 3, "fast": 2}
    providers = held.usage("provider")
    assert {name: spent.calls for name, spent in providers.items()} == {
        "test_stage_plays": 4, "fake": 1,
    }  # fmt: skip


def test_a_model_that_brings_its_own_provider_is_counted_under_that_provider():
    held = of.Session({"m": "fake:a"})
    asked(held, of.Model("own", provider=of.Fake(("yes",))))
    asked(held, {"model": "m"})
    assert set(held.usage()) == {"own", "m"}
    assert {name: spent.calls for name, spent in held.usage("provider").items()} == {"fake": 2}


def test_two_models_of_one_name_with_providers_of_their_own_have_guards_of_their_own():
    first = of.Model("m", provider=of.Fake(("a",)))
    held = of.Session({"m": plays(Scene("guarded"), limits=of.Limits(requests=1))})
    asked(held, first)
    asked(held, {"model": "m"})
    assert held.models.line(held.deployment("m")).limiter is not None


def test_models_with_providers_of_their_own_are_known_again_and_not_for_ever():
    held = of.Session()
    kept = [of.Fake((str(number),)) for number in range(1200)]
    for part in kept:
        model = held.models.owned("m", part)
        assert held.models.owned("m", part) is model
        assert held.models.owned("m", of.Fake(part.replies)) is model, "an equal one is the same"
    assert len(held.models.own) <= 1001
    names = {held.models.owned("m", part).name for part in kept[-3:]}
    assert len(names) == 3


def test_a_failure_that_costs_nothing_is_a_call_and_no_use():
    held = session(plays(Scene(fails(of.Refused))))
    with pytest.raises(of.Refused):
        asked(held, {"model": "m"})
    spent = held.usage()["m"]
    assert (spent.calls, spent.failed, spent.used.calls) == (1, 1, 0)


def test_nothing_used_is_an_empty_summary():
    assert of.Session({"m": "fake:a"}).usage() == {}
