"""Google's Gemini: generateContent and streamGenerateContent.

Source: Gemini API reference (v1beta): Generating content, Structured output, Thinking.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from onefold.core.answer import Token
from onefold.core.errors import Filtered, ModelError, Unreadable
from onefold.core.query import Message
from onefold.delivery.provider import Reply, Request
from onefold.providers.http.failures import spoken, told, wait
from onefold.providers.wires.wire import Fold, Service, Wire, count, ended_early

SETTINGS = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "max_tokens": "maxOutputTokens",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
BLOCKED = (
    "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "ESCALATION", "MODEL_ARMOR",
)  # fmt: skip
TOOLS = ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS")
FINISH = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    **dict.fromkeys(BLOCKED, "filtered"),
    **dict.fromkeys(TOOLS, "tool"),
}
BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}


class Gemini(Wire, name="gemini"):
    """Google's Gemini: `gemini:gemini-2.5-flash`.

    Effort is a level of thinking; models 2.5 get the budget of tokens that Google's own
    compatibility layer gives for it.
    """

    service: ClassVar[Service] = Service(
        "https://generativelanguage.googleapis.com",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        header="x-goog-api-key",
        continues="trailing",
    )

    def request(self, request: Request, stream: bool) -> tuple[str, dict[str, Any]]:
        sampling = request.sampling
        body: dict[str, Any] = {
            "contents": [turn(message) for message in request.messages if message.role != "system"]
        }
        system = [message for message in request.messages if message.role == "system"]
        if system:
            body["systemInstruction"] = {"parts": [{"text": one.content} for one in system]}
        settings: dict[str, Any] = {}
        for name, theirs in SETTINGS.items():
            value = getattr(sampling, name)
            if value is not None:
                settings[theirs] = value
        if sampling.stop:
            settings["stopSequences"] = sampling.stop
        if sampling.effort is not None:
            settings["thinkingConfig"] = self._thinking(sampling.effort)
        if request.logprobs is not None:
            settings["responseLogprobs"] = True
            if request.logprobs:
                settings["logprobs"] = request.logprobs
        if request.schema is not None:
            settings["responseMimeType"] = "application/json"
            settings["responseJsonSchema"] = request.schema
        if settings:
            body["generationConfig"] = settings
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        model = self.model if "/" in self.model else f"models/{self.model}"
        return f"/v1beta/{quote(model)}:{verb}", body

    def parse(self, data: bytes) -> Reply:
        fold = GeminiFold(self.model)
        fold.add("", data)
        if not fold.candidates:
            raise Unreadable(f"{self.model}: the reply has no candidates", billed=True)
        fold.finish = fold.finish or "STOP"
        return fold.reply()

    def fold(self) -> Fold:
        return GeminiFold(self.model)

    def _thinking(self, effort: str) -> dict[str, Any]:
        """How hard the model is to think."""
        if "gemini-2.5" in self.model and effort in BUDGETS:
            return {"thinkingBudget": BUDGETS[effort]}
        return {"thinkingLevel": effort.upper()}


class GeminiFold(Fold):
    """Adds up responses: a stream's events are shaped as whole replies are."""

    __slots__ = (
        "calls", "candidates", "finish", "id", "last", "model", "pieces", "reasoning", "tokens",
        "used", "version", "why",
    )  # fmt: skip

    def __init__(self, model: str) -> None:
        self.model = model
        self.pieces: list[str] = []
        self.reasoning: list[str] = []
        self.tokens: list[Token] = []
        self.used = Used()
        self.version: Any = None
        self.id: Any = None
        self.finish = ""
        self.why = ""
        self.last: bytes | None = None
        self.candidates = False
        self.calls = False

    def add(self, event: str, data: bytes) -> str:
        if data == self.last:  # the end, said twice
            return ""
        said = response().decode(data)
        if said.error:
            error = failed(said.error, self.model, data)
            error.billed = bool(self.pieces or self.reasoning)
            raise error
        self.used = said.usage_metadata or self.used
        self.version = said.model_version or self.version
        self.id = said.response_id or self.id
        if said.prompt_feedback is not None and said.prompt_feedback.block_reason:
            raise Filtered(
                f"{self.model}: the prompt was blocked ({said.prompt_feedback.block_reason})",
                billed=True,
            )
        if not said.candidates:
            return ""
        self.candidates = True
        candidate = said.candidates[0]
        if candidate.finish_reason:
            self.finish = candidate.finish_reason
            self.last = data
            self.why = candidate.finish_message or ""
        if candidate.logprobs_result is not None:
            self.tokens += tokens(candidate.logprobs_result)
        text = ""
        for part in (candidate.content.parts if candidate.content else None) or ():
            if part.thought:
                self.reasoning.append(part.text or "")
            else:
                text += part.text or ""
            self.calls = self.calls or part.function_call is not None
        if text:
            self.pieces.append(text)
        return text

    def reply(self) -> Reply:
        if not self.finish:
            raise ended_early()
        text = "".join(self.pieces)
        finish = FINISH.get(self.finish, self.finish)
        if finish == "filtered" and not text:
            why = f"{self.finish}: {self.why}" if self.why else self.finish
            raise Filtered(f"{self.model}: the reply was blocked ({why})", billed=True)
        if finish == "stop" and self.calls:
            finish = "tool"
        tokens_in, cached, tokens_out, thought = counted(self.used, bool(text))
        return Reply(
            text,
            tokens_in,
            cached,
            tokens_out,
            finish=finish,
            tokens_reasoning=thought,
            tokens=tuple(self.tokens),
            reasoning="".join(self.reasoning),
            upstream=(str(self.version or ""), str(self.id or "")),
        )


