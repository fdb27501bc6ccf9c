"""Paths: where in a question, in another node's answer or in an item of a list something stands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError, Unreadable, unknown
from onefold.core.query import Query

QUERY, ITEM = "query", "item"
NAME = re.compile(r"[\w:/@#+-]+")
PATH = re.compile(rf"({NAME.pattern})((?:\.[\w:/@#+-]+)*)")


def readable(kind: type) -> frozenset[str]:
    """The fields and properties that a path may name."""
    properties = {name for name, thing in vars(kind).items() if isinstance(thing, property)}
    return frozenset({*getattr(kind, "__struct_fields__", ()), *properties})


class Path(NamedTuple):
    """`judge.value.label`: the root `judge`, then its fields; `text` as it was written."""

    text: str
    root: str
    fields: tuple[str, ...]

    def of(self, thing: Any) -> Any:
        """What stands there in the root.

        Raises:
            Unreadable: nothing does; says where the path ends and what is there instead.
        """
        for depth, field in enumerate(self.fields):
            try:
                thing = inside(thing, field)
            except LookupError:
                at = ".".join((self.root, *self.fields[:depth]))
                raise Unreadable(
                    f"{self.text}: there is no {field!r} in {at}, which is {thing!r:.80}"
                ) from None
        return thing


def path(text: str) -> Path:
    """A path from its text.

    Raises:
        ConfigError: it is none, or names a field that questions and answers do not have.
    """
    found = PATH.fullmatch(text)
    if found is None:
        raise ConfigError(f"{text!r} is no path: write node.field, such as judge.value.label")
    root, fields = found[1], tuple(found[2].split(".")[1:])
    if root == ITEM:
        return Path(text, root, fields)
    if not fields:
        raise ConfigError(f"the path {text!r} names no field: write {text}.text or {text}.value")
    known = readable(Query if root == QUERY else Answer)
    if fields[0] not in known:
        raise ConfigError(f"{text!r}: {unknown('field', fields[0], known)}")
    return Path(text, root, fields)


def inside(thing: Any, field: str) -> Any:
    """A key of a mapping, a place in a list, else a field.

    Raises:
        LookupError: there is none. Methods and private names are none.
    """
    if isinstance(thing, Mapping):
        return thing[field]
    if isinstance(thing, Sequence) and not isinstance(thing, str) and field.isdigit():
        return thing[int(field)]
    if field.startswith("_") or callable(getattr(thing, field, inside)):
        raise LookupError(field)
    return getattr(thing, field)


def asked_item(query: Query, item: Any, inputs: Sequence[tuple[str, Path]]) -> Query:
    """The query about one item of a list: it is the text, and the input `item`."""
    text = item if isinstance(item, str) else msgspec.json.encode(item).decode()
    own = {name: path.of(item) for name, path in inputs if path.root == ITEM}
    return query.but(text=text, id="", messages=(), inputs={**query.inputs, **own, "item": item})
