"""Replies kept by request: the same question, drawn as the same sample, is asked once."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from pathlib import Path

import msgspec

from onefold.delivery.provider import Reply
from onefold.delivery.store import Store


class Cache(ABC):
    """Replies by key. The key contains the sample's number, so that draws stay distinct."""

    @abstractmethod
    def get(self, key: str) -> Reply | None:
        """The reply under a key, None where there is none."""

    @abstractmethod
    async def put(self, key: str, reply: Reply) -> None:
        """Keep a reply."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what it holds open."""


class Memory(Cache):
    """The `most` replies used last, while the process lives; `seconds` is how long they count."""

    def __init__(self, most: int = 10_000, seconds: float = float("inf")) -> None:
        self.most = most
        self.seconds = seconds
        self.held: OrderedDict[str, tuple[float, Reply]] = OrderedDict()

    def get(self, key: str) -> Reply | None:
        found = self.held.get(key)
        if found is None:
            return None
        if time.time() - found[0] > self.seconds:
            del self.held[key]
            return None
        self.held.move_to_end(key)
        return found[1]

    async def put(self, key: str, reply: Reply) -> None:
        self.held[key] = (time.time(), reply)
        self.held.move_to_end(key)
        while len(self.held) > self.most:
            self.held.popitem(last=False)

    def close(self) -> None:
        self.held.clear()


class OnDisk(Cache):
    """Replies in an SQLite file, shared by runs; `seconds` is how long they count."""

    def __init__(self, path: str | Path, seconds: float = float("inf")) -> None:
        self.seconds = seconds
        self.store = Store(
            path, "CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, at REAL, reply BLOB)"
        )

    def get(self, key: str) -> Reply | None:
        rows = self.store.read("SELECT at, reply FROM replies WHERE key = ?", (key,))
        if not rows or time.time() - rows[0][0] > self.seconds:
            return None
        return msgspec.json.decode(rows[0][1], type=Reply)

    async def put(self, key: str, reply: Reply) -> None:
        row = (key, time.time(), msgspec.json.encode(reply))
        await self.store.write("INSERT OR REPLACE INTO replies VALUES (?, ?, ?)", row)

    def close(self) -> None:
        self.store.close()
