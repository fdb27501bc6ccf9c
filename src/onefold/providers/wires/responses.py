"""OpenAI's responses, and every server that speaks them.

Source: OpenAI API reference, Responses and its streaming events.
"""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

import msgspec
from msgspec import Raw, Struct, structs

from onefold.core.errors import Filtered, Unreadable
from onefold.delivery.provider import Reply, Request
from onefold.providers.http.failures import inside
from onefold.providers.wires.chat import Chosen, Logprobs, spelled, tokens
from onefold.providers.wires.wire import Fold, Service, Wire, count, ended_early, strict

FINISH = {"max_output_tokens": "length", "content_filter": "filtered"}
CALLS = ("function_call", "custom_tool_call")
PENDING = ("queued", "in_progress")


class Responses(Wire, name="responses"):
    """OpenAI's responses, none of them stored there: `responses:gpt-5-mini`.

    Summaries of the reasoning come where they are asked for, with
    `body: {reasoning: {summary: auto}}`; not every account may ask.
    """

    service: ClassVar[Service] = Service(
        "https://api.openai.com/v1",
        ("OPENAI_API_KEY",),
        lacks=frozenset({"top_k", "seed", "stop", "presence_penalty", "frequency_penalty"}),
    )

    def request(self, request: Request, stream: bool) -> tuple[str, dict[str, Any]]:
        sampling = request.sampling
        body: dict[str, Any] = {
            "model": self.model,
            "input": [{"type": "message", **spelled(message)} for message in request.messages],
            "stream": stream,  # some servers stream unless told not to
            "store": False,
        }
        if sampling.temperature is not None:
            body["temperature"] = sampling.temperature
        if sampling.top_p is not None:
            body["top_p"] = sampling.top_p
        if sampling.max_tokens is not None:
            body["max_output_tokens"] = sampling.max_tokens
        if sampling.effort is not None:
            body["reasoning"] = {"effort": sampling.effort}
        if request.logprobs is not None:
            body["include"] = ["message.output_text.logprobs"]
            if request.logprobs:
                body["top_logprobs"] = request.logprobs
        if request.schema is not None:
            schema = request.schema
            named = {"type": "json_schema", "name": "reply", "schema": schema}
            body["text"] = {"format": {**named, "strict": strict(schema)}}
        return "/responses", body

    def parse(self, data: bytes) -> Reply:
        return replied(response().decode(data), self.model)

    def fold(self) -> Fold:
        return ResponsesFold(self.model)


class ResponsesFold(Fold):
    """Adds up a response's events; the last one holds the whole, the others only fill its gaps."""

    __slots__ = ("last", "logprobs", "model", "pieces", "refusal", "said")

    def __init__(self, model: str) -> None:
        self.model = model
        self.pieces: list[str] = []
        self.refusal: list[str] = []
        self.logprobs: list[Chosen] = []
        self.last = 0
        self.said: Said | None = None

    def add(self, event: str, data: bytes) -> str:
        if data == b"[DONE]":
            return ""
        one = happening().decode(data)
        number = one.sequence_number
        if isinstance(number, int) and number > 0:
            if number <= self.last:  # told twice
                return ""
            self.last = number
        kind = one.type or event
        if kind == "response.output_text.delta" and isinstance(one.delta, str):
            self.pieces.append(one.delta)
            self.logprobs += one.logprobs or ()
            return one.delta
        if kind == "response.refusal.delta" and isinstance(one.delta, str):
            self.refusal.append(one.delta)
            return one.delta
        if (
            kind in ("response.completed", "response.incomplete", "response.failed")
            and one.response
        ):
            self.said = response().decode(one.response)
        if kind in ("error", "response.failed"):
            error = self.said.error if self.said and self.said.error else one.error
            shown = {"code": one.code, "message": one.message}
            raise inside(error or shown, self.model)
        return ""

    def reply(self) -> Reply:
        if self.said is None:
            raise ended_early()
        if not self.said.output and (self.pieces or self.refusal):
            self.said.output = [self._piecemeal()]
        reply = replied(self.said, self.model)
        if self.logprobs and not reply.tokens:
            reply = structs.replace(reply, tokens=tokens(Logprobs(self.logprobs)))
        return reply

    def _piecemeal(self) -> Item:
        """The output as its pieces told it, where the last event leaves it out."""
        parts = [
            Piece("output_text", "".join(self.pieces)),
            Piece("refusal", refusal="".join(self.refusal)),
        ]
        return Item("message", parts)


