"""Models reached through somebody else's package that speaks in OpenAI's shapes; OpenAI's own."""

from __future__ import annotations

from abc import abstractmethod
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import structs

from onefold.core.errors import (
    ConfigError,
    MissingExtra,
    ModelError,
    Refused,
    TimedOut,
    Unreachable,
    Unreadable,
)
from onefold.core.usage import Price
from onefold.delivery.provider import Provider, Reply, Request
from onefold.providers.http import keys
from onefold.providers.http.address import check
from onefold.providers.http.failures import Rejected, inside
from onefold.providers.http.transport import CONNECT
from onefold.providers.prices import list_price
from onefold.providers.wires.chat import Chat
from onefold.providers.wires.services import OpenAI
from onefold.providers.wires.wire import merged, terms

CARRIERS = ("aiohttp", "anyio", "httpcore", "httpx", "httpx2")  # what such packages send with
OWN = (
    "api_base", "api_key", "base_url", "fallbacks", "max_retries", "messages", "model",
    "model_list", "num_retries", "stream",
)  # fmt: skip


class Packaged(Provider, abstract=True):
    """A service that a Python package speaks to; the corridor owns its retries and deadlines.

    base_url: another address than the usual one, without a key in it; the environment's key does
        not go there: say `key` as well.
    key: where the key lies, `env:NAME` or `file:PATH`; empty: the usual variables.
    body: fields added to each request, for what this library has no word for.
    """

    model: str
    key: str = ""
    base_url: str = ""
    body: Mapping[str, Any] = {}

    bounded: ClassVar[bool] = True
    wire: ClassVar[type[Chat]]

    @abstractmethod
    async def _asked(self, body: dict[str, Any], stream: bool) -> Any:
        """What the package returns: an object in OpenAI's shape, or a stream of them."""

    @abstractmethod
    def _price(self) -> Price | None:
        """The list price, None where it is not known."""

    def _secrets(self) -> tuple[str, ...]:
        """What is to be kept out of every error."""
        return (keys.read(self.key, (), self.name_of_part),) if self.key else ()

    async def complete(self, request: Request) -> Reply:
        wire, data = self.wire(self.model), b""
        try:
            data = plain(await self._asked(self._body(wire, request, False), False))
            return wire._finished(wire.parse(data), request)
        except (ConfigError, MissingExtra):
            raise
        except Exception as error:
            raise wire._told(understood(error), data, request.model, self._secrets()) from None

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        wire, data, begun = self.wire(self.model), b"", False
        fold = wire.fold()
        try:
            pieces = await self._asked(self._body(wire, request, True), True)
            try:
                async for piece in pieces:
                    data = plain(piece)
                    text = fold.add("", data)
                    if text:
                        begun = True
                        yield text
            finally:
                await getattr(pieces, "aclose", getattr(pieces, "close", nothing))()
            yield wire._finished(fold.reply(), request)
        except (ConfigError, MissingExtra):
            raise
        except Exception as error:
            told = wire._told(understood(error), data, request.model, self._secrets())
            told.billed = told.billed or begun
            raise told from None

    def _body(self, wire: Chat, request: Request, stream: bool) -> dict[str, Any]:
        """What is asked, in OpenAI's words.

        Raises:
            Refused: there is no word for it.
        """
        if request.begun:
            raise Refused(
                f"{request.model}: {self.name_of_part} does not continue a partial answer: end "
                "with a user's message, or ask a service that does (docs/models.md)",
                model=request.model,
            )
        wire._speakable(request)
        body = wire.request(request, stream)[1]
        body.pop("stream", None)
        return merged(body, self.body)

    def _about(self) -> dict[str, Any]:
        """What a deployment made from it alone should know."""
        return terms(None if self.base_url else self._price())

    def _check(self) -> None:
        if not self.model.strip():
            raise ConfigError(f"{self.name_of_part} needs a model's name")
        keys.check(self.key, "key")
        if self.base_url:
            check(self.base_url)
        for name in self.body:
            if name in OWN:
                raise ConfigError(
                    f"body.{name}: this is not said in the body: model, key and base_url are "
                    "fields, retries and fallbacks are a deployment's and a fleet's"
                )

    def _to_text(self) -> str | None:
        others = [field for field in structs.fields(type(self)) if field.name != "model"]
        given = any(getattr(self, field.name) for field in others)
        return None if given else f"{self.name_of_part}:{self.model}"

    @classmethod
    def _named(cls, model: str) -> Any:
        return cls(model)


