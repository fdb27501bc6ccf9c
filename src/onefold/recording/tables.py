"""Tables on disk as rows of named values: JSON, JSONL, CSV and Parquet, by the file's ending."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from onefold.core.errors import ConfigError, MissingExtra, unknown

Row = dict[str, Any]
BOM = b"\xef\xbb\xbf"
ENDINGS = (".json", ".jsonl", ".csv", ".parquet")


def read_table(path: str | Path) -> tuple[list[Row], list[str]]:
    """Rows of a table, and faults: a last line that was cut off is left out and named there.

    `-` reads JSONL, JSON or CSV from standard input.

    Raises:
        ConfigError: no such file, an ending nobody knows, or a line that cannot be read.
    """
    if str(path) == "-":
        return parsed_text(standard_input(), "standard input")
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise ConfigError(f"{path}: tables end in {', '.join(ENDINGS)}, not {ending or 'nothing'}")
    if not path.is_file():
        raise no_file(path)
    if ending == ".parquet":
        return parquet_rows(path), []
    try:
        data = path.read_bytes().removeprefix(BOM)
        if ending == ".jsonl":
            return jsonl_rows(data, str(path))
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as UTF-8 text: {error}") from None
    return (csv_rows if ending == ".csv" else json_rows)(text, str(path)), []


def no_file(path: Path) -> ConfigError:
    """The error for a file that is not there; names those beside it with the same ending."""
    near = sorted(each.name for each in path.parent.glob("*") if each.suffix == path.suffix)
    hint = f"; there are {', '.join(near[:5])}" if near else ""
    return ConfigError(f"no file {str(path)!r}{hint}")


def standard_input() -> str:
    """All of standard input.

    Raises:
        ConfigError: it is no UTF-8.
    """
    try:
        return sys.stdin.buffer.read().removeprefix(BOM).decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"standard input cannot be read as UTF-8 text: {error}") from None


def parsed_text(text: str, where: str) -> tuple[list[Row], list[str]]:
    """Rows of a text of unknown kind: JSON list, JSONL, CSV with a header, else a line a prompt."""
    start = text.lstrip()[:1]
    if start == "[":
        return json_rows(text, where), []
    if start == "{":
        return jsonl_rows(text.encode(), where)
    lines = [line for line in text.splitlines() if line.strip()]
    header = lines[0].split(",") if lines else []
    if len(header) > 1 and {"prompt", "text", "question"} & set(header):
        return csv_rows(text, where), []
    return [{"text": line} for line in lines], []


def json_rows(text: str, where: str) -> list[Row]:
    """Rows of a JSON list of objects or texts, or of one object."""
    try:
        data = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{where} is no JSON: {error}") from None
    items = data if isinstance(data, list) else [data]
    return [row_of(item, f"{where}, item {i}") for i, item in enumerate(items, 1)]


def jsonl_rows(data: bytes, where: str) -> tuple[list[Row], list[str]]:
    """Rows of JSON lines; an unfinished last line becomes a fault, any other bad line an error."""
    rows: list[Row] = []
    lines = data.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            rows.append(row_of(msgspec.json.decode(line), f"{where}, line {number}"))
        except msgspec.DecodeError as error:
            if number == len(lines):
                return rows, [f"{where}, line {number} is cut off and was left out: {error}"]
            raise ConfigError(f"{where}, line {number} is no JSON: {error}; mend it") from None
    return rows, []


def csv_rows(text: str, where: str) -> list[Row]:
    """Rows of a CSV with a header; empty cells are None."""
    csv.field_size_limit(2**31 - 1)
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        listed = list(reader)
    except csv.Error as error:
        raise ConfigError(f"{where}, line {reader.line_num}: {error}; mend it") from None
    rows = []
    for number, row in enumerate(listed, 2):
        if None in row or None in row.values():
            width = len(reader.fieldnames or ())
            raise ConfigError(f"{where}, row {number} has not {width} cells like the header")
        rows.append({name: cell or None for name, cell in row.items()})
    return rows


def parquet_rows(path: Path) -> list[Row]:
    """Rows of a Parquet file."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra("parquet", f"reading {path.name}") from None
    try:
        rows: list[Row] = parquet.read_table(path).to_pylist()
    except (arrow.ArrowException, OSError) as error:
        raise ConfigError(f"{path} is no readable Parquet file: {error}") from None
    return rows


def row_of(item: Any, where: str) -> Row:
    """A row from an object, or from a bare text."""
    if isinstance(item, str):
        return {"text": item}
    if not isinstance(item, dict):
        raise ConfigError(f"{where}: a row is an object or a text, not {item!r:.60}")
    return item


def write_table(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as JSONL, JSON, CSV or Parquet, by the ending; columns in order of appearance."""
    path, listed = Path(path), [dict(row) for row in rows]
    ending = path.suffix.lower()
    path.parent.mkdir(parents=True, exist_ok=True)
    if ending == ".jsonl":
        path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in listed))
    elif ending == ".json":
        path.write_bytes(msgspec.json.format(msgspec.json.encode(listed)))
    elif ending == ".csv":
        write_csv(path, listed)
    elif ending == ".parquet":
        write_parquet(path, listed)
    else:
        raise ConfigError(f"{path}: tables end in {', '.join(ENDINGS)}, not {ending or 'nothing'}")


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Rows as RFC 4180 CSV; nested values become JSON."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns(rows))
        writer.writeheader()
        writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)


def write_parquet(path: Path, rows: Sequence[Row]) -> None:
    """Rows as Parquet; nested values become JSON."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra("parquet", f"writing {path.name}") from None
    flat = [{name: cell(row.get(name)) for name in columns(rows)} for row in rows]
    try:
        parquet.write_table(arrow.Table.from_pylist(flat), path)
    except arrow.ArrowException as error:
        raise ConfigError(f"{path}: a column holds values of several types: {error}") from None


def matched(
    present: Sequence[str],
    usual: Mapping[str, Sequence[str]],
    names: Mapping[str, str],
    needed: Sequence[str],
    where: str,
) -> dict[str, str]:
    """Columns of a table by the field that they stand for.

    usual: names under which a field is looked for, the best first. names: the caller's own choice.

    Raises:
        ConfigError: a field or column is not known, or one that is needed is missing.
    """
    has = ", ".join(present)
    for field, column in names.items():
        if field not in usual:
            raise unknown("field", field, usual)
        if column not in present:
            raise ConfigError(f"{where} has no column {column!r} for {field}; it has: {has}")
    found = dict(names)
    for field, candidates in usual.items():
        for column in candidates:
            if column in present:
                found.setdefault(field, column)
    for field in needed:
        if field not in found:
            raise ConfigError(
                f"{where} has no column for {field} (any of: {', '.join(usual[field])}); it has: "
                f"{has}. Name it: names={{{field!r}: …}}"
            )
    return found


def columns(rows: Sequence[Row]) -> list[str]:
    """All column names, in order of appearance."""
    return list(dict.fromkeys(name for row in rows for name in row))


def cell(value: Any) -> Any:
    """A value that fits into a cell."""
    if isinstance(value, dict | list | tuple):
        return msgspec.json.encode(value).decode()
    return value
