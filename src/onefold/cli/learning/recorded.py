"""What the commands that learn are given: a recording with its columns, prices and reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from onefold.core.errors import ConfigError

if TYPE_CHECKING:
    from onefold.core.usage import Price
    from onefold.recording.recording import Recording
    from onefold.verbs import Reader


def recorded(path: str, column: Iterable[str] | None, prices: Mapping[str, Price]) -> Recording:
    """The recording in a file, priced.

    column: `field=column` where a column has no usual name.

    Raises:
        ConfigError: no such file, field, column or member, or a cell that does not fit.
    """
    from onefold.core.errors import unknown
    from onefold.recording.recording import Recording

    names = dict(pair(text) for text in column or ())
    held = Recording.load(path, names)
    if prices and not set(prices) & set(held.members):
        raise unknown("recorded member", next(iter(prices)), held.members)
    return held.priced(prices)


def pair(text: str) -> tuple[str, str]:
    """A field and its column, from `field=column`.

    Raises:
        ConfigError: there is no `=`, or nobody knows the field.
    """
    from onefold.core.errors import unknown
    from onefold.recording.recording import Draft

    field, given, column = text.partition("=")
    if not given or not column:
        raise ConfigError(f"--column {text!r}: write field=column, as in value=parsed_answer")
    if field not in Draft.__struct_fields__:
        raise unknown("field", field, Draft.__struct_fields__)
    return field, column


def listed(members: str | None) -> list[str] | None:
    """Names from a text with commas; None for all."""
    names = [name.strip() for name in (members or "").split(",")]
    return [name for name in names if name] or None


def reader(reads: str | None) -> Reader | None:
    """A reader from its name or its YAML, None where none is named."""
    from onefold.core.spec import build
    from onefold.verbs import Reader

    kind: Any = Reader
    return None if reads is None else build(reads, kind)
