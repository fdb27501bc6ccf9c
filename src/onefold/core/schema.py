"""JSON Schema of configurations, generated from the parts themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import NODEFAULT

from onefold.core.part import Field, Part, fields
from onefold.core.registry import announced, registry

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(root: str = "operator", more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A schema in which every known part of every kind can be spelled.

    root: the kind that a configuration is. more: further properties that may stand beside it.
    """
    announced()
    kinds = {kind.__name__.lower(): kind for kind in registry}
    held = {name: kind_schema(kind) for name, kind in kinds.items()}
    made: dict[str, Any] = {"$schema": DIALECT, "title": "onefold", "$defs": held}
    if more is None:
        return made | {"$ref": f"#/$defs/{root}"}
    one = {name: part_schema(part) for name, part in classes(kinds[root]).items()}
    properties = {**more, root: {"$ref": f"#/$defs/{root}"}, **one}
    exactly = [{"required": [name]} for name in (root, *one)]
    return made | {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "oneOf": exactly,
    }


def classes(kind: Any) -> dict[str, Any]:
    """Parts of a kind that take fields, by name; those around a function are made in code only."""
    found = {n: p for n, p in sorted(registry[kind].items()) if isinstance(p, type)}
    return {n: p for n, p in found.items() if not any(map(in_code, fields(p).values()))}


def in_code(field: Field) -> bool:
    """Whether a field holds a function, which no data can spell."""
    return getattr(field.type, "__origin__", None) is Callable


def kind_schema(kind: Any) -> dict[str, Any]:
    """All spellings of a kind: a name, `{name: fields}`, a list where the kind knows one."""
    spellings: list[dict[str, Any]] = [
        {"type": "string", "description": f"one of {', '.join(sorted(registry[kind]))}"}
    ]
    spellings += [
        {
            "type": "object",
            "properties": {name: part_schema(part)},
            "required": [name],
            "additionalProperties": False,
        }
        for name, part in classes(kind).items()
    ]
    if kind._from_many is not Part._from_many and kind.__name__ == "Stop":
        spellings.append({"type": "array", "items": {"$ref": "#/$defs/stop"}})
    return {"anyOf": spellings}


def part_schema(part: Any) -> dict[str, Any]:
    """A part's fields as an object, or its first field's value alone."""
    known = fields(part)
    whole: dict[str, Any] = {
        "type": "object",
        "description": (part.__doc__ or "").strip().split("\n")[0],
        "properties": {name: field_schema(field) for name, field in known.items()},
        "additionalProperties": False,
    }
    needed = [name for name, field in known.items() if field.default is NODEFAULT]
    if needed:
        whole["required"] = needed
    choices = [whole, *([field_schema(next(iter(known.values())))] if known else [])]
    return {"anyOf": choices if needed else [*choices, {"type": "null"}]}


def field_schema(field: Field) -> dict[str, Any]:
    """A field's values."""
    if field.kind is None:
        return plain_schema(field.type)
    one = {"$ref": f"#/$defs/{kind_name(field.kind)}"}
    if field.many:
        named = {"type": "object", "additionalProperties": one}
        return {"anyOf": [{"type": "array", "items": one, "minItems": 1}, named]}
    return {"anyOf": [one, {"type": "null"}]} if field.optional else one


def kind_name(kind: Any) -> str:
    """The name under which a kind stands in a schema."""
    from onefold.core.registry import kind_of

    name: str = kind_of(kind).__name__.lower()
    return name


def plain_schema(kind: Any) -> dict[str, Any]:
    """JSON Schema of a plain value, written out where it stands."""
    (reference,), parts = msgspec.json.schema_components([kind], ref_template="{name}")
    made: dict[str, Any] = inlined(reference, parts)
    return made


def inlined(node: Any, parts: Mapping[str, Any]) -> Any:
    """A schema with its references replaced by what they mean."""
    if isinstance(node, list | tuple):
        return [inlined(item, parts) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return inlined(parts[node["$ref"]], parts)
    return {key: inlined(item, parts) for key, item in node.items()}
