"""Types as text, both ways."""

import collections.abc
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from onefold.core.errors import ConfigError
from onefold.signatures.types import type_name, type_named


class Flow(msgspec.Struct):
    class Port(TypedDict):
        number: int


@dataclass
class Row:
    flow: Flow


leaves = some.sampled_from([str, int, float, bool, Any, Flow, Flow.Port, Row, date])
choices = some.lists(some.text() | some.integers() | some.booleans(), min_size=1).map(
    lambda values: Literal[tuple(values)]
)
kinds = some.recursive(
    leaves | choices,
    lambda inner: (
        inner.map(lambda kind: list[kind])
        | inner.map(lambda kind: dict[str, kind])
        | inner.map(lambda kind: kind | None)
        | inner.map(lambda kind: tuple[kind, ...])
        | some.tuples(inner, inner).map(lambda pair: tuple[pair])
    ),
    max_leaves=4,
)


@given(kinds)
def test_every_type_is_found_again_by_its_name(kind):
    assert type_named(type_name(kind)) == kind


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (str, "str"),
        (list[str] | None, "list[str] | None"),
        (Literal["a:b", 2], "Literal['a:b', 2]"),
        (Flow.Port, f"{__name__}:Flow.Port"),
        (collections.abc.Mapping[str, int], "collections.abc:Mapping[str, int]"),
    ],
)
def test_a_name_reads_as_one_writes_it(kind, text):
    assert type_name(kind) == text
    assert type_named(f" {text} ") == kind


def test_a_class_that_nobody_can_find_again_has_no_name():
    class Local(msgspec.Struct):
        label: str

    for kind in (Local, list[Local], Annotated[int, msgspec.Meta(ge=1)]):
        with pytest.raises(ConfigError, match="top level of a module"):
            type_name(kind)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("strng", "did you mean 'str'"),
        ("list[", "is no type"),
        ("int[str]", "is no type"),
        ("str()", "is no type"),
        ("", "is no type"),
        ("no.such.package:Name", "no type at"),
        ("msgspec:Structs", "no type at"),
        ("os:path", "is no type, but"),
        ("[" * 9999, "is no type"),
    ],
)
def test_a_text_that_means_no_type_says_why(text, why):
    with pytest.raises(ConfigError, match=why):
        type_named(text)
