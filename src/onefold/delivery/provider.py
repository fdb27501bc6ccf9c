"""What goes to a model and comes back, and the part that carries it: text in, text out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

from onefold.core.errors import ConfigError
from onefold.core.part import Part
from onefold.core.query import Message


class Sampling(Struct, frozen=True, omit_defaults=True):
    """How a model draws its words; None leaves a setting to the service."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()


class Request(Struct, frozen=True, omit_defaults=True):
    """One question to one model, ready to be sent.

    model: the deployment's name. query_id: the row it belongs to, for recordings.
    sample: which of several draws this is. asked: the question before it was rendered.
    """

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    labels: tuple[str, ...] = ()
    query_id: str = ""
    sample: int = 0
    asked: str = ""

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
        return sum(len(message.content) for message in self.messages)

    def key(self, identity: str) -> str:
        """What the cache and the journal know this request by: everything that changes replies."""
        sent = (identity, self.messages, self.sampling, self.labels, self.sample)
        return blake2b(msgspec.json.encode(sent), digest_size=20).hexdigest()


class Reply(Struct, frozen=True, omit_defaults=True):
    """What came back. Token counts are the service's own, None where it did not say.

    confidence: share in [0, 1] that the service or the script stated.
    usd: what the service says it cost, None to leave it to the deployment's price.
    finish: why it ended: stop, length, refused.
    """

    text: str = ""
    tokens_in: int | None = None
    tokens_cached: int = 0
    tokens_out: int | None = None
    confidence: float | None = None
    probs: dict[str, float] | None = None
    usd: float | None = None
    finish: str = "stop"


class Provider(Part, abstract=True):
    """Text in, text out, on one wire. Raises a ModelError where no reply comes.

    Only `delivery.deliver` calls it.
    """

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
