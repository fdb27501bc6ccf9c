"""The eight ready names: known everywhere, priced, keyless until asked."""

from __future__ import annotations

from enum import Enum

import pytest

import onefold as of
from onefold.core.part import coerce
from onefold.core.registry import lookup
from onefold.delivery.deployment import Deployment
from onefold.providers.names import NAMES

KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY")


class Ready(Enum):
    """Models of a user's own list."""

    FAST = "gemini_flash"
    CHEAP = "openai:gpt-4o-mini"
    SAYS = "fake:Paris"


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    """No key is set, whatever the machine has."""
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("gemini_flash", "GEMINI_API_KEY or GOOGLE_API_KEY"),
        ("openai_gpt4", "OPENAI_API_KEY"),
        ("anthropic_opus", "ANTHROPIC_API_KEY"),
    ],
)
def test_a_ready_name_without_a_key_says_which_one_to_set(name, key):
    with pytest.raises(of.ConfigError, match=f"has no key: set {key}, or say"):
        of.ask("What is 2+2?", name)


@pytest.mark.parametrize("name", NAMES)
def test_every_ready_name_is_a_model_of_known_price(name):
    found = of.Session().deployment(name)
    assert isinstance(found, Deployment)
    assert found.provider is NAMES[name]
    assert found.price is not None
    assert found.price.tokens_out > found.price.tokens_in > 0


@pytest.mark.parametrize("name", NAMES)
def test_every_ready_name_comes_back_from_its_description(name):
    assert lookup(of.Provider, name) is coerce(of.Provider, name)
    for part in (of.Model(name), of.Model("mine", provider=NAMES[name])):
        assert of.build(of.dump(part)) == part


def test_an_unknown_name_is_told_the_ready_ones():
    with pytest.raises(of.ConfigError, match=r"did you mean 'gemini_flash'\?") as caught:
        of.ask("?", "gemini_flush")
    assert all(name in str(caught.value) for name in NAMES)


def test_a_session_s_own_model_goes_before_a_ready_one():
    with of.Session(models={"gemini_flash": "fake:mine"}):
        assert of.ask("?", "gemini_flash").text == "mine"


def test_members_of_an_enumeration_name_models():
    assert of.Model(Ready.SAYS) == of.Model("fake:Paris")
    assert of.Model(Ready.SAYS).ask("Capital of France?").text == "Paris"
    assert of.ask("Capital of France?", Ready.SAYS).text == "Paris"


def test_lists_of_enumerations_are_panels():
    assert of.Panel([Ready.SAYS, Ready.SAYS]).ask("?").text == "Paris"
    assert of.Panel(list(Ready)) == of.Panel([member.value for member in Ready])
    panel = of.Panel({"one": Ready.SAYS, "two": Ready.CHEAP})
    assert of.build(of.dump(panel)) == panel


def test_an_enumeration_looks_models_up_in_a_session():
    session = of.Session(models={"mine": Ready.SAYS})
    with session:
        assert of.ask("?", "mine").text == "Paris"
    assert session.deployment(Ready.CHEAP).provider == of.OpenAI("gpt-4o-mini")
