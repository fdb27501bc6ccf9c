"""OpenAI's chat completions, embeddings and list of models, as OpenAI documents them."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any

from exchange import Asked, Billed, Call, Reply, Said, Wrong
from script import Script, tokens, vector

from dialects.base import (
    CREATED,
    JSON,
    Dialect,
    alternatives,
    encode,
    event,
    masked,
    text_of,
)

FINISH = {"filtered": "content_filter", "refused": "stop"}
CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
TYPES = {403: "permission_error", 429: "requests", 408: "timeout"}


def error(message: str, kind: str, param: str | None = None, code: str | None = None) -> Any:
    """OpenAI's error body."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def invalid(message: str, param: str | None = None, code: str | None = None) -> Wrong:
    """A request that OpenAI does not accept."""
    return Wrong(400, error(message, "invalid_request_error", param, code))


class OpenAI(Dialect):
    """What all of OpenAI's paths have in common."""

    def headers(self, call: Call) -> dict[str, str]:
        """OpenAI names each request."""
        return {
            "x-request-id": f"req_{call.number}",
            "openai-processing-ms": "1",
            "openai-version": "2020-10-01",
        }

    def error(self, status: int, message: str = "", retry: float | None = None) -> Any:
        """OpenAI's body for a status."""
        kind = "server_error" if status >= 500 else TYPES.get(status, "invalid_request_error")
        return error(message or f"scripted error {status}", kind, None, CODES.get(status))

    def error_event(self, status: int, message: str = "") -> bytes:
        """An error object in place of a chunk."""
        return event(self.error(status, message or "The server had an error"))

    def no_credit(self) -> Wrong:
        """OpenAI says so with the status of a rate limit."""
        told = "You exceeded your current quota, please check your plan and billing details."
        return Wrong(429, error(told, "insufficient_quota", None, "insufficient_quota"))

    def unkeyed(self) -> Wrong:
        """No key came."""
        told = "You didn't provide an API key. You need to provide your API key in an Authorization"
        told += " header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
        return Wrong(401, error(told, "invalid_request_error"))

    def miskeyed(self, key: str) -> Wrong:
        """The message echoes the key, masked."""
        told = f"Incorrect API key provided: {masked(key)}. You can find your API key at "
        told += "https://platform.openai.com/account/api-keys."
        return Wrong(401, error(told, "invalid_request_error", None, "invalid_api_key"))

    def no_model(self, model: str) -> Wrong:
        """Nobody knows the model."""
        told = f"The model `{model}` does not exist or you do not have access to it."
        return Wrong(404, error(told, "invalid_request_error", None, "model_not_found"))

    def models(self, script: Script) -> Any:
        """OpenAI's list."""
        about = {"object": "model", "created": CREATED, "owned_by": "loopback"}
        return {"object": "list", "data": [{"id": name, **about} for name in script.models]}


