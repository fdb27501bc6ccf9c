"""OpenAI's chat completions, and every server that is compatible with them.

Source: OpenAI API reference, Chat Completions; DeepSeek, Mistral and vLLM for continuing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from onefold.core.answer import Token
from onefold.core.errors import Filtered, Unreadable
from onefold.core.query import Message
from onefold.delivery.provider import Reply, Request
from onefold.providers.http.failures import spoken, told
from onefold.providers.wires.wire import Fold, Wire, count, ended_early, strict

FINISH = {"content_filter": "filtered", "tool_calls": "tool", "function_call": "tool", None: "stop"}


class Chat(Wire, abstract=True):
    """A service with OpenAI's chat completions; what each does differently is said in its class.

    limit: its name for the limit of tokens. seed: its name for the seed.
    asks_usage: whether a stream tells usage only when asked.
    schema: how it takes a JSON Schema: as such, or only as «some JSON object».
    """

    path: ClassVar[str] = "/chat/completions"
    path_continued: ClassVar[str] = ""
    limit: ClassVar[str] = "max_tokens"
    seed: ClassVar[str] = "seed"
    asks_usage: ClassVar[bool] = True
    takes_schema: ClassVar[bool] = True

    def request(self, request: Request, stream: bool) -> tuple[str, dict[str, Any]]:
        sampling = request.sampling
        messages = [spelled(message) for message in request.messages]
        body: dict[str, Any] = {"model": self.model, "messages": messages}
        for name in ("temperature", "top_p", "top_k", "presence_penalty", "frequency_penalty"):
            value = getattr(sampling, name)
            if value is not None:
                body[name] = value
        if sampling.max_tokens is not None:
            body[self.limit] = sampling.max_tokens
        if sampling.seed is not None:
            body[self.seed] = sampling.seed
        if sampling.stop:
            body["stop"] = sampling.stop
        if sampling.effort is not None:
            body["reasoning_effort"] = sampling.effort
        if request.logprobs is not None:
            body["logprobs"] = True
            if request.logprobs:
                body["top_logprobs"] = request.logprobs
        if request.schema is not None:
            body["response_format"] = self._format(request.schema, messages)
        path = self.path
        if request.begun:
            path = self.path_continued or path
            if self._continuing() == "prefix":
                messages[-1]["prefix"] = True
            elif self._continuing() == "flag":
                body |= {"continue_final_message": True, "add_generation_prompt": False}
        if stream:
            body["stream"] = True
            if self.asks_usage:
                body["stream_options"] = {"include_usage": True}
        return path, body

    def parse(self, data: bytes) -> Reply:
        said = completion().decode(data)
        if said.error:
            raise told(0, *spoken({"error": said.error}), who=self.model)
        if not said.choices:
            raise Unreadable(f"{self.model}: the reply has no choices", billed=True)
        choice = said.choices[0]
        message = choice.message
        text = plain(message.content)
        finish = finished(choice.finish_reason)
        if not text and message.refusal:
            text, finish = message.refusal, "refused"
        if not text and finish == "filtered":
            raise Filtered(f"{self.model}: the content filter stopped the reply", billed=True)
        reasoning = message.reasoning_content or message.reasoning or thought(message.content)
        return replied(said, text, finish, tokens(choice.logprobs), reasoning)

    def fold(self) -> Fold:
        return ChatFold(self.model)

    def _format(self, schema: Mapping[str, Any], messages: list[dict[str, Any]]) -> dict[str, Any]:
        """How the reply's form is asked for."""
        if self.takes_schema:
            named = {"name": "reply", "schema": schema, "strict": strict(schema)}
            return {"type": "json_schema", "json_schema": named}
        wanted = f"Reply with JSON that fits this schema: {msgspec.json.encode(schema).decode()}"
        if messages and messages[0]["role"] == "system":
            messages[0]["content"] += f"\n\n{wanted}"
        else:
            messages.insert(0, {"role": "system", "content": wanted})
        return {"type": "json_object"}


