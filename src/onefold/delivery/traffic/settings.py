"""Ranges that settings of traffic share, and the check that a value built by hand keeps them."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta, Struct

from onefold.core.errors import ConfigError

Share = Annotated[float, Meta(ge=0, le=1)]
PositiveShare = Annotated[float, Meta(gt=0, le=1)]
Seconds = Annotated[float, Meta(ge=0)]
Duration = Annotated[float, Meta(gt=0, le=1e9)]
Count = Annotated[int, Meta(ge=1)]


def check(settings: Struct) -> None:
    """Hold settings to the ranges that their fields' types state; NaN is in none of them.

    Raises:
        ConfigError: names the field, its value and its range.
    """
    kind = type(settings)
    for field, hint in hints(kind).items():
        value = getattr(settings, field)
        try:
            msgspec.convert(value, hint)
        except msgspec.ValidationError as error:
            raise ConfigError(f"{kind.__name__.lower()} {field}={value!r}: {error}") from None


@cache
def hints(kind: type[Struct]) -> dict[str, Any]:
    """The types of a struct's fields with their ranges."""
    return get_type_hints(kind, include_extras=True)
