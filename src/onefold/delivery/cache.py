"""Replies kept by request: the same question, drawn as the same sample, is asked once."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from onefold.delivery.provider import Reply
from onefold.delivery.store import Store

Kept = TypeVar("Kept")


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


class Recent(Generic[Kept]):
    """The `most` things used last, by key."""

    def __init__(self, most: int = 10_000) -> None:
        self.most = most
        self.held: OrderedDict[str, tuple[float, Kept]] = OrderedDict()

    def get(self, key: str, seconds: float = float("inf")) -> Kept | None:
        """What is held under a key and not older than `seconds`."""
        found = self.held.get(key)
        if found is None:
            return None
        if time.time() - found[0] > seconds:
            del self.held[key]
            return None
        self.held.move_to_end(key)
        return found[1]

    def put(self, key: str, thing: Kept) -> None:
        """Hold a thing; the one unused for longest makes room."""
        self.held[key] = (time.time(), thing)
        self.held.move_to_end(key)
        while len(self.held) > self.most:
            self.held.popitem(last=False)


class Memory(Cache):
    """The `most` replies used last, while the process lives; `seconds` is how long they count."""

    def __init__(self, most: int = 10_000, seconds: float = float("inf")) -> None:
        self.recent: Recent[Reply] = Recent(most)
        self.seconds = seconds

    def get(self, key: str) -> Reply | None:
        return self.recent.get(key, self.seconds)

    async def put(self, key: str, reply: Reply) -> None:
        self.recent.put(key, reply)

    def close(self) -> None:
        self.recent.held.clear()


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
