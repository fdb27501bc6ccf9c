"""Google's Gemini: generateContent and streamGenerateContent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exchange import Asked, Call, Reply, Said, Wrong
from script import Script

from dialects.base import JSON, Dialect, alternatives, event, silent, text_of

KNOWN = """
    cachedContent contents generationConfig model safetySettings serviceTier store
    systemInstruction toolConfig tools
"""
SETTINGS = """
    _responseJsonSchema candidateCount enableEnhancedCivicAnswers frequencyPenalty imageConfig
    logprobs maxOutputTokens mediaResolution presencePenalty responseJsonSchema responseLogprobs
    responseMimeType responseModalities responseSchema seed speechConfig stopSequences
    temperature thinkingConfig topK topP
"""
SCHEMA = """
    type format title description nullable enum maxItems minItems properties required
    minProperties maxProperties minLength maxLength pattern example anyOf propertyOrdering
    default items minimum maximum
"""
STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "filtered": "SAFETY", "refused": "STOP"}
RPC = "type.googleapis.com/google.rpc."


def error(status: int, message: str, details: list[Any] | None = None) -> Any:
    """Google's error body."""
    told = {"code": status, "message": message, "status": STATUS.get(status, "UNKNOWN")}
    return {"error": told | ({"details": details} if details else {})}


def invalid(message: str) -> Wrong:
    """A request that Google does not accept."""
    return Wrong(400, error(400, message))


def camel(name: str) -> str:
    """A field's name as JSON spells it: Google also takes snake case."""
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest) if head else name


def known(held: Any, names: str, where: str) -> dict[str, Any]:
    """The fields of a message under their JSON names.

    Raises:
        Wrong: one is none that Google knows.
    """
    found = {camel(name): value for name, value in (held or {}).items()}
    for name in found:
        if name not in names.split():
            place = f" at '{where}'" if where else ""
            told = (
                f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'
            )
            raise invalid(told)
    return found