class OpenAISDK(Packaged, name="openai_sdk"):
    """OpenAI's chat completions by its own package: `openai_sdk:gpt-4o`; needs the extra `openai`.

    For ways to sign in that only the package knows; `openai:gpt-4o` takes a fraction of its CPU
    (docs/measured/wires.md).

    client: a function that makes an `AsyncOpenAI` (or an `AsyncAzureOpenAI`), called once for each
        event loop, from Python only.
    """

    client: Any = None

    wire: ClassVar[type[Chat]] = OpenAI

    async def _asked(self, body: dict[str, Any], stream: bool) -> Any:
        secrets = self._secrets()
        way = self.client or (*secrets, self.base_url)
        client = await CLIENTS.client(way, lambda: self._client(*secrets))
        model, messages = body.pop("model"), body.pop("messages")
        return await client.chat.completions.create(
            model=model, messages=messages, stream=stream, extra_body=body
        )

    def _client(self, key: str = "none") -> Any:
        """A client that tries once, and waits as long as the corridor lets it."""
        openai = package()
        if self.client is not None:
            made = self.client()
            if not isinstance(made, openai.AsyncOpenAI):
                raise ConfigError(f"client: it makes {made!r:.60}, which is no AsyncOpenAI")
        else:
            made = openai.AsyncOpenAI(api_key=key, base_url=self.base_url or OpenAI.service.url)
        return made.with_options(max_retries=0, timeout=openai.Timeout(None, connect=CONNECT))

    def _secrets(self) -> tuple[str, ...]:
        if self.client is not None or (self.base_url and not self.key):
            return ()
        return (keys.read(self.key, OpenAI.service.keys, f"openai_sdk:{self.model}"),)

    def _price(self) -> Price | None:
        return None if self.client else list_price("openai", self.model)

    def _prepare(self, model: str) -> None:
        package()
        self._secrets()

    def _check(self) -> None:
        super()._check()
        if self.client is not None and (not callable(self.client) or self.key or self.base_url):
            raise ConfigError(
                "client: it is a function that makes an AsyncOpenAI, and stands for itself: "
                "without a key and a base_url beside it"
            )

    def _to_text(self) -> str | None:
        if self.client is not None:
            raise ConfigError(
                f"openai_sdk:{self.model} has a client of its own and cannot be written down: "
                "register it in Python, with Session(models=…)"
            )
        return super()._to_text()


class Clients:
    """Clients of the package, one for each event loop and each way to sign in.

    Those made here are closed with their loop, by its shutdown of generators.
    """

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held: dict[tuple[AbstractEventLoop, Any], tuple[Any, AsyncGenerator[Any]]] = {}

    async def client(self, way: Any, make: Callable[[], Any]) -> Any:
        """The client for a way to sign in: `(key, base_url)`, or the function that makes it."""
        place = (get_running_loop(), way)
        if place not in self.held:
            for other in [held for held in self.held if held[0].is_closed()]:
                del self.held[other]
            opened = self._open(make, closes=not callable(way))
            self.held[place] = (await anext(opened), opened)
        return self.held[place][0]

    async def _open(self, make: Callable[[], Any], closes: bool) -> AsyncGenerator[Any]:
        client = make()
        try:
            yield client
        finally:
            if closes:
                await client.close()


CLIENTS = Clients()


def package() -> Any:
    """OpenAI's package.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import openai
    except ImportError:
        raise MissingExtra("openai", "openai_sdk") from None
    return openai


async def nothing() -> None:
    """Close what needs no closing."""


def plain(said: Any) -> bytes:
    """A pydantic object as the JSON that it was made from."""
    text: str = said.model_dump_json(warnings=False)
    return text.encode()


def understood(error: Exception) -> Exception:
    """What a package raised, as what wires raise: by its status, else by its kind.

    Sources: openai-python, README, Handling errors; LiteLLM, Exception Mapping.
    """
    if isinstance(error, ModelError | msgspec.DecodeError | UnicodeDecodeError):
        return error
    kind = type(error).__name__
    words = str(error).partition("\nTraceback")[0] or kind
    status, body = getattr(error, "status_code", None), getattr(error, "body", None)
    if isinstance(status, int) and status >= 300:
        headers = getattr(error, "litellm_response_headers", None)
        headers = headers or getattr(getattr(error, "response", None), "headers", None) or {}
        spoken = body if isinstance(body, Mapping) else {"message": words}
        data = msgspec.json.encode({"error": spoken}, enc_hook=str)
        return Rejected(status, {name.lower(): headers[name] for name in headers}, data)
    if "Timeout" in kind:
        return TimedOut(words, billed=True)
    if body:
        return inside(body, kind)
    if kind == "APIConnectionError" or isinstance(error, OSError):
        return Unreachable(words)
    if type(error).__module__.partition(".")[0] in CARRIERS:
        return Unreachable(f"it broke off its reply: {words}", billed=True)
    if isinstance(error, ValueError):
        return Unreadable(f"the reply makes no sense: {words}", billed=True)
    return ModelError(f"{kind}: {words}")