def turn(message: Message) -> dict[str, Any]:
    """A message in Google's words."""
    role = "model" if message.role == "assistant" else message.role
    return {"role": role, "parts": [{"text": message.content}]}


def failed(error: Any, who: str, data: bytes) -> ModelError:
    """The error in a body, with the status that it says itself."""
    status = error.get("code") if isinstance(error, Mapping) else None
    if not isinstance(status, int) or not 400 <= status < 600:
        status = 0
    return told(status, *spoken({"error": error}), who, wait({}, data))


def tokens(result: Logprobs) -> list[Token]:
    """The tokens with their log-probabilities and those of the likeliest others."""
    steps = result.top_candidates or []
    likely = [{one.token: one.log_probability for one in step.candidates or ()} for step in steps]
    return [
        Token(one.token, one.log_probability, likely[i] if i < len(likely) else {})
        for i, one in enumerate(result.chosen_candidates or ())
    ]


def counted(used: Used, spoke: bool) -> tuple[int | None, int, int | None, int]:
    """Tokens read, of them cached; written, of them thought. Google leaves out what is zero."""
    read, tools = count(used.prompt_token_count), count(used.tool_use_prompt_token_count or 0)
    tokens_in = None if read is None or tools is None else read + tools
    said, thought = count(used.candidates_token_count), count(used.thoughts_token_count or 0)
    if used.candidates_token_count is None and not spoke and tokens_in is not None:
        said = 0
    tokens_out = None if said is None or thought is None else said + thought
    cached = min(count(used.cached_content_token_count) or 0, tokens_in or 0)
    return tokens_in, cached, tokens_out, min(thought or 0, tokens_out or 0)


class Part(Struct, rename="camel"):
    """A part of a content: text, a thought, or a call of a function."""

    text: str | None = None
    thought: bool | None = None
    function_call: Any = None


class Content(Struct):
    """What the model said."""

    parts: list[Part] | None = None


class Chosen(Struct, rename="camel"):
    """A token; Google leaves out a log-probability of zero."""

    token: str = ""
    log_probability: float = 0.0


class Step(Struct):
    """The likeliest tokens at one place."""

    candidates: list[Chosen] | None = None


class Logprobs(Struct, rename="camel"):
    """Log-probabilities of the tokens."""

    chosen_candidates: list[Chosen] | None = None
    top_candidates: list[Step] | None = None


class Candidate(Struct, rename="camel"):
    """The one reply that we ask for."""

    content: Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    logprobs_result: Logprobs | None = None


class Feedback(Struct, rename="camel"):
    """What was found about the prompt."""

    block_reason: str | None = None


class Used(Struct, rename="camel"):
    """Tokens; thoughts are no part of the candidates', the cached are part of the prompt's."""

    prompt_token_count: Any = None
    tool_use_prompt_token_count: Any = None
    cached_content_token_count: Any = None
    candidates_token_count: Any = None
    thoughts_token_count: Any = None


class Response(Struct, rename="camel"):
    """A whole reply, or a piece of one."""

    candidates: list[Candidate] | None = None
    prompt_feedback: Feedback | None = None
    usage_metadata: Used | None = None
    model_version: Any = None
    response_id: Any = None
    error: Any = None


@cache
def response() -> msgspec.json.Decoder[Response]:
    """The decoder of replies and of their pieces."""
    return msgspec.json.Decoder(Response)
