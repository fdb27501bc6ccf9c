"""What all wires share: where they reach, which key goes along, what is sent, what is told."""

import json
from math import exp

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken import (
    BEGUN,
    HELLO,
    SECRET,
    URL,
    Anywhere,
    Carries,
    Header,
    Lacks,
    Local,
    Own,
    completed,
    kind,
)

import onefold as of
from onefold.core.answer import Token
from onefold.core.errors import NoSuchModel, WrongKey
from onefold.delivery.provider import Reply, Request, Sampling
from onefold.providers.http.failures import Rejected
from onefold.providers.http.transport import aiohttp_transport
from onefold.providers.wires import wire as wires
from onefold.providers.wires.wire import count, merged
from onefold.providers.wires.wire import strict as closed
from onefold.runtime.clock import instantly


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    """A key in the environment, and no way remembered from another test."""
    monkeypatch.setenv("TEST_WIRE_KEY", SECRET)
    for name in ("TEST_WIRE_OTHER", "TEST_WIRE_HOST", "TEST_WIRE_EXTRA"):
        monkeypatch.delenv(name, raising=False)
    wires.WAYS.clear()


def test_a_request_goes_to_the_services_own_address_with_the_environments_key():
    reply, out = completed(Own("x"), b'"yes"')
    assert reply == Reply("yes", 1, 0, 1)
    assert out.url == f"{URL}/say"
    assert msgspec.json.decode(out.body) == {"model": "x", "said": ["hello"]}
    assert out.headers["authorization"] == f"Bearer {SECRET}"
    assert out.headers["content-type"] == "application/json"
    assert out.stall == 60.0


def test_the_environments_key_does_not_go_to_another_address(monkeypatch):
    _, out = completed(Own("x", base_url="https://elsewhere.example/v1/"), b'"yes"')
    assert out.url == "https://elsewhere.example/v1/say"
    assert SECRET not in str(dict(out.headers))
    monkeypatch.setenv("TEST_WIRE_OTHER", "another-key")
    wire = Own("x", base_url="https://elsewhere.example/v1", key="env:TEST_WIRE_OTHER")
    _, out = completed(wire, b'"yes"')
    assert out.headers["authorization"] == "Bearer another-key"


def test_a_service_that_has_no_address_of_its_own_takes_the_key_where_it_is_told():
    sited = kind("sited", keys=("TEST_WIRE_KEY",))
    _, out = completed(sited("x", base_url="https://mine.example"), b'"yes"')
    assert out.headers["authorization"] == f"Bearer {SECRET}"


def test_a_key_has_the_services_own_header_and_stands_beside_the_fixed_ones():
    _, out = completed(Header("x", headers={"X-More": "2"}), b'"yes"')
    assert (out.headers["x-key"], out.headers["x-v"], out.headers["x-more"]) == (SECRET, "1", "2")
    assert "authorization" not in out.headers


def test_a_header_may_hold_a_secret_that_is_named(monkeypatch):
    monkeypatch.setenv("TEST_WIRE_EXTRA", "extra-secret")
    _, out = completed(Own("x", headers={"X-Api-Key": "env:TEST_WIRE_EXTRA"}), b'"yes"')
    assert out.headers["x-api-key"] == "extra-secret"
    with pytest.raises(WrongKey) as told:
        completed(
            Own("x", headers={"X-Api-Key": "env:TEST_WIRE_EXTRA"}),
            Rejected(401, {}, f'{{"error": "bad {SECRET} extra-secret"}}'.encode()),
        )
    assert "extra-secret" not in str(told.value)
    assert SECRET not in str(told.value)


def test_a_key_that_changes_is_sent_within_a_second(monkeypatch):
    wire, now = Own("x"), [100.0]
    monkeypatch.setattr(wires, "monotonic", lambda: now[0])
    completed(wire, b'"yes"')
    monkeypatch.setenv("TEST_WIRE_KEY", "new-key")
    now[0] = 101.1
    _, out = completed(wire, b'"yes"')
    assert out.headers["authorization"] == "Bearer new-key"


def test_ways_are_remembered_for_a_bounded_number_of_wires():
    for number in range(1200):
        Own(f"x{number}")._way()
    held = [Own(f"y{number}") for number in range(1200)]
    for wire in held:
        assert wire._way().wire is wire
        assert wire._way() is wire._way()
    assert len(wires.WAYS) <= 1001


