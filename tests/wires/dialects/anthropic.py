"""Anthropic's messages, with their named events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exchange import Asked, Call, Said, Wrong
from script import Script, tokens

from dialects.base import Dialect, event, silent, text_of

KNOWN = """
    cache_control container context_management inference_geo max_tokens mcp_servers messages
    metadata model output_config output_format service_tier speed stop_sequences stream system
    temperature thinking tool_choice tools top_k top_p
"""
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
FINISH = {"stop": "end_turn", "length": "max_tokens", "filtered": "refusal", "refused": "refusal"}


def error(status: int, message: str) -> Any:
    """Anthropic's error body."""
    kind = TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message}}


def invalid(message: str) -> Wrong:
    """A request that Anthropic does not accept."""
    return Wrong(400, error(400, message))


class Anthropic(Dialect):
    """`/v1/messages`."""

    name = "anthropic"
    usual = frozenset({"trailing"})
    comment = event({"type": "ping"}, "ping")

    def headers(self, call: Call) -> dict[str, str]:
        """Anthropic names each request and tells what is left of the rate limits."""
        return {
            "request-id": f"req_{call.number}",
            "anthropic-ratelimit-requests-limit": "1000",
            "anthropic-ratelimit-requests-remaining": "999",
        }

    def sealed(self, body: Any, call: Call) -> Any:
        """An error body names the request."""
        return {**body, "request_id": f"req_{call.number}"}

    def admit(self, call: Call, script: Script) -> None:
        """Anthropic also wants to know which version of its interface is spoken."""
        super().admit(call, script)
        if not call.headers.get("anthropic-version"):
            raise invalid("anthropic-version: header is required")

    def asked(self, call: Call, script: Script) -> Asked:
        """Reads the body as Anthropic validates it; what it does not know it refuses."""
        body = call.body
        if not body:
            raise invalid("The request body is not valid JSON.")
        for name in ("model", "max_tokens", "messages"):
            if body.get(name) is None:
                raise invalid(f"{name}: Field required")
        for name in body:
            if name not in KNOWN.split():
                raise invalid(f"{name}: Extra inputs are not permitted")
        for name in ("temperature", "top_p"):
            value = body.get(name)
            if value is not None and not 0 <= value <= 1:
                bound = "less than or equal to 1" if value > 1 else "greater than or equal to 0"
                raise invalid(f"{name}: Input should be {bound}")
        if body["max_tokens"] < 1:
            raise invalid("max_tokens: Input should be greater than or equal to 1")
        if any(not stop.strip() for stop in body.get("stop_sequences") or ()):
            raise invalid("stop_sequences: each stop sequence must contain non-whitespace")
        turns = self.turns(body, script)
        last = turns[-1]
        if body.get("system"):
            turns.insert(0, ("system", text_of(body["system"])))
        return Asked(
            body["model"],
            turns,
            bool(body.get("stream")),
            body["max_tokens"],
            tuple(body.get("stop_sequences") or ()),
            self.schema(body),
            begun=last[1] if last[0] == "assistant" else "",
            dialect="trailing",
        )

    def turns(self, body: dict[str, Any], script: Script) -> list[tuple[str, str]]:
        """The conversation; the system prompt has no place in it."""
        messages, turns = body["messages"], []
        if not messages:
            raise invalid("messages: at least one message is required")
        for index, message in enumerate(messages):
            role, text = message.get("role"), text_of(message.get("content"))
            if role not in ("user", "assistant"):
                told = f'messages: Unexpected role "{role}". The Messages API accepts a top-level '
                told += '`system` parameter, not "system" as an input message role.'
                raise invalid(told)
            if not text and not (role == "assistant" and index == len(messages) - 1):
                told = f"messages.{index}: all messages must have non-empty content except for the "
                raise invalid(f"{told}optional final assistant message")
            turns.append((role, text))
        role, text = turns[-1]
        if role == "assistant":
            if script.rejects_prefill:
                told = "This model does not support assistant message prefill. The conversation "
                raise invalid(f"{told}must end with a user message.")
            if text != text.rstrip():
                told = "messages: final assistant content cannot end with trailing whitespace"
                raise invalid(told)
        return turns

    def schema(self, body: dict[str, Any]) -> Any:
        """The JSON Schema of the output, None for text."""
        form = (body.get("output_config") or {}).get("format") or body.get("output_format")
        if form is None:
            return None
        if form.get("type") != "json_schema" or not isinstance(form.get("schema"), dict):
            raise invalid("output_config.format.schema: Field required")
        if loose(form["schema"]):
            told = "output_config.format.schema: For 'object' type, 'additionalProperties' must be "
            raise invalid(f"{told}explicitly set to false")
        return form["schema"]

    def usage(self, said: Said) -> dict[str, Any]:
        """Usage; here the input leaves out what was read from and written to the cache."""
        return {
            "input_tokens": said.tokens_in - said.cached - said.written,
            "cache_creation_input_tokens": said.written,
            "cache_read_input_tokens": said.cached,
            "output_tokens": said.tokens_out,
            "output_tokens_details": {"thinking_tokens": said.reasoning},
        }

    def message(self, call: Call, asked: Asked, said: Said, content: list[Any]) -> dict[str, Any]:
        """A message, done."""
        stopped = said.stop is not None and said.finish == "stop"
        reason = "stop_sequence" if stopped else FINISH.get(said.finish, said.finish)
        details = {"type": "refusal", "category": None, "explanation": "scripted"}
        return {
            "id": f"msg_{call.number}",
            "type": "message",
            "role": "assistant",
            "model": asked.model,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": said.stop if stopped else None,
            "stop_details": details if reason == "refusal" else None,
            "usage": {
                **self.usage(said),
                "cache_creation": {
                    "ephemeral_5m_input_tokens": said.written,
                    "ephemeral_1h_input_tokens": 0,
                },
                "service_tier": "standard",
            },
        }

    def whole(self, call: Call, asked: Asked, said: Said) -> Any:
        """A message with its blocks."""
        content: list[Any] = []
        if said.thoughts:
            thought = {"type": "thinking", "thinking": said.thoughts, "signature": "c2lnbmVk"}
            content.append(thought)
        if said.text:
            content.append({"type": "text", "text": said.text})
        return self.message(call, asked, said, content)

    def events(self, call: Call, asked: Asked, said: Said) -> Iterator[bytes]:
        """The named events."""

        def told(name: str, **about: Any) -> bytes:
            return event({"type": name, **about}, name)

        done = self.message(call, asked, said, [])
        begun = {**done, "stop_reason": None, "stop_sequence": None, "stop_details": None}
        begun["usage"] = {**done["usage"], "output_tokens": min(1, said.tokens_out)}
        del begun["usage"]["output_tokens_details"]
        yield told("message_start", message=begun)
        index = 0
        if said.thoughts:
            block = {"type": "thinking", "thinking": "", "signature": ""}
            yield told("content_block_start", index=0, content_block=block)
            for token in tokens(said.thoughts):
                delta = {"type": "thinking_delta", "thinking": token}
                yield told("content_block_delta", index=0, delta=delta)
            signed = {"type": "signature_delta", "signature": "c2lnbmVk"}
            yield told("content_block_delta", index=0, delta=signed)
            yield told("content_block_stop", index=0)
            index = 1
        if said.pieces:
            yield told(
                "content_block_start", index=index, content_block={"type": "text", "text": ""}
            )
            yield self.comment
            for piece in said.pieces:
                delta = {"type": "text_delta", "text": "".join(piece)}
                yield told("content_block_delta", index=index, delta=delta)
            yield told("content_block_stop", index=index)
        names = ("stop_reason", "stop_sequence", "stop_details")
        delta = {name: done[name] for name in names}
        yield told("message_delta", delta=delta, usage=self.usage(said))
        yield told("message_stop")

    def error(self, status: int, message: str = "", retry: float | None = None) -> Any:
        """Anthropic's body for a status."""
        told = "Overloaded" if status == 529 else f"scripted error {status}"
        return error(status, message or told)

    def error_event(self, status: int, message: str = "") -> bytes:
        """An event named error."""
        return event(self.error(status, message), "error")

    def no_credit(self) -> Wrong:
        """Anthropic says so with a 400."""
        told = "Your credit balance is too low to access the Anthropic API. Please go to Plans & "
        return invalid(f"{told}Billing to upgrade or purchase credits.")

    def unkeyed(self) -> Wrong:
        """No key came."""
        return Wrong(401, error(401, "x-api-key header is required"))

    def miskeyed(self, key: str) -> Wrong:
        """Nobody knows the key."""
        return Wrong(401, error(401, "invalid x-api-key"))

    def no_model(self, model: str) -> Wrong:
        """Nobody knows the model."""
        return Wrong(404, error(404, f"model: {model}"))

    def overflow(self, sent: int, context: int) -> Wrong:
        """Anthropic tells both lengths."""
        return invalid(f"prompt is too long: {context + sent} tokens > {context} maximum")

    def forbidden(self, said: Said) -> Said:
        """A message with nothing in it but why it stopped."""
        return silent(said)

    def models(self, script: Script) -> Any:
        """Anthropic's list."""
        about = {"type": "model", "created_at": "2025-06-01T00:00:00Z", "lifecycle": "active"}
        data = [{**about, "id": name, "display_name": name} for name in script.models]
        ends = {"first_id": script.models[0], "last_id": script.models[-1]}
        return {"data": data, "has_more": False, **ends}


def loose(schema: Any) -> bool:
    """Whether an object somewhere in a schema is open to more properties."""
    if isinstance(schema, list):
        return any(loose(part) for part in schema)
    if not isinstance(schema, dict):
        return False
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        return True
    return any(loose(part) for part in schema.values())
