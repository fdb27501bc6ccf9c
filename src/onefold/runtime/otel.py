"""Spans mirrored in OpenTelemetry, by its semantic conventions for generative AI.

Names: github.com/open-telemetry/semantic-conventions-genai at 024a4f9 (status: development).
Its `gen_ai.provider.name` replaces `gen_ai.system`, which is deprecated and not set here.
"""

from __future__ import annotations

from collections import deque
from contextvars import Token
from time import time_ns
from typing import TYPE_CHECKING, Any

import msgspec

from onefold.core.errors import MissingExtra
from onefold.runtime.logs import (
    ANSWERED_FROM,
    FAULTS,
    agreement,
    answered,
    asked,
    because,
    below,
    encodable,
    kind,
)
from onefold.runtime.trace import Phase, Span

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span as Mirror
    from opentelemetry.trace import TracerProvider

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_STREAM = "gen_ai.request.stream"
OUTPUT_TYPE = "gen_ai.output.type"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_ID = "gen_ai.response.id"
FINISH_REASONS = "gen_ai.response.finish_reasons"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
TOKENS_IN = "gen_ai.usage.input_tokens"
TOKENS_CACHED = "gen_ai.usage.cache_read.input_tokens"
TOKENS_WRITTEN = "gen_ai.usage.cache_write.input_tokens"
TOKENS_OUT = "gen_ai.usage.output_tokens"
TOKENS_REASONING = "gen_ai.usage.reasoning.output_tokens"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
ERROR_TYPE = "error.type"
VERB = "onefold.verb"
NAME = "onefold.name"
STATUS = "onefold.status"
USD = "onefold.usd"
CALLS = "onefold.calls"
ESTIMATED = "onefold.estimated"
FROM = "onefold.answered_from"
AGREEMENT = "onefold.agreement"
CONSENSUS = "onefold.consensus"
SCORE = "onefold.score"
PROMPT = "onefold.prompt"
TEXT = "onefold.text"

SAMPLING = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "max_tokens": "gen_ai.request.max_tokens",
    "seed": "gen_ai.request.seed",
    "stop": "gen_ai.request.stop_sequences",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "effort": "gen_ai.request.reasoning.level",
}
PROVIDERS = {
    "azure": "azure.ai.openai",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "xai": "x_ai",
}  # those that the conventions call otherwise
FINISHES = {"filtered": "content_filter", "tool": "tool_call", "until": "stop"}
UNKNOWN = "unknown"


class Pair:
    """A running span's mirror, the context it replaced, and when the loop's clock said zero.

    epoch: nanoseconds since 1970 at second zero of the loop's clock, one for a whole question, so
        that its spans keep their order and length when the wall clock is set, or time is virtual.
    """

    __slots__ = ("epoch", "first", "mirror", "token")

    def __init__(self, mirror: Mirror, token: Token[Context], epoch: int) -> None:
        self.mirror = mirror
        self.token = token
        self.epoch = epoch
        self.first = True


