"""`onefold log`: what a journal holds, searched and added up."""

from __future__ import annotations

import re
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
import typer
from msgspec import Struct

from onefold.cli.models import aligned, encoded
from onefold.core.errors import ConfigError, unknown
from onefold.core.usage import NOTHING, Usage, dollars
from onefold.delivery.journal import LATER, USED, usage_of
from onefold.delivery.provider import Reply
from onefold.lab.book import JOURNAL
from onefold.recording.tables import no_file

STATUSES = ("begun", "ok", "cancelled", "interrupted", "broken", "failed")
GROUPS = ("model", "provider", "status")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
AGO = re.compile(r"(\d+(?:\.\d+)?) *([smhdw])")
SUMS = ("calls", "failed", "unfinished", "tokens", "cost")
COLUMNS = tuple(
    f"at, model, origin, query, sample, status, seconds, error, reply, {USED}".split(", ")
)
OF_MODEL = "model = ?"
HEAD = ("time", "model", "status", "tokens", "cost", "seconds", "question", "error")


class Row(Struct, frozen=True):
    """A call as the journal holds it.

    at: when it ended, or began where nobody saw its end; local time. provider: as in
        `provider:model`, empty where an older version wrote the row. error: what went wrong.
    text: the reply's, where content is asked for.
    """

    at: datetime
    model: str
    provider: str
    query: str
    sample: int
    status: str
    seconds: float
    error: str
    usage: Usage
    text: str | None = None


class Total(Struct, frozen=True):
    """What calls come to. Failed ones are counted, and were not paid.

    unfinished: those whose end nobody saw. unpriced: those whose price is unknown; usage.usd is
        then unknown too, and `usd` what the others cost.
    """

    calls: int = 0
    failed: int = 0
    unfinished: int = 0
    unpriced: int = 0
    usd: float = 0.0
    usage: Usage = NOTHING


