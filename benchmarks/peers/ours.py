"""The contender of this house: a call through the whole corridor, or through parts of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import onefold as of
from onefold.delivery.deliver import deliver

os.environ["ONEFOLD_BENCH_KEY"] = "no-secret"


def entry(url: str, in_flight: int, guarded: bool = True, **more: Any) -> dict[str, Any]:
    """A deployment with every guard on, none of which gets in the way."""
    provider = {"openai": {"model": "m", "base_url": url, "key": "env:ONEFOLD_BENCH_KEY"}}
    most = max(2 * in_flight, 100)
    limits = {"requests": 10**9, "tokens": 10**12, "concurrency": in_flight, "most": most}
    price = {"tokens_in": 0.15, "tokens_out": 0.6}
    if not guarded:
        return {
            "provider": provider, "price": price, "limits": None, "retry": None, "breaker": None,
            "timeout": None, **more,
        }  # fmt: skip
    guards = {"limits": limits, "retry": {}, "breaker": {}, "timeout": 600.0}
    return {"provider": provider, "price": price, **guards, **more}


class Ours:
    """onefold; `way` is model, deliver or provider, `switched` what is off."""

    def __init__(self, way: str, *off: str) -> None:
        self.way = way
        self.off = off

    async def open(self, url: str, in_flight: int) -> None:
        """Connect to a base URL."""
        self.folder = tempfile.TemporaryDirectory()
        self.session = of.Session(
            {"m": entry(url, in_flight, "guards" not in self.off)},
            budget=None if "budget" in self.off else 1e6,
            journal=None if "journal" in self.off else Path(self.folder.name) / "journal.db",
        )
        self.session.__enter__()
        self.model = of.Model("m")
        self.provider = self.session.deployment("m").provider

    async def call(self, prompt: str) -> str:
        """The text of one reply."""
        if self.way == "model":
            return (await self.model(prompt)).text
        request = of.Request("m", (of.Message("user", prompt),))
        if self.way == "deliver":
            return (await deliver(request)).text
        return (await self.provider.complete(request)).text

    async def stream(self, prompt: str) -> str:
        """The text of one stream."""
        pieces = []
        if self.way == "model":
            async for event in self.model.stream(prompt):
                if event.kind == "token":
                    pieces.append(event.text)
            return "".join(pieces)
        request = of.Request("m", (of.Message("user", prompt),))
        async for piece in self.provider.stream(request):
            if isinstance(piece, str):
                pieces.append(piece)
        return "".join(pieces)

    async def close(self) -> None:
        """Close the session and its journal."""
        self.session.__exit__(None, None, None)
        self.folder.cleanup()
