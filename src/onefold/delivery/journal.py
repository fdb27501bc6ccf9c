"""The truth of what was paid: one durable row a paid call, and resuming from it."""

from __future__ import annotations

import itertools
import time
from asyncio import CancelledError, sleep
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from onefold.core.errors import NotRecorded
from onefold.core.usage import NOTHING, Usage
from onefold.delivery.provider import Reply, Request
from onefold.delivery.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL, at REAL NOT NULL, model TEXT NOT NULL, query TEXT NOT NULL,
    sample INTEGER NOT NULL, status TEXT NOT NULL, tokens_in INTEGER NOT NULL,
    tokens_cached INTEGER NOT NULL, tokens_out INTEGER NOT NULL, usd REAL,
    estimated INTEGER NOT NULL, seconds REAL NOT NULL, reply BLOB,
    tokens_written INTEGER NOT NULL DEFAULT 0, tokens_reasoning INTEGER NOT NULL DEFAULT 0,
    origin TEXT NOT NULL DEFAULT '', error TEXT NOT NULL DEFAULT '');
DROP INDEX IF EXISTS calls_key;
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT);
"""
LATER = {  # columns that came with later versions: added to files of earlier ones
    "tokens_written": "INTEGER NOT NULL DEFAULT 0",
    "tokens_reasoning": "INTEGER NOT NULL DEFAULT 0",
    "origin": "TEXT NOT NULL DEFAULT ''",
    "error": "TEXT NOT NULL DEFAULT ''",
}
TURNS = 50  # of the loop: more than any nested panel needs to end on recalled replies
GRACE = 0.05  # seconds that a winner may come later than it did
USED = "tokens_in, tokens_cached, tokens_out, usd, estimated, tokens_written, tokens_reasoning"
INSERT = (
    "INSERT INTO calls (rowid, key, at, model, query, sample, status, seconds, reply, origin, "
    f"error, {USED}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
UPDATE = (  # sorts after INSERT, as a store writes them
    "UPDATE calls SET at = ?, status = ?, seconds = ?, reply = ?, error = ?, "
    f"({USED}) = (?, ?, ?, ?, ?, ?, ?) WHERE rowid = ?"
)

ENCODER = msgspec.json.Encoder()


class Journal:
    """Paid calls in an SQLite file. A call that it holds is answered from it, not paid again.

    Each row serves once a session: five equal requests that were paid five times resume as five.
    A row's status is `begun` while its call is under way, then `ok`, `cancelled` (it lost a race),
    `interrupted` (its question was cancelled), `broken` (it failed and may be billed) or `failed`
    (it failed and is not). What is still `begun` in a file that is opened belongs to a process
    that was killed: such calls may have been paid for, and are made again.

    paced: recalled calls take as long as they took when they were paid, so that what depends on
        time (hedges, latencies) comes out as in one uninterrupted pass.
    """

    def __init__(self, path: str | Path, *, paced: bool = False) -> None:
        self.paced = paced
        self.store = Store(path, SCHEMA)
        known = {row[1] for row in self.store.read("PRAGMA table_info(calls)")}
        for column, kind in LATER.items():
            if column not in known:
                self.store.db.execute(f"ALTER TABLE calls ADD COLUMN {column} {kind}")
        self.rows = itertools.count(time.time_ns())
        self.full = False
        self.lost = {
            row[0]: (usage_of(row[2:]), float(row[1]))
            for row in self.store.read(
                f"SELECT key, seconds, {USED} FROM calls WHERE status = 'cancelled'"
            )
        }
        self.unused: dict[str, list[int]] = {}
        for row, key in self.store.read(
            "SELECT rowid, key FROM calls WHERE status = 'ok' ORDER BY rowid DESC"
        ):
            self.unused.setdefault(key, []).append(row)

    @property
    def unfinished(self) -> int:
        """Calls whose end nobody saw, because their process was killed."""
        return int(self.store.read("SELECT count(*) FROM calls WHERE status = 'begun'")[0][0])

    async def recall(self, key: str) -> tuple[Reply, Usage] | None:
        """A call that was paid for before, with what it used; None where there is none."""
        rows = self.unused.get(key)
        if not rows:
            return None
        found = self.store.read(
            f"SELECT reply, seconds, {USED} FROM calls WHERE rowid = ?", (rows.pop(),)
        )[0]
        reply = msgspec.json.decode(found[0], type=Reply)
        if self.paced:
            await sleep(found[1])
        return reply, usage_of(found[2:])

    async def yielded(self, key: str) -> Usage | None:
        """What a call was booked with that lost its race in an earlier session, else None.

        Lets recalled competitors end first: they win again, and the loser is not paid again.
        """
        if key not in self.lost:
            return None
        booked, seconds = self.lost[key]
        try:
            for _ in range(TURNS):
                await sleep(0)
            if self.paced:
                await sleep(seconds + GRACE)
        except CancelledError:
            return booked
        return None

    def check(self) -> None:
        """Refuse to go on once a row could not be written.

        Raises:
            NotRecorded: before anything further is paid.
        """
        if self.full:
            raise NotRecorded(f"{self.store.path} could not be written; no further call is made")

    async def begin(self, key: str, request: Request, origin: str, estimate: Usage) -> int:
        """Write that a call is about to be made; returns its row once that is durable.

        Raises:
            NotRecorded: the file cannot be written; the call must not be made.
        """
        row = next(self.rows)
        values = inserted(row, key, request, origin, None, estimate, 0.0, "begun", "")
        try:
            await self.store.write(INSERT, values)
        except NotRecorded:
            self.full = True
            self.store.withdraw(INSERT, values)
            raise
        except CancelledError:  # the call is not made, whether its row was written by now or not
            self.book(key, request, NOTHING, 0.0, "failed", row=row, error="CancelledError")
            raise
        return row

    async def record(
        self,
        key: str,
        request: Request,
        reply: Reply | None,
        usage: Usage,
        seconds: float,
        status: str = "ok",
        *,
        row: int | None = None,
        origin: str = "",
    ) -> None:
        """Write a paid call, over the row that began it; returns when it is durable.

        Raises:
            NotRecorded: the file cannot be written.
        """
        statement, values = UPDATE, ()
        if row is None:
            row, statement = next(self.rows), INSERT
            values = inserted(row, key, request, origin, reply, usage, seconds, status, "")
        else:
            values = updated(row, reply, usage, seconds, status, "")
        try:
            await self.store.write(statement, values)
        except NotRecorded:
            self.full = True
            raise

    def book(
        self,
        key: str,
        request: Request,
        usage: Usage,
        seconds: float,
        status: str,
        *,
        row: int | None = None,
        origin: str = "",
        error: str = "",
    ) -> None:
        """Note a call that brought no reply; written with the next commit.

        One that lost its race (`cancelled`) need not be asked again when the race is resumed.
        """
        if row is None:
            row = next(self.rows)
            new = inserted(row, key, request, origin, None, usage, seconds, status, error)
            self.store.waiting.append((INSERT, new))
        else:
            values = updated(row, None, usage, seconds, status, error)
            self.store.waiting.append((UPDATE, values))

    def total(self) -> Usage:
        """Everything this file says was paid; calls whose end nobody saw, at their estimate."""
        self.store.flush()
        rows = self.store.read(f"SELECT {USED} FROM calls WHERE status != 'failed'")
        return sum((usage_of(row) for row in rows), NOTHING)

    def about(self, name: str) -> str | None:
        """A named note about the run this file belongs to."""
        rows = self.store.read("SELECT value FROM about WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def note(self, name: str, value: str) -> None:
        """Write a named note, at once."""
        self.store.waiting.append(("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value)))
        self.store.flush()

    def close(self) -> None:
        """Write what waits and close the file."""
        self.store.close()


def usage_of(row: Sequence[Any]) -> Usage:
    """The usage in a row's columns `USED`."""
    tokens_in, tokens_cached, tokens_out, usd, estimated, written, reasoning = row
    return Usage(tokens_in, tokens_cached, tokens_out, usd, 1, bool(estimated), written, reasoning)


def inserted(
    row: int,
    key: str,
    request: Request,
    origin: str,
    reply: Reply | None,
    usage: Usage,
    seconds: float,
    status: str,
    error: str,
) -> tuple[Any, ...]:
    """A call as the values of a new row."""
    held = None if reply is None else ENCODER.encode(reply)
    return (
        row, key, time.time(), request.model, request.query_id, request.sample, status, seconds,
        held, origin, error, usage.tokens_in, usage.tokens_cached, usage.tokens_out, usage.usd,
        usage.estimated, usage.tokens_written, usage.tokens_reasoning,
    )  # fmt: skip


def updated(
    row: int, reply: Reply | None, usage: Usage, seconds: float, status: str, error: str
) -> tuple[Any, ...]:
    """A call's end as the values that its row gets."""
    held = None if reply is None else ENCODER.encode(reply)
    return (
        time.time(), status, seconds, held, error, usage.tokens_in, usage.tokens_cached,
        usage.tokens_out, usage.usd, usage.estimated, usage.tokens_written,
        usage.tokens_reasoning, row,
    )  # fmt: skip
