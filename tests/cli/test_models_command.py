"""`onefold models`: what can be asked, at which price, with which key; and that no key is shown."""

import json

import pytest

from onefold.functions import provider

CANARY = "sk-canary-5f1e"
MODELS = """
models:
  small:
    provider: {fake: {replies: [a]}}
    price: {tokens_in: 0.1, tokens_out: 0.4}
    tags: [math, cheap]
    aliases: [little]
  dear:
    provider: "openai:gpt-4o-mini"
    limits: {requests: 500, tokens: 200000, concurrency: 5}
    context: 128000
    capabilities: [vision]
    tags: [math]
  own: {compatible: {model: m, base_url: "http://127.0.0.1:9/v1", key: "env:MY_KEY"}}
  any: {fleet: [small, dear], pick: cheapest}
prices: {dear: [7, 9]}
"""


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in ("OPENAI_API_KEY", "MY_KEY", "GROQ_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def listed(onefold, tmp_path):
    """`listed(…)` is what `onefold models` lists of the models above, by name."""
    (tmp_path / "models.yaml").write_text(MODELS)

    def rows(*more):
        called = onefold("models", "models.yaml", "--json", *more)
        assert called.code == 0, called.err
        return {row["name"]: row for row in json.loads(called.out)}

    return rows


def test_each_model_is_listed_with_its_terms(listed):
    rows = listed()
    assert list(rows) == ["small", "dear", "own", "any"]
    assert rows["small"]["asks"] == "fake"
    assert rows["small"]["price"]["tokens_out"] == 0.4
    assert (rows["small"]["tags"], rows["small"]["aliases"]) == (["math", "cheap"], ["little"])
    assert rows["dear"]["asks"] == "openai:gpt-4o-mini"
    assert rows["dear"]["limits"]["requests"] == 500
    assert (rows["dear"]["context"], rows["dear"]["capabilities"]) == (128000, ["vision"])
    assert rows["any"]["asks"] == "cheapest of small, dear"


def test_a_price_of_the_user_comes_before_a_list_price_and_none_is_unknown(listed):
    rows = listed()
    assert (rows["dear"]["price"]["tokens_in"], rows["dear"]["price"]["tokens_out"]) == (7, 9)
    assert rows["own"]["price"] is None


def test_the_table_says_the_same_in_words(onefold, listed):
    called = onefold("models", "models.yaml")
    head, small, dear, own, fleet = called.out.splitlines()
    assert head.split()[:4] == ["name", "asks", "in", "out"]
    assert small.split()[:4] == ["small", "fake", "0.1", "0.4"]
    assert "500 calls/min, 200000 tokens/min, 5 at once" in dear
    assert "unknown" in own
    assert "unknown" not in fleet


def test_whether_a_key_is_there_is_said_and_the_key_is_not(onefold, listed, monkeypatch):
    assert [row["key"] for row in listed().values()] == ["none", "missing", "missing", ""]
    assert "OPENAI_API_KEY" in listed()["dear"]["key_from"]
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("MY_KEY", CANARY)
    rows = listed()
    assert [row["key"] for row in rows.values()] == ["none", "set", "set", ""]
    assert rows["own"]["key_from"] == "env:MY_KEY"
    for arguments in (("models.yaml",), ("models.yaml", "--json"), (), ("--json",)):
        called = onefold("models", *arguments)
        assert CANARY not in called.out + called.err


def test_a_key_is_no_key_of_another_address(onefold, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    entry = 'models: {m: {openai: {model: x, base_url: "http://127.0.0.1:9/v1"}}}'
    (tmp_path / "m.yaml").write_text(entry)
    (row,) = json.loads(onefold("models", "m.yaml", "--json").out)
    assert row["key"] == "none"


def test_tags_and_providers_choose(listed):
    assert list(listed("--tag", "math")) == ["small", "dear"]
    assert list(listed("--tag", "math", "--provider", "fake")) == ["small"]
    assert list(listed("--provider", "compatible")) == ["own"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["models.yaml", "--tag", "mth"], ["'mth'", "did you mean 'math'"]),
        (["models.yaml", "--provider", "opnai"], ["'opnai'", "did you mean 'openai'"]),
        (["--tag", "math"], ["--tag", "recipe"]),
        (["nosuch.yaml"], ["nosuch.yaml", "models.yaml"]),
        (["wrong.yaml"], ["wrong.yaml", "'pric'", "did you mean 'price'"]),
        (["stray.toml"], ["stray.toml", "prices", "'gpt-4'"]),
        (["broken.toml"], ["broken.toml", "no TOML", "line 1"]),
    ],
)
def test_what_cannot_be_listed_is_one_line(refused, listed, tmp_path, arguments, words):
    (tmp_path / "wrong.yaml").write_text("models: {m: {provider: 'fake:a', pric: {}}}")
    (tmp_path / "stray.toml").write_text("models.m = 'fake:a'\nprices.'gpt-4' = [1, 2]\n")
    (tmp_path / "broken.toml").write_text("[models\n")
    line = refused("models", *arguments)
    for word in words:
        assert word in line


def test_a_recipes_own_models_and_those_of_its_fleets_are_listed_too(onefold, tmp_path):
    (tmp_path / "r.toml").write_text(
        "models.many = {fleet = ['groq:llama-3.3-70b-versatile', 'fake:b']}\n"
        "panel = {members = ['many', 'sim:small']}\n"
    )
    rows = {row["name"]: row for row in json.loads(onefold("models", "r.toml", "--json").out)}
    assert set(rows) == {"many", "groq:llama-3.3-70b-versatile", "fake:b", "sim:small"}
    assert rows["sim:small"]["price"]["tokens_in"] == 0.1


def test_without_a_recipe_the_providers_are_listed_with_address_and_key(onefold, monkeypatch):
    monkeypatch.setenv("GROQ_API_KEY", CANARY)
    listed = json.loads(onefold("models", "--json").out)["providers"]
    by = {each["name"]: each for each in listed}
    assert by["groq"]["address"] == "https://api.groq.com/openai/v1"
    assert (by["groq"]["key"], by["groq"]["variables"]) == ("set", ["GROQ_API_KEY"])
    assert (by["openai"]["key"], by["openai"]["continues"]) == ("missing", "none")
    assert (by["vllm"]["key"], by["vllm"]["continues"]) == ("none", "flag")
    assert by["azure"]["address"] == "say base_url"
    assert "OLLAMA_HOST" in by["ollama"]["address"]
    assert set(by) >= {"anthropic", "gemini", "fake", "sim"}
    out = onefold("models").out
    assert "openai:gpt-4o-mini" in out
    assert "missing (OPENAI_API_KEY)" in out


def test_names_that_stand_for_a_model_are_listed_apart(onefold):
    @provider
    def my_own(prompt: str) -> str:
        return prompt

    said = json.loads(onefold("models", "--json").out)
    assert "my_own" in [row["name"] for row in said["names"]]
    assert "my_own" not in [each["name"] for each in said["providers"]]
    only = json.loads(onefold("models", "--provider", "openai", "--json").out)
    assert [each["name"] for each in only["providers"]] == ["openai"]
    assert {row["asks"].partition(":")[0] for row in only["names"]} <= {"openai"}
