"""Keys are named in configurations, read where they lie, and shown nowhere."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.errors import ConfigError
from onefold.providers.http.keys import check, check_headers, named, read, scrubbed
from onefold.providers.wires.services import Compatible, OpenAI, OpenRouter

CANARY = "sk-canary-4f1e0c9a77"


@pytest.mark.parametrize("spec", ["env:OPENAI_API_KEY", "file:~/.keys/openai", "file:/run/key"])
def test_a_place_is_no_key(spec):
    assert named(spec)
    check(spec, "key")


@pytest.mark.parametrize("spec", [CANARY, "env:", "file:", "file: ", "ENV:X", "Bearer x", "envX"])
def test_what_is_no_place_is_refused_and_not_shown(spec):
    assert not named(spec)
    with pytest.raises(ConfigError, match=r"env:NAME or file:PATH") as caught:
        check(spec, "models.m.key")
    assert str(caught.value).startswith("models.m.key: ")
    assert CANARY not in str(caught.value)


def test_no_key_at_all_may_stand_in_a_configuration():
    check("", "key")
    with pytest.raises(ConfigError, match="key"):
        OpenAI("gpt-4o", key=CANARY)


@pytest.mark.parametrize(
    "header",
    [
        "Authorization",
        "Proxy-Authorization",
        "X-Auth",
        "X-Auth-Token",
        "X-Api-Key",
        "api-key",
        "Ocp-Apim-Subscription-Key",
        "X-Access-Key",
        "X-Goog-Credential",
        "X-Password",
        "Cookie",
    ],
)
def test_a_header_that_carries_secrets_names_where_they_lie(header):
    check_headers({header: "env:SECRET", "X-Title": "onefold"})
    with pytest.raises(ConfigError, match=f"headers.{header}") as caught:
        check_headers({header: CANARY})
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("header", ["X-Title", "X-Author", "Idempotency-Key", "X-Keywords"])
def test_a_header_that_carries_none_may_say_what_it_likes(header):
    check_headers({header: "onefold"})


def test_the_first_variable_that_is_set_holds_the_key(monkeypatch):
    monkeypatch.setenv("ONEFOLD_FIRST", "")
    monkeypatch.setenv("ONEFOLD_SECOND", f"  {CANARY}\n")
    assert read("", ("ONEFOLD_NONE", "ONEFOLD_FIRST", "ONEFOLD_SECOND"), "x:y") == CANARY


def test_a_named_variable_goes_before_the_usual_one(monkeypatch):
    monkeypatch.setenv("ONEFOLD_USUAL", "usual-key")
    monkeypatch.setenv("ONEFOLD_NAMED", CANARY)
    assert read("env:ONEFOLD_NAMED", ("ONEFOLD_USUAL",), "x:y") == CANARY
    assert read("env: ONEFOLD_NAMED ", (), "x:y") == CANARY


@pytest.mark.parametrize("spec", ["", "env:ONEFOLD_NOT_SET"])
def test_a_missing_key_says_whose_it_is_and_where_it_may_lie(monkeypatch, spec):
    monkeypatch.delenv("ONEFOLD_NOT_SET", raising=False)
    with pytest.raises(ConfigError, match=r"openai:gpt-4o has no key.*ONEFOLD_NOT_SET"):
        read(spec, ("ONEFOLD_NOT_SET",), "openai:gpt-4o")


def test_a_file_holds_the_key_and_is_read_again_when_it_changes(tmp_path):
    path = tmp_path / "key"
    path.write_text(f"{CANARY}\n", encoding="utf-8")
    assert read(f"file:{path}", (), "x:y") == CANARY
    path.write_text("another", encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert read(f"file:{path}", (), "x:y") == "another"


def test_a_file_under_the_home_directory_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key").write_text(CANARY, encoding="utf-8")
    assert read("file:~/key", (), "x:y") == CANARY


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere cannot be read \(No such file"):
        read(f"file:{tmp_path / 'nowhere'}", (), "x:y")
    with pytest.raises(ConfigError, match="cannot be read"):
        read(f"file:{tmp_path}", (), "x:y")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="it is no text"):
        read(f"file:{tmp_path / 'bytes'}", (), "x:y")


@pytest.mark.parametrize("place", ["a\0b", "~nobody-here-at-all/key"])
def test_a_path_that_can_be_none_is_told_as_one_that_cannot_be_read(place):
    with pytest.raises(ConfigError, match="cannot be read"):
        read(f"file:{place}", (), "x:y")


@pytest.mark.parametrize("value", ["", "   ", "two\nlines", "tab\there", "schlüssel", "nul\0"])
def test_a_key_that_no_header_may_hold_is_refused_and_not_shown(tmp_path, value):
    path = tmp_path / "key"
    path.write_text(value, encoding="utf-8")
    with pytest.raises(ConfigError, match="characters that no key has") as caught:
        read(f"file:{path}", (), "x:y")
    assert not value.strip() or value not in str(caught.value)


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_scrubbed_text_has_no_key_in_it(before, after):
    text = scrubbed(f"{before}{CANARY}{after} key={CANARY}", CANARY)
    assert CANARY not in text
    assert text.startswith(before)


def test_scrubbing_leaves_words_alone_that_are_too_short_to_be_keys():
    assert scrubbed("a key is a key", "a", "", "is") == "a key is a key"


def test_the_services_own_key_never_goes_to_another_address(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENROUTER_API_KEY", CANARY)
    assert OpenAI("gpt-4o")._secret() == CANARY
    assert OpenAI("gpt-4o", base_url="http://elsewhere.example/v1")._secret() == ""
    assert OpenRouter("x/y", base_url="http://elsewhere.example")._secret() == ""
    named_too = OpenAI("gpt-4o", base_url="http://e.example", key="env:OPENAI_API_KEY")
    assert named_too._secret() == CANARY


def test_a_server_that_needs_no_key_is_sent_none():
    assert Compatible("m", base_url="http://localhost:1234/v1")._secret() == ""


def test_a_part_shows_where_its_key_lies_and_not_the_key(monkeypatch):
    monkeypatch.setenv("ONEFOLD_NAMED", CANARY)
    wire = OpenAI("gpt-4o", key="env:ONEFOLD_NAMED", headers={"X-Api-Key": "env:ONEFOLD_NAMED"})
    assert wire._secret() == CANARY
    assert CANARY not in repr(wire)
    assert "env:ONEFOLD_NAMED" in repr(wire)
