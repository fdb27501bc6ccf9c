"""Data against a JSON Schema: the keywords that say what a reply must hold, and no others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from onefold.core.errors import ConfigError, unknown

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,),
    "number": (int, float), "boolean": (bool,), "null": (type(None),),
}  # fmt: skip
BOUNDS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "minimum": (lambda value, bound: value >= bound, "is below"),
    "maximum": (lambda value, bound: value <= bound, "is above"),
    "exclusiveMinimum": (lambda value, bound: value > bound, "is not above"),
    "exclusiveMaximum": (lambda value, bound: value < bound, "is not below"),
    "minLength": (lambda value, bound: len(value) >= bound, "is shorter than"),
    "maxLength": (lambda value, bound: len(value) <= bound, "is longer than"),
    "minItems": (lambda value, bound: len(value) >= bound, "has fewer items than"),
    "maxItems": (lambda value, bound: len(value) <= bound, "has more items than"),
}
NUMBER = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
HELD = {str: ("minLength", "maxLength"), list: ("minItems", "maxItems"), int: NUMBER, float: NUMBER}
CHECKED = {
    "type", "enum", "const", "required", "properties", "additionalProperties", "items", "pattern",
    "anyOf", "oneOf", "allOf", "$ref", *BOUNDS,
}  # fmt: skip
SAID = {
    "$schema", "$id", "$defs", "$comment", "title", "description", "default", "examples", "format",
}  # fmt: skip


def check_schema(schema: Any, where: str) -> None:
    """Refuse a schema whose words would not be kept.

    Raises:
        ConfigError: names the keyword and its place.
    """
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping):
        raise ConfigError(f"{where}: a JSON Schema is a mapping, not {schema!r:.60}")
    for word in schema:
        if word not in CHECKED | SAID:
            raise ConfigError(f"{where}: {unknown('keyword', word, CHECKED | SAID)}")
    kinds = schema.get("type", [])
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind not in TYPES:
            raise ConfigError(f"{where}: {unknown('type', kind, TYPES)}")
    for place, inner in inner_schemas(schema):
        check_schema(inner, f"{where}.{place}")


def inner_schemas(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The schemas that a schema holds, with their places."""
    for word in ("properties", "$defs"):
        yield from ((f"{word}.{name}", inner) for name, inner in schema.get(word, {}).items())
    for word in ("items", "additionalProperties"):
        if word in schema:
            yield word, schema[word]
    for word in ("anyOf", "oneOf", "allOf"):
        yield from ((f"{word}[{i}]", inner) for i, inner in enumerate(schema.get(word, ())))


def misfit(data: Any, schema: Any, root: Mapping[str, Any], where: str = "") -> str:
    """What is wrong with data, and where; empty where it fits."""
    if isinstance(schema, bool):
        return "" if schema else f"{where or 'it'}: nothing may stand here"
    name = where or "it"
    if "$ref" in schema:
        wrong = misfit(data, referred(schema["$ref"], root), root, where)
        if wrong:
            return wrong
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    if kinds and not any(is_a(data, kind) for kind in kinds):
        return f"{name}: expected {' or '.join(kinds)}, got {kind_of(data)}"
    for choices in ([schema["const"]] if "const" in schema else None, schema.get("enum")):
        if choices is not None and not any(same(data, choice) for choice in choices):
            return f"{name}: {data!r:.60} is none of {', '.join(map(repr, choices))}"
    for word in ("anyOf", "oneOf"):
        found = [misfit(data, option, root, where) for option in schema.get(word, ())]
        if found and all(found):
            return f"{name}: fits none of {len(found)} forms: {found[0]}"
        if word == "oneOf" and found.count("") > 1:
            return f"{name}: fits {found.count('')} forms where one is asked for"
    parts = (misfit(data, part, root, where) for part in schema.get("allOf", ()))
    return next(filter(None, parts), "") or plain_misfit(data, schema, root, where)


def plain_misfit(data: Any, schema: Mapping[str, Any], root: Mapping[str, Any], where: str) -> str:
    """What is wrong with a value by the words that its own type knows."""
    for word in HELD.get(type(data), ()):
        if word in schema and not BOUNDS[word][0](data, schema[word]):
            return f"{where or 'it'}: {data!r:.60} {BOUNDS[word][1]} {schema[word]}"
    if isinstance(data, str) and not re.search(schema.get("pattern", ""), data):
        return f"{where or 'it'}: {data!r:.60} does not match {schema['pattern']!r}"
    if isinstance(data, list):
        items = schema.get("items", True)
        wrong = (misfit(item, items, root, f"{where}[{i}]") for i, item in enumerate(data))
        return next(filter(None, wrong), "")
    return object_misfit(data, schema, root, where) if isinstance(data, dict) else ""


def object_misfit(
    data: Mapping[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], where: str
) -> str:
    """What is wrong with an object's fields."""
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    before = f"{where}." if where else ""
    for field in schema.get("required", ()):
        if field not in data:
            return f"{before}{field}: is missing"
    for field, value in data.items():
        if field not in known and others is False:
            return f"{before}{field}: no such field; known: {', '.join(known)}"
        if wrong := misfit(value, known.get(field, others), root, f"{before}{field}"):
            return wrong
    return ""


def referred(reference: str, root: Mapping[str, Any]) -> Any:
    """The schema that `#/$defs/Name` means.

    Raises:
        ConfigError: it means none.
    """
    held: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        if not isinstance(held, Mapping) or step not in held:
            raise ConfigError(f"no schema at {reference!r}: write it as #/$defs/Name")
        held = held[step]
    return held


def is_a(data: Any, kind: str) -> bool:
    """Whether data is of a type of JSON Schema's; a whole float is an integer, a bool is not."""
    if isinstance(data, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(data, float):
        return data.is_integer()
    return isinstance(data, TYPES[kind])


def kind_of(data: Any) -> str:
    """What data is, in JSON Schema's words."""
    return next((kind for kind in TYPES if is_a(data, kind)), type(data).__name__)


def same(one: Any, other: Any) -> bool:
    """Whether two values of JSON are equal; true is not 1, wherever it stands."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other
