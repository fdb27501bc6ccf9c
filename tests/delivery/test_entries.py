"""Entries under `models:`: built from plain data, written back as such, and what they estimate."""

import json
from functools import cache

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import onefold as of
from onefold.core.schema import schema
from onefold.delivery.deployment import Deployment, deployment
from onefold.delivery.entries import bare, entry_data, entry_schema, priced
from onefold.delivery.provider import Request, Sampling

FULL = {
    "provider": {"openai": {"model": "gpt-x", "base_url": "https://example.org/v1"}},
    "price": {"tokens_in": 1.0, "tokens_out": 2.0, "tokens_cached": 0.5, "call": 0.01},
    "typical_tokens": 7,
    "typical_seconds": 3.0,
    "limits": {"requests": 60, "tokens": 10_000, "concurrency": 4, "most": 8, "least": 2},
    "retry": {"attempts": 5, "base": 0.1, "cap": 2.0, "patience": 9.0, "share": 0.2, "spare": 3},
    "breaker": {"failures": 0.4, "slow": 20.0, "least": 5, "window": 60.0, "rest": 5.0},
    "hedge": {"after": 1.5, "extra": 0.1},
    "timeout": 30.0,
    "context": 8192,
    "most_tokens": 1024,
    "capabilities": ["schema", "continuation"],
    "tags": ["code"],
    "aliases": ["x"],
}


def whole(model):
    """A deployment written down and read again, by way of JSON."""
    return deployment(model.name, json.loads(json.dumps(entry_data(model))))


def spoken(**about):
    """A request of two messages, twelve characters."""
    said = (of.Message("system", "Be kind."), of.Message("user", "word"))
    return Request("m", said, **about)


def test_an_entry_may_say_everything_and_comes_back_as_it_was():
    model = deployment("m", FULL)
    assert set(FULL) == {*Deployment.__struct_fields__} - {"name"}
    assert model.limits == of.Limits(60, 10_000, 4, 8, 2)
    assert model.retry == of.Retry(5, 0.1, 2.0, 9.0, 0.2, 3)
    assert model.breaker == of.Breaking(0.4, 20.0, least=5, window=60.0, rest=5.0)
    assert model.hedge == of.Hedging(1.5, extra=0.1)
    assert (model.tags, model.aliases) == (("code",), ("x",))
    assert whole(model) == model


@pytest.mark.parametrize("provider", ["fake:a", "sim:small", "openai:gpt-x", "ollama:llama3"])
def test_what_is_not_said_is_as_the_provider_has_it(provider):
    model = deployment("m", provider)
    assert whole(model) == model
    wire = provider.startswith(("openai", "ollama"))
    assert (model.limits, model.retry, model.breaker, model.timeout) == (
        (of.Limits(), of.Retry(), of.Breaking(), 600.0) if wire else (None,) * 4
    )


@pytest.mark.parametrize("field", ["price", "limits", "retry", "breaker", "timeout"])
@pytest.mark.parametrize("provider", ["openai:gpt-4o-mini", "fake:a"])
def test_what_is_left_out_on_purpose_stays_out(provider, field):
    model = deployment("m", {"provider": provider, field: None})
    assert getattr(model, field) is None
    assert getattr(whole(model), field) is None


optional = {
    "price": st.none() | st.builds(of.Price, st.floats(0, 9), st.floats(0, 9)),
    "typical_tokens": st.integers(1, 9),
    "typical_seconds": st.floats(0, 9),
    "limits": st.none() | st.builds(of.Limits, st.none() | st.integers(1, 9)),
    "retry": st.none() | st.builds(of.Retry, st.integers(1, 9)),
    "breaker": st.none() | st.builds(of.Breaking, st.floats(0.1, 1)),
    "hedge": st.none() | st.builds(of.Hedging, st.none() | st.floats(0, 9)),
    "timeout": st.none() | st.floats(0.1, 9),
    "context": st.none() | st.integers(1, 9),
    "most_tokens": st.none() | st.integers(1, 9),
    "tags": st.lists(st.text(max_size=3), max_size=3).map(tuple),
    "aliases": st.lists(st.text(max_size=3), max_size=3).map(tuple),
}
providers = st.sampled_from([of.Fake(("a",)), of.Sim(), of.OpenAI("gpt-x"), of.Ollama("llama3")])


