"""SQLite as we use it: one file, write-ahead log, many rows a commit."""

from __future__ import annotations

import sqlite3
from asyncio import Future, get_running_loop, shield
from pathlib import Path
from threading import RLock
from typing import Any

from onefold.core.errors import ConfigError, NotRecorded


class Store:
    """Rows that are durable once `write` returns; writers of one turn of the loop share a commit.

    Commits survive the death of the process; WAL with synchronous=NORMAL.

    Raises:
        ConfigError: the file cannot be opened, or is no such store.
    """

    def __init__(self, path: str | Path, schema: str) -> None:
        self.path = Path(path)
        self.waiting: list[tuple[str, tuple[Any, ...]]] = []
        self.commit: Future[None] | None = None
        self.lock = RLock()
        self.closed = False
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            self.db.execute("PRAGMA journal_mode=WAL")
            self.db.execute("PRAGMA synchronous=NORMAL")
            self.db.executescript(schema)
        except (sqlite3.Error, OSError) as error:
            raise ConfigError(
                f"{self.path} cannot be used as a store: {error}; name another file"
            ) from None

    def read(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query, unwritten ones not included."""
        with self.lock:
            return self.db.execute(query, values).fetchall()

    async def write(self, statement: str, values: tuple[Any, ...]) -> None:
        """Write a row; returns when it is durable.

        Raises:
            NotRecorded: the disk is full or the file is gone; the row is kept for the next try.
        """
        self.waiting.append((statement, values))
        loop = get_running_loop()
        commit = self.commit
        if commit is None or commit.done() or commit.get_loop() is not loop:
            commit = self.commit = loop.create_future()
            loop.call_soon(self._commit, commit)
        await shield(commit)

    def _commit(self, commit: Future[None]) -> None:
        if self.commit is commit:
            self.commit = None
        try:
            self.flush()
        except NotRecorded as error:
            if not commit.cancelled():
                commit.set_exception(error)
                commit.exception()
            return
        if not commit.cancelled():
            commit.set_result(None)

    def flush(self) -> None:
        """Write what waits, in one transaction."""
        with self.lock:
            rows = list(self.waiting)
            if not rows:
                return
            if self.closed:
                raise NotRecorded(f"{self.path} is closed already: open a new session")
            try:
                self.db.execute("BEGIN IMMEDIATE")
                for statement, values in rows:
                    self.db.execute(statement, values)
                self.db.execute("COMMIT")
            except sqlite3.Error as error:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise NotRecorded(
                    f"{self.path} cannot be written ({error}); {len(rows)} rows wait in memory, "
                    "those written before are safe: make room and run the same command again"
                ) from None
            del self.waiting[: len(rows)]

    def close(self) -> None:
        """Write what waits and close the file."""
        with self.lock:
            try:
                self.flush()
            finally:
                self.closed = True
                self.db.close()
