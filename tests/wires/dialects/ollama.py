"""Ollama's own wire: chat, embeddings and tags, in lines of JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from exchange import Asked, Billed, Call, Reply, Said, Wrong
from script import Script, tokens, vector

from dialects.base import JSON, Dialect, alternatives, encode, silent

WHEN = "2025-06-01T00:00:00.000000Z"
FINISH = {"filtered": "stop", "refused": "stop"}


def wrong(status: int, message: str) -> Wrong:
    """Ollama's errors are one sentence."""
    return Wrong(status, {"error": message})


class Ollama(Dialect):
    """`/api/chat`, `/api/embed`, `/api/tags` and `/api/version`."""

    name = "ollama"
    usual = frozenset({"trailing"})
    comment = b"\n"
    stream_headers = {"Content-Type": "application/x-ndjson"}

    def spoken(self, call: Call, script: Script, headers: dict[str, str]) -> Reply:
        """A conversation, or embeddings."""
        if call.path.startswith("/api/embed"):
            return self.embedded(call, script, headers)
        if call.body.get("messages") == [] and call.body.get("model"):
            about = {"model": call.body["model"], "created_at": WHEN, "done_reason": "load"}
            body = {**about, "message": {"role": "assistant", "content": ""}, "done": True}
            return Reply(200, {**JSON, **headers}, (encode(body) + b"\n",))
        return super().spoken(call, script, headers)

    def asked(self, call: Call, script: Script) -> Asked:
        """Reads the body; unless told otherwise Ollama streams."""
        body = call.body
        if not call.raw:
            raise wrong(400, "missing request body")
        if not body.get("model"):
            raise wrong(400, "model is required")
        messages = body.get("messages") or [{"role": "user", "content": ""}]
        turns = []
        for message in messages:
            if message.get("role") not in ("system", "user", "assistant", "tool"):
                told = 'invalid role: expected "system", "user", "assistant", or "tool"'
                raise wrong(400, told)
            if not isinstance(message.get("content", ""), str):
                told = "json: cannot unmarshal array into Go struct field ChatRequest.messages"
                raise wrong(400, f"{told}.content of type string")
            turns.append((message["role"], message.get("content", "")))
        options, form = body.get("options") or {}, body.get("format")
        limit = options.get("num_predict")
        stops = options.get("stop") or ()
        most = body.get("top_logprobs") or 0
        if not 0 <= most <= 20:
            raise wrong(400, "top_logprobs must be between 0 and 20")
        return Asked(
            body["model"],
            turns,
            body.get("stream", True) is not False,
            limit if limit is not None and limit >= 0 else None,
            (stops,) if isinstance(stops, str) else tuple(stops),
            form if isinstance(form, dict) else {} if form == "json" else None,
            most if body.get("logprobs") else None,
            turns[-1][1] if turns[-1][0] == "assistant" else "",
            "trailing",
        )

    def billed(self, asked: Asked, said: Said) -> Billed:
        """Ollama tells neither the cached nor the reasoning part."""
        return Billed(asked.model, said.tokens_in, said.tokens_out)

    def probabilities(self, asked: Asked, said: Said, words: list[str]) -> dict[str, Any]:
        """Log-probabilities of some tokens, nothing where nobody asked."""
        if asked.logprobs is None or said.logprob is None:
            return {}

        def spelled(token: str, number: float) -> dict[str, Any]:
            return {"token": token, "logprob": number, "bytes": list(token.encode())}

        told = []
        for token in words:
            one = spelled(token, said.logprob(token))
            if asked.logprobs:
                top = alternatives(said, token, asked.logprobs)
                one["top_logprobs"] = [spelled(*other) for other in top]
            told.append(one)
        return {"logprobs": told}

    def done(self, said: Said) -> dict[str, Any]:
        """How it ended and what it took; durations are nanoseconds."""
        return {
            "done": True,
            "done_reason": FINISH.get(said.finish, said.finish),
            "total_duration": 5_000_000,
            "load_duration": 1_000_000,
            "prompt_eval_count": said.tokens_in,
            "prompt_eval_duration": 1_000_000,
            "eval_count": said.tokens_out,
            "eval_duration": 3_000_000,
        }

    def whole(self, call: Call, asked: Asked, said: Said) -> Any:
        """A reply."""
        message = {"role": "assistant", "content": said.text}
        if said.thoughts:
            message["thinking"] = said.thoughts
        words = [token for piece in said.pieces for token in piece]
        about = {"model": asked.model, "created_at": WHEN, "message": message}
        return {**about, **self.probabilities(asked, said, words), **self.done(said)}

    def events(self, call: Call, asked: Asked, said: Said) -> Iterator[bytes]:
        """A line for each piece, then one that counts."""
        about = {"model": asked.model, "created_at": WHEN}

        def line(content: str, thinking: str = "", **more: Any) -> bytes:
            message = {"role": "assistant", "content": content}
            if thinking:
                message["thinking"] = thinking
            return encode({**about, "message": message, **more}) + b"\n"

        for token in tokens(said.thoughts):
            yield line("", token, done=False)
        for piece in said.pieces:
            yield line("".join(piece), done=False, **self.probabilities(asked, said, piece))
        yield line("", **self.done(said))

    def embedded(self, call: Call, script: Script, headers: dict[str, str]) -> Reply:
        """One embedding for each text."""
        body = call.body
        model, texts = body.get("model"), body.get("input", [])
        if not model:
            raise wrong(400, "model is required")
        if model == "no-such-model":
            raise self.no_model(model)
        texts = [texts] if isinstance(texts, str) else texts
        count = sum(len(tokens(text)) for text in texts)
        if any("OVERFLOW" in text for text in texts):
            raise self.overflow(count, script.context)
        size = body.get("dimensions") or script.dimensions
        told = {
            "model": model,
            "embeddings": [vector(text, size) for text in texts],
            "total_duration": 5_000_000,
            "load_duration": 1_000_000,
            "prompt_eval_count": count,
        }
        return Reply(200, {**JSON, **headers}, (encode(told),), billed=Billed(model, count, 0))

    def error(self, status: int, message: str = "", retry: float | None = None) -> Any:
        """One sentence."""
        return {"error": message or f"scripted error {status}"}

    def error_event(self, status: int, message: str = "") -> bytes:
        """A line that holds nothing but an error."""
        return encode(self.error(status, message)) + b"\n"

    def no_credit(self) -> Wrong:
        """What Ollama's cloud says."""
        return wrong(402, "you have reached your usage limit, upgrade for more usage")

    def unkeyed(self) -> Wrong:
        """Only Ollama's cloud asks for keys."""
        return wrong(401, "unauthorized")

    def miskeyed(self, key: str) -> Wrong:
        """Only Ollama's cloud asks for keys."""
        return wrong(401, "unauthorized")

    def no_model(self, model: str) -> Wrong:
        """Nobody has pulled the model."""
        return wrong(404, f"model '{model}' not found")

    def overflow(self, sent: int, context: int) -> Wrong:
        """What Ollama answers where it may not truncate."""
        return wrong(400, "the input length exceeds the context length")

    def forbidden(self, said: Said) -> Said:
        """Ollama has no content filter: an empty reply that ends as any other."""
        return silent(said)

    def models(self, script: Script) -> Any:
        """Ollama's tags, or its version."""
        details = {"format": "gguf", "family": "llama", "parameter_size": "1B"}
        about = {"modified_at": WHEN, "size": 1, "digest": "0" * 64, "details": details}
        held = [{"name": name, "model": name, **about} for name in script.models]
        return {"models": held, "version": "0.13.0"}
