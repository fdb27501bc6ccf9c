"""Questions from a file: JSON, JSONL, CSV, Parquet or standard input."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onefold.core.errors import ConfigError
from onefold.core.example import Example
from onefold.core.query import Query
from onefold.core.tally import spell
from onefold.recording.tables import Row, columns, matched, read_table

NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "query_id", "question_id"),
    "prompt": ("prompt", "question", "text", "query", "input"),
    "expected": ("expected", "gold", "answer", "label", "target"),
    "system": ("system",),
    "labels": ("labels", "choices"),
}


def load_prompts(path: str | Path, names: Mapping[str, str] | None = None) -> list[Example]:
    """The questions in a table, one a row, with what is right where a column says so.

    Rows with the same id and the same prompt are one question, so a recording serves as well.
    Rows without an id are numbered from 1. A row whose prompt is empty stays in: it gets an error
    of its own when it is asked.

    Raises:
        ConfigError: no such file or column, or one id with two prompts.
    """
    rows, faults = read_table(path)
    if faults:
        raise ConfigError(f"{faults[0]}; complete it or delete the line")
    if not rows:
        raise ConfigError(f"{path} has no rows: give at least one prompt")
    found = matched(columns(rows), NAMES, names or {}, ("prompt",), str(path))
    examples: dict[str, Example] = {}
    for number, row in enumerate(rows, 1):
        made = example(row, found, number)
        held = examples.setdefault(made.query.id, made)
        if held.query.text != made.query.text:
            raise ConfigError(f"{path}, row {number}: id {made.query.id!r} has two prompts")
    return list(examples.values())


def example(row: Row, found: Mapping[str, str], number: int) -> Example:
    """A question from a row."""
    given: dict[str, Any] = {field: row.get(column) for field, column in found.items()}
    name = given.get("id")
    labels = given.get("labels") or ()
    query = Query(
        str(given.get("prompt") or ""),
        id=spell(name) if name is not None else str(number),
        system=str(given.get("system") or ""),
        labels=tuple(labels.split("|") if isinstance(labels, str) else map(str, labels)),
    )
    return Example(query, given.get("expected"))
