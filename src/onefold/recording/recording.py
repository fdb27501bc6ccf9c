"""A recording: drafts that models once gave, as a table to replay, measure and learn from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, structs

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError, unknown
from onefold.core.query import Query
from onefold.core.tally import spell
from onefold.core.usage import Price, estimated_tokens
from onefold.recording.tables import Row, columns, matched, read_table, write_table

NAMES: dict[str, tuple[str, ...]] = {
    "query_id": ("query_id", "id", "question_id"),
    "member": ("member", "model"),
    "text": ("text", "output", "response", "content"),
    "prompt": ("prompt", "question", "query"),
    "expected": ("expected", "gold", "answer", "label"),
    "task": ("task", "task_name", "subject", "category"),
}


class Draft(Struct, frozen=True, omit_defaults=True):
    """One row: what `member` once said to the question `query_id`.

    value: what it was read as, None where that is left to a reader. expected: what was right.
    correct: the source's own grading, None where there is none; score: the same as a share of
    what is right, in [0, 1]. tokens, usd (US dollars) and
    seconds are None where they were not recorded. sample: which of several draws it is.
    task: what kind of question it is, "" where nobody said.
    """

    query_id: str
    member: str
    text: str
    prompt: str = ""
    value: Any = None
    expected: Any = None
    correct: bool | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    usd: float | None = None
    seconds: float | None = None
    confidence: float | None = None
    sample: int = 0
    score: Annotated[float, Meta(ge=0, le=1)] | None = None
    task: str = ""


USUAL = {field: NAMES.get(field, (field,)) for field in Draft.__struct_fields__}
NEEDED = ("query_id", "member")
GRADED = {"correct", "score"}


class Recording:
    """Drafts that models once gave. `faults` says what could not be read."""

    def __init__(self, drafts: Iterable[Draft], faults: Iterable[str] = ()) -> None:
        self.drafts = list(drafts)
        self.faults = list(faults)

    def __len__(self) -> int:
        return len(self.drafts)

    def __iter__(self) -> Iterator[Draft]:
        return iter(self.drafts)

    @classmethod
    def load(cls, path: str | Path, names: Mapping[str, str] | None = None) -> Recording:
        """Load a JSONL, JSON, CSV or Parquet file.

        names: column of the file for a field, as in `{"text": "output"}`, where it is not one of
            the usual ones.

        Raises:
            ConfigError: no such file, a column is missing, or a cell does not fit; says which.
        """
        rows, faults = read_table(path)
        if not rows:
            raise ConfigError(f"{path} has no rows")
        listed, chosen = columns(rows), names or {}
        graded = GRADED & {*listed, *chosen}  # what was said may then be missing
        needed = NEEDED if graded else (*NEEDED, "text")
        found = matched(listed, USUAL, chosen, needed, str(path))
        if flat(path) and "value" in found:
            rows = [{**row, found["value"]: unpacked(row.get(found["value"]))} for row in rows]
        return cls([draft(row, found, f"{path}, row {i}") for i, row in enumerate(rows, 1)], faults)

    @classmethod
    def of(cls, answered: Iterable[tuple[Query, Answer, Any]]) -> Recording:
        """The recording of a live run, from (query, answer, what was right or None).

        Each model's own answer becomes a row; failures and cancellations are no drafts.
        """
        return cls(
            recorded(query, leaf, expected)
            for query, answer, expected in answered
            for leaf in answer.leaves
            if leaf.error is None
        )

    def write(self, path: str | Path) -> None:
        """Write it as JSONL, JSON, CSV or Parquet, by the file's ending."""
        rows = [msgspec.to_builtins(draft, enc_hook=spell) for draft in self.drafts]
        if flat(path):
            rows = [flattened(row) for row in rows]
        write_table(path, rows)

    def priced(self, prices: Mapping[str, Price]) -> Recording:
        """The same drafts with what they cost, where that was not recorded.

        prices: by member. Tokens that were not recorded are estimated at four characters each,
        for the prompt and for the text.
        """
        return Recording([costed(draft, prices.get(draft.member)) for draft in self], self.faults)

    @cached_property
    def members(self) -> list[str]:
        """Who is in it, in order of appearance."""
        return list(dict.fromkeys(draft.member for draft in self.drafts))

    @cached_property
    def queries(self) -> list[str]:
        """The questions' ids, in order of appearance."""
        return list(dict.fromkeys(draft.query_id for draft in self.drafts))

    @cached_property
    def prompts(self) -> dict[str, Draft]:
        """One draft a question: for its prompt, and for what was right."""
        return {draft.query_id: draft for draft in reversed(self.drafts)}

    @cached_property
    def index(self) -> dict[tuple[str, str], list[Draft]]:
        """Drafts by member and question, in order of their samples."""
        board: dict[tuple[str, str], list[Draft]] = {}
        for each in self.drafts:
            board.setdefault((each.member, each.query_id), []).append(each)
        return {key: sorted(drafts, key=lambda d: d.sample) for key, drafts in board.items()}

    @cached_property
    def by_prompt(self) -> dict[str, str]:
        """Question ids by prompt."""
        return {draft.prompt: draft.query_id for draft in self.drafts if draft.prompt}

    def find(self, member: str, query_id: str, prompt: str, sample: int = 0) -> Draft | None:
        """What a member said to a question, known by its id or else by its very prompt.

        An id does not count where its prompt is another one.

        Raises:
            ConfigError: the member is not in it.
        """
        drafts = self.index.get((member, query_id))
        if drafts is None or (prompt and drafts[0].prompt not in ("", prompt)):
            drafts = self.index.get((member, self.by_prompt.get(prompt, "")))
        if drafts is None:
            if member not in self.members:
                raise unknown("recorded member", member, self.members)
            return None
        return drafts[sample % len(drafts)]


