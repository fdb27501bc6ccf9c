"""What goes to a model and comes back, and the part that carries it: text in, text out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping
from hashlib import blake2b
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from onefold.core.answer import Token
from onefold.core.errors import ConfigError
from onefold.core.part import Part
from onefold.core.query import Message
from onefold.core.registry import lookup, no_such
from onefold.core.usage import estimated_tokens

OVERHEAD = 16  # tokens that a service may add around each message, and around all


class Sampling(Struct, frozen=True, omit_defaults=True):
    """How a model draws its words; None leaves a setting to the service."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    top_k: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    effort: str | None = None


class Request(Struct, frozen=True, omit_defaults=True):
    """One question to one model, ready to be sent.

    model: the deployment's name. query_id: the row it belongs to, for recordings.
    sample: which of several draws this is. asked: the question before it was rendered.
    schema: the JSON Schema that the reply must fit. logprobs: how many alternatives to report
        beside each token; 0 only the token itself, None no log-probabilities.

    A last message by the assistant is the beginning of the reply, which the model continues.
    """

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    labels: tuple[str, ...] = ()
    query_id: str = ""
    sample: int = 0
    asked: str = ""
    schema: Mapping[str, Any] | None = None
    logprobs: int | None = None

    @property
    def prompt(self) -> str:
        """The question as it was asked, else the last thing the user says."""
        if self.asked:
            return self.asked
        said = [message.content for message in self.messages if message.role == "user"]
        return said[-1] if said else ""

    @property
    def length(self) -> int:
        """Characters in all messages."""
        if len(self.messages) == 1:
            return len(self.messages[0].content)
        return sum([len(message.content) for message in self.messages])

    @property
    def most_tokens_in(self) -> int:
        """Tokens that the messages can be at most: one a byte, and what services add to each."""
        most = OVERHEAD
        for message in self.messages:
            text = message.content
            most += OVERHEAD + (len(text) if text.isascii() else len(text.encode()))
        return most

    @property
    def tokens(self) -> int:
        """Tokens in all messages, estimated."""
        if len(self.messages) == 1:
            return estimated_tokens(self.messages[0].content)
        return sum([estimated_tokens(message.content) for message in self.messages])

    @property
    def begun(self) -> str:
        """The beginning of the reply that the model is to continue; empty where there is none."""
        last = self.messages[-1] if self.messages else None
        return last.content if last is not None and last.role == "assistant" else ""

    def key(self, identity: str) -> str:
        """What the cache and the journal know this request by: everything that changes replies."""
        sent: tuple[Any, ...] = (
            identity, self.messages, self.sampling, self.labels, self.sample,
        )  # fmt: skip
        if self.schema is not None or self.logprobs is not None:
            sent = (*sent, self.schema, self.logprobs)
        return blake2b(msgspec.json.encode(sent), digest_size=20).hexdigest()


class Reply(Struct, frozen=True, omit_defaults=True):
    """What came back. Token counts are the service's own, None where it did not say.

    confidence: share in [0, 1] that the service or the script stated; with log-probabilities
        the geometric mean of the tokens' probabilities.
    usd: what the service says it cost, None to leave it to the deployment's price.
    finish: why it ended: until (at one of the request's `stop` texts, where the service tells),
        stop, length, filtered, refused, tool, or the service's own word. A stop text is never part
        of the reply.
    tokens_cached, tokens_written: of tokens_in, those read from and written to the service's
        prompt cache. tokens_reasoning: of tokens_out, those of hidden reasoning.
    tokens: the reply's tokens with their log-probabilities, where they were asked for.
    reasoning: what the model thought aloud, where the service tells it.
    vectors: embeddings, one a text, for models that embed.
    upstream: the model's name and the call's id as the service gives them.
    """

    text: str = ""
    tokens_in: int | None = None
    tokens_cached: int = 0
    tokens_out: int | None = None
    confidence: float | None = None
    probs: dict[str, float] | None = None
    usd: float | None = None
    finish: str = "stop"
    tokens_written: int = 0
    tokens_reasoning: int = 0
    tokens: tuple[Token, ...] = ()
    reasoning: str = ""
    vectors: tuple[tuple[float, ...], ...] = ()
    upstream: tuple[str, str] = ("", "")


class Provider(Part, abstract=True):
    """Text in, text out, on one wire. Raises a ModelError where no reply comes.

    Only `delivery.deliver` calls it.

    remote: whether calls leave the process: they may then be paid for although no reply came.
    bounded: whether it keeps to `max_tokens`, so that the most a call can cost is known.
    silent: whether it writes nothing, as one that embeds or scores; it then has no `max_tokens`.
    tells: whether `finish` tells a stop text (`until`) from the model's own end (`stop`).
    """

    remote: ClassVar[bool] = True
    bounded: ClassVar[bool] = False
    silent: ClassVar[bool] = False
    tells: ClassVar[bool] = False

    @abstractmethod
    async def complete(self, request: Request) -> Reply:
        """The whole reply."""

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        """Pieces of the text as they come, then the whole reply."""
        reply = await self.complete(request)
        yield reply.text
        yield reply

    def _prepare(self, model: str) -> None:
        """Check, before anything is paid, that this model can be asked; raises ConfigError."""

    def _continues(self) -> bool:
        """Whether it continues a partial answer: a last message by the assistant."""
        return False

    @classmethod
    def _from_text(cls, text: str) -> Any:
        kind, colon, model = text.partition(":")
        if not colon:
            return None
        found = lookup(Provider, kind)
        if found is None:
            raise no_such(Provider, kind)
        return found._named(model)

    @classmethod
    def _named(cls, model: str) -> Any:
        """The provider behind `provider:model`, where a name is all it takes.

        Raises:
            ConfigError: this provider needs more than a name.
        """
        raise ConfigError(
            f"{cls.name_of_part}:{model} needs fields: register it, "
            f"as in models: {{{model}: {{provider: {{{cls.name_of_part}: {{…}}}}}}}}"
        )
