"""Named inputs: what they must be, and how they come into a prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from string import Formatter
from typing import Any

import msgspec

from onefold.core.errors import ConfigError, unknown
from onefold.signatures.shapes import held, told

NAMED = (
    msgspec.inspect.StructType,
    msgspec.inspect.DataclassType,
    msgspec.inspect.TypedDictType,
    msgspec.inspect.NamedTupleType,
)
Piece = tuple[str, str, str]  # words, then an input's name and its format, empty at the end


class Inputs(msgspec.Struct, frozen=True):
    """The inputs there are: all names, those that must be given, and what checks them together."""

    names: tuple[str, ...]
    needed: tuple[str, ...]
    take: Callable[[Mapping[str, Any]], Mapping[str, Any]]


def inputs_of(kind: Any) -> Inputs:
    """Inputs from names, from names with types, or from a class with fields."""
    if isinstance(kind, tuple):
        return Inputs(kind, kind, dict)
    if isinstance(kind, Mapping):
        return Inputs(tuple(kind), tuple(kind), lambda given: each_taken(kind, given))
    return class_inputs(kind)


@cache
def class_inputs(kind: Any) -> Inputs:
    """Inputs from a class: its fields; those with a default may be left out.

    Raises:
        ConfigError: it is no class with named fields.
    """
    fields: dict[str, Any]
    if pydantic(kind):
        fields = {name: one.is_required() for name, one in kind.model_fields.items()}
        needed = tuple(name for name, required in fields.items() if required)
        return Inputs(tuple(fields), needed, lambda given: dict(kind.model_validate(given)))
    about = msgspec.inspect.type_info(kind) if isinstance(kind, type) else None
    if not isinstance(about, NAMED):
        raise ConfigError(
            f"inputs: {kind!r:.60} has no named fields: give names, a mapping of names to types, "
            "a msgspec Struct, a dataclass, a TypedDict or a pydantic model"
        )
    known = tuple(field.name for field in about.fields)
    encoded = {field.name: field.encode_name for field in about.fields}
    needed = tuple(field.name for field in about.fields if field.required)

    def take(given: Mapping[str, Any]) -> Mapping[str, Any]:
        whole = msgspec.convert({encoded[name]: value for name, value in given.items()}, kind)
        if isinstance(whole, dict):
            return whole
        return {name: getattr(whole, name) for name in known}

    return Inputs(known, needed, take)


def pydantic(kind: Any) -> bool:
    """Whether a type is a pydantic model."""
    return hasattr(kind, "model_fields") and hasattr(kind, "model_validate")


def each_taken(kinds: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs checked one by one, each against its type.

    Raises:
        ValueError: one does not fit; names it.
    """
    taken = {}
    for name, value in given.items():
        try:
            taken[name] = taken_as(kinds[name], value)
        except ValueError as error:
            raise ValueError(f"{name}: {told(error)}") from None
    return taken


def taken_as(kind: Any, value: Any) -> Any:
    """A value as a type has it."""
    if any(hasattr(one, "__pydantic_core_schema__") for one in held(kind)):
        from pydantic import TypeAdapter

        return TypeAdapter(kind).validate_python(value)
    return msgspec.convert(value, kind)


def check_type(name: str, kind: Any) -> None:
    """Refuse what is no type before a value comes.

    Raises:
        ConfigError: nothing can be of it.
    """
    try:
        taken_as(kind, None)
    except ValueError:
        return
    except (TypeError, RuntimeError) as error:
        raise ConfigError(f"inputs.{name}: {kind!r:.60} is no type: {error}") from None


def taken(inputs: Inputs, given: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    """Inputs that are all there, known, and of the right types.

    Raises:
        ConfigError: names the input, and says why.
    """
    for name in given:
        if name not in inputs.names:
            raise ConfigError(f"{what}: {unknown('input', name, inputs.names)}")
    missing = [name for name in inputs.needed if name not in given]
    if missing:
        raise ConfigError(
            f"{what} needs {', '.join(missing)}; given: {', '.join(given) or 'nothing'}"
        )
    try:
        return inputs.take(given)
    except ValueError as error:
        raise ConfigError(f"{what}: {told(error)}") from None


@cache
def pieces(template: str) -> tuple[Piece, ...]:
    """A template's words, and the inputs between them.

    Raises:
        ConfigError: a brace stands alone, or something else than an input's name is in braces.
    """
    way = "write inputs as {name}, and a brace itself as {{ or }}"
    try:
        found = list(Formatter().parse(template))
    except ValueError as error:
        raise ConfigError(f"template: {str(error).lower()}: {way}") from None
    for _, name, form, turn in found:
        if name is not None and (not name.isidentifier() or turn or "{" in (form or "")):
            shown = name + (f"!{turn}" if turn else "") + (f":{form}" if form else "")
            raise ConfigError(f"template: {{{shown}}} is no input: {way}")
    return tuple((words, name or "", form or "") for words, name, form, _ in found)


def fields(template: str) -> tuple[str, ...]:
    """The inputs that a template names, in order, each once."""
    return tuple(dict.fromkeys(name for _, name, _ in pieces(template) if name))


def rendered(template: str, inputs: Mapping[str, Any]) -> str:
    """The prompt; without a template the inputs stand below each other as `name: value`."""
    if not template:
        return "\n".join(f"{name}: {spelled(value)}" for name, value in inputs.items())
    return "".join(written(inputs, *piece) for piece in pieces(template))


def written(inputs: Mapping[str, Any], words: str, name: str, form: str) -> str:
    """One piece of a prompt.

    Raises:
        ConfigError: the input's format does not fit it.
    """
    if not name:
        return words
    if not form:
        return words + spelled(inputs.get(name, ""))
    try:
        return words + format(inputs[name], form)
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"template: {{{name}:{form}}} cannot be written: {error}") from None


def spelled(value: Any) -> str:
    """A value in a prompt: a text as it is, anything else as JSON, else as Python shows it."""
    if isinstance(value, str):
        return value
    if hasattr(value, "model_dump_json"):
        return str(value.model_dump_json())
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, UnicodeError):
        return str(value)


def listed(names: Iterable[Any], what: str) -> tuple[str, ...]:
    """Names of inputs.

    Raises:
        ConfigError: one is no name, or stands twice.
    """
    found = tuple(names)
    for name in found:
        if not isinstance(name, str) or not name.isidentifier():
            raise ConfigError(f"{what}: {name!r:.40} is no name for an input")
        if found.count(name) > 1:
            raise ConfigError(f"{what}: {name!r} stands twice")
    return found
