"""Signatures of DSPy (Khattab et al., 2310.03714) as ours; DSPy need not be installed."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from onefold.core.errors import ConfigError
from onefold.signatures.shapes import field_schema
from onefold.signatures.signature import Signature
from onefold.signatures.types import type_named

TASK = "From the fields {given} work out the fields {wanted}."


def from_dspy(signature: Any) -> Signature:
    """A DSPy signature, or its short form `"question, context: list[str] -> answer: float"`.

    Its instructions and input fields become the prompt; the output is a mapping of its output
    fields, held to their types.

    Raises:
        ConfigError: it is none, or has a type that JSON cannot hold.
    """
    if isinstance(signature, str):
        return from_fields("", *short_form(signature))
    try:
        given, wanted = dict(signature.input_fields), dict(signature.output_fields)
    except (AttributeError, TypeError):
        raise ConfigError(
            f"{signature!r:.80} is no DSPy signature: it has no input_fields and output_fields; "
            'or write "question -> answer: float"'
        ) from None
    return from_fields(str(getattr(signature, "instructions", "") or ""), given, wanted)


def from_fields(task: str, given: Mapping[str, Any], wanted: Mapping[str, Any]) -> Signature:
    """A signature of instructions and two sets of fields, each with its annotation.

    Raises:
        ConfigError: there are no outputs.
    """
    if not wanted:
        raise ConfigError("the DSPy signature has no output fields")
    lines = [task or TASK.format(given=named(given), wanted=named(wanted)), ""]
    lines = [line.replace("{", "{{").replace("}", "}}") for line in lines]
    lines += [f"{title(name, field)} {{{name}}}" for name, field in given.items()]
    properties = {name: described(name, field) for name, field in wanted.items()}
    output = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    inputs = {name: annotation(field) for name, field in given.items()}
    return Signature("\n".join(lines), inputs, output)


def short_form(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Input and output fields of `a, b: int -> c: float`; texts unless they say otherwise.

    Raises:
        ConfigError: it is not of that form.
    """
    sides = text.split("->")
    try:
        given, wanted = (
            ast.parse(f"def fields({side}): pass").body[0].args.args  # type: ignore[attr-defined]
            for side in sides
        )
    except (SyntaxError, ValueError):
        raise ConfigError(
            f'{text!r:.80} is no signature: write "question, context: list[str] -> answer: float"'
        ) from None
    return {one.arg: said(one) for one in given}, {one.arg: said(one) for one in wanted}


def said(field: ast.arg) -> Any:
    """The type of a field in the short form."""
    return str if field.annotation is None else type_named(ast.unparse(field.annotation))


def annotation(field: Any) -> Any:
    """A field's type."""
    return getattr(field, "annotation", field)


def extra(field: Any, name: str) -> str:
    """What DSPy keeps beside a field: its `desc` or its `prefix`."""
    held = getattr(field, "json_schema_extra", None) or {}
    return str(held.get(name) or "").strip() if isinstance(held, Mapping) else ""


def title(name: str, field: Any) -> str:
    """What stands before an input: `Question (as a user asks it):`."""
    prefix = extra(field, "prefix") or f"{name.replace('_', ' ').capitalize()}:"
    about = description(name, field)
    whole = f"{prefix.rstrip(':')} ({about}):" if about else prefix
    return whole.replace("{", "{{").replace("}", "}}")


def description(name: str, field: Any) -> str:
    """What is said about a field; DSPy's stand-in `${name}` says nothing."""
    about = extra(field, "desc")
    return "" if about == f"${{{name}}}" else about


def described(name: str, field: Any) -> dict[str, Any]:
    """The JSON Schema of an output field."""
    about = description(name, field)
    return {**field_schema(annotation(field)), **({"description": about} if about else {})}


def named(fields: Mapping[str, Any]) -> str:
    """Names of fields in a sentence."""
    return ", ".join(f"`{name}`" for name in fields)
