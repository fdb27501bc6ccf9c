"""Results: what each system said to each question, as one versioned CSV for everybody."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from onefold.core.errors import ConfigError, unknown
from onefold.core.tally import spell
from onefold.lab.measure import Outcome
from onefold.recording.tables import Row, read_table, write_table

SCHEMA = 1
ABSTAINS, ABSENT = -1, -2
NEEDED = ("schema", "dataset", "question", "system")
EMPTY = '""'  # an answer that is an empty text; an empty cell is no answer
Share = Annotated[float, Meta(ge=0, le=1)]
Floats = NDArray[np.float64]


class Result(Struct, frozen=True):
    """What one system said to one question: a row of the CSV, schema 1.

    dataset, question, system: what was asked of whom; the three stand once in a file.
    family: `member` for a single model; else systems of one family are points of one curve.
    fingerprint: first 12 hexadecimal digits of the prompt's SHA-256; empty where unknown.
    value: the answer as it was read, None where there is none. expected: what was right.
    score: share of what is right, in [0, 1]; None where nobody said. correct: score ≥ 0.5.
    confidence: the system's probability of being right, or its agreement, in [0, 1].
    source: the member whose words the answer is. asked: members that were asked, in order.
    usd, tokens, seconds, calls: all that the question took; None where unknown.
    estimated: whether tokens or dollars are estimates. error: why there is no answer.
    """

    dataset: str
    question: str
    system: str
    family: str = ""
    fingerprint: str = ""
    value: str | None = None
    expected: str | None = None
    correct: bool | None = None
    score: Share | None = None
    confidence: Share | None = None
    source: str = ""
    asked: tuple[str, ...] = ()
    usd: Annotated[float, Meta(ge=0)] | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    seconds: Annotated[float, Meta(ge=0)] | None = None
    calls: int | None = None
    estimated: bool = False
    error: str | None = None


class Grid(Struct, frozen=True, eq=False):
    """Results as matrices (questions, systems).

    questions: (dataset, question) of each row. systems: name of each column.
    codes: what was answered, numbered from 0 within a question; -1 no answer, -2 not asked.
    score, confidence, usd, seconds: NaN where unknown.
    """

    questions: list[tuple[str, str]]
    systems: list[str]
    codes: NDArray[np.int64]
    score: Floats
    confidence: Floats
    usd: Floats
    seconds: Floats

    def of(self, systems: Iterable[str]) -> Grid:
        """Some of the columns."""
        known = {name: place for place, name in enumerate(self.systems)}
        wanted = list(systems)
        columns = [known[name] for name in wanted]
        numbers = (self.score, self.confidence, self.usd, self.seconds)
        kept = (each[:, columns] for each in numbers)
        return Grid(self.questions, wanted, self.codes[:, columns], *kept)


class Results:
    """Rows of systems on questions. `notes` says what should be known about them."""

    def __init__(self, rows: Iterable[Result], notes: Iterable[str] = ()) -> None:
        self.rows = list(rows)
        self.notes = list(notes)
        seen: set[tuple[str, str, str]] = set()
        for row in self.rows:
            key = (row.dataset, row.question, row.system)
            if key in seen:
                raise ConfigError(
                    f"{row.system!r} answers {row.question!r} of {row.dataset!r} twice: keep one "
                    "row, or give the draws names of their own"
                )
            seen.add(key)

    def __iter__(self) -> Iterator[Result]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def load(cls, path: str | Path) -> Results:
        """Results from CSV, JSONL, JSON or Parquet; columns that the schema lacks are left out.

        Raises:
            ConfigError: no such file, another schema, a missing column, or a cell that is wrong.
        """
        rows, faults = read_table(path)
        if not rows:
            raise ConfigError(f"{path} has no results")
        for name in NEEDED:
            if name not in rows[0]:
                raise ConfigError(
                    f"{path} holds no results: it has no column {name!r}, only "
                    f"{', '.join(rows[0])}; name a results.csv that `onefold bench` wrote"
                )
        return cls((parsed(row, f"{path}, row {i}") for i, row in enumerate(rows, 2)), faults)

    def write(self, path: str | Path) -> None:
        """Write them as CSV, JSONL, JSON or Parquet, by the ending."""
        write_table(path, (packed(row) for row in self.rows))

    @cached_property
    def systems(self) -> list[str]:
        """The systems, in order of appearance."""
        return list(dict.fromkeys(row.system for row in self.rows))

    @cached_property
    def datasets(self) -> list[str]:
        """The datasets, in order of appearance."""
        return list(dict.fromkeys(row.dataset for row in self.rows))

    @cached_property
    def families(self) -> dict[str, str]:
        """Each system's family."""
        return {row.system: row.family for row in self.rows}

    @cached_property
    def members(self) -> list[str]:
        """The systems that are single models."""
        return [name for name in self.systems if self.families[name] == "member"]

    @cached_property
    def by_system(self) -> dict[str, list[Result]]:
        """Each system's rows."""
        board: dict[str, list[Result]] = {name: [] for name in self.systems}
        for row in self.rows:
            board[row.system].append(row)
        return board

    @cached_property
    def grid(self) -> Grid:
        """All rows as matrices."""
        return grid(self)

    def only(self, system: str) -> Results:
        """The rows of one system.

        Raises:
            ConfigError: it is not in here; names the nearest one that is.
        """
        if system not in self.by_system:
            raise unknown("system", system, self.systems)
        return Results(self.by_system[system])