class OpenTelemetry:
    """A listener that mirrors each span in OpenTelemetry; needs the extra `otel`.

    tracer_provider: whose tracer is used; the process's own by default.
    content: also prompts, replies and the messages of errors, which may quote either.

    A question hangs below the span that is current where it is asked; while ours run, their mirrors
    are current, so that spans of an instrumented HTTP client hang below the call. Model calls are
    `chat {model}` with `gen_ai.*` attributes; what is above them has only `onefold.*`, so that
    tokens add up. What goes wrong in here is kept in `faults` and disturbs nobody.

    Raises:
        MissingExtra: opentelemetry-api is not installed.
    """

    wants_words = False  # nothing is streamed for its sake

    def __init__(
        self, tracer_provider: TracerProvider | None = None, content: bool = False
    ) -> None:
        try:
            from opentelemetry import context, trace
        except ImportError:
            raise MissingExtra("otel", "OpenTelemetry") from None
        self._context = context
        self._trace = trace
        self._tracer = trace.get_tracer("onefold", tracer_provider=tracer_provider)
        self._pairs: dict[int, Pair] = {}
        self.content = content
        self.faults: deque[Exception] = deque(maxlen=FAULTS)

    def __call__(self, phase: Phase, span: Span, what: str, value: Any) -> None:
        try:
            if phase == "start":
                self._start(span)
            elif phase == "stop":
                self._stop(span)
            elif (pair := self._pairs.get(id(span))) is not None:
                self._note(pair, span, what, value)
        except Exception as error:
            self.faults.append(error)

    def _start(self, span: Span) -> None:
        trace = self._trace
        above = self._pairs.get(id(span.parent))
        epoch = above.epoch if above else time_ns() - nanoseconds(span.started)
        calls = span.verb == "complete"
        mirror = self._tracer.start_span(
            f"chat {span.name}" if calls else f"{span.verb} {span.name}",
            trace.set_span_in_context(above.mirror) if above else None,
            trace.SpanKind.CLIENT if calls else trace.SpanKind.INTERNAL,
            called(span) if calls else {VERB: span.verb, NAME: span.name},
            start_time=epoch + nanoseconds(span.started),
        )
        token = self._context.attach(trace.set_span_in_context(mirror))
        self._pairs[id(span)] = Pair(mirror, token, epoch)

    def _note(self, pair: Pair, span: Span, what: str, value: Any) -> None:
        mirror = pair.mirror
        if what == "token":
            if pair.first:
                pair.first = False
                mirror.set_attributes({REQUEST_STREAM: True, FIRST_CHUNK: span.so_far()})
        elif what in ANSWERED_FROM:
            mirror.set_attribute(FROM, ANSWERED_FROM[what])
        elif what == "provider":
            mirror.set_attribute(PROVIDER, PROVIDERS.get(value, value))
        elif what == "consensus":
            mirror.set_attribute(CONSENSUS, value.reached)
        elif what != "draft":
            now = pair.epoch + nanoseconds(span.started + span.so_far())
            mirror.add_event(f"onefold.{what}", timestamp=now)

    def _stop(self, span: Span) -> None:
        pair = self._pairs.pop(id(span), None)
        if pair is None:
            return
        self._context.detach(pair.token)
        end = pair.epoch + nanoseconds(span.started + span.seconds)
        if span.parent is None:
            for lost in below(span):  # begun, and given up before they did anything
                if (left := self._pairs.pop(id(lost), None)) is not None:
                    left.mirror.end(end)
        try:
            if pair.mirror.is_recording():
                self._tell(pair.mirror, span)
        finally:
            pair.mirror.end(end)

    def _tell(self, mirror: Mirror, span: Span) -> None:
        """What became of a span, on its mirror."""
        calls = span.verb == "complete"
        about = ended(span) | (replied(span) if calls else {})
        if calls and span.answer is not None and span.answer.vectors:
            about[OPERATION] = "embeddings"
            mirror.update_name(f"embeddings {span.name}")
        if self.content:
            about |= messages(span) if calls else {PROMPT: asked(span), TEXT: answered(span)}
        mirror.set_attributes({name: said for name, said in about.items() if said is not None})
        if span.status == "failed":
            why = because(span) if self.content else None
            mirror.set_status(self._trace.Status(self._trace.StatusCode.ERROR, why))


def called(span: Span) -> dict[str, Any]:
    """What is known of a model call before it is made."""
    provider, colon, _ = span.name.partition(":")
    known = PROVIDERS.get(provider, provider) if colon else UNKNOWN
    about = {OPERATION: "chat", PROVIDER: known, REQUEST_MODEL: span.name}
    sampling = getattr(span.query, "sampling", None)
    for field, name in SAMPLING.items():
        value = getattr(sampling, field, None)
        if value is not None and value != ():
            about[name] = value
    if getattr(span.query, "schema", None) is not None:
        about[OUTPUT_TYPE] = "json"
    return about


def replied(span: Span) -> dict[str, Any]:
    """What a model's reply says of itself, and what it used."""
    usage, reply = span.usage, span.answer
    about: dict[str, Any] = {
        TOKENS_IN: usage.tokens_in,
        TOKENS_OUT: usage.tokens_out,
        TOKENS_CACHED: usage.tokens_cached or None,
        TOKENS_WRITTEN: usage.tokens_written or None,
        TOKENS_REASONING: usage.tokens_reasoning or None,
    }
    if reply is not None:
        about[FINISH_REASONS] = (FINISHES.get(reply.finish, reply.finish),)
        model, identifier = reply.upstream
        about |= {RESPONSE_MODEL: model or None, RESPONSE_ID: identifier or None}
    return about


def ended(span: Span) -> dict[str, Any]:
    """How any span ended; None where there is nothing to say."""
    usage = span.usage
    return {
        STATUS: span.status,
        ERROR_TYPE: kind(span),
        USD: usage.usd,
        CALLS: usage.calls,
        ESTIMATED: usage.estimated,
        AGREEMENT: agreement(span.answer),
        SCORE: span.answer if span.verb == "score" else None,
    }


def messages(span: Span) -> dict[str, Any]:
    """What a model was told and replied, as the JSON that the conventions want on spans."""
    told = [spoken(message.role, message.content) for message in span.query.messages]
    about = {INPUT_MESSAGES: msgspec.json.encode(told).decode()}
    if span.answer is not None:
        finish = FINISHES.get(span.answer.finish, span.answer.finish)
        said = [spoken("assistant", span.answer.text) | {"finish_reason": finish}]
        about[OUTPUT_MESSAGES] = msgspec.json.encode(said).decode()
    return about


def spoken(role: str, text: str) -> dict[str, Any]:
    """One message of text."""
    return {"role": role, "parts": [{"type": "text", "content": encodable(text)}]}


def nanoseconds(seconds: float) -> int:
    """Whole nanoseconds."""
    return int(seconds * 1e9)