def log(
    path: Annotated[Path, typer.Argument(help="A journal, or the folder of a run.")],
    model: Annotated[str | None, typer.Option(help="Only calls of this model.")] = None,
    status: Annotated[str | None, typer.Option(help=f"Only {', '.join(STATUSES)}.")] = None,
    query: Annotated[str | None, typer.Option(help="Only calls for the question of this id.")] = (
        None
    ),
    since: Annotated[
        str | None, typer.Option(help="Only since then: 45m, 2h, 3d, 2026-11-21T08:30.")
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="Only replies that hold all of these words.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Add up by model, provider or status, and list no calls.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="List only the latest so many.")] = 50,
    content: Annotated[bool, typer.Option("--content", help="Show what the replies say.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Search the journal of paid calls, and add up what they used. Changes nothing in it.

    A call that is still `begun` was under way when its process was killed, or is right now.
    """
    if by is not None and by not in GROUPS:
        raise unknown("way to add up", by, GROUPS)
    if status is not None and status not in STATUSES:
        raise unknown("status", status, STATUSES)
    start = None if since is None else moment(since, datetime.now().astimezone()).timestamp()
    wanted = {OF_MODEL: model, "status = ?": status, "query = ?": query, "at >= ?": start}
    found = rows(journal_at(path), wanted, (text or "").casefold().split(), content)
    groups: dict[str, Total] = {}
    latest: deque[Row] = deque(maxlen=limit if by is None else 0)
    for row in found:
        name = row.model if by is None else getattr(row, by)
        groups[name] = added(groups.get(name, Total()), row)
        latest.append(row)
    if json:
        told = {"calls": list(latest)} if by is None else {"by": by, "groups": groups}
        typer.echo(encoded({**told, "total": together(groups.values())}))
        return
    if latest:
        typer.echo(f"{whole(latest) if content else aligned([HEAD, *map(cells, latest)])}\n")
    elif groups:
        ranked = sorted(groups, key=lambda name: (-groups[name].usd, name))
        lines = [(str(by), *SUMS), *(sums(name, groups[name]) for name in ranked)]
        typer.echo(f"{aligned(lines)}\n")
    typer.echo(summary(together(groups.values()), len(latest) if by is None else None))


def journal_at(path: Path) -> Path:
    """The journal itself, or the one in a run's folder.

    Raises:
        ConfigError: there is none.
    """
    if path.is_dir():
        if not (path / JOURNAL).is_file():
            raise ConfigError(f"{path} holds no run: there is no {JOURNAL} in it")
        return path / JOURNAL
    if not path.is_file():
        raise no_file(path)
    return path


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A journal, opened so that neither it nor its folder changes.

    Raises:
        ConfigError: it cannot be read, or is no journal.
    """
    # SQLite leaves files behind when it only reads a store in WAL mode that nobody has open
    alone = not path.with_name(f"{path.name}-wal").exists()
    address = f"file:{quote(str(path.absolute()))}?mode=ro{'&immutable=1' if alone else ''}"
    try:
        with closing(sqlite3.connect(address, uri=True)) as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'calls'").fetchall():
                raise ConfigError(f"{path} is no journal: name one, or the folder of a run")
            yield db
    except sqlite3.Error as error:
        raise ConfigError(
            f"{path} cannot be read as a journal ({error}): name one, or the folder of a run"
        ) from None


def unfinished(path: Path) -> int:
    """Calls in a journal whose end nobody saw.

    Raises:
        ConfigError: it cannot be read.
    """
    with reading(path) as db:
        return int(db.execute("SELECT count(*) FROM calls WHERE status = 'begun'").fetchone()[0])


def rows(
    path: Path, wanted: Mapping[str, Any], words: Sequence[str] = (), content: bool = False
) -> Iterator[Row]:
    """The calls that meet every condition that has a value, the oldest first.

    words: which a reply must hold, in small letters.

    Raises:
        ConfigError: the file is no journal, or has no call of the model that is wanted.
    """
    given = {condition: value for condition, value in wanted.items() if value is not None}
    with reading(path) as db:
        there = {column[1] for column in db.execute("PRAGMA table_info(calls)")}
        model = wanted.get(OF_MODEL)
        known = {name for (name,) in db.execute("SELECT DISTINCT model FROM calls")}
        if model is not None and model not in known:
            raise unknown("model in this journal", model, known)
        columns = (name if name in there else absent(name) for name in COLUMNS)
        statement = (
            f"SELECT {', '.join(columns)} FROM calls WHERE {' AND '.join(given) or 1} "
            "ORDER BY at, rowid"
        )
        for held in db.execute(statement, [*given.values()]):
            at, who, origin, asked, sample, status, seconds, error, reply, *used = held
            said = None
            if reply is not None and (words or content):
                said = msgspec.json.decode(reply, type=Reply).text
            if all(word in (said or "").casefold() for word in words):
                yield Row(
                    datetime.fromtimestamp(at).astimezone(),
                    who,
                    origin.partition(":")[0],
                    asked,
                    sample,
                    status,
                    seconds,
                    error,
                    usage_of(used),
                    said if content else None,
                )


def absent(column: str) -> str:
    """What stands for a column that a file of an earlier version lacks.

    Raises:
        ConfigError: every version had it.
    """
    if column not in LATER:
        raise ConfigError(f"this is no journal of calls: its rows have no {column!r}")
    return LATER[column].rpartition(" ")[2]


def moment(said: str, now: datetime) -> datetime:
    """A point in time: so long before now, or a date and time, local unless it says otherwise.

    Raises:
        ConfigError: it is neither.
    """
    ago = AGO.fullmatch(said.strip())
    try:
        if ago:
            return now - timedelta(**{UNITS[ago[2]]: float(ago[1])})
        return datetime.fromisoformat(said.strip()).astimezone()
    except (ValueError, OverflowError):
        raise ConfigError(
            f"--since {said!r} is no time: write how long ago, as 45m, 2h or 3d, or a date, as "
            "2026-11-21 or 2026-11-21T08:30"
        ) from None


def added(total: Total, row: Row) -> Total:
    """A total with one call more."""
    paid = row.status != "failed"
    usd = row.usage.usd
    return Total(
        total.calls + 1,
        total.failed + (not paid),
        total.unfinished + (row.status == "begun"),
        total.unpriced + (paid and usd is None),
        total.usd + (usd or 0.0 if paid else 0.0),
        total.usage + row.usage if paid else total.usage,
    )


def together(totals: Iterable[Total]) -> Total:
    """Totals as one."""
    held = list(totals)
    return Total(
        sum(total.calls for total in held),
        sum(total.failed for total in held),
        sum(total.unfinished for total in held),
        sum(total.unpriced for total in held),
        sum(total.usd for total in held),
        sum((total.usage for total in held), NOTHING),
    )


def cells(row: Row) -> tuple[str, ...]:
    """A call's line of the table."""
    usage = row.usage
    about = "~" if usage.estimated and row.status != "failed" else ""
    return (
        f"{row.at:%Y-%m-%d %H:%M:%S}",
        row.model,
        row.status,
        f"{about}{usage.tokens_in}+{usage.tokens_out}",
        "unknown" if usage.usd is None else f"{about}{dollars(usage.usd)}",
        f"{row.seconds:.2f}",
        row.query if row.sample == 0 else f"{row.query} #{row.sample}",
        row.error,
    )


def sums(name: str, total: Total) -> tuple[str, ...]:
    """A group's line of the table."""
    counts = (total.calls, total.failed, total.unfinished)
    usage = total.usage
    return (
        name or "unknown",
        *(str(count) for count in counts),
        f"{usage.tokens_in}+{usage.tokens_out}",
        money(total),
    )


def money(total: Total) -> str:
    """What calls cost; unknown is named beside it, and never counted as free."""
    about = "~" if total.usage.estimated else ""
    if not total.unpriced:
        return f"{about}{dollars(total.usd)}"
    return f"{about}{dollars(total.usd)} and {total.unpriced} of unknown price"


def summary(total: Total, listed: int | None) -> str:
    """All calls in a line or two; listed: how many of them are shown."""
    if not total.calls:
        return "no call fits"
    counted = "1 call" if total.calls == 1 else f"{total.calls} calls"
    if listed is not None and listed < total.calls:
        counted += f" (the latest {listed} are shown: --limit)"
    usage = total.usage
    lines = [f"{counted} · {usage.tokens_in}+{usage.tokens_out} tokens · {money(total)}"]
    if total.failed:
        lines[0] += f" · {total.failed} failed unbilled"
    if total.unfinished:
        lines.append(
            f"{total.unfinished} unfinished (begun): their process was killed, or is still at "
            "work; they may have been paid for, and are counted at their estimate"
        )
    return "\n".join(lines)


def whole(listed: Iterable[Row]) -> str:
    """Calls with what their replies say, a line about each before it."""
    pages = (
        "  ".join(cell for cell in cells(row) if cell) + f"\n{row.text or ''}" for row in listed
    )
    return "\n\n".join(page.rstrip() for page in pages)
