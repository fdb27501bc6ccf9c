"""The JSON Schema of configurations: whole, sound, and in step with what build takes."""

import json
from pathlib import Path

import msgspec
import pytest
import yaml

import onefold as of
from onefold.core import schema as schemas
from onefold.core.part import fields
from onefold.core.registry import registry
from onefold.lab.recipe import recipe_schema

ROOT = Path(__file__).parents[2]
TYPES = {"object", "array", "string", "number", "integer", "boolean", "null"}
KEYWORDS = {
    "$schema", "$defs", "$ref", "title", "description", "type", "properties", "required",
    "additionalProperties", "anyOf", "oneOf", "allOf", "items", "prefixItems", "minItems",
    "maxItems", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "enum", "const",
    "default", "minLength", "maxLength", "pattern", "not",
}  # fmt: skip


@pytest.fixture(scope="module")
def made():
    return schemas.schema("operator", recipe_schema())


def nodes(node):
    """Every schema inside a schema."""
    yield node
    for key in ("properties", "$defs"):
        for inner in node.get(key, {}).values():
            yield from nodes(inner)
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for inner in node.get(key, []):
            yield from nodes(inner)
    for key in ("items", "additionalProperties", "not"):
        if isinstance(node.get(key), dict):
            yield from nodes(node[key])


def test_it_is_json(made):
    assert json.loads(msgspec.json.encode(made)) == made


def test_every_node_is_a_sound_schema(made):
    for node in nodes(made):
        assert isinstance(node, dict)
        assert set(node) <= KEYWORDS, set(node) - KEYWORDS
        kinds = node.get("type", "object")
        assert {kinds} <= TYPES if isinstance(kinds, str) else set(kinds) <= TYPES
        assert isinstance(node.get("required", []), list)
        assert set(node.get("required", [])) <= set(node.get("properties", node["required"])
                                                    if "required" in node else [])  # fmt: skip
        for key in ("anyOf", "oneOf"):
            assert node.get(key, [None]), f"an empty {key} accepts nothing"


def test_every_reference_leads_somewhere(made):
    references = {node["$ref"] for node in nodes(made) if "$ref" in node}
    assert references
    for reference in references:
        prefix, _, name = reference.rpartition("/")
        assert prefix == "#/$defs"
        assert name in made["$defs"]


def test_every_part_of_every_kind_is_in_it_with_every_field(made):
    for kind, parts in registry.items():
        spellings = made["$defs"][kind.__name__.lower()]["anyOf"]
        objects = {
            name: inner
            for each in spellings
            if each.get("type") == "object"
            for name, inner in each["properties"].items()
        }
        for name, part in parts.items():
            if not isinstance(part, type) or name in ("function", "jit"):
                continue
            whole = objects[name]["anyOf"][0]
            assert list(whole["properties"]) == list(fields(part)), name


def test_a_part_of_ones_own_is_in_it_at_once():
    class Near(of.Reader, name="near_for_schema"):
        step: float = 1.0

        def read(self, text, query):
            return None

    made = json.dumps(schemas.schema("reader"))
    assert "near_for_schema" in made
    assert "step" in made


def test_without_more_it_is_the_schema_of_one_kind():
    made = schemas.schema("stop")
    assert made["$ref"] == "#/$defs/stop"
    assert made["$schema"].startswith("https://json-schema.org/draft/2020-12")


def test_a_recipe_has_one_operator_and_no_unknown_keys(made):
    assert made["additionalProperties"] is False
    assert {"models", "replay", "budget", "cache", "operator", "panel", "model"} <= set(
        made["properties"]
    )
    assert {"required": ["panel"]} in made["oneOf"]


@pytest.fixture(scope="module")
def valid(made):
    jsonschema = pytest.importorskip("jsonschema")
    checker = jsonschema.validators.validator_for(made)
    checker.check_schema(made)
    return checker(made).is_valid


GOOD = [
    "panel: {members: ['fake:a', {model: b}, {named: {name: c, operator: 'fake:c'}}]}",
    "panel: {members: {a: 'fake:a', b: {panel: {members: ['fake:b']}}}, vote: best, stop: first}",
    "panel: {members: ['fake:a'], stop: [decided, {spent: {usd: 1}}, {agree: 0.7}], stagger: 0.5}",
    "panel: {members: ['fake:a'], vote: {weighted: {weights: {x: 2}}}, reads: {number: first}}",
    "operator: fake:a",
    "model: sim:small",
    "model: {model: m, temperature: 0.5, until: ['.']}",
    "chain: {steps: ['fake:a', 'fake:b']}",
    "within: {operator: 'fake:a', seconds: 3}",
    "models: {m: 'fake:a', n: {sim: {accuracy: 0.5, latency: {median: 1}}}}\noperator: {model: m}",
    "models: {m: {provider: 'fake:a', price: {tokens_in: 1, tokens_out: 2}}}\noperator: {model: m}",
    "replay: {recording: x.jsonl, pace: 0}\nmodels: {m: {price: {tokens_in: 1, tokens_out: 1}}}\n"
    "operator: {model: m}",
    "budget: 2.5\ncache: memory\noperator: fake:a",
]
BAD = [
    "panle: {members: ['fake:a']}",
    "panel: {memers: ['fake:a']}",
    "panel: {members: []}",
    "panel: {members: ['fake:a'], stagger: -1}",
    "panel: {members: ['fake:a'], stop: {agree: {share: 2}}}",
    "panel: {members: ['fake:a']}\noperator: fake:b",
    "models: {m: 'fake:a'}",
    "budget: -1\noperator: fake:a",
    "budget: much\noperator: fake:a",
    "models: {m: {sim: {acuracy: 1}}}\noperator: {model: m}",
    "within: {seconds: 2}",
]


@pytest.mark.parametrize("text", GOOD)
def test_it_accepts_what_builds(valid, text):
    of.recipe(text)
    assert valid(yaml.safe_load(text))


@pytest.mark.parametrize("text", BAD)
def test_it_refuses_what_does_not_build(valid, text):
    with pytest.raises(of.ConfigError):
        of.recipe(text).session()
    assert not valid(yaml.safe_load(text))


@pytest.mark.parametrize("name", sorted(p.name for p in (ROOT / "recipes").glob("*.yaml")))
def test_it_accepts_every_recipe_of_the_house(valid, name):
    assert valid(yaml.safe_load((ROOT / "recipes" / name).read_text()))
