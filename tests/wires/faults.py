"""How a service can misbehave: each fault turns the faithful reply into another."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from email.utils import formatdate
from itertools import pairwise
from time import time
from typing import Any, Literal

import msgspec
from dialects import Dialect
from exchange import Call, Reply
from msgspec import Struct
from msgspec.structs import replace

encode = msgspec.json.encode
COUNTS = ("token", "_count", "Count")
HTML = b"<!doctype html><html><head><title>Bad gateway</title></head><body>nginx</body></html>"


class Fault(Struct, frozen=True):
    """A misbehaviour. Several befall one call, one after the other, as a tuple of faults."""

    @abstractmethod
    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        """The reply as it is sent instead."""


class Refuse(Fault, frozen=True):
    """The connection is reset before any byte of a reply."""

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        return Reply(started=False, ending="reset")


class Reset(Fault, frozen=True):
    """The connection is reset after so many bytes of the body; None is half of it."""

    after: int | None = None

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        size = sum(map(len, reply.chunks))
        length = None if reply.streamed else size
        held = head(reply.chunks, size // 2 if self.after is None else self.after)
        return replace(reply, chunks=held, length=length, ending="reset")


class StallHeaders(Fault, frozen=True):
    """Nothing comes for so many seconds; then the reply."""

    seconds: float = 30.0

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        return replace(reply, silence=reply.silence + self.seconds)


class Stall(Fault, frozen=True):
    """After so many events (or half a body that is no stream) nothing comes for some seconds."""

    seconds: float = 30.0
    after: int = 2

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        if reply.streamed:
            return replace(reply, pause={**reply.pause, self.after: self.seconds})
        body = b"".join(reply.chunks)
        half = len(body) // 2
        return replace(reply, chunks=(body[:half], body[half:]), pause={1: self.seconds})


class TruncatedJson(Fault, frozen=True):
    """A body, or a stream's middle event, whose JSON stops half-way although HTTP is in order."""

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        middle = len(reply.chunks) // 2
        chunk = reply.chunks[middle]
        end = chunk[len(chunk.rstrip(b"\n")) :]
        broken = chunk[: len(chunk) // 2] + end
        return replace(reply, chunks=(*reply.chunks[:middle], broken, *reply.chunks[middle + 1 :]))


class TruncatedBody(Fault, frozen=True):
    """The connection is closed, in good order, half-way through what HTTP promised."""

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        size = sum(map(len, reply.chunks))
        length = None if reply.streamed else size
        return replace(reply, chunks=head(reply.chunks, size // 2), length=length, ending="close")


class Raw(Fault, frozen=True):
    """Any body at all, in place of the reply: by default none, with the right content type."""

    body: bytes = b""
    content_type: str = "application/json"
    status: int = 200

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        return Reply(self.status, {"Content-Type": self.content_type}, (self.body,))


class WrongType(Fault, frozen=True):
    """A page of HTML with status 200, as proxies and captive portals answer."""

    status: int = 200

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        return Reply(self.status, {"Content-Type": "text/html; charset=utf-8"}, (HTML,))


class Status(Fault, frozen=True):
    """A status with the wire's own error body.

    retry_after: the header, in seconds; retry_after_ms: OpenAI's header, in milliseconds;
    retry_at: the header as an HTTP-date so many seconds from now; retry_info: seconds told in
    the body, on the one wire that does (gemini). message: `{key}` in it becomes the call's key.
    """

    code: int = 500
    retry_after: float | str | None = None
    retry_after_ms: float | None = None
    retry_at: float | None = None
    retry_info: float | None = None
    message: str = ""

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        headers = {"Content-Type": "application/json", **wire.headers(call)}
        if self.retry_after is not None:
            after = self.retry_after
            headers["Retry-After"] = after if isinstance(after, str) else f"{after:g}"
        if self.retry_at is not None:
            headers["Retry-After"] = formatdate(time() + self.retry_at, usegmt=True)
        if self.retry_after_ms is not None:
            headers["retry-after-ms"] = f"{self.retry_after_ms:g}"
        message = self.message.replace("{key}", call.key or "")
        body = wire.sealed(wire.error(self.code, message, self.retry_info), call)
        return Reply(self.code, headers, (encode(body),))


class NoCredit(Fault, frozen=True):
    """The account's money is used up, in the wire's own words."""

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        wrong = wire.no_credit()
        headers = {"Content-Type": "application/json", **wire.headers(call)}
        return Reply(wrong.status, headers, (encode(wire.sealed(wrong.body, call)),))


class Redirect(Fault, frozen=True):
    """Sends the client elsewhere: `to` is the other service's address, the path stays."""

    to: str
    code: int = 307

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        return Reply(self.code, {"Location": self.to.rstrip("/") + call.path})


class Huge(Fault, frozen=True):
    """So many megabytes of blanks before the reply; `told` in Content-Length or not at all."""

    megabytes: int = 64
    told: bool = True

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        blanks = b" " * 2**20
        chunks = (*(blanks for _ in range(self.megabytes)), b"\n", *reply.chunks)
        return replace(reply, chunks=chunks, streamed=reply.streamed or not self.told)


class Drip(Fault, frozen=True):
    """The body comes a few bytes at a time, with some seconds between."""

    seconds: float = 0.001
    size: int = 1

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        body, size = b"".join(reply.chunks), self.size
        chunks = tuple(body[i : i + size] for i in range(0, len(body), size))
        return replace(reply, chunks=chunks, pace=self.seconds)


class SplitUtf8(Fault, frozen=True):
    """Chunks end inside every character that takes several bytes."""

    seconds: float = 0.001

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        body = b"".join(reply.chunks)
        ends = [0, *(i + 1 for i, byte in enumerate(body) if byte >= 0xC0), len(body)]
        chunks = tuple(body[a:b] for a, b in pairwise(ends) if b > a)
        return replace(reply, chunks=chunks, pace=self.seconds)


class Duplicate(Fault, frozen=True):
    """Each event comes twice; or only the last two, which tell why it ended and what it used."""

    only_end: bool = False

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        if not reply.streamed:
            return reply
        once = max(0, len(reply.chunks) - 2) if self.only_end else 0
        twice = (copy for chunk in reply.chunks[once:] for copy in (chunk, chunk))
        return replace(reply, chunks=(*reply.chunks[:once], *twice))


class Crlf(Fault, frozen=True):
    """Lines of a stream end with CR LF, or with a lone CR, which only events may."""

    lone: bool = False

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        if not reply.streamed:
            return reply
        end = b"\r" if self.lone else b"\r\n"
        return replace(reply, chunks=tuple(c.replace(b"\n", end) for c in reply.chunks))


class Comments(Fault, frozen=True):
    """Before each event stands a comment, and whatever ping the wire has."""

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        if not reply.streamed:
            return reply
        said = b": loopback\n\n" if wire.comment != b"\n" else b""
        chunks = (one for chunk in reply.chunks for one in (said + wire.comment, chunk))
        return replace(reply, chunks=tuple(chunks))


class NoEnd(Fault, frozen=True):
    """A stream without its last event: [DONE], response.completed, message_stop, done."""

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        return replace(reply, chunks=reply.chunks[:-1]) if reply.streamed else reply


class EndsEarly(Fault, frozen=True):
    """A stream that ends, in good order, after so many events."""

    after: int = 2

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        return replace(reply, chunks=reply.chunks[: self.after]) if reply.streamed else reply


class ErrorInside(Fault, frozen=True):
    """The wire's own error after so many events; not streaming, an error body with status 200."""

    after: int = 2
    code: int = 500
    message: str = "scripted error in the middle"

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        if not reply.streamed:
            return replace(reply, chunks=(encode(wire.error(self.code, self.message)),))
        told = wire.error_event(self.code, self.message)
        return replace(reply, chunks=(*reply.chunks[: self.after], told))


class Lie(Fault, frozen=True):
    """Token counts that cannot be: negative, absurd (10¹⁸), strings, null, or none at all."""

    how: Literal["negative", "absurd", "strings", "null", "missing"] = "negative"

    def bend(self, reply: Reply, wire: Dialect, call: Call) -> Reply:
        chunks = tuple(mended(chunk, self.told) for chunk in reply.chunks)
        return replace(reply, chunks=chunks)

    def told(self, value: Any) -> Any:
        """A JSON value with its token counts falsified."""
        if isinstance(value, list):
            return [self.told(one) for one in value]
        if not isinstance(value, dict):
            return value
        found = {}
        for name, held in value.items():
            if name in ("usage", "usageMetadata") and self.how == "missing":
                continue
            if type(held) is int and any(mark in name for mark in COUNTS):
                if self.how != "missing":
                    found[name] = self.count(held)
            else:
                found[name] = self.told(held)
        return found

    def count(self, held: int) -> Any:
        """One count falsified."""
        lies = {"negative": -1 - held, "absurd": 10**18, "strings": str(held), "null": None}
        return lies[self.how]


def head(chunks: tuple[bytes, ...], size: int) -> tuple[bytes, ...]:
    """The first bytes of a body, in its chunks."""
    held = []
    for chunk in chunks:
        held.append(chunk[:size])
        size -= len(chunk)
        if size <= 0:
            break
    return tuple(held)


def mended(chunk: bytes, change: Callable[[Any], Any]) -> bytes:
    """A body, an event or a line with the JSON in it changed."""
    lines = []
    for line in chunk.split(b"\n"):
        mark = b"data: " if line.startswith(b"data: ") else b""
        text = line.removeprefix(mark)
        lines.append(mark + encode(change(msgspec.json.decode(text))) if text[:1] == b"{" else line)
    return b"\n".join(lines)
