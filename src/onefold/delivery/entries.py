"""Entries under `models:` in a configuration: what they may hold, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from onefold.core.part import Part
from onefold.core.schema import plain_schema
from onefold.core.spec import plainly
from onefold.core.usage import Price
from onefold.delivery.deployment import Deployment, deployment


def bare(entry: Any) -> bool:
    """Whether an entry only adds to a recorded model: a price, what is typical, no provider."""
    about = {*Deployment.__struct_fields__} - {"name", "provider"}
    return isinstance(entry, Mapping) and {*entry} <= about


def entry_data(entry: Any) -> Any:
    """An entry as plain data, parts spelled as they are built."""
    if isinstance(entry, Part):
        return plainly(entry)
    if isinstance(entry, Deployment):
        about = msgspec.to_builtins(msgspec.structs.replace(entry, provider=None))
        plain = {k: v for k, v in about.items() if k not in ("name", "provider") and v is not None}
        return {"provider": plainly(entry.provider), **plain}
    if isinstance(entry, Mapping):
        return {key: entry_data(value) for key, value in entry.items()}
    return msgspec.to_builtins(entry)


def priced(entry: Any) -> dict[str, Any]:
    """An entry without its provider, whose price it keeps."""
    part = deployment("", entry) if not bare(entry) else None
    price = {"price": msgspec.to_builtins(part.price)} if part and part.price else {}
    given = entry if isinstance(entry, Mapping) and ("provider" in entry or bare(entry)) else {}
    return price | {key: value for key, value in given.items() if key != "provider"}


def entry_schema() -> dict[str, Any]:
    """JSON Schema of an entry: a provider, or a provider with a price and habits."""
    provider = {"$ref": "#/$defs/provider"}
    whole = {
        "type": "object",
        "properties": {
            "provider": provider,
            "price": plain_schema(Price),
            "typical_tokens": {"type": "integer", "minimum": 1},
            "typical_seconds": {"type": "number", "minimum": 0},
        },
        "additionalProperties": False,
    }
    return {"anyOf": [provider, whole]}
