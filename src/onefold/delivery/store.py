"""SQLite as we use it: one file, write-ahead log, many rows a commit."""

from __future__ import annotations

import sqlite3
from asyncio import AbstractEventLoop, Future, get_running_loop
from contextlib import suppress
from itertools import groupby
from operator import itemgetter
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
        self.writers: dict[AbstractEventLoop, list[Future[None]]] = {}
        self.lock = RLock()
        self.closed = False
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            self.db.execute("PRAGMA page_size=16384")  # a reply and its row fit on few pages
            self.db.execute("PRAGMA journal_mode=WAL")
            self.db.execute("PRAGMA synchronous=NORMAL")
            self.db.execute("PRAGMA wal_autocheckpoint=2048")  # pages: one sync in 32 MiB
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
        loop = get_running_loop()
        written: Future[None] = loop.create_future()
        with self.lock:
            self.waiting.append((statement, values))
            writers = self.writers.get(loop)
            if writers is None:
                self.writers[loop] = [written]
                loop.call_soon(self._commit, loop)
            else:
                writers.append(written)
        await written

    def withdraw(self, statement: str, values: tuple[Any, ...]) -> None:
        """Take a row back that could not be written."""
        with self.lock, suppress(ValueError):
            self.waiting.remove((statement, values))

    def _commit(self, loop: AbstractEventLoop) -> None:
        """Write what one turn of a loop has brought, and let its writers go on."""
        with self.lock:
            writers = self.writers.pop(loop)
        failure = None
        try:
            self.flush()
        except NotRecorded as error:
            failure = error
        for written in writers:
            if written.done():
                continue
            if failure is None:
                written.set_result(None)
            else:
                written.set_exception(failure)

    def flush(self) -> None:
        """Write what waits, in one transaction: inserts first, then updates, by the alphabet."""
        with self.lock:
            rows = list(self.waiting)
            if not rows:
                return
            if self.closed:
                raise NotRecorded(f"{self.path} is closed already: open a new session")
            try:
                self.db.execute("BEGIN IMMEDIATE")
                for statement, group in groupby(sorted(rows, key=itemgetter(0)), itemgetter(0)):
                    self.db.executemany(statement, [values for _, values in group])
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
