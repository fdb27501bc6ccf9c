"""Entries under `models:` in a configuration: what they may hold, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from onefold.core.part import Part
from onefold.core.schema import plain_schema
from onefold.core.spec import plainly
from onefold.delivery.deployment import Deployment, defaults, deployment, hints
from onefold.delivery.traffic.fleet import Fleet

ABOUT = tuple(name for name in Deployment.__struct_fields__ if name not in ("name", "provider"))


def bare(entry: Any) -> bool:
    """Whether an entry only adds to a recorded model: a price, what is typical, no provider."""
    return isinstance(entry, Mapping) and {*entry} <= {*ABOUT}


def entry_data(entry: Any) -> Any:
    """An entry as plain data, parts spelled as they are built."""
    if isinstance(entry, Part):
        return plainly(entry)
    if isinstance(entry, Deployment):
        usual = Deployment(entry.name, entry.provider, **defaults(entry.provider))
        said = [name for name in ABOUT if getattr(entry, name) != getattr(usual, name)]
        about = {name: msgspec.to_builtins(getattr(entry, name)) for name in said}
        return {"provider": plainly(entry.provider), **about}
    if isinstance(entry, Fleet):
        about = {"fleet": list(entry.of), "pick": entry.pick, "weights": list(entry.weights)}
        return {name: value for name, value in about.items() if value}
    if isinstance(entry, Mapping):
        return {key: entry_data(value) for key, value in entry.items()}
    return msgspec.to_builtins(entry)


def priced(entry: Any) -> dict[str, Any]:
    """An entry without its provider, whose price it keeps."""
    part = deployment("model", entry) if not bare(entry) else None
    price: dict[str, Any] = {}
    if isinstance(part, Deployment) and part.price:
        price = {"price": msgspec.to_builtins(part.price)}
    given = entry if isinstance(entry, Mapping) and ("provider" in entry or bare(entry)) else {}
    return price | {key: value for key, value in given.items() if key != "provider"}


def entry_schema() -> dict[str, Any]:
    """JSON Schema of an entry: a provider, one with a price and terms, or a fleet."""
    provider = {"$ref": "#/$defs/provider"}
    terms = {name: plain_schema(hints()[name]) for name in ABOUT}
    whole = {
        "type": "object",
        "properties": {"provider": provider, **terms},
        "additionalProperties": False,
    }
    fleet = plain_schema(Fleet)["properties"]
    several = {
        "type": "object",
        "properties": {"fleet": fleet["of"], "pick": fleet["pick"], "weights": fleet["weights"]},
        "required": ["fleet"],
        "additionalProperties": False,
    }
    return {"anyOf": [provider, whole, several]}