@lru_cache(8)
def _loaded(path: str, _: int) -> Recording:
    return Recording.load(path)


def opened(path: str) -> Recording:
    """The recording in a file, read once as long as the file does not change."""
    file = Path(path)
    return _loaded(path, file.stat().st_mtime_ns if file.is_file() else 0)


def draft(row: Row, found: Mapping[str, str], where: str) -> Draft:
    """A draft from a table's row; cells of CSV files are read as numbers where numbers belong."""
    given = {field: row.get(column) for field, column in found.items()}
    cells = {field: value for field, value in given.items() if value is not None}
    cells.setdefault("text", "")
    for field in ("query_id", "member", "prompt", "text", "task"):
        if field in cells and not isinstance(cells[field], str):
            cells[field] = spell(cells[field])
    if isinstance(cells.get("correct"), str):
        cells["correct"] = cells["correct"].lower()
    try:
        return msgspec.convert(cells, Draft, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}") from None


def costed(draft: Draft, price: Price | None) -> Draft:
    """A draft with its cost in US dollars, unless that is known or there is no price."""
    if price is None or draft.usd is not None:
        return draft
    read, said = draft.tokens_in, draft.tokens_out
    usd = price.of(
        estimated_tokens(draft.prompt) if read is None else read,
        estimated_tokens(draft.text) if said is None else said,
    )
    return structs.replace(draft, usd=usd)


def recorded(query: Query, leaf: Answer, expected: Any) -> Draft:
    """A model's answer as a row."""
    return Draft(
        query.id or query.prompt,
        leaf.model or leaf.source,
        leaf.text,
        query.prompt,
        leaf.value,
        expected,
        None,
        leaf.usage.tokens_in,
        leaf.usage.tokens_out,
        leaf.usage.usd,
        leaf.seconds,
        leaf.confidence,
        leaf.sample,
    )


def flattened(row: Row) -> Row:
    """A row for formats whose columns have one type: `value` as JSON where it is no plain text."""
    value, expected = row.get("value"), row.get("expected")
    if isinstance(value, str):
        plain = unpacked(value) == value
        row["value"] = value if plain else msgspec.json.encode(value).decode()
    elif value is not None:
        row["value"] = msgspec.json.encode(value).decode()
    if expected is not None:
        row["expected"] = spell(expected)
    return row


def flat(path: str | Path) -> bool:
    """Whether a file's columns have one type each, or none."""
    return Path(path).suffix.lower() in (".csv", ".parquet")


def unpacked(cell: Any) -> Any:
    """A cell that `flattened` wrote: what its JSON says, else the text that it is."""
    if not isinstance(cell, str):
        return cell
    try:
        return msgspec.json.decode(cell)
    except msgspec.DecodeError:
        return cell
