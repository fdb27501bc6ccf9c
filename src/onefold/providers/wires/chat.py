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
from onefold.delivery.provider import Reply, Request, Sampling
from onefold.providers.http.failures import inside
from onefold.providers.wires.wire import Fold, Wire, count, ended_early, strict

FINISH = {
    "content_filter": "filtered",
    "tool_calls": "tool",
    "function_call": "tool",
    "model_length": "length",
    "max_tokens": "length",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "until",
    None: "stop",
}
PLAIN = Sampling()
Odd = list[Any] | str | float | bool | None  # what stands where an object should


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
        messages: list[dict[str, Any]]
        messages = [{"role": said.role, "content": said.content} for said in request.messages]
        body: dict[str, Any] = {"model": self.model, "messages": messages}
        if request.sampling != PLAIN:
            self._sample(request.sampling, body)
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
            raise inside(said.error, self.model)
        if not said.choices:
            raise Unreadable(f"{self.model}: the reply has no choices", billed=True)
        choice = said.choices[0]
        message = choice.message or NOTHING
        content = message.content
        text = content if type(content) is str else plain(content)
        finish = finished(choice.finish_reason, choice.stop_reason or choice.matched_stop)
        if not text and message.refusal:
            text, finish = message.refusal, "refused"
        if not text and finish == "filtered":
            raise Filtered(f"{self.model}: the content filter stopped the reply", billed=True)
        reasoning = message.reasoning_content or message.reasoning or thought(content)
        return replied(said, text, finish, tokens(choice.logprobs), reasoning or "")

    def fold(self) -> Fold:
        return ChatFold(self.model)

    def _sample(self, sampling: Sampling, body: dict[str, Any]) -> None:
        """Add the settings to a body, each by the service's own name."""
        if sampling.temperature is not None:
            body["temperature"] = sampling.temperature
        if sampling.top_p is not None:
            body["top_p"] = sampling.top_p
        if sampling.top_k is not None:
            body["top_k"] = sampling.top_k
        if sampling.presence_penalty is not None:
            body["presence_penalty"] = sampling.presence_penalty
        if sampling.frequency_penalty is not None:
            body["frequency_penalty"] = sampling.frequency_penalty
        if sampling.max_tokens is not None:
            body[self.limit] = sampling.max_tokens
        if sampling.seed is not None:
            body[self.seed] = sampling.seed
        if sampling.stop:
            body["stop"] = sampling.stop
        if sampling.effort is not None:
            body["reasoning_effort"] = sampling.effort

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

    __slots__ = (
        "at", "done", "finish", "last", "logprobs", "model", "pieces", "reasoning", "refusal",
        "usage",
    )  # fmt: skip

    def __init__(self, model: str) -> None:
        self.model = model
        self.pieces: list[str] = []
        self.refusal: list[str] = []
        self.reasoning: list[str] = []
        self.logprobs: list[Chosen] = []
        self.finish: str | None = None
        self.at: Any = None
        self.done = False
        self.last: Completion | None = None
        self.usage: Used | None = None

    def add(self, event: str, data: bytes) -> str:
        if data == b"[DONE]":
            self.done = True
            return ""
        said = completion().decode(data)
        if said.error:
            raise inside(
                said.error, self.model, begun=bool(self.pieces or self.refusal or self.reasoning)
            )
        if type(said.usage) is Used:
            self.usage = said.usage
        if not said.choices:
            return ""
        self.last = said
        choice = said.choices[0]
        delta = choice.delta or NOTHING
        if choice.finish_reason:
            self.finish = choice.finish_reason
            self.at = choice.stop_reason or choice.matched_stop
        if choice.logprobs is not None and type(choice.logprobs) is Logprobs:
            self.logprobs += choice.logprobs.content or ()
        thinking = delta.reasoning_content or delta.reasoning or thought(delta.content)
        if thinking:
            self.reasoning.append(thinking)
        text = delta.content if type(delta.content) is str else plain(delta.content)
        if text:
            self.pieces.append(text)
        elif delta.refusal:
            text = delta.refusal
            self.refusal.append(text)
        return text

    def reply(self) -> Reply:
        text = "".join(self.pieces)
        if self.last is None or not (self.finish or self.done):
            raise ended_early()
        finish = finished(self.finish, self.at)
        if not text and self.refusal:
            text, finish = "".join(self.refusal), "refused"
        if not text and finish == "filtered":
            raise Filtered(f"{self.model}: the content filter stopped the reply", billed=True)
        self.last.usage = self.usage
        return replied(
            self.last, text, finish, tokens(Logprobs(self.logprobs)), "".join(self.reasoning)
        )


