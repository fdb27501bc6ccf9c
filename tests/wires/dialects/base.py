"""What the dialects share: who may ask, which words make trouble, how events are framed."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec
from exchange import Asked, Billed, Call, Reply, Said, Wrong
from script import Script

encode = msgspec.json.encode
JSON = {"Content-Type": "application/json"}
EVENTS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
CREATED = 1_750_000_000


def event(data: Any, name: str = "") -> bytes:
    """A server-sent event."""
    head = b"event: %s\ndata: " % name.encode() if name else b"data: "
    return head + encode(data) + b"\n\n"


def text_of(content: Any) -> str:
    """The text of a message's content: a string, or parts that hold text."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return ""


def masked(key: str) -> str:
    """A key as services echo it: its ends only."""
    return key[:2] + "*" * max(3, len(key) - 4) + key[-2:]


class Dialect(ABC):
    """One wire, from the service's side.

    usual: continuation dialects that the real service honours.
    comment: what may stand between two events. ending: the event after which nothing comes.
    """

    name: ClassVar[str]
    usual: ClassVar[frozenset[str]] = frozenset()
    comment: ClassVar[bytes] = b": keep-alive\n\n"
    stream_headers: ClassVar[dict[str, str]] = EVENTS

    def answer(self, call: Call, script: Script) -> Reply:
        """The faithful reply to a call."""
        headers = {**self.headers(call), **script.headers}
        try:
            self.admit(call, script)
            if self.listing(call):
                return Reply(200, {**JSON, **headers}, (encode(self.models(script)),))
            return self.spoken(call, script, headers)
        except Wrong as wrong:
            return Reply(
                wrong.status, {**JSON, **headers}, (encode(self.sealed(wrong.body, call)),)
            )

    def spoken(self, call: Call, script: Script, headers: dict[str, str]) -> Reply:
        """The reply to a well-keyed request for text.

        Raises:
            Wrong: the request does not fit the wire, or its words make trouble.
        """
        try:
            asked = self.asked(call, script)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Wrong(400, self.error(400, f"malformed request: {error!r}")) from error
        if asked.model == "no-such-model":
            raise self.no_model(asked.model)
        said = script.say(asked, call, self.usual)
        if any("OVERFLOW" in text for _, text in asked.turns):
            raise self.overflow(said.tokens_in, script.context)
        if any("FORBIDDEN" in text for _, text in asked.turns):
            if not any("FORBIDDEN REPLY" in text for _, text in asked.turns):
                said = self.forbidden(said)
            else:
                said = cut(said)
        billed = self.billed(asked, said)
        if not asked.stream:
            body = encode(self.whole(call, asked, said))
            return Reply(200, {**JSON, **headers}, (body,), billed=billed)
        chunks = tuple(self.events(call, asked, said))
        headers = {**self.stream_headers, **headers}
        return Reply(200, headers, chunks, True, pace=script.pace, billed=billed)

    def admit(self, call: Call, script: Script) -> None:
        """Check the key; `wrong` is the one that no service knows.

        Raises:
            Wrong: it is missing or unknown.
        """
        key = call.key
        if key is None and self.name not in script.keyless:
            raise self.unkeyed()
        if key == "wrong":
            raise self.miskeyed(key)

    def headers(self, call: Call) -> dict[str, str]:
        """Headers that each reply carries."""
        return {}

    def sealed(self, body: Any, call: Call) -> Any:
        """An error body as this call gets it."""
        return body

    def listing(self, call: Call) -> bool:
        """Whether the call asks for the list of models."""
        return call.method == "GET"

    def billed(self, asked: Asked, said: Said) -> Billed:
        """What the reply costs."""
        told = (said.tokens_in, said.tokens_out, said.cached, said.reasoning)
        return Billed(asked.model, *told)

    def created(self) -> int:
        """Seconds since 1970."""
        return int(time.time())

    @abstractmethod
    def asked(self, call: Call, script: Script) -> Asked:
        """What the call asks for.

        Raises:
            Wrong: it does not fit the wire.
        """

    @abstractmethod
    def whole(self, call: Call, asked: Asked, said: Said) -> Any:
        """The body of a reply in one piece."""

    @abstractmethod
    def events(self, call: Call, asked: Asked, said: Said) -> Iterator[bytes]:
        """The events of a streamed reply."""

    @abstractmethod
    def error(self, status: int, message: str = "", retry: float | None = None) -> Any:
        """The wire's own error body for a status; `retry` seconds where bodies can say so."""

    @abstractmethod
    def error_event(self, status: int, message: str = "") -> bytes:
        """An error in the middle of a stream."""

    @abstractmethod
    def no_credit(self) -> Wrong:
        """The account's money is used up."""

    @abstractmethod
    def unkeyed(self) -> Wrong:
        """No key came."""

    @abstractmethod
    def miskeyed(self, key: str) -> Wrong:
        """Nobody knows the key."""

    @abstractmethod
    def no_model(self, model: str) -> Wrong:
        """Nobody knows the model."""

    @abstractmethod
    def overflow(self, sent: int, context: int) -> Wrong:
        """The prompt is longer than the context window."""

    @abstractmethod
    def forbidden(self, said: Said) -> Said:
        """What is said where the content filter stops the prompt.

        Raises:
            Wrong: the wire refuses the request instead.
        """

    @abstractmethod
    def models(self, script: Script) -> Any:
        """The body of the list of models."""


def cut(said: Said) -> Said:
    """A reply that the content filter stops after its first piece."""
    said.pieces = said.pieces[:1]
    words = [token for piece in said.pieces for token in piece]
    said.text, said.finish, said.stop = "".join(words), "filtered", None
    said.tokens_out = len(words) + said.reasoning
    return said


def silent(said: Said, finish: str = "filtered") -> Said:
    """A reply of nothing at all."""
    said.text, said.pieces, said.finish, said.stop = "", [], finish, None
    said.tokens_out, said.reasoning, said.thoughts = 0, 0, ""
    return said


def alternatives(said: Said, token: str, count: int) -> list[tuple[str, float]]:
    """The likeliest tokens in this token's place, itself first."""
    least = said.logprob(token)
    return [(token if i == 0 else f"{token}~{i}", least - i) for i in range(count)]