def grid(results: Results) -> Grid:
    """The matrices of some results."""
    questions = list(dict.fromkeys((row.dataset, row.question) for row in results))
    systems = results.systems
    rows = {name: place for place, name in enumerate(questions)}
    columns = {name: place for place, name in enumerate(systems)}
    shape = (len(questions), len(systems))
    codes = np.full(shape, ABSENT, dtype=np.int64)
    numbers = np.full((4, *shape), np.nan)
    boards: list[dict[str, int]] = [{} for _ in questions]
    for row in results:
        at = rows[row.dataset, row.question]
        spot = (at, columns[row.system])
        codes[spot] = ABSTAINS
        if row.value is not None:
            codes[spot] = boards[at].setdefault(row.value, len(boards[at]))
        for matrix, known in zip(
            numbers, (row.score, row.confidence, row.usd, row.seconds), strict=True
        ):
            if known is not None:
                matrix[spot] = known
    return Grid(questions, systems, codes, *numbers)


def packed(row: Result) -> Row:
    """A result as a row of a table."""
    cells = {"schema": SCHEMA, **msgspec.to_builtins(row)}
    for name in ("value", "expected"):
        cells[name] = EMPTY if cells[name] == "" else cells[name]
    return cells


def parsed(row: Row, where: str) -> Result:
    """A result from a row of a table.

    Raises:
        ConfigError: another schema, or a cell that does not fit.
    """
    if str(row["schema"]) != str(SCHEMA):
        raise ConfigError(
            f"{where} has schema {row['schema']!r}, and this version reads {SCHEMA}: take an "
            "onefold that knows it"
        )
    cells: dict[str, Any] = {
        name: row[name] for name in Result.__struct_fields__ if row.get(name) is not None
    }
    for name in ("correct", "estimated"):
        if isinstance(cells.get(name), str):
            cells[name] = cells[name].lower()
    for name in ("dataset", "question", "system", "value", "expected"):
        if name in cells:
            cells[name] = "" if cells[name] == EMPTY else spell(cells[name])
    try:
        if isinstance(cells.get("asked"), str):
            cells["asked"] = msgspec.json.decode(cells["asked"], type=tuple[str, ...])
        return msgspec.convert(cells, Result, strict=False)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{where}: {error}") from None


def fingerprint(prompt: str) -> str:
    """What tells one prompt from another without giving it away; empty for an empty one."""
    if not prompt:
        return ""
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def of_outcome(dataset: str, system: str, family: str, outcome: Outcome) -> Result:
    """One question of a run as a result; a failure scores 0 where somebody said what is right."""
    answer = outcome.answer
    usage = answer.usage
    good = answer.error is None
    sure = answer.confidence if answer.trust is None else answer.trust.probability
    return Result(
        dataset,
        outcome.id,
        system,
        family,
        fingerprint(outcome.prompt),
        None if answer.value is None else spell(answer.value),
        None if outcome.expected is None else spell(outcome.expected),
        outcome.correct,
        None if outcome.correct is None else float(outcome.correct),
        sure if good else None,
        answer.source if good else "",
        tuple(leaf.source for leaf in answer.leaves if leaf.source),
        usage.usd,
        usage.tokens_in,
        usage.tokens_out,
        answer.seconds,
        usage.calls,
        usage.estimated,
        None if answer.error is None else f"{answer.error.kind}: {answer.error.message}",
    )
