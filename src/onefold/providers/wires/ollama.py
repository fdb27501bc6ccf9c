"""Ollama's own chat, for models on this machine or another of yours.

Source: Ollama API reference, Chat and Errors.
"""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from onefold.core.errors import Unreachable, Unreadable
from onefold.delivery.provider import Reply, Request
from onefold.providers.http.failures import inside
from onefold.providers.http.sse import Events, Lines
from onefold.providers.wires.chat import Chosen, Logprobs, spelled, tokens
from onefold.providers.wires.wire import Fold, Service, Wire, count, ended_early

OPTIONS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_tokens": "num_predict",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}


class Ollama(Wire, name="ollama"):
    """Ollama, where `OLLAMA_HOST` says or at `http://localhost:11434`: `ollama:llama3.2`.

    A prompt that is longer than the model's context is an error, not cut in silence as Ollama does
    by itself; `body: {options: {num_ctx: 16384}}` makes room, `body: {truncate: true}` has it cut.
    """

    service: ClassVar[Service] = Service(
        "http://localhost:11434", continues="trailing", variable="OLLAMA_HOST", port=11434
    )
    framing: ClassVar[type[Events] | type[Lines]] = Lines

    def request(self, request: Request, stream: bool) -> tuple[str, dict[str, Any]]:
        sampling = request.sampling
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [spelled(message) for message in request.messages],
            "stream": stream,
            "truncate": False,
        }
        options = {
            theirs: getattr(sampling, ours)
            for ours, theirs in OPTIONS.items()
            if getattr(sampling, ours) is not None
        }
        if sampling.stop:
            options["stop"] = sampling.stop
        if options:
            body["options"] = options
        if sampling.effort is not None:
            body["think"] = False if sampling.effort == "none" else sampling.effort
        if request.schema is not None:
            body["format"] = request.schema
        if request.logprobs is not None:
            body["logprobs"] = True
            if request.logprobs:
                body["top_logprobs"] = request.logprobs
        return "/api/chat", body

    def parse(self, data: bytes) -> Reply:
        fold = OllamaFold(self.model)
        fold.add("", data)
        if fold.last is None:
            raise Unreadable(f"{self.model}: the reply has no message that is done", billed=True)
        return fold.reply()

    def fold(self) -> Fold:
        return OllamaFold(self.model)


class OllamaFold(Fold):
    """Adds up the lines of a chat; a reply that is not streamed is one line."""

    __slots__ = ("calls", "last", "logprobs", "model", "pieces", "reasoning")

    def __init__(self, model: str) -> None:
        self.model = model
        self.pieces: list[str] = []
        self.reasoning: list[str] = []
        self.logprobs: list[Chosen] = []
        self.calls = False
        self.last: Line | None = None

    def add(self, event: str, data: bytes) -> str:
        said = line().decode(data)
        if said.error:
            raise inside(said.error, self.model)
        if said.done:
            self.last = said
        if said.logprobs:
            self.logprobs += said.logprobs
        message = said.message
        if message is None:
            return ""
        if message.thinking:
            self.reasoning.append(message.thinking)
        if message.tool_calls:
            self.calls = True
        text = message.content or ""
        if text:
            self.pieces.append(text)
        return text

    def reply(self) -> Reply:
        last = self.last
        if last is None:
            raise ended_early()
        text = "".join(self.pieces)
        finish = last.done_reason or "stop"
        if finish in ("load", "unload") and not text:
            raise Unreachable(f"{self.model}: the server did {finish} the model, and said nothing")
        return Reply(
            text,
            count(last.prompt_eval_count),
            tokens_out=count(last.eval_count),
            finish="tool" if self.calls else finish,
            tokens=tokens(Logprobs(self.logprobs)),
            reasoning="".join(self.reasoning),
            upstream=(str(last.model or ""), ""),
        )


class Said(Struct):
    """A message, or a piece of one."""

    content: str | None = None
    thinking: str | None = None
    tool_calls: Any = None


class Line(Struct):
    """A line of a stream, or a whole reply."""

    message: Said | None = None
    done: bool | None = None
    done_reason: str | None = None
    logprobs: list[Chosen] | None = None
    prompt_eval_count: Any = None
    eval_count: Any = None
    model: Any = None
    error: Any = None


@cache
def line() -> msgspec.json.Decoder[Line]:
    """The decoder of lines."""
    return msgspec.json.Decoder(Line)