class Gemini(Dialect):
    """`/v1beta/models/{model}:generateContent` and `:streamGenerateContent`."""

    name = "gemini"
    usual = frozenset({"trailing"})

    def asked(self, call: Call, script: Script) -> Asked:
        """Reads the body as Google validates it."""
        path = call.path.partition("?")[0]
        model, _, verb = path.rpartition("/")[2].partition(":")
        body = known(call.body, KNOWN, "")
        if not body.get("contents"):
            raise invalid("* GenerateContentRequest.contents: contents is not specified\n")
        turns = [self.turn(content) for content in body["contents"]]
        last = turns[-1]
        if system := body.get("systemInstruction"):
            turns.insert(0, ("system", text_of(system.get("parts"))))
        settings = known(body.get("generationConfig"), SETTINGS, "generation_config")
        heat = settings.get("temperature")
        if heat is not None and not 0 <= heat <= 2:
            told = "* GenerateContentRequest.generation_config.temperature: temperature must be in "
            raise invalid(f"{told}the range [0.0, 2.0].\n")
        count = settings.get("logprobs")
        if count is not None and not settings.get("responseLogprobs"):
            raise invalid("logprobs can only be set when response_logprobs is true.")
        if settings.get("responseLogprobs") and script.logprob is None:
            raise invalid(f"Logprobs is not enabled for models/{model}")
        return Asked(
            model,
            turns,
            verb == "streamGenerateContent",
            settings.get("maxOutputTokens"),
            tuple(settings.get("stopSequences") or ()),
            self.schema(settings),
            (count or 0) if settings.get("responseLogprobs") else None,
            last[1] if last[0] == "assistant" else "",
            "trailing",
        )

    def turn(self, content: Any) -> tuple[str, str]:
        """One turn; its author is user or model, and it has parts."""
        role, parts = content.get("role", "user"), content.get("parts")
        if role not in ("user", "model"):
            raise invalid("Please use a valid role: user, model.")
        if not parts:
            told = "* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.\n"
            raise invalid(told)
        return "assistant" if role == "model" else role, text_of(parts)

    def schema(self, settings: dict[str, Any]) -> Any:
        """The schema of the output, {} for any JSON, None for text."""
        held = settings.get("responseSchema")
        full = settings.get("responseJsonSchema", settings.get("_responseJsonSchema"))
        kind = settings.get("responseMimeType", "text/plain")
        if held is not None:
            self.plain(held)
        schema = full if held is None else held
        if schema is None:
            return {} if kind == "application/json" else None
        if kind != "application/json":
            told = "* GenerateContentRequest.generation_config.response_mime_type: only application"
            raise invalid(f"{told}/json and text/x.enum allow a response schema.\n")
        return schema

    def plain(self, schema: Any) -> None:
        """Check that a responseSchema keeps to the part of OpenAPI's schemas that Google knows."""
        held = known(schema, SCHEMA, "generation_config.response_schema")
        below = [*held.get("properties", {}).values(), *held.get("anyOf", ())]
        for part in [*below, *([held["items"]] if "items" in held else [])]:
            self.plain(part)

    def usage(self, said: Said, written: int) -> dict[str, Any]:
        """Usage so far: thoughts are told apart from candidates, and what is zero is left out."""
        told = {
            "promptTokenCount": said.tokens_in,
            "candidatesTokenCount": written,
            "totalTokenCount": said.tokens_in + written + said.reasoning,
            "cachedContentTokenCount": said.cached,
            "thoughtsTokenCount": said.reasoning,
        }
        held: dict[str, Any] = {name: count for name, count in told.items() if count}
        modality = {"modality": "TEXT", "tokenCount": said.tokens_in}
        return {**held, "promptTokensDetails": [modality]}

    def body(
        self,
        call: Call,
        asked: Asked,
        said: Said,
        parts: list[Any],
        words: Any,
        finish: str,
        written: int,
    ) -> dict[str, Any]:
        """A response, or one of a stream."""
        about = {
            "usageMetadata": self.usage(said, written),
            "modelVersion": asked.model,
            "responseId": f"resp{call.number}",
        }
        if said.finish == "blocked":
            return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, **about}
        content: dict[str, Any] = {"parts": parts, "role": "model"} if parts else {"role": "model"}
        candidate: dict[str, Any] = {"content": content}
        if finish:
            candidate["finishReason"] = FINISH.get(finish, finish)
        if finish == "filtered":
            rated = {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH"}
            candidate["safetyRatings"] = [{**rated, "blocked": True}]
        candidate["index"] = 0
        if asked.logprobs is not None and words:
            total = sum(said.logprob(token) for token in words)
            candidate["avgLogprobs"] = total / len(words)
            candidate["logprobsResult"] = self.probabilities(asked, said, words)
        return {"candidates": [candidate], **about}

    def probabilities(self, asked: Asked, said: Said, words: list[str]) -> dict[str, Any]:
        """Log-probabilities of some tokens."""

        def spelled(token: str, number: float) -> dict[str, Any]:
            return {"token": token, "tokenId": len(token), "logProbability": number}

        result: dict[str, Any] = {"chosenCandidates": [spelled(w, said.logprob(w)) for w in words]}
        if asked.logprobs:
            others = ([spelled(*o) for o in alternatives(said, w, asked.logprobs)] for w in words)
            result["topCandidates"] = [{"candidates": candidates} for candidates in others]
        return result

    def whole(self, call: Call, asked: Asked, said: Said) -> Any:
        """A response."""
        parts: list[Any] = [{"text": said.thoughts, "thought": True}] if said.thoughts else []
        if said.text:
            parts.append({"text": said.text})
        words = [token for piece in said.pieces for token in piece]
        return self.body(call, asked, said, parts, words, said.finish, len(words))

    def events(self, call: Call, asked: Asked, said: Said) -> Iterator[bytes]:
        """Responses with a piece each; the last tells why it ended."""
        if said.thoughts:
            thought = {"text": said.thoughts, "thought": True}
            yield event(self.body(call, asked, said, [thought], (), "", 0))
        written = 0
        for index, piece in enumerate(said.pieces or [[]]):
            finish = said.finish if index >= len(said.pieces) - 1 else ""
            parts = [{"text": "".join(piece)}] if piece else []
            written += len(piece)
            yield event(self.body(call, asked, said, parts, piece, finish, written))

    def spoken(self, call: Call, script: Script, headers: dict[str, str]) -> Reply:
        """A stream comes as events where `alt=sse` asks for them, else as one JSON array."""
        reply = super().spoken(call, script, headers)
        if not reply.streamed or "alt=sse" in call.path:
            return reply
        held = [chunk.removeprefix(b"data: ").strip() for chunk in reply.chunks]
        array = (*(b"," * (i > 0) + b"[" * (i == 0) + one for i, one in enumerate(held)), b"]")
        return Reply(200, {**JSON, **headers}, array, True, billed=reply.billed)

    def error(self, status: int, message: str = "", retry: float | None = None) -> Any:
        """Google's body for a status; how long to wait stands in its details."""
        told = message or f"scripted error {status}"
        wait = {"@type": f"{RPC}RetryInfo", "retryDelay": f"{retry:g}s"} if retry else None
        return error(status, told, [wait] if wait else None)

    def error_event(self, status: int, message: str = "") -> bytes:
        """An error object in place of a response."""
        return event(self.error(status, message))

    def no_credit(self) -> Wrong:
        """Google says so with the status of a rate limit."""
        told = "You exceeded your current quota, please check your plan and billing details."
        quota = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
        failed = {"@type": f"{RPC}QuotaFailure", "violations": [{"quotaId": quota}]}
        return Wrong(429, error(429, told, [failed]))

    def unkeyed(self) -> Wrong:
        """Without a key Google answers 403."""
        told = "Method doesn't allow unregistered callers (callers without established identity). "
        told += "Please use API Key or other form of API consumer identity to call this API."
        return Wrong(403, error(403, told))

    def miskeyed(self, key: str) -> Wrong:
        """To a wrong key Google answers 400; only the details name the reason."""
        service = {"service": "generativelanguage.googleapis.com"}
        reason = {"@type": f"{RPC}ErrorInfo", "reason": "API_KEY_INVALID", "metadata": service}
        told = "API key not valid. Please pass a valid API key."
        return Wrong(400, error(400, told, [{**reason, "domain": "googleapis.com"}]))

    def no_model(self, model: str) -> Wrong:
        """Nobody knows the model."""
        told = f"models/{model} is not found for API version v1beta, or is not supported for "
        told += "generateContent. Call ListModels to see the list of available models and their "
        return Wrong(404, error(404, f"{told}supported methods."))

    def overflow(self, sent: int, context: int) -> Wrong:
        """Google tells both lengths."""
        told = f"The input token count ({context + sent}) exceeds the maximum number of tokens "
        return invalid(f"{told}allowed ({context}).")

    def forbidden(self, said: Said) -> Said:
        """A response without candidates."""
        return silent(said, "blocked")

    def models(self, script: Script) -> Any:
        """Google's list."""
        about = {
            "version": "001",
            "inputTokenLimit": script.context,
            "outputTokenLimit": 8192,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
        }
        held = [{"name": f"models/{name}", "displayName": name, **about} for name in script.models]
        return {"models": held}