class Chat(OpenAI):
    """`/v1/chat/completions`, with what compatible servers add to it."""

    name = "chat"
    usual = frozenset({"prefix", "continue_final_message"})

    def asked(self, call: Call, script: Script) -> Asked:
        """Reads the body as OpenAI validates it."""
        body = call.body
        if not body:
            raise invalid("We could not parse the JSON body of your request.")
        if not isinstance(body.get("model"), str) or not body["model"]:
            raise invalid("you must provide a model parameter")
        messages = body.get("messages")
        if messages is None:
            missing = "Missing required parameter: 'messages'."
            raise invalid(missing, "messages", "missing_required_parameter")
        if not isinstance(messages, list) or not messages:
            short = "Invalid 'messages': empty array. Expected an array with minimum length 1, but "
            short += "got an empty array instead."
            raise invalid(short, "messages", "empty_array")
        bounded(body, "temperature", 0, 2)
        bounded(body, "top_p", 0, 1)
        limit = body.get("max_completion_tokens", body.get("max_tokens"))
        if limit is not None and limit < 1:
            low = "Invalid 'max_tokens': integer below minimum value. Expected a value >= 1."
            raise invalid(low, "max_tokens", "integer_below_min_value")
        wanted = body.get("logprobs")
        if body.get("top_logprobs") is not None and not wanted:
            raise invalid("'top_logprobs' is only allowed when 'logprobs' is true.", "logprobs")
        turns = [(message["role"], text_of(message.get("content"))) for message in messages]
        stops = body.get("stop") or ()
        begun, dialect = self.begun(body, messages)
        if script.rejects_prefill and begun and dialect == "trailing":
            raise invalid("The last message may not be the assistant's.", "messages")
        return Asked(
            body["model"],
            turns,
            bool(body.get("stream")),
            limit,
            (stops,) if isinstance(stops, str) else tuple(stops),
            schema_of(body.get("response_format"), turns),
            (body.get("top_logprobs") or 0) if wanted else None,
            begun,
            dialect,
        )

    def begun(self, body: dict[str, Any], messages: list[Any]) -> tuple[str, str]:
        """The beginning of the reply, and the dialect that asks to continue it."""
        last = messages[-1]
        final, prompt = body.get("continue_final_message"), body.get("add_generation_prompt", True)
        if final and prompt:
            told = "Cannot set both `continue_final_message` and `add_generation_prompt` to True."
            raise invalid(told)
        if last["role"] != "assistant":
            return "", ""
        dialect = "continue_final_message" if final else "trailing"
        return text_of(last.get("content")), "prefix" if last.get("prefix") else dialect

    def overflow(self, sent: int, context: int) -> Wrong:
        """OpenAI tells both lengths."""
        told = f"This model's maximum context length is {context} tokens. However, your messages "
        told += f"resulted in {context + sent} tokens. Please reduce the length of the messages."
        return invalid(told, "messages", "context_length_exceeded")

    def forbidden(self, said: Said) -> Said:
        """Azure's content filter refuses the prompt with a 400."""
        told = "The response was filtered due to the prompt triggering Azure OpenAI's content "
        told += "management policy. Please modify your prompt and retry."
        body = error(told, "", "prompt", "content_filter")
        result = {"violence": {"filtered": True, "severity": "high"}}
        inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": result}
        body["error"] |= {"type": None, "status": 400, "innererror": inner}
        raise Wrong(400, body)

    def whole(self, call: Call, asked: Asked, said: Said) -> Any:
        """A chat completion."""
        message: dict[str, Any] = {"role": "assistant", "content": said.text, "refusal": None}
        if said.refusal is not None:
            message |= {"content": None, "refusal": said.text}
        if said.thoughts:
            message["reasoning_content"] = said.thoughts
        words = [token for piece in said.pieces for token in piece]
        choice = {
            "index": 0,
            "message": message,
            "logprobs": probabilities(asked, said, words),
            "finish_reason": FINISH.get(said.finish, said.finish),
        }
        about = self.about(call, asked, "chat.completion")
        return {**about, "choices": [choice], "usage": usage(said)}

    def events(self, call: Call, asked: Asked, said: Said) -> Iterator[bytes]:
        """Chunks, the usage where it was asked for, and [DONE]."""
        about = self.about(call, asked, "chat.completion.chunk")
        if told := (call.body.get("stream_options") or {}).get("include_usage"):
            about["usage"] = None

        def chunk(delta: dict[str, Any], logprobs: Any = None, finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
            return event({**about, "choices": [choice]})

        yield chunk({"role": "assistant", "content": "", "refusal": None})
        if said.thoughts:
            for token in tokens(said.thoughts):
                yield chunk({"reasoning_content": token})
        where = "content" if said.refusal is None else "refusal"
        for piece in said.pieces:
            yield chunk({where: "".join(piece)}, probabilities(asked, said, piece))
        yield chunk({}, None, FINISH.get(said.finish, said.finish))
        if told:
            yield event({**about, "choices": [], "usage": usage(said)})
        yield b"data: [DONE]\n\n"

    def about(self, call: Call, asked: Asked, kind: str) -> dict[str, Any]:
        """What stands at the head of completions and chunks."""
        return {
            "id": f"chatcmpl-{call.number}",
            "object": kind,
            "created": self.created(),
            "model": asked.model,
            "service_tier": "default",
            "system_fingerprint": "fp_loopback",
        }


class Embeddings(OpenAI):
    """`/v1/embeddings`: as floats or in base64."""

    name = "embeddings"

    def spoken(self, call: Call, script: Script, headers: dict[str, str]) -> Reply:
        """One embedding for each text."""
        body = call.body
        model, texts = body.get("model"), body.get("input")
        if not isinstance(model, str):
            raise invalid("you must provide a model parameter")
        if model == "no-such-model":
            raise self.no_model(model)
        texts = [texts] if isinstance(texts, str) else texts
        if not isinstance(texts, list) or not texts or "" in texts:
            raise invalid("'$.input' is invalid. Please check the API reference.", None, None)
        if any("OVERFLOW" in text for text in texts if isinstance(text, str)):
            raise self.overflow(len(tokens(" ".join(texts))), script.context)
        size = body.get("dimensions") or script.dimensions
        vectors: list[Any] = [vector(str(text), size) for text in texts]
        if body.get("encoding_format") == "base64":
            packed = [struct.pack(f"<{size}f", *held) for held in vectors]
            vectors = [base64.b64encode(held).decode() for held in packed]
        data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
        count = sum(len(tokens(str(text))) for text in texts)
        spent = {"prompt_tokens": count, "total_tokens": count}
        reply = encode({"object": "list", "data": data, "model": model, "usage": spent})
        return Reply(200, {**JSON, **headers}, (reply,), billed=Billed(model, count, 0))

    def overflow(self, sent: int, context: int) -> Wrong:
        """OpenAI tells both lengths."""
        told = f"This model's maximum context length is {context} tokens, however you requested "
        told += f"{context + sent} tokens. Please reduce your prompt."
        return invalid(told)

    def asked(self, call: Call, script: Script) -> Asked:
        """Embeddings have no conversation."""
        raise NotImplementedError

    whole = events = forbidden = asked


def bounded(body: dict[str, Any], name: str, least: float, most: float) -> None:
    """Check a number's range as OpenAI words it.

    Raises:
        Wrong: it is outside.
    """
    value = body.get(name)
    if value is not None and not least <= value <= most:
        high = value > most
        way, bound = ("above maximum", f"<= {most}") if high else ("below minimum", f">= {least}")
        code = "decimal_above_max_value" if high else "decimal_below_min_value"
        told = f"Invalid '{name}': decimal {way} value. Expected a value {bound}, but got {value} "
        raise invalid(f"{told}instead.", name, code)


def schema_of(form: Any, turns: list[tuple[str, str]], where: str = "response_format") -> Any:
    """The JSON Schema of a response format; {} for any JSON, None for text.

    Raises:
        Wrong: it is not one that OpenAI takes.
    """
    kind = (form or {}).get("type", "text")
    if kind == "text":
        return None
    if kind == "json_object":
        if not any("json" in text.lower() for _, text in turns):
            told = (
                f"'messages' must contain the word 'json' in some form, to use '{where}' of type "
            )
            raise invalid(f"{told}'json_object'.", "messages")
        return {}
    if kind != "json_schema":
        told = f"Invalid value: '{kind}'. Supported values are: 'json_object', 'json_schema', and "
        raise invalid(f"{told}'text'.", f"{where}.type", "invalid_value")
    held = form.get("json_schema", form) if where == "response_format" else form
    param = f"{where}.json_schema" if where == "response_format" else where
    if not held.get("name"):
        missing = f"Missing required parameter: '{param}.name'."
        raise invalid(missing, f"{param}.name", "missing_required_parameter")
    if held.get("strict") and (broken := loose(held.get("schema"), ())):
        told = f"Invalid schema for {where} '{held['name']}': {broken}"
        raise invalid(told, where, "invalid_json_schema")
    return held.get("schema") or {}


def loose(schema: Any, path: tuple[str, ...]) -> str:
    """Why a schema is not strict enough for OpenAI; empty where it is."""
    if not isinstance(schema, dict):
        return ""
    where = f"In context=({', '.join(repr(step) for step in path)}), "
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            return where + "'additionalProperties' is required to be supplied and to be false."
        held = schema.get("properties", {})
        if missing := [name for name in held if name not in schema.get("required", ())]:
            told = "'required' is required to be supplied and to be an array including every key "
            return f"{where}{told}in properties. Missing '{missing[0]}'."
    below = [(key, schema[key]) for key in ("items",) if key in schema]
    for group in ("properties", "$defs"):
        below += list(schema.get(group, {}).items())
    below += [("anyOf", part) for part in schema.get("anyOf", ())]
    return next((found for key, part in below if (found := loose(part, (*path, key)))), "")


def usage(said: Said) -> dict[str, Any]:
    """Usage, the cached part of the prompt and the reasoning part of the completion told."""
    return {
        "prompt_tokens": said.tokens_in,
        "completion_tokens": said.tokens_out,
        "total_tokens": said.tokens_in + said.tokens_out,
        "prompt_tokens_details": {"cached_tokens": said.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": said.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def spelled(token: str, number: float) -> dict[str, Any]:
    """A token with its log-probability and its bytes."""
    return {"token": token, "logprob": number, "bytes": list(token.encode())}


def probabilities(asked: Asked, said: Said, words: list[str]) -> Any:
    """Log-probabilities of some tokens, None where nobody asked or the model has none."""
    if asked.logprobs is None or said.logprob is None:
        return None
    content = [token_of(asked, said, token) for token in words]
    refused = said.refusal is not None
    return {"content": None if refused else content, "refusal": content if refused else None}


def token_of(asked: Asked, said: Said, token: str) -> dict[str, Any]:
    """One token of a reply with its alternatives."""
    top = [spelled(*other) for other in alternatives(said, token, asked.logprobs or 0)]
    return {**spelled(token, said.logprob(token)), "top_logprobs": top}
