"""Embeddings: each message of a request is a text, each text becomes a vector.

Source: OpenAI API reference, Embeddings; Ollama API reference, Embed.
"""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from onefold.core.errors import Unreadable
from onefold.delivery.provider import Reply, Request, Sampling
from onefold.providers.http.failures import inside
from onefold.providers.http.sse import Events, Lines
from onefold.providers.wires.wire import Fold, Service, Wire, count, ended_early

Vectors = tuple[tuple[float, ...], ...]
LACKS = frozenset({*Sampling.__struct_fields__, "logprobs", "schema"})


class Whole(Lines):
    """Feeds on bytes and gives all of them at the end: what does not stream is one event."""

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def feed(self, chunk: bytes) -> list[tuple[str, bytes]]:
        """Nothing yet."""
        self.pieces.append(chunk)
        return []

    def end(self) -> list[tuple[str, bytes]]:
        """All that came, where anything came."""
        whole = b"".join(self.pieces)
        return [("", whole)] if whole else []


class Embedder(Wire, abstract=True):
    """A service that embeds: its replies have vectors and no text, and never come in pieces.

    A vector's length is the model's own; `body: {dimensions: 256}` asks for another, where it can.
    """

    silent: ClassVar[bool] = True
    framing: ClassVar[type[Events] | type[Lines]] = Whole

    def fold(self) -> Fold:
        return WholeFold(self)


class WholeFold(Fold):
    """Holds the one event that is the whole reply."""

    __slots__ = ("held", "wire")

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.held: Reply | None = None

    def add(self, event: str, data: bytes) -> str:
        self.held = self.wire.parse(data)
        return ""

    def reply(self) -> Reply:
        if self.held is None:
            raise ended_early()
        return self.held


class Embeddings(Embedder, name="openai-embeddings"):
    """OpenAI's embeddings and compatible ones: `openai-embeddings:text-embedding-3-small`."""

    service: ClassVar[Service] = Service(
        "https://api.openai.com/v1",
        ("OPENAI_API_KEY",),
        continues="trailing",  # a text to embed may be an assistant's
        lacks=LACKS,
    )

    def request(self, request: Request, stream: bool) -> tuple[str, dict[str, Any]]:
        texts = [message.content for message in request.messages]
        return "/embeddings", {"model": self.model, "input": texts}

    def parse(self, data: bytes) -> Reply:
        said = openai_shape().decode(data)
        if said.error:
            raise inside(said.error, self.model)
        rows = said.data or []
        if all(row.index is not None for row in rows):
            rows = sorted(rows, key=lambda row: row.index or 0)
            if [row.index for row in rows] != list(range(len(rows))):
                raise Unreadable(f"{self.model}: vectors are missing or doubled", billed=True)
        used = said.usage.get("prompt_tokens") if isinstance(said.usage, dict) else None
        return embedded(tuple(row.embedding for row in rows), used, said.model, self.model)


class OllamaEmbeddings(Embedder, name="ollama-embeddings"):
    """Ollama's embeddings: `ollama-embeddings:nomic-embed-text`.

    A text that is longer than the model's context is an error; `body: {truncate: true}` cuts it.
    """

    service: ClassVar[Service] = Service(
        "http://localhost:11434",
        continues="trailing",  # a text to embed may be an assistant's
        lacks=LACKS,
        variable="OLLAMA_HOST",
        port=11434,
    )

    def request(self, request: Request, stream: bool) -> tuple[str, dict[str, Any]]:
        texts = [message.content for message in request.messages]
        return "/api/embed", {"model": self.model, "input": texts, "truncate": False}

    def parse(self, data: bytes) -> Reply:
        said = ollama_shape().decode(data)
        if said.error:
            raise inside(said.error, self.model)
        return embedded(said.embeddings or (), said.prompt_eval_count, said.model, self.model)


def embedded(vectors: Vectors, tokens_in: Any, upstream: Any, model: str) -> Reply:
    """The reply that vectors make.

    Raises:
        Unreadable: there are none, or they are not all equally long.
    """
    lengths = {len(vector) for vector in vectors}
    if len(lengths) != 1 or 0 in lengths:
        shown = f"of {len(lengths)} lengths" if len(lengths) > 1 else "missing or empty"
        raise Unreadable(f"{model}: the vectors are {shown}", billed=True)
    return Reply(
        tokens_in=count(tokens_in),
        tokens_out=0,
        vectors=vectors,
        upstream=(str(upstream or ""), ""),
    )


class Row(Struct):
    """One text's vector."""

    embedding: tuple[float, ...] = ()
    index: int | None = None


class OpenAIShape(Struct):
    """A reply as OpenAI shapes it."""

    data: list[Row] | None = None
    usage: Any = None
    model: Any = None
    error: Any = None


class OllamaShape(Struct):
    """A reply as Ollama shapes it."""

    embeddings: Vectors | None = None
    prompt_eval_count: Any = None
    model: Any = None
    error: Any = None


@cache
def openai_shape() -> msgspec.json.Decoder[OpenAIShape]:
    """The decoder of OpenAI's replies."""
    return msgspec.json.Decoder(OpenAIShape)


@cache
def ollama_shape() -> msgspec.json.Decoder[OllamaShape]:
    """The decoder of Ollama's replies."""
    return msgspec.json.Decoder(OllamaShape)
