"""A scripted model: says what it is told to, when it is told to. For tests, demos and docs."""

from __future__ import annotations

from asyncio import sleep
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from onefold.core import errors
from onefold.core.errors import ConfigError, ModelError, unknown
from onefold.core.usage import Dollars, Price, estimated_tokens
from onefold.delivery.provider import Provider, Reply, Request


class Fake(Provider, name="fake"):
    """A scripted model. `fake:Paris` always says Paris.

    replies: what it says, in turn by the request's sample number; one text is always said.
    answers: replies by prompt, which go before `replies`.
    seconds: how long each takes, in turn; a stream spreads it over its pieces.
    error: name of the ModelError it raises instead, such as `RateLimited`.
    confidence: the share it states in [0, 1].
    tokens: (in, out) that it reports; None estimates them from the text.
    price: (in, out) in US dollars per million tokens.
    """

    replies: tuple[str, ...] = ()
    answers: Mapping[str, str] = {}
    seconds: tuple[Annotated[float, Meta(ge=0)], ...] = (0.0,)
    error: str = ""
    confidence: Annotated[float, Meta(ge=0, le=1)] | None = None
    tokens: tuple[int, int] | None = None
    price: tuple[Dollars, Dollars] = (0.0, 0.0)

    remote: ClassVar[bool] = False

    async def complete(self, request: Request) -> Reply:
        seconds = self.seconds[request.sample % len(self.seconds)] if self.seconds else 0.0
        await sleep(seconds)
        return self._reply(request)

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        seconds = self.seconds[request.sample % len(self.seconds)] if self.seconds else 0.0
        if self.error:
            await sleep(seconds)
        reply = self._reply(request)
        words = reply.text.split(" ")
        pieces = [word + " " for word in words[:-1]] + words[-1:]
        for piece in pieces:
            await sleep(seconds / len(pieces))
            yield piece
        yield reply

    def _reply(self, request: Request) -> Reply:
        if self.error:
            raise kinds()[self.error](f"{request.model} was told to fail", model=request.model)
        text = self.answers.get(request.prompt)
        if text is None:
            text = self.replies[request.sample % len(self.replies)] if self.replies else ""
        prompt = sum(estimated_tokens(message.content) for message in request.messages)
        used = self.tokens or (prompt, estimated_tokens(text))
        return Reply(text, used[0], 0, used[1], self.confidence)

    def _about(self) -> dict[str, Any]:
        """What a deployment made from it alone should know."""
        return {"price": Price(*self.price), "typical_seconds": max(self.seconds, default=0.0)}

    def _check(self) -> None:
        if self.error and self.error not in kinds():
            raise unknown("error", self.error, kinds())
        if not (self.replies or self.answers or self.error):
            raise ConfigError("a fake needs something to say: replies, answers or an error")

    @classmethod
    def _named(cls, model: str) -> Fake:
        return cls((model,))


def kinds() -> dict[str, type[ModelError]]:
    """The errors a member can fail with, by name."""
    found = {name: thing for name, thing in vars(errors).items() if isinstance(thing, type)}
    return {name: thing for name, thing in found.items() if issubclass(thing, ModelError)}
