"""The doors that are checked: which server, on which wire, and where it is known to differ.

`differs` says what the server does otherwise than the API that it imitates: for a check, words of
what is found instead. A door holds where exactly these differ, and each in this way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

COMMON = ("chat", "turns", "stream", "limit", "stop", "64 at once", "left early")
ERRORS = ("wrong key", "unknown model", "too long")
MOCKED = ("busy", "window", "down", "filtered")
DIALECTS = ("trailing", "prefix", "flag")

ONE_MODEL = {"unknown model": "no error"}
ENDED = {"limit": "it says that it ended by stop"}  # their responses are always «completed»
KEYLESS = {  # transformers takes any key and any length, and has one status for what goes wrong
    "wrong key": "no error",
    "too long": "no error",
    "unknown model": "Unreachable, HTTP 500",
}
LOOSE = {**KEYLESS, "stop": "instead of"}  # what it stops at stays in the reply
NO_DATABASE = {"wrong key": "Refused, HTTP 400"}
SIXTEEN = {"limit": "16 tokens"}  # LiteLLM sends these on as responses, and raises the limit
CROSSED = {**SIXTEEN, "stop": "instead of"}  # responses have no stop, so it is dropped


@dataclass(frozen=True)
class Door:
    """One server, spoken to on one wire.

    server: its name. wire: our provider. model: what the server calls the model.
    root: path below which the wire's own paths begin. checks: what it should hold.
    differs: words of what is found instead, by check. dialects: whether continuing is probed.
    """

    server: str
    wire: str
    model: str
    checks: tuple[str, ...]
    root: str = "/v1"
    differs: Mapping[str, str] = field(default_factory=dict)
    dialects: bool = False

    @property
    def name(self) -> str:
        """The door in words."""
        return f"{self.server}, `{self.wire}`"

    def models(self, address: str) -> dict[str, Any]:
        """The session's models for its checks, none of them retried."""
        made: dict[str, Any] = {
            "asked": self._entry(address),
            "wrong key": self._entry(address, key="env:WRONG_KEY"),
            "unknown model": self._entry(address, model="no-such-model"),
        }
        vectors = "vectors" if "LiteLLM" in self.server else self.model
        made["vectors"] = self._entry(address, wire="openai-embeddings", model=vectors)
        for name in MOCKED:
            made[name] = self._entry(address, model=name)
        for dialect in DIALECTS if self.dialects else ():
            made[dialect] = self._entry(address, continues=dialect)
        return made

    def _entry(self, address: str, wire: str = "", **other: str) -> dict[str, Any]:
        """One deployment at this door."""
        fields = {"model": self.model, "base_url": address + self.root, "key": "env:SERVER_KEY"}
        return {
            "provider": {wire or self.wire: {**fields, **other}},
            "retry": None,
            "breaker": None,
        }


def doors() -> list[Door]:
    """All doors."""
    chat = (*COMMON, *ERRORS)
    more = (*chat, "log-probabilities", "schema", "continued")
    responses = tuple(check for check in chat if check != "stop")  # that API has no such setting
    mock = ("chat", "words alone", "64 at once", "left early", "unknown model", *MOCKED)
    behind = "LiteLLM, llama.cpp behind it"
    return [
        Door("llama.cpp", "llamacpp", "tiny", more, differs=ONE_MODEL, dialects=True),
        Door("llama.cpp", "openai", "tiny", more[:-1], differs=ONE_MODEL),
        Door("llama.cpp", "responses", "tiny", responses, differs={**ONE_MODEL, **ENDED}),
        Door("llama.cpp", "anthropic", "tiny", chat, "", ONE_MODEL, dialects=True),
        Door("llama.cpp for vectors", "openai-embeddings", "tiny", ("embeddings",)),
        Door("transformers", "compatible", "tiny", chat, differs=LOOSE, dialects=True),
        Door("transformers", "responses", "tiny", responses, differs={**KEYLESS, **ENDED}),
        Door(behind, "compatible", "tiny", more[:-1], differs=NO_DATABASE, dialects=True),
        Door(behind, "responses", "tiny", responses, differs={**NO_DATABASE, **SIXTEEN}),
        Door(behind, "anthropic", "tiny", chat, "", {**NO_DATABASE, **CROSSED}),
        Door(behind, "gemini", "tiny", chat, "", {**NO_DATABASE, "stream": "tokens"}),
        Door(behind, "openai-embeddings", "vectors", ("embeddings",)),
        Door("LiteLLM, its mock", "compatible", "mock", mock),
    ]
