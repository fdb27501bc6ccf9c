"""Anthropic's Messages API.

Source: Claude API reference: Messages, Streaming, Structured outputs, Errors. Version 2023-06-01 is
spoken: it takes temperature, top_p and top_k, which 2026-10-21 refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from onefold.core.errors import Filtered, ModelError, Unreadable
from onefold.delivery.provider import Reply, Request
from onefold.providers.http.failures import STATUS, spoken, told
from onefold.providers.wires.wire import Fold, Service, Wire, count, ended_early

LIMIT = 8192  # tokens a reply may have where the request says nothing: this API wants a limit
FINISH = {
    "end_turn": "stop",
    "stop_sequence": "until",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refused",
    "tool_use": "tool",
}
BOUNDS = frozenset(
    ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
     "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties")
)  # fmt: skip


class Anthropic(Wire, name="anthropic"):
    """Anthropic's messages: `anthropic:claude-haiku-4-5`.

    Newer models refuse sampling settings and beginnings to continue, and say so themselves. A
    beginning is sent without the white space at its end, which the service does not take.
    """

    tells: ClassVar[bool] = True
    service: ClassVar[Service] = Service(
        "https://api.anthropic.com",
        ("ANTHROPIC_API_KEY",),
        header="x-api-key",
        continues="trailing",
        lacks=frozenset({"seed", "presence_penalty", "frequency_penalty", "logprobs"}),
        fixed=(("anthropic-version", "2023-06-01"),),
    )

    def request(self, request: Request, stream: bool) -> tuple[str, dict[str, Any]]:
        sampling = request.sampling
        limit = LIMIT if sampling.max_tokens is None else sampling.max_tokens
        messages = [
            {"role": message.role, "content": message.content}
            for message in request.messages
            if message.role != "system"
        ]
        body: dict[str, Any] = {"model": self.model, "max_tokens": limit, "messages": messages}
        system = [message.content for message in request.messages if message.role == "system"]
        if system:
            body["system"] = "\n\n".join(system)
        for name in ("temperature", "top_p", "top_k"):
            value = getattr(sampling, name)
            if value is not None:
                body[name] = value
        if sampling.stop:
            body["stop_sequences"] = sampling.stop
        if request.begun:
            messages[-1]["content"] = request.begun.rstrip()
            if not messages[-1]["content"]:
                messages.pop()
        output: dict[str, Any] = {}
        if sampling.effort is not None:
            output["effort"] = sampling.effort
        if request.schema is not None:
            output["format"] = {"type": "json_schema", "schema": fitted(request.schema)}
        if output:
            body["output_config"] = output
        if stream:
            body["stream"] = True
        return "/v1/messages", body

    def parse(self, data: bytes) -> Reply:
        said = whole().decode(data)
        if said.error:
            raise failed(said.error, self.model)
        if said.content is None:
            raise Unreadable(f"{self.model}: the reply has no content", billed=True)
        text = "".join(block.text or "" for block in said.content)
        reasoning = "".join(block.thinking or "" for block in said.content)
        return replied(self.model, said, text, reasoning)

    def fold(self) -> Fold:
        return AnthropicFold(self.model)


class AnthropicFold(Fold):
    """Adds up the events of a message; it is whole once it says why it stopped."""

    __slots__ = ("begun", "ended", "model", "pieces", "reasoning", "stop", "used")

    def __init__(self, model: str) -> None:
        self.model = model
        self.begun = Said()
        self.pieces: list[str] = []
        self.reasoning: list[str] = []
        self.stop = Piece()
        self.used: Used | None = None
        self.ended = False

    def add(self, event: str, data: bytes) -> str:
        said = happening().decode(data)
        kind = said.type or event
        if kind in ("content_block_delta", "content_block_start"):
            piece = said.delta or said.content_block
            if piece is None:
                return ""
            if piece.thinking:
                self.reasoning.append(piece.thinking)
            if piece.text:
                self.pieces.append(piece.text)
            return piece.text or ""
        if kind == "error" or said.error:
            error = failed(said.error, self.model)
            error.billed = bool(self.pieces or self.reasoning)
            raise error
        if kind == "message_start" and said.message is not None:
            self.begun = said.message
        elif kind == "message_delta":
            self.used = said.usage or self.used
            if said.delta is not None and said.delta.stop_reason:
                self.stop = said.delta
        elif kind == "message_stop":
            self.ended = True
        return ""

    def reply(self) -> Reply:
        if not self.ended and not self.stop.stop_reason:
            raise ended_early()
        said = Said(
            stop_reason=self.stop.stop_reason,
            stop_details=self.stop.stop_details,
            usage=cumulative(self.begun.usage, self.used),
            model=self.begun.model,
            id=self.begun.id,
        )
        return replied(self.model, said, "".join(self.pieces), "".join(self.reasoning))


def failed(error: Any, who: str) -> ModelError:
    """The error in a body, with the status that its type has outside of streams."""
    code, message = spoken({"error": error})
    return told(STATUS.get(code, 0), code, message, who)


def fitted(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON Schema within the part of the language that the service takes.

    Objects are closed where nothing else is said, `oneOf` becomes `anyOf`, and bounds, which it
    refuses, become words in the description, as in Anthropic's own SDKs.
    """
    made: dict[str, Any] = {}
    bounds = []
    for key, value in schema.items():
        if key in BOUNDS and not (key == "minItems" and value in (0, 1)):
            bounds.append(f"{key}: {value}")
        elif key in ("properties", "$defs", "definitions") and isinstance(value, Mapping):
            made[key] = {name: part(inner) for name, inner in value.items()}
        elif key in ("anyOf", "allOf", "oneOf") and isinstance(value, list | tuple):
            made["anyOf" if key == "oneOf" else key] = [part(inner) for inner in value]
        elif key == "items":
            made[key] = part(value)
        else:
            made[key] = value
    if schema.get("type") == "object" or "properties" in schema:
        made.setdefault("additionalProperties", False)
    if bounds:
        about = [made["description"]] if made.get("description") else []
        made["description"] = " ".join([*about, f"({', '.join(bounds)})"])
    return made


