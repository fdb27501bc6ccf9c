"""What the loopback server answers: a deterministic model whose every trait can be set."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec
from exchange import Asked, Call, Said

TOKEN = re.compile(r"\s*\w+|\s*[^\w\s]|\s+$")


def tokens(text: str) -> list[str]:
    """Words and punctuation marks with the space before them; joined they are the text again."""
    return TOKEN.findall(text)


def logprob(token: str) -> float:
    """A natural log-probability that depends on the token alone, from -0.1 to -0.7."""
    return -(1 + sum(token.encode()) % 7) / 10


@dataclass
class Script:
    """How the server behaves. Without any setting: `echo: <last user text>`, in four pieces.

    text: the reply, or a function of the Call; None echoes, or fits the schema that was asked for.
    pieces: events that carry text in a stream. delay: seconds before a reply begins, or a
        function of the Call. pace: seconds between stream events.
    cached, written: shares of the input tokens read from and written to the prompt cache.
    reasoning: hidden reasoning tokens. thoughts: reasoning aloud, in the wire's own place.
    logprob: token -> natural log-probability; None is a model without log-probabilities.
    finish: None as it happens; else stop, length, filtered, refused or a wire's own word.
    refusal: the model declines with this text, in the wire's own place.
    continues: continuation dialects honoured out of trailing, prefix, continue_final_message;
        None as the real service: trailing at Anthropic, Gemini and Ollama, the others at chat.
        A reply whose whole text begins with the partial one goes on from there.
    repeats: a continued reply begins with the partial text again, as Mistral's does.
    rejects_prefill: 400 on a trailing assistant message, as newer Anthropic models.
    keyless: wires that ask for no key. headers: added to each reply.
    faults: one (or a tuple, or None) for each call in order; or a function of the Call.
    dimensions: length of embeddings. models: what listings tell. context: tokens in the window,
        told in errors.
    """

    text: str | Callable[[Call], str] | None = None
    pieces: int = 4
    delay: float | Callable[[Call], float] = 0.0
    pace: float = 0.0
    cached: float = 0.0
    written: float = 0.0
    reasoning: int = 0
    thoughts: str = ""
    logprob: Callable[[str], float] | None = logprob
    finish: str | None = None
    refusal: str | None = None
    continues: frozenset[str] | set[str] | None = None
    repeats: bool = False
    rejects_prefill: bool = False
    keyless: frozenset[str] | set[str] = frozenset({"ollama"})
    headers: dict[str, str] = field(default_factory=dict)
    faults: Iterable[Any] | Callable[[Call], Any] = ()
    dimensions: int = 8
    models: tuple[str, ...] = ("model-a", "model-b")
    context: int = 8192

    def __post_init__(self) -> None:
        self._faults = None if callable(self.faults) else iter(self.faults)

    def fault(self, call: Call) -> tuple[Any, ...]:
        """The faults that befall this call."""
        found = next(self._faults, None) if self._faults is not None else self.faults(call)  # type: ignore[operator]
        if found is None:
            return ()
        return tuple(found) if isinstance(found, tuple | list) else (found,)

    def seconds(self, call: Call) -> float:
        """How long the reply to this call is in coming."""
        return self.delay(call) if callable(self.delay) else self.delay

    def say(self, asked: Asked, call: Call, usual: frozenset[str]) -> Said:
        """The reply; `usual` are the continuation dialects that the real service honours."""
        sent = sum(len(tokens(text)) for _, text in asked.turns)
        reasoning = self.reasoning or len(tokens(self.thoughts))
        said = Said("", [], sent, 0, int(sent * self.cached), int(sent * self.written), reasoning)
        said.thoughts, said.logprob, said.refusal = self.thoughts, self.logprob, self.refusal
        text = self.refusal if self.refusal is not None else self.words(asked, call, usual)
        for stop in asked.stops:
            head, found, _ = text.partition(stop)
            if found:
                text, said.stop = head, stop
        words = tokens(text)
        if asked.max_tokens is not None and len(words) + reasoning > asked.max_tokens:
            words = words[: max(0, asked.max_tokens - reasoning)]
            text, said.finish, said.stop = "".join(words), "length", None
        if self.refusal is not None:
            said.finish = "refused"
        if self.finish is not None:
            said.finish = self.finish
        said.text, said.tokens_out = text, len(words) + reasoning
        size = max(1, math.ceil(len(words) / max(1, self.pieces)))
        said.pieces = [words[i : i + size] for i in range(0, len(words), size)]
        return said

    def words(self, asked: Asked, call: Call, usual: frozenset[str]) -> str:
        """The text, before stop sequences and token limits."""
        if callable(self.text):
            text = self.text(call)
        elif self.text is not None:
            text = self.text
        elif asked.schema is not None:
            text = msgspec.json.encode(instance(asked.schema)).decode()
        else:
            text = f"echo: {asked.user}"
        honoured = usual if self.continues is None else self.continues
        if asked.begun and asked.dialect in honoured:
            text = text.removeprefix(asked.begun)
            return asked.begun + text if self.repeats else text
        return text


def instance(schema: Any, root: Any = None) -> Any:
    """The smallest value that fits a JSON Schema (of the keywords that services accept)."""
    root = schema if root is None else root
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema:
        found = root
        for step in schema["$ref"].removeprefix("#").strip("/").split("/"):
            found = found[step] if step else found
        return instance(found, root)
    for exact in ("const", "default"):
        if exact in schema:
            return schema[exact]
    if "enum" in schema:
        return schema["enum"][0]
    for several in ("anyOf", "oneOf", "any_of"):
        if several in schema:
            return instance(schema[several][0], root)
    if "allOf" in schema:
        parts = [instance(part, root) for part in schema["allOf"]]
        return {k: v for part in parts for k, v in part.items()} if len(parts) > 1 else parts[0]
    kind = schema.get("type", "object" if "properties" in schema or not schema else "null")
    kind = (kind[0] if isinstance(kind, list) else kind).lower()
    if kind == "object":
        held = schema.get("properties", {})
        return {name: instance(held.get(name, {}), root) for name in schema.get("required", ())}
    if kind == "array":
        return [instance(schema.get("items", {}), root) for _ in range(schema.get("minItems", 0))]
    if kind == "string":
        return "x" * schema.get("minLength", 1)
    if kind in ("integer", "number"):
        least = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
        return int(least) if kind == "integer" else least
    return False if kind == "boolean" else None


def vector(text: str, dimensions: int) -> list[float]:
    """An embedding of length one that depends on the text alone; its numbers are float32's."""
    drawn = blake2b(text.encode("utf-8", "replace"), digest_size=64).digest()
    raw = [drawn[i % 64] - 127.5 + i // 64 for i in range(dimensions)]
    long = math.sqrt(sum(number * number for number in raw))
    return [round(number / long * 2**20) / 2**20 for number in raw]
