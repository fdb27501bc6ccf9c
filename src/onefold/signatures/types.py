"""Types as text, both ways: `list[str]`, `Literal['a', 'b']`, `package.module:Name`."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from onefold.core.errors import ConfigError, unknown

PLAIN: dict[str, Any] = {
    "Any": Any, "Literal": Literal, "None": None, "bool": bool, "dict": dict, "float": float,
    "int": int, "list": list, "set": set, "str": str, "tuple": tuple,
}  # fmt: skip
PLACES = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|([A-Za-z_][\w.]*:[A-Za-z_][\w.]*)""")


def type_name(kind: Any) -> str:
    """A type as the text that finds it again.

    Raises:
        ConfigError: nobody could find it again, such as a class made inside a function.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is None or kind is NoneType:
        return "None"
    if origin in (Union, UnionType):
        return " | ".join(map(type_name, arguments))
    if origin is Literal and all(isinstance(value, str | int) for value in arguments):
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if arguments and isinstance(origin, type):
        held = ("..." if one is Ellipsis else type_name(one) for one in arguments)
        return f"{type_name(origin)}[{', '.join(held)}]"
    name = getattr(kind, "__name__", "")
    if name in PLAIN and PLAIN[name] is kind:
        return str(name)
    place = f"{getattr(kind, '__module__', '')}:{getattr(kind, '__qualname__', '')}"
    if isinstance(kind, type) and PLACES.fullmatch(place) and placed(place) is kind:
        return place
    raise ConfigError(
        f"the type {kind!r} cannot be found again by a name, so it cannot be written down: define "
        "a class for it at the top level of a module"
    )


def type_named(text: str) -> Any:
    """The type that a text means; modules that it names are imported.

    Raises:
        ConfigError: it means none.
    """
    places: dict[str, Any] = {}

    def noted(match: re.Match[str]) -> str:
        if match[1]:
            return match[1]
        places[name := f"_{len(places)}"] = placed(match[2])
        return name

    try:
        return meant(ast.parse(PLACES.sub(noted, text).strip(), mode="eval").body, places)
    except (SyntaxError, TypeError, ValueError, RecursionError):
        raise ConfigError(
            f"{text!r:.80} is no type: write it like list[str], Literal['yes', 'no'], int | None "
            "or package.module:Name"
        ) from None


def meant(node: ast.expr, places: dict[str, Any]) -> Any:
    """What an expression of types means."""
    match node:
        case ast.Name(id=name):
            if name not in places and name not in PLAIN:
                raise unknown("type", name, PLAIN)
            return places.get(name, PLAIN.get(name))
        case ast.Constant(value=value):
            return value
        case ast.Tuple(elts=items):
            return tuple(meant(item, places) for item in items)
        case ast.Subscript(value=outer, slice=inner):
            return meant(outer, places)[meant(inner, places)]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return meant(left, places) | meant(right, places)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value))):
            return -value
    raise ValueError(ast.unparse(node))


def placed(place: str) -> Any:
    """The class at `package.module:Name`.

    Raises:
        ConfigError: there is none.
    """
    module, _, name = place.partition(":")
    try:
        found: Any = import_module(module)
        for step in name.split("."):
            found = getattr(found, step)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"no type at {place!r}: {error}") from None
    if not isinstance(found, type) and get_origin(found) is None:
        raise ConfigError(f"{place!r} is no type, but {found!r:.60}")
    return found