def part(schema: Any) -> Any:
    """A schema inside a schema, fitted; `true` and `false` are schemas too."""
    return fitted(schema) if isinstance(schema, Mapping) else schema


def replied(model: str, said: Said, text: str, reasoning: str) -> Reply:
    """The reply, with what the service counted.

    Raises:
        Filtered: it was refused before a word of it came.
    """
    finish = FINISH.get(said.stop_reason or "end_turn", said.stop_reason or "")
    if finish == "refused" and not text:
        why = said.stop_details.explanation if said.stop_details else None
        raise Filtered(
            f"{model}: the service refused the request{f': {why}' if why else ''}", billed=True
        )
    used = said.usage or Used()
    fresh = count(used.input_tokens)
    read = count(used.cache_read_input_tokens or 0)
    written = count(used.cache_creation_input_tokens or 0)
    tokens_out = count(used.output_tokens)
    details = used.output_tokens_details
    thought = count(details.thinking_tokens) if details else 0
    tokens_in = None
    if fresh is None or read is None or written is None:
        read = written = 0
    else:
        tokens_in = fresh + read + written
    return Reply(
        text,
        tokens_in,
        read,
        tokens_out,
        tokens_written=written,
        tokens_reasoning=min(thought or 0, tokens_out or 0),
        finish=finish,
        reasoning=reasoning,
        upstream=(str(said.model or ""), str(said.id or "")),
    )


def cumulative(first: Used | None, last: Used | None) -> Used:
    """A stream's usage: input as told last; output by the last alone, as the first's is no end."""
    first, last = first or Used(), last or Used()
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    missing = {name: getattr(first, name) for name in names if getattr(last, name) is None}
    return msgspec.structs.replace(last, **missing)


class Block(Struct):
    """A block of a message: text, or what the model thought."""

    text: str | None = None
    thinking: str | None = None


class Why(Struct):
    """Why a request was refused."""

    explanation: str | None = None


class Piece(Struct):
    """A piece of a block, or what changed about the message."""

    text: str | None = None
    thinking: str | None = None
    stop_reason: str | None = None
    stop_details: Why | None = None


class Written(Struct):
    """What the reply's tokens were."""

    thinking_tokens: Any = None


class Used(Struct):
    """Tokens; those read from and written to the cache are no part of `input_tokens`."""

    input_tokens: Any = None
    cache_read_input_tokens: Any = None
    cache_creation_input_tokens: Any = None
    output_tokens: Any = None
    output_tokens_details: Written | None = None


class Said(Struct):
    """A whole message, or the beginning of one."""

    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_details: Why | None = None
    usage: Used | None = None
    model: Any = None
    id: Any = None
    error: Any = None


class Happening(Struct):
    """An event of a stream."""

    type: str = ""
    delta: Piece | None = None
    content_block: Piece | None = None
    message: Said | None = None
    usage: Used | None = None
    error: Any = None


@cache
def whole() -> msgspec.json.Decoder[Said]:
    """The decoder of whole messages."""
    return msgspec.json.Decoder(Said)


@cache
def happening() -> msgspec.json.Decoder[Happening]:
    """The decoder of events."""
    return msgspec.json.Decoder(Happening)