def replied(said: Said, model: str) -> Reply:
    """The reply in a whole response.

    Raises:
        ModelError: it failed, was filtered, or holds none.
    """
    if said.error or said.status in ("failed", "cancelled"):
        raise inside(said.error or f"the response is {said.status}", model)
    if said.output is None or said.status in PENDING:
        what = f"is still {said.status}" if said.status in PENDING else "has no output"
        raise Unreadable(f"{model}: the response {what}", billed=True)
    parts = [part for item in said.output for part in item.content or ()]
    text = "".join(part.text or "" for part in parts if part.type == "output_text")
    finish = "stop"
    if said.incomplete_details and said.status != "completed":
        reason = said.incomplete_details.reason or "incomplete"
        finish = FINISH.get(reason, reason)
    elif any(item.type in CALLS for item in said.output):
        finish = "tool"
    if not text:
        refusal = "".join(part.refusal or "" for part in parts)
        if refusal:
            text, finish = refusal, "refused"
        elif finish == "filtered":
            raise Filtered(f"{model}: the content filter stopped the reply", billed=True)
    chosen = [one for part in parts for one in part.logprobs or ()]
    return counted(said, text, finish, chosen)


def counted(said: Said, text: str, finish: str, chosen: list[Chosen]) -> Reply:
    """The reply, with what the service counted."""
    used = said.usage
    tokens_in, tokens_out = within(used, "input_tokens"), within(used, "output_tokens")
    cached = within(used, "input_tokens_details", "cached_tokens") or 0
    cached = min(cached, tokens_in or 0)
    written = within(used, "input_tokens_details", "cache_write_tokens") or 0
    thought = within(used, "output_tokens_details", "reasoning_tokens") or 0
    return Reply(
        text,
        tokens_in,
        cached,
        tokens_out,
        finish=finish,
        tokens_written=min(written, (tokens_in or 0) - cached),
        tokens_reasoning=min(thought, tokens_out or 0),
        tokens=tokens(Logprobs(chosen)),
        reasoning=thoughts(said.output or []),
        upstream=(str(said.model or ""), str(said.id or "")),
    )


def within(used: Any, *path: str) -> int | None:
    """The count at a place in the usage; None where there is none that can be true."""
    for name in path:
        used = used.get(name) if isinstance(used, dict) else None
    return count(used)


def thoughts(output: list[Item]) -> str:
    """What the model thought: its own words where they are told, else the summaries of them."""
    items = [item for item in output if item.type == "reasoning"]
    told = [item.content or item.summary or () for item in items]
    return "\n\n".join(part.text for parts in told for part in parts if part.text)


class Piece(Struct):
    """A part of a message, or of what was thought."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None
    logprobs: list[Chosen] | None = None


class Item(Struct):
    """A message, a thought, or a call of a tool."""

    type: str = ""
    content: list[Piece] | None = None
    summary: list[Piece] | None = None


class Incomplete(Struct):
    """Why a response is not whole."""

    reason: str | None = None


class Said(Struct):
    """A whole response."""

    output: list[Item] | None = None
    status: str | None = None
    incomplete_details: Incomplete | None = None
    usage: Any = None
    model: Any = None
    id: Any = None
    error: Any = None


class Happening(Struct):
    """An event of a stream."""

    type: str = ""
    sequence_number: Any = None
    delta: Any = None
    logprobs: list[Chosen] | None = None
    response: Raw = Raw()
    error: Any = None
    code: Any = None
    message: Any = None


@cache
def response() -> msgspec.json.Decoder[Said]:
    """The decoder of whole responses."""
    return msgspec.json.Decoder(Said)


@cache
def happening() -> msgspec.json.Decoder[Happening]:
    """The decoder of events."""
    return msgspec.json.Decoder(Happening)