class ChatFold(Fold):
    """Adds up the chunks of a chat completion."""

    __slots__ = ("finish", "last", "logprobs", "model", "pieces", "reasoning", "usage")

    def __init__(self, model: str) -> None:
        self.model = model
        self.pieces: list[str] = []
        self.reasoning: list[str] = []
        self.logprobs: list[Any] = []
        self.finish: str | None = ""
        self.last: Chunk | None = None
        self.usage: Chunk | None = None

    def add(self, event: str, data: bytes) -> str:
        if data == b"[DONE]":
            return ""
        said = chunk().decode(data)
        if said.error:
            raise told(0, *spoken({"error": said.error}), who=self.model)
        if said.usage:
            self.usage = said
        if not said.choices:
            return ""
        self.last = said
        choice = said.choices[0]
        delta = choice.delta
        if choice.finish_reason:
            self.finish = choice.finish_reason
        if choice.logprobs and choice.logprobs.content:
            self.logprobs += choice.logprobs.content
        thinking = delta.reasoning_content or delta.reasoning or thought(delta.content)
        if thinking:
            self.reasoning.append(thinking)
        text = delta.content if isinstance(delta.content, str) else plain(delta.content)
        text = text or delta.refusal or ""
        if text:
            self.pieces.append(text)
        return text

    def reply(self) -> Reply:
        text = "".join(self.pieces)
        if not self.finish or self.last is None:
            raise ended_early()
        finish = finished(self.finish)
        if not text and finish == "filtered":
            raise Filtered(f"{self.model}: the content filter stopped the reply", billed=True)
        said = self.usage or self.last
        return replied(said, text, finish, tokens(Logprobs(self.logprobs)), "".join(self.reasoning))


def spelled(message: Message) -> dict[str, Any]:
    """A message in OpenAI's words."""
    return {"role": message.role, "content": message.content}


def finished(reason: str | None) -> str:
    """Why it ended, in our words where we have one."""
    return FINISH.get(reason, reason or "stop")


def plain(content: Any) -> str:
    """The text of a message's content: a string, or the texts among its parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    return "".join(part.get("text") or "" for part in parts if isinstance(part, Mapping))


def thought(content: Any) -> str:
    """What stands in the thinking parts of a message's content, as Mistral has them."""
    if not isinstance(content, list):
        return ""
    parts = [part for part in content if isinstance(part, Mapping) and "thinking" in part]
    return "".join(plain(part["thinking"]) for part in parts)


def tokens(logprobs: Logprobs | None) -> tuple[Token, ...]:
    """The tokens with their log-probabilities."""
    if logprobs is None or not logprobs.content:
        return ()
    return tuple(
        Token(one.token, one.logprob, {other.token: other.logprob for other in one.top_logprobs})
        for one in logprobs.content
    )


def replied(
    said: Completion | Chunk,
    text: str,
    finish: str,
    logprobs: tuple[Token, ...],
    reasoning: str | None,
) -> Reply:
    """The reply, with what the service counted."""
    used = said.usage
    upstream = (str(said.model or ""), str(said.id or ""))
    if used is None:
        return Reply(
            text, finish=finish, tokens=logprobs, reasoning=reasoning or "", upstream=upstream
        )
    read, written = used.prompt_tokens_details, used.completion_tokens_details
    cached = read.cached_tokens if read else used.prompt_cache_hit_tokens
    tokens_in = count(used.prompt_tokens)
    usd = used.cost if isinstance(used.cost, int | float) and used.cost >= 0 else None
    return Reply(
        text,
        tokens_in,
        min(count(cached) or 0, tokens_in or 0),
        count(used.completion_tokens),
        usd=usd,
        finish=finish,
        tokens_reasoning=count(written.reasoning_tokens) or 0 if written else 0,
        tokens=logprobs,
        reasoning=reasoning or "",
        upstream=upstream,
    )


class Said(Struct):
    """A message, or a piece of one."""

    content: Any = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class Alternative(Struct):
    """A token that was likely too."""

    token: str
    logprob: float


class Chosen(Struct):
    """A token of the reply."""

    token: str
    logprob: float
    top_logprobs: list[Alternative] = []


class Logprobs(Struct):
    """Log-probabilities of the tokens."""

    content: list[Chosen] | None = None


class Choice(Struct):
    """The one reply that we ask for."""

    message: Said = msgspec.field(default_factory=Said)
    delta: Said = msgspec.field(default_factory=Said)
    finish_reason: str | None = None
    logprobs: Logprobs | None = None


class Read(Struct):
    """What the prompt's tokens were."""

    cached_tokens: Any = None


class Written(Struct):
    """What the reply's tokens were."""

    reasoning_tokens: Any = None


class Used(Struct):
    """Tokens, and what OpenRouter says it costs."""

    prompt_tokens: Any = None
    completion_tokens: Any = None
    prompt_tokens_details: Read | None = None
    completion_tokens_details: Written | None = None
    prompt_cache_hit_tokens: Any = None
    cost: Any = None


class Completion(Struct):
    """A whole reply."""

    choices: list[Choice] | None = None
    usage: Used | None = None
    model: Any = None
    id: Any = None
    error: Any = None


class Chunk(Struct):
    """A piece of a stream."""

    choices: list[Choice] | None = None
    usage: Used | None = None
    model: Any = None
    id: Any = None
    error: Any = None


@cache
def completion() -> msgspec.json.Decoder[Completion]:
    """The decoder of whole replies."""
    return msgspec.json.Decoder(Completion)


@cache
def chunk() -> msgspec.json.Decoder[Chunk]:
    """The decoder of pieces."""
    return msgspec.json.Decoder(Chunk)