@settings(max_examples=60)
@given(st.builds(Deployment, st.just("m"), providers, **optional))
def test_whatever_a_deployment_says_survives_being_written_down(model):
    assert whole(model) == model


def test_parts_mappings_and_fleets_are_written_as_they_are_built():
    fleet = of.Fleet("all", ("a", "b"), "weighted", (1.0, 2.0))
    data = {"fleet": ["a", "b"], "pick": "weighted", "weights": [1.0, 2.0]}
    assert entry_data(fleet) == data
    assert deployment("all", data) == fleet
    plain = of.Fleet("all", ("a",))
    assert deployment("all", entry_data(plain)) == plain
    fake = of.Fake(("a", "b"))
    assert deployment("m", entry_data(fake)).provider == fake
    assert entry_data("fake:a") == "fake:a"
    assert entry_data({"provider": of.OpenAI("gpt-x"), "price": of.Price(1.0, 2.0)}) == {
        "provider": "openai:gpt-x",
        "price": msgspec.to_builtins(of.Price(1.0, 2.0)),
    }


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"provider": "fake:a", "limit": {}}, "'limit'; did you mean 'limits'"),
        ({"provider": "fake:a", "retry": {"atempts": 1}}, r"retry.*'atempts'; did you mean"),
        ({"provider": "fake:a", "retry": {"attempts": 0}}, "retry.*attempts"),
        ({"provider": "fake:a", "limits": {"concurrency": 9, "most": 5}}, "limits.*concurrency=9"),
        ({"provider": "fake:a", "breaker": {"failures": 2}}, "breaker.*failures"),
        ({"provider": "fake:a", "hedge": {"quantile": 1}}, "hedge.*quantile"),
        ({"provider": "fake:a", "hedge": 3}, "hedge"),
        ({"provider": "fake:a", "timeout": 0}, "timeout"),
        ({"provider": "fake:a", "context": 0}, "context"),
        ({"provider": "fake:a", "most_tokens": -1}, "most_tokens"),
        ({"provider": "fake:a", "tags": "code"}, "tags"),
        ({"provider": "fake:a", "price": {"tokens_in": 1, "tokens_uot": 2}}, "tokens_uot"),
    ],
)
def test_a_wrong_field_is_named_with_its_place(entry, words):
    with pytest.raises(of.ConfigError, match=rf"models\.m.*{words}"):
        deployment("m", entry)


def test_a_bare_entry_only_adds_to_a_recorded_model():
    assert bare({"price": {"tokens_in": 1, "tokens_out": 2}, "typical_tokens": 7})
    assert bare({})
    for entry in ({"provider": "fake:a"}, "fake:a", {"fake": ["a"]}, {"fleet": ["a"]}, 7):
        assert not bare(entry)


def test_an_entry_keeps_its_price_when_it_loses_its_provider():
    price = {"tokens_in": 1.0, "tokens_out": 2.0}
    assert priced({"price": price, "typical_tokens": 7}) == {"price": price, "typical_tokens": 7}
    assert priced({"provider": "fake:a", "price": price, "typical_tokens": 7}) == {
        "price": price,
        "typical_tokens": 7,
    }
    kept = priced({"fake": {"replies": ["a"], "price": [3, 4]}})
    assert msgspec.convert(kept["price"], of.Price) == of.Price(3.0, 4.0)
    assert priced({"fleet": ["a"]}) == {}


@pytest.mark.parametrize(
    "entry",
    [
        "fake:a",
        {"fake": ["a"]},
        {"provider": "fake:a", "price": {"tokens_in": 1, "tokens_out": 2}},
        {"fleet": ["a", "b"], "pick": "weighted", "weights": [1, 2]},
        FULL,
    ],
)
def test_what_can_be_built_fits_the_schema(entry):
    assert document().is_valid(entry)
    deployment("m", entry)