def test_the_operators_variable_says_where_a_local_server_is(monkeypatch):
    assert Local("x")._base() == "http://localhost:1234"
    for said, base in [
        ("", "http://localhost:1234"),
        ("  ", "http://localhost:1234"),
        ("box", "http://box:4321"),
        (":99", "http://127.0.0.1:99"),
        ("https://box/deep/", "https://box/deep"),
    ]:
        monkeypatch.setenv("TEST_WIRE_HOST", said)
        assert Local("x")._base() == base
    assert Local("x", base_url="http://mine:1/")._base() == "http://mine:1"


def test_what_is_missing_is_said_before_anything_is_sent(monkeypatch):
    with pytest.raises(of.ConfigError, match="m needs an address: test_wire_anywhere has none"):
        Anywhere("x")._prepare("m")
    Anywhere("x", base_url="http://mine:1")._prepare("m")
    monkeypatch.delenv("TEST_WIRE_KEY")
    with pytest.raises(of.ConfigError, match="TEST_WIRE_KEY or TEST_WIRE_OTHER"):
        Own("x")._prepare("m")
    with pytest.raises(of.ConfigError, match="TEST_WIRE_KEY"), of.Session({"m": Own("x")}):
        instantly(of.Model("m")("q"))


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"model": " "}, "needs a model's name"),
        ({"key": SECRET}, "key: a key does not belong into a configuration"),
        ({"headers": {"X-Api-Key": SECRET}}, "headers.X-Api-Key"),
        ({"headers": {"Bad Name": "x"}}, "headers"),
        ({"headers": {"": "x"}}, "headers"),
        ({"headers": {"X": "line\nbreak"}}, "headers"),
        ({"headers": {"X": "ü"}}, "headers"),
        ({"base_url": f"https://user:{SECRET}@host/"}, "base_url"),
        ({"base_url": "ftp://host"}, "base_url"),
        ({"stall": 0}, "stall"),
        ({"continues": "somehow"}, "continues"),
    ],
)
def test_a_wire_that_cannot_be_right_is_refused_without_showing_a_secret(about, words):
    with pytest.raises(of.ConfigError, match=words) as told:
        Own(**{"model": "x", **about})
    assert SECRET not in str(told.value)


def test_a_wire_of_a_name_alone_is_spelled_so():
    assert of.dump(Own("a/b:c")).strip() == "test_wire_own:a/b:c"
    assert Own._named("a/b:c") == Own("a/b:c")
    for about in ({"base_url": URL}, {"body": {"a": 1}}, {"stall": 5.0}, {"headers": {"X": "1"}}):
        wire = Own("x", **about)
        assert wire._to_text() is None
        entry = {"provider": {"test_wire_own": {"model": "x", **about}}}
        assert of.Session({"m": entry}).deployment("m").provider == wire


def test_a_deployment_of_a_wire_is_guarded_unless_it_is_told_otherwise():
    model = of.Session({"m": Own("x")}).deployment("m")
    assert (model.limits, model.retry, model.breaker) == (of.Limits(), of.Retry(), of.Breaking())
    assert (model.timeout, model.price, model.hedge) == (600.0, None, None)
    entry = {"provider": Own("x"), "retry": None, "timeout": 5}
    model = of.Session({"m": entry}).deployment("m")
    assert (model.retry, model.timeout) == (None, 5)


def test_an_address_of_one_s_own_has_no_list_price():
    assert of.Session().deployment("openai:gpt-4o-mini").price is not None
    mine = of.OpenAI("gpt-4o-mini", base_url="https://mine.example/v1")
    assert of.Session({"m": mine}).deployment("m").price is None


def test_fields_are_added_to_the_body_and_inside_its_objects():
    wire = Own("x", body={"said": ["other"], "options": {"deep": 1}})
    _, out = completed(wire, b'"yes"')
    sent = msgspec.json.decode(out.body)
    assert sent == {"model": "x", "said": ["other"], "options": {"deep": 1}}
    assert merged(
        {"a": {"b": 1, "c": {"d": 2}}, "e": 3}, {"a": {"c": {"f": 4}}, "e": {"g": 5}}
    ) == {
        "a": {"b": 1, "c": {"d": 2, "f": 4}},
        "e": {"g": 5},
    }


leaves = st.integers() | st.text(max_size=3)
bodies = st.dictionaries(
    st.sampled_from("abc"), leaves | st.dictionaries(st.sampled_from("abc"), leaves), max_size=3
)


@given(bodies, bodies)
def test_merging_keeps_both_and_lets_the_second_win(body, more):
    before = json.dumps(body)
    both = merged(body, more)
    assert json.dumps(body) == before
    assert set(both) == set(body) | set(more)
    assert merged(both, more) == both
    assert merged(body, {}) == body


