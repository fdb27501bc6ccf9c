"""The five wires as entries under `models:`, spoken to on the loopback service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from exchange import Billed, Call

from onefold.providers.http.transport import aiohttp_transport

PARTS = {
    "chat": ("openai", "/v1"),
    "responses": ("responses", "/v1"),
    "anthropic": ("anthropic", ""),
    "gemini": ("gemini", ""),
    "ollama": ("ollama", ""),
}
WIRES = tuple(PARTS)
OPEN = frozenset(WIRES)  # for Script(keyless=…): no wire asks for a key
PRICE = {"tokens_in": 1.0, "tokens_out": 2.0}
QUICK = {"attempts": 3, "base": 0.001, "cap": 0.002, "spare": 1000}


def entry(
    url: str,
    wire: str = "chat",
    *,
    model: str = "model-a",
    key: str = "",
    headers: dict[str, str] | None = None,
    stall: float = 5.0,
    **about: Any,
) -> dict[str, Any]:
    """A deployment on one wire of the service at `url`, quick to retry, without a breaker."""
    name, path = PARTS[wire]
    held: dict[str, Any] = {"model": model, "base_url": url + path, "stall": stall}
    if key:
        held["key"] = key
    if headers:
        held["headers"] = headers
    terms = {"price": PRICE, "retry": QUICK, "breaker": None, "timeout": 10.0}
    return {"provider": {name: held}, **terms, **about}


def bill(billed: list[Billed]) -> float:
    """What the service would charge for these replies at PRICE, in US dollars."""
    tokens_in = sum(one.tokens_in for one in billed)
    tokens_out = sum(one.tokens_out for one in billed)
    return (tokens_in * PRICE["tokens_in"] + tokens_out * PRICE["tokens_out"]) / 1e6


class Heard:
    """A listener that keeps what it is told, and has no use for single words.

    notes: (what, value) in order. spans: those that ended, in the order in which they did.
    """

    wants_words = False

    def __init__(self) -> None:
        self.notes: list[tuple[str, Any]] = []
        self.spans: list[Any] = []

    def __call__(self, phase: str, span: Any, what: str, value: Any) -> None:
        if phase == "note":
            self.notes.append((what, value))
        elif phase == "stop":
            self.spans.append(span)

    def values(self, what: str) -> list[Any]:
        """What came with each note of this name."""
        return [value for name, value in self.notes if name == what]


def busy() -> int:
    """Connections that this loop's calls hold now."""
    pools = aiohttp_transport().pools
    session = pools[asyncio.get_running_loop()][0]
    return len(session.connector._acquired)


async def soon(claim: Callable[[], bool]) -> bool:
    """Whether a claim comes true while the loop turns on, within two seconds at most."""
    for _ in range(2000):
        if claim():
            return True
        await asyncio.sleep(0.001)
    return claim()


def left(calls: list[Call]) -> list[int]:
    """The numbers of the calls whose client hung up before the reply was whole."""
    return [call.number for call in calls if call.cancelled]