@pytest.mark.parametrize(
    "entry",
    [
        7,
        {"provider": "fake:a", "prize": 1},
        {"provider": "fake:a", "typical_tokens": 0},
        {"provider": "fake:a", "retry": {"attempts": 0}},
        {"fleet": []},
        {"fleet": ["a"], "pick": "best"},
        {"fleet": ["a"], "name": "b"},
    ],
)
def test_what_cannot_be_built_does_not_fit_the_schema(entry):
    assert not document().is_valid(entry)
    with pytest.raises(of.ConfigError):
        deployment("m", entry)


@cache
def document():
    """What holds entries to their schema, and to that of the providers that it names."""
    return jsonschema.Draft202012Validator({**entry_schema(), "$defs": schema()["$defs"]})


def test_what_a_call_will_use_is_estimated_from_its_length_and_its_limit():
    model = Deployment("m", of.Fake(("a",)), of.Price(1.0, 10.0, call=0.5), typical_tokens=7)
    assert model.estimate(spoken()) == of.Usage(3, 0, 7, 0.5 + 73e-6, 1, True)
    limited = model.estimate(spoken(sampling=Sampling(max_tokens=2)))
    assert (limited.tokens_out, limited.usd) == (2, 0.5 + 23e-6)
    assert Deployment("m", of.Fake(("a",))).estimate(spoken()).usd is None


@given(
    price=st.builds(
        of.Price,
        st.floats(0, 100),
        st.floats(0, 100),
        st.none() | st.floats(0, 100),
        st.floats(0, 1),
        st.none() | st.floats(0, 100),
    ),
    tokens=st.tuples(*[st.integers(0, 1000)] * 4),
)
def test_no_call_costs_more_than_its_bound(price, tokens):
    tokens_in, tokens_out, cached, written = tokens
    cached = min(cached, tokens_in)
    written = min(written, tokens_in - cached)
    model = Deployment("m", of.Fake(("a",)), price)
    reply = of.Reply("x", tokens_in, cached, tokens_out, tokens_written=written)
    used = model.used(reply, spoken())
    bound = model.bound(tokens_in, tokens_out)
    assert used.usd <= bound.usd * (1 + 1e-9) + 1e-12
    assert (bound.tokens_in, bound.tokens_out, bound.estimated) == (tokens_in, tokens_out, True)


def test_what_a_call_used_is_what_the_service_says_and_else_an_estimate_marked_so():
    model = Deployment("m", of.Fake(("a",)), of.Price(1.0, 10.0, 0.5))
    reply = of.Reply("four", 100, 40, 20, tokens_reasoning=5, tokens_written=3)
    used = model.used(reply, spoken())
    assert used == of.Usage(100, 40, 20, (60 + 20 + 200) / 1e6, 1, False, 3, 5)
    assert model.used(of.Reply("four", None, 0, 20), spoken()).estimated
    guess = model.used(of.Reply("four five"), spoken())
    assert (guess.tokens_in, guess.tokens_out, guess.estimated) == (3, 3, True)
    assert model.used(of.Reply("four", 1, 0, 1, usd=0.25), spoken()).usd == 0.25
    assert Deployment("m", of.Fake(("a",))).used(reply, spoken()).usd is None


@pytest.mark.parametrize(
    ("reply", "tokens", "estimated"),
    [
        (of.Reply("four five", 0, 0, 20), (3, 20), True),
        (of.Reply("four five", 10, 0, 0), (10, 3), True),
        (of.Reply("", 10, 0, 0), (10, 0), False),
        (of.Reply("four five", 10, 0, 20), (10, 20), False),
    ],
)
def test_a_service_that_says_zero_for_what_it_read_or_wrote_does_not_count(
    reply, tokens, estimated
):
    used = deployment("m", "openai:gpt-x").used(reply, spoken())
    assert ((used.tokens_in, used.tokens_out), used.estimated) == (tokens, estimated)
    near = deployment("m", of.Fake(("a",))).used(reply, spoken())
    assert (near.tokens_in, near.tokens_out) == (reply.tokens_in, reply.tokens_out)


def test_who_a_model_is_is_told_by_its_provider():
    assert deployment("mine", "openai:gpt-x").origin == "openai:gpt-x"
    assert deployment("mine", "fake:a").origin == "fake"
    one, other = deployment("m", "fake:a"), deployment("m", "fake:b")
    assert one.identity != other.identity
    assert one.identity == deployment("m", {"provider": "fake:a", "typical_tokens": 7}).identity