@pytest.mark.parametrize(
    "about",
    [
        {"sampling": Sampling(top_k=4)},
        {"sampling": Sampling(stop=("x",))},
        {"logprobs": 0},
        {"schema": {}},
        {"messages": BEGUN},
    ],
    ids=str,
)
def test_what_a_service_has_no_word_for_is_refused_before_it_is_sent(about):
    carries = Carries(b'"yes"')
    with of.Session(transport=carries), pytest.raises(of.Refused, match="m: test_wire_lacks"):
        instantly(Lacks("x").complete(Request("m", **{"messages": HELLO, **about})))
    assert carries.sent == []


def test_what_a_service_has_a_word_for_passes():
    completed(Lacks("x"), b'"yes"', sampling=Sampling(temperature=0.5))
    completed(Lacks("x", continues="trailing"), b'"yes"', messages=BEGUN)


def test_confidence_is_the_geometric_mean_of_the_tokens_probabilities():
    reply, _ = completed(Own("x"), b'["a", "b"]')
    assert reply.confidence == pytest.approx(exp(-1.0))
    wire = Own("x")
    stated = Reply("a", tokens=(Token("a", -1.0),), confidence=0.25)
    assert wire._finished(stated, Request("m", HELLO)).confidence == 0.25
    above = Reply("a", tokens=(Token("a", 0.5),))
    assert wire._finished(above, Request("m", HELLO)).confidence == 1.0


def test_an_error_names_the_deployment_once_and_keeps_the_services_words():
    with pytest.raises(NoSuchModel) as told:
        completed(Own("x"), b'{"error": "no x here"}')
    assert str(told.value) == "m: no x here"
    assert told.value.model == "m"
    with pytest.raises(of.RateLimited, match=r"^m: slow down") as limited:
        completed(Own("x"), Rejected(429, {"retry-after": "7"}, b'{"error": "slow down"}'))
    assert (limited.value.status, limited.value.retry_after) == (429, 7.0)


def test_a_reply_that_makes_no_sense_is_unreadable_and_may_be_billed():
    for body in (b"<html>", b'"cut', b"\xff\xfe", b""):
        with pytest.raises(of.Unreadable, match=r"^m: ") as told:
            completed(Own("x"), body)
        assert told.value.billed


def test_a_key_in_a_services_words_is_hidden():
    for brings in (
        Rejected(400, {}, f'{{"error": "your key {SECRET} is odd"}}'.encode()),
        Rejected(502, {}, f"<html>{SECRET}</html>".encode()),
        f"<html>{SECRET}</html>".encode(),
        of.Unreachable(f"cannot reach {SECRET}"),
    ):
        with pytest.raises(of.ModelError) as told:
            completed(Own("x"), brings)
        assert SECRET not in str(told.value)
        assert told.value.__cause__ is None


@pytest.mark.parametrize("status", [401, 403])
def test_who_sent_no_key_is_told_so_when_one_is_missed(status):
    rejected = Rejected(status, {}, b'{"error": "who are you?"}')
    with pytest.raises(WrongKey, match="no key was sent: say key"):
        completed(Anywhere("x", base_url="http://mine:1"), rejected)
    with pytest.raises(WrongKey) as told:
        completed(Own("x"), rejected)
    assert "no key was sent" not in str(told.value)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0), (7, 7), (-1, None), (2**53, None), (True, None), (1.5, None), ("7", None),
        (None, None), ({}, None),
    ],
)  # fmt: skip
def test_a_count_is_a_number_that_can_be_true(value, number):
    assert count(value) == number


OPEN = {"type": "object", "properties": {"a": {"type": "string"}}}
SHUT = {**OPEN, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        (SHUT, True),
        (OPEN, False),
        ({**SHUT, "required": []}, False),
        ({"type": "string"}, True),
        ({"type": "array", "items": SHUT}, True),
        ({"type": "array", "items": OPEN}, False),
        ({"anyOf": [SHUT, {"type": "null"}]}, True),
        ({"anyOf": [OPEN]}, False),
        ({**SHUT, "properties": {"a": OPEN}}, False),
        ({**SHUT, "$defs": {"b": OPEN}}, False),
        ({"properties": {}}, False),
        ({"type": "object", "additionalProperties": False}, True),
    ],
)
def test_a_schema_fits_a_strict_mode_when_all_its_objects_are_closed(schema, fits):
    assert closed(schema) is fits


def test_the_process_has_one_transport_unless_the_session_brings_another():
    with of.Session():
        assert Own("x")._way().transport() is aiohttp_transport()
    carries = Carries()
    with of.Session(transport=carries):
        assert Own("x")._way().transport() is carries
