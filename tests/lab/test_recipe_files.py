"""Recipes in TOML, prices in recipes, and files that hold models alone."""

import pytest

import onefold as of
from onefold import Recipe, load_recipe, recipe
from onefold.core.errors import ConfigError
from onefold.core.schema import schema
from onefold.lab.recipe import load_models, recipe_schema

TOML = """
budget = 2.5
cache = "memory"

[models.small]
provider = {sim = {accuracy = 0.7, latency = {median = 0.2}}}
price = {tokens_in = 0.1, tokens_out = 0.4}

[models]
plain = "fake:4"

[prices]
plain = [1, 2]
"sim:medium" = {tokens_in = 3, tokens_out = 4, tokens_cached = 0.5}

[panel]
members = ["small", "plain", "sim:medium"]
stop = ["decided", {spent = {seconds = 20}}]
stagger = inf
reads = "number"
"""
YAML = """
budget: 2.5
cache: memory
models:
  small:
    provider: {sim: {accuracy: 0.7, latency: {median: 0.2}}}
    price: {tokens_in: 0.1, tokens_out: 0.4}
  plain: fake:4
prices: {plain: [1, 2], "sim:medium": {tokens_in: 3, tokens_out: 4, tokens_cached: 0.5}}
panel:
  members: [small, plain, "sim:medium"]
  stop: [decided, {spent: {seconds: 20}}]
  stagger: .inf
  reads: number
"""


def test_toml_says_the_same_as_yaml(tmp_path):
    (tmp_path / "r.toml").write_text("\ufeff" + TOML, encoding="utf-8")
    made = load_recipe(tmp_path / "r.toml")
    assert made == recipe(YAML)
    assert recipe(made.dump()) == made


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[models\n", r"r\.toml is no TOML: .*line 1"),
        ("budget = 1\nbudget = 2\n", r"no TOML"),
        ("model = 'x'\nbudgt = 1\n", r"r\.toml.*did you mean 'budget'"),
        ("a = " + "[" * 5000, r"r\.toml.*(nested too deeply|no TOML)"),
        ("model = 2026-11-21\n", r"r\.toml"),
    ],
)
def test_a_mistake_in_toml_names_the_file_and_the_place(tmp_path, text, words):
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(ConfigError, match=words):
        load_recipe(tmp_path / "r.toml")


def test_prices_of_a_recipe_come_before_all_others():
    models = recipe(YAML).session().models
    assert models.find("plain").price == of.Price(1, 2)
    assert models.find("sim:medium").price == of.Price(3, 4, 0.5)
    assert models.find("small").price == of.Price(0.1, 0.4)


def test_prices_given_as_objects_read_back_as_the_same_prices():
    made = Recipe(of.build("fake:4"), prices={"a": of.Price(1, 2, call=0.5), "b": (3, 4)})
    again = recipe(made.dump())
    assert again.prices == {"a": of.Price(1, 2, call=0.5), "b": of.Price(3, 4)}
    assert "tokens_cached" not in made.dump()


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        ("[1, 2]", r"prices: a mapping of names"),
        ("{m: cheap}", r"prices\.m: 'cheap' is no price"),
        ("{m: [-1, 2]}", r"zero or more US dollars"),
        ("{m: {tokens_in: 1}}", r"prices\.m.*tokens_out"),
    ],
)
def test_a_wrong_price_is_named(prices, words):
    with pytest.raises(ConfigError, match=words):
        recipe(f"prices: {prices}\noperator: fake:a")


def test_a_recording_is_replayed_at_the_prices_of_the_recipe(tmp_path):
    rows = [of.Draft("1", name, "4", "Why?", tokens_in=1000, tokens_out=0) for name in ("m", "n")]
    of.Recording(rows).write(tmp_path / "r.jsonl")
    made = recipe(
        "models: {m: 'openai:gpt-4o-mini', n: 'openai:gpt-4o'}\n"
        "prices: {'openai:gpt-4o-mini': [1000, 0], n: [5000, 0]}\n"
        "panel: {members: [{model: m}, {model: n}]}"
    ).replayed(str(tmp_path / "r.jsonl"), 0.0)
    with made.session():
        answer = made.operator.ask("Why?")
    assert [draft.usage.usd for draft in answer.drafts] == [1.0, 5.0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.toml", "models.m = 'sim:small'\nmodels.two = {fleet = ['m', 'fake:b']}\n"
                   "prices.m = [7, 8]\n"),
        ("m.yaml", "models: {m: 'sim:small', two: {fleet: [m, 'fake:b']}}\nprices: {m: [7, 8]}\n"),
        ("m.json", '{"models": {"m": "sim:small", "two": {"fleet": ["m", "fake:b"]}}, '
                   '"prices": {"m": [7, 8]}}'),
        ("r.yaml", "models: {m: 'sim:small', two: {fleet: [m, 'fake:b']}}\nprices: {m: [7, 8]}\n"
                   "model: two\n"),
    ],
)  # fmt: skip
def test_models_alone_load_from_a_file_and_make_a_session(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    models = load_models(tmp_path / name)
    assert list(models) == ["m", "two", "fake:b"]
    session = of.Session(models)
    assert session.deployment("m").price == of.Price(7, 8)
    assert session.deployment("two").of == ("m", "fake:b")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("models: [m]", r"m\.yaml.*models: a mapping of names"),
        ("models: {m: {price: [1, 2]}}", r"m\.yaml.*models\.m has no provider"),
        ("models: {m: 'fak:a'}", r"m\.yaml.*'fak'; did you mean 'fake'"),
        ("models: {m: 'fake:a'}\nprices: {n: [1, 2]}", r"m\.yaml.*prices.*no model named 'n'"),
        ("models: {m: {fleet: [nobody]}}", r"m\.yaml.*'nobody'"),
        ("{}", r"exactly one operator"),
    ],
)
def test_a_mistake_in_a_file_of_models_is_named(tmp_path, text, words):
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(ConfigError, match=words):
        load_models(tmp_path / "m.yaml")


def test_the_schema_of_recipes_knows_prices():
    jsonschema = pytest.importorskip("jsonschema")
    made = schema("operator", recipe_schema())
    good = {"prices": {"a": [1, 2], "b": {"tokens_in": 1, "tokens_out": 2}}, "model": "a"}
    jsonschema.validate(good, made)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"prices": {"a": "cheap"}, "model": "a"}, made)
