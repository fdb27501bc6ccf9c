"""What a value of a type looks like as JSON, and how it is made of that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from onefold.core.errors import ConfigError
from onefold.core.schema import inlined
from onefold.signatures.checking import check_schema, kind_of, misfit

WRAPPED = "value"  # the field under which a value stands that is no JSON object itself


class Shape(Struct, frozen=True):
    """A type for models and back.

    schema: the JSON Schema of the object that is asked of a model.
    wraps: whether the value stands in that object's only field, `value`.
    make: the typed value of plain data; raises ValueError where it does not fit.
    """

    schema: Mapping[str, Any]
    wraps: bool
    make: Callable[[Any], Any]


def shape(kind: Any) -> Shape:
    """The shape of a class, a plain type such as `list[str]`, or a JSON Schema.

    Raises:
        ConfigError: JSON cannot hold it.
    """
    if isinstance(kind, Mapping):
        check_schema(kind, "output")
        return shaped(kind, lambda data: fitting(data, kind))
    try:
        hash(kind)
    except TypeError:
        raise ConfigError(f"output: {kind!r:.60} is no type: write a list as list[str]") from None
    return type_shape(kind)


@cache
def type_shape(kind: Any) -> Shape:
    """The shape of a type."""
    either = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    if NoneType in either or None in either:
        raise ConfigError(
            f"{kind!r}: an output of None is no output: hold it in a class, as a field of its own"
        )
    try:
        if any(hasattr(one, "__pydantic_core_schema__") for one in held(kind)):
            from pydantic import TypeAdapter

            whole: Any = TypeAdapter(kind)
            schema = closed(flat(lambda form: whole.json_schema(ref_template=form), "{model}"))
            return shaped(schema, lambda data: whole.validate_json(msgspec.json.encode(data)))
        schema = closed(flat(lambda form: msgspec_schema(kind, form), "{name}"))
    except (TypeError, NameError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"{kind!r:.80} is no type that JSON can hold ({str(error).splitlines()[-1]}): give a "
            "msgspec Struct, a dataclass, a TypedDict, a pydantic model, a plain type such as "
            "list[str], or a JSON Schema"
        ) from None
    return shaped(schema, lambda data: msgspec.convert(data, kind))


def msgspec_schema(kind: Any, form: str) -> dict[str, Any]:
    """A type's JSON Schema with what it refers to, in one mapping."""
    (schema,), parts = msgspec.json.schema_components([kind], ref_template=form)
    return {**schema, "$defs": parts}


def shaped(schema: Mapping[str, Any], make: Callable[[Any], Any]) -> Shape:
    """A shape; what is no object is wrapped in one."""
    if schema.get("type") == "object":
        return Shape(schema, False, make)
    inner = {key: value for key, value in schema.items() if key != "$defs"}
    whole: dict[str, Any] = {
        "type": "object",
        "properties": {WRAPPED: inner},
        "required": [WRAPPED],
        "additionalProperties": False,
    }
    if "$defs" in schema:
        whole["$defs"] = schema["$defs"]
    return Shape(whole, True, make)


def flat(schema_by: Callable[[str], Mapping[str, Any]], form: str) -> Any:
    """A schema with everything written out where it stands; one that holds itself refers to it."""
    schema = dict(schema_by(form))
    try:
        return inlined({k: v for k, v in schema.items() if k != "$defs"}, schema.get("$defs", {}))
    except RecursionError:
        schema = dict(schema_by(f"#/$defs/{form}"))
    parts = schema.get("$defs", {})
    root = schema.pop("$ref", "").rpartition("/")[2]
    return {**(parts[root] if root else {}), **schema}


def closed(schema: Any) -> Any:
    """A schema whose objects have no further fields, and whose choices say what they are, for
    services that take no others.
    """
    if isinstance(schema, list | tuple):
        return [closed(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {key: closed(value) for key, value in schema.items()}
    if made.get("type") == "object" and "properties" in made:
        made.setdefault("additionalProperties", False)
    if "type" not in made and isinstance(made.get("enum"), list):
        kinds = {kind_of(choice) for choice in made["enum"]}
        made |= {"type": kinds.pop()} if len(kinds) == 1 else {}
    return made


def held(kind: Any) -> Iterator[Any]:
    """A type, and the types that it is written with."""
    yield kind
    for argument in get_args(kind):
        yield from held(argument)


def fitting(data: Any, schema: Mapping[str, Any]) -> Any:
    """Data that fits a schema.

    Raises:
        ValueError: it does not; says where.
    """
    if wrong := misfit(data, schema, schema):
        raise ValueError(wrong)
    return data


def told(error: Exception) -> str:
    """What does not fit, its field first: `label: Expected str, got int`."""
    many = getattr(error, "errors", None)
    if callable(many):
        return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'it'}: {e['msg']}" for e in many())
    said, _, place = str(error).replace("`", "").partition(" - at $")
    return f"{place.lstrip('.')}: {said}" if place else said


def field_schema(kind: Any) -> dict[str, Any]:
    """The JSON Schema of a type, as a field of something.

    Raises:
        ConfigError: JSON cannot hold it, or it holds itself.
    """
    found = type_shape(kind)
    if "$defs" in found.schema:
        raise ConfigError(f"{kind!r:.80} holds itself: it cannot be a field here")
    inner: Any = found.schema["properties"][WRAPPED] if found.wraps else found.schema
    return dict(inner)