def spelled(message: Message) -> dict[str, Any]:
    """A message in OpenAI's words."""
    return {"role": message.role, "content": message.content}


def finished(reason: str | None, at: Any = None) -> str:
    """Why it ended, in our words where we have one.

    at: the stop text where it ended, as vLLM and SGLang tell it; a number is a token's.
    """
    if reason == "stop" and isinstance(at, str):
        return "until"
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


def tokens(logprobs: Logprobs | Odd) -> tuple[Token, ...]:
    """The tokens with their log-probabilities; those that cannot be true are left out."""
    if type(logprobs) is not Logprobs or not logprobs.content:
        return ()
    return tuple(
        Token(
            one.token,
            one.logprob,
            {
                other.token: other.logprob
                for other in one.top_logprobs or ()
                if other.logprob is not None
            },
        )
        for one in logprobs.content
        if one.logprob is not None
    )


def replied(
    said: Completion, text: str, finish: str, logprobs: tuple[Token, ...], reasoning: str
) -> Reply:
    """The reply, with what the service counted."""
    used = said.usage
    upstream = (str(said.model or ""), str(said.id or ""))
    if type(used) is not Used:
        return Reply(text, finish=finish, tokens=logprobs, reasoning=reasoning, upstream=upstream)
    tokens_in, tokens_out = count(used.prompt_tokens), count(used.completion_tokens)
    cached = written = hidden = 0
    read, wrote = used.prompt_tokens_details, used.completion_tokens_details
    if type(read) is Read and (read.cached_tokens or read.cache_write_tokens):
        cached, written = count(read.cached_tokens) or 0, count(read.cache_write_tokens) or 0
    if used.prompt_cache_hit_tokens and not cached:
        cached = count(used.prompt_cache_hit_tokens) or 0
    if cached or written:
        cached = min(cached, tokens_in or 0)
        written = min(written, (tokens_in or 0) - cached)
    if type(wrote) is Written and wrote.reasoning_tokens:
        hidden = count(wrote.reasoning_tokens) or 0
        apart = (tokens_in or 0) + (tokens_out or 0) + hidden == used.total_tokens
        if apart and tokens_out is not None:  # xAI does not count them among those written
            tokens_out += hidden
        hidden = min(hidden, tokens_out or 0)
    usd = used.cost
    if usd is not None and (type(usd) not in (int, float) or usd < 0):
        usd = None
    return Reply(
        text,
        tokens_in,
        cached,
        tokens_out,
        usd=usd,
        finish=finish,
        tokens_written=written,
        tokens_reasoning=hidden,
        tokens=logprobs,
        reasoning=reasoning,
        upstream=upstream,
    )


class Said(Struct, gc=False):
    """A message, or a piece of one."""

    content: Any = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


NOTHING = Said()


class Alternative(Struct, gc=False):
    """A token that was likely too."""

    token: str
    logprob: float | None = None


class Chosen(Struct, gc=False):
    """A token of the reply."""

    token: str
    logprob: float | None = None
    top_logprobs: list[Alternative] | None = None


class Logprobs(Struct, gc=False):
    """Log-probabilities of the tokens."""

    content: list[Chosen] | None = None


class Choice(Struct, gc=False):
    """The one reply that we ask for."""

    message: Said | None = None
    delta: Said | None = None
    finish_reason: str | None = None
    logprobs: Logprobs | Odd = None
    stop_reason: Any = None
    matched_stop: Any = None


class Read(Struct, gc=False):
    """What the prompt's tokens were."""

    cached_tokens: Any = None
    cache_write_tokens: Any = None


class Written(Struct, gc=False):
    """What the reply's tokens were."""

    reasoning_tokens: Any = None


class Used(Struct, gc=False):
    """Tokens, and what OpenRouter says it costs."""

    prompt_tokens: Any = None
    completion_tokens: Any = None
    total_tokens: Any = None
    prompt_tokens_details: Read | Odd = None
    completion_tokens_details: Written | Odd = None
    prompt_cache_hit_tokens: Any = None
    cost: Any = None


class Completion(Struct, gc=False):
    """A whole reply, or a piece of a stream."""

    choices: list[Choice] | None = None
    usage: Used | Odd = None
    model: Any = None
    id: Any = None
    error: Any = None


@cache
def completion() -> msgspec.json.Decoder[Completion]:
    """The decoder of replies and of pieces."""
    return msgspec.json.Decoder(Completion)
