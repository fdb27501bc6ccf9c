"""What passes between a client and the loopback server: calls, what they ask, what is said."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from msgspec import Struct


class Billed(NamedTuple):
    """What a service would charge for one reply; cached is of tokens_in, reasoning of tokens_out.

    Zero cached and reasoning also where the wire cannot tell them apart, as Ollama's.
    """

    model: str
    tokens_in: int
    tokens_out: int
    cached: int = 0
    reasoning: int = 0


class Call(Struct):
    """One request as it arrived.

    wire: chat, embeddings, models, responses, anthropic, gemini or ollama; "" for unknown paths.
    path: with its query. headers: without regard to case. body: {} where it was no object.
    at: seconds on the event loop's clock. status: as sent, 0 where no reply began.
    cancelled: whether the client hung up before the reply was whole. number: 1 for the first.
    """

    wire: str
    method: str
    path: str
    headers: Any
    raw: bytes
    body: dict[str, Any]
    at: float
    number: int
    status: int = 0
    cancelled: bool = False
    done: bool = False

    @property
    def key(self) -> str | None:
        """The key that came with it, in whatever header or query a wire knows; None without."""
        headers = self.headers
        bearer = headers.get("authorization", "")
        if bearer.lower().startswith("bearer "):
            return str(bearer[7:].strip()) or None
        for name in ("x-api-key", "x-goog-api-key", "api-key"):
            if found := headers.get(name):
                return str(found)
        _, _, query = self.path.partition("?")
        for pair in query.split("&"):
            if pair.startswith("key="):
                return pair[4:] or None
        return None


class Asked(Struct):
    """What a request asks for, the same for every wire.

    turns: (role, text) with system turns included. begun: the beginning of the reply that is to
    be continued, and by which dialect: trailing, prefix or continue_final_message.
    logprobs: alternatives a token, None where none are wanted. schema: {} is any JSON.
    """

    model: str
    turns: list[tuple[str, str]]
    stream: bool = False
    max_tokens: int | None = None
    stops: tuple[str, ...] = ()
    schema: dict[str, Any] | None = None
    logprobs: int | None = None
    begun: str = ""
    dialect: str = ""

    @property
    def user(self) -> str:
        """The last thing the user says."""
        return next((text for role, text in reversed(self.turns) if role == "user"), "")


class Said(Struct):
    """What the scripted model says: `pieces` are groups of tokens, one a stream event.

    tokens_in: cached and written included. tokens_out: reasoning included.
    finish: stop, length, filtered, refused, or a wire's own word. stop: the sequence that ended it.
    """

    text: str
    pieces: list[list[str]]
    tokens_in: int
    tokens_out: int
    cached: int = 0
    written: int = 0
    reasoning: int = 0
    thoughts: str = ""
    finish: str = "stop"
    stop: str | None = None
    refusal: str | None = None
    logprob: Any = None


class Reply(Struct, frozen=True):
    """A reply down to its bytes; a fault turns one into another.

    chunks: the body; of a stream an event each. streamed: sent in HTTP chunks, without a length.
    silence: seconds before the headers. pause: seconds before the chunk of that index.
    pace: seconds between chunks. length: the Content-Length to claim, None for the true one.
    ending: whole; close (FIN in mid-body); reset (RST). started: False sends nothing at all.
    """

    status: int = 200
    headers: dict[str, str] = {}
    chunks: tuple[bytes, ...] = ()
    streamed: bool = False
    silence: float = 0.0
    pause: dict[int, float] = {}
    pace: float = 0.0
    length: int | None = None
    ending: Literal["whole", "close", "reset"] = "whole"
    started: bool = True
    billed: Billed | None = None


class Wrong(Exception):
    """The service refuses a request: its status and the wire's own body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
