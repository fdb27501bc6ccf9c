"""The eight ready names: known everywhere, priced, keyless until asked."""

from __future__ import annotations

import re
from enum import Enum, StrEnum
from pathlib import Path

import pytest

import onefold as of
from onefold.core import registry
from onefold.core.part import coerce
from onefold.core.registry import lookup, names
from onefold.delivery.deployment import Deployment
from onefold.providers.names import NAMES, READY
from onefold.providers.wires.wire import Wire

KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY")


class Ready(Enum):
    """Models of a user's own list."""

    FAST = "gemini_flash"
    CHEAP = "openai:gpt-4o-mini"
    SAYS = "fake:Paris"


class Said(StrEnum):
    """The same, as texts."""

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
    assert found.provider is READY[name]
    assert found.price is not None
    assert found.price.tokens_out > found.price.tokens_in > 0


@pytest.mark.parametrize("name", NAMES)
def test_every_ready_name_comes_back_from_its_description(name):
    assert lookup(of.Provider, name) is coerce(of.Provider, name)
    assert of.build(of.dump(READY[name]), of.Provider) == READY[name]
    assert of.Session().deployment(NAMES[name]).provider == READY[name]
    for part in (of.Model(name), of.Model("mine", provider=READY[name])):
        assert of.build(of.dump(part)) == part


def test_an_unknown_name_is_told_the_ready_ones():
    with pytest.raises(of.ConfigError, match=r"did you mean 'gemini_flash'\?") as caught:
        of.ask("?", "gemini_flush")
    assert all(name in str(caught.value) for name in NAMES)


def test_a_session_s_own_model_goes_before_a_ready_one():
    with of.Session(models={"gemini_flash": "fake:mine"}):
        assert of.ask("?", "gemini_flash").text == "mine"


def test_members_of_an_enumeration_name_models():
    assert of.Model(Ready.SAYS) == of.Model("fake:Paris") == of.Model(Said.SAYS)
    assert type(of.Model(Said.SAYS).model) is str
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


def rows(heading):
    """The cells of the tables below a heading of the page about models, without their marks."""
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
    section = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def ticked(cell):
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def test_the_page_of_models_tells_the_eight_names():
    assert {ticked(row[0])[0]: ticked(row[1])[0] for row in rows("Eight names")} == NAMES


def test_the_page_of_models_tells_what_every_service_is():
    told = {ticked(row[0])[0]: row for row in rows("Services")}
    known = {name: lookup(of.Provider, name) for name in names(of.Provider)}
    house = {n: k for n, k in known.items() if registry.origin(k).startswith("onefold.")}
    wires = {n: k for n, k in house.items() if isinstance(k, type) and issubclass(k, Wire)}
    assert set(told) == set(wires)
    for name, (_, key, address, continues, schema, logprobs) in told.items():
        service, embeds = wires[name].service, wires[name].silent
        assert tuple(ticked(key)) == service.keys, name
        assert ticked(address) == [part for part in (service.url, service.variable) if part], name
        assert continues == ("–" if embeds else service.continues.replace("none", "no")), name
        as_json = not getattr(wires[name], "takes_schema", True)
        assert schema == ("no" if embeds else "as JSON" if as_json else "yes"), name
        assert logprobs == ("no" if "logprobs" in service.lacks else "yes"), name
