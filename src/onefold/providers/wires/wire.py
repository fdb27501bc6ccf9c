"""What all wires share: an address, a key, and the way from a request over HTTP to a reply."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping
from math import exp
from typing import Annotated, Any, ClassVar, Literal, Protocol
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct, structs

from onefold.core.errors import ConfigError, ModelError, Refused, Unreachable
from onefold.delivery.provider import Provider, Reply, Request
from onefold.delivery.session import here
from onefold.delivery.traffic.breaker import Breaking
from onefold.delivery.traffic.limits import Limits
from onefold.delivery.traffic.retry import Retry
from onefold.providers.http import keys
from onefold.providers.http.failures import Rejected, failure, unreadable
from onefold.providers.http.sse import Events, Lines
from onefold.providers.http.transport import Outgoing, Transport, aiohttp_transport
from onefold.providers.prices import list_price

Continuing = Literal["", "trailing", "prefix", "flag", "none"]
SETTINGS = ("temperature", "top_p", "top_k", "max_tokens", "seed", "stop")


class Service(Struct, frozen=True):
    """Where a service is and how it is spoken to.

    url: its address; empty where each user has an own one. variable: environment variable of the
        operator's that may say it instead.
    keys: environment variables that may hold the key; none means that no key is needed.
    header: the header that carries the key; `authorization` carries it as a bearer's.
    continues: how it continues a partial answer: a `trailing` assistant message, one with
        `prefix: true`, with the `flag` continue_final_message, or not at all (`none`).
    lacks: what it has no word for: settings by name, `logprobs`, `schema`.
    fixed: headers that it wants with every request, as pairs of name and value.
    """

    url: str = ""
    keys: tuple[str, ...] = ()
    header: str = "authorization"
    continues: Continuing = "none"
    lacks: frozenset[str] = frozenset()
    variable: str = ""
    fixed: tuple[tuple[str, str], ...] = ()


class Fold(Protocol):
    """Adds up the events of one stream."""

    __slots__ = ()

    def add(self, event: str, data: bytes) -> str:
        """The text that an event brings, empty where it brings none.

        Raises:
            ModelError: the event is an error of the service's.
        """
        ...

    def reply(self) -> Reply:
        """The whole reply, once the stream has ended.

        Raises:
            Unreachable: it ended before its last event.
        """
        ...


class Wire(Provider, abstract=True):
    """A service that is spoken to over HTTP; the model is named as the service names it.

    base_url: another address than the service's own, without a key in it. The environment's key
        goes to the service's own address only; for another one say `key` as well.
    key: where the key lies, `env:NAME` or `file:PATH`; empty: the service's usual variables.
    headers: sent with each request; secret ones are named as keys are.
    body: fields added to each request's body, for what this library has no word for.
    stall: seconds of silence after which a stream is given up.
    continues: another way to continue a partial answer than the service's usual one.
    """

    model: str
    base_url: str = ""
    key: str = ""
    headers: Mapping[str, str] = {}
    body: Mapping[str, Any] = {}
    stall: Annotated[float, Meta(gt=0)] = 60.0
    continues: Continuing = ""

    bounded: ClassVar[bool] = True
    service: ClassVar[Service] = Service()
    framing: ClassVar[type[Events] | type[Lines]] = Events

    @abstractmethod
    def request(self, request: Request, stream: bool) -> tuple[str, dict[str, Any]]:
        """The path below the address, and the body as plain data."""

    @abstractmethod
    def parse(self, data: bytes) -> Reply:
        """The reply in a body.

        Raises:
            ModelError: the body is an error of the service's, or holds no reply.
            msgspec.DecodeError: it makes no sense.
        """

    @abstractmethod
    def fold(self) -> Fold:
        """What adds up a stream's events."""

    async def complete(self, request: Request) -> Reply:
        out, secret = self._outgoing(request, False)
        try:
            data = await self._transport().send(out)
        except Rejected as rejected:
            raise self._told(failure(rejected, request.model), secret) from None
        try:
            return finished(self.parse(data), request)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            told = unreadable(request.model, data, error)
            told.billed = True
            raise self._told(told, secret) from None
        except ModelError as error:
            raise self._told(error, secret) from None

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        out, secret = self._outgoing(request, True)
        events, fold = self.framing(), self.fold()
        pieces = self._transport().stream(out)
        begun = request.begun
        data = b""
        try:
            async for chunk in pieces:
                for name, data in events.feed(chunk):
                    text = fold.add(name, data)
                    if text and begun:  # some services say it again
                        begun, text = unrepeated(begun, text)
                    if text:
                        yield text
            for name, data in events.end():
                text = fold.add(name, data)
                if text:
                    yield text
            yield finished(fold.reply(), request)
        except Rejected as rejected:
            raise self._told(failure(rejected, request.model), secret) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            told = unreadable(request.model, data, error)
            told.billed = True
            raise self._told(told, secret) from None
        except ModelError as error:
            raise self._told(error, secret) from None

    def _outgoing(self, request: Request, stream: bool) -> tuple[Outgoing, str]:
        """What is sent, and the key in it."""
        self._speakable(request)
        secret = self._secret()
        path, body = self.request(request, stream)
        headers = {"content-type": "application/json", **dict(self.service.fixed)}
        if secret:
            header = self.service.header
            headers[header] = f"Bearer {secret}" if header == "authorization" else secret
        for name, value in self.headers.items():
            headers[name.lower()] = keys.read(value, (), name) if keys.named(value) else value
        if self.body:
            body = merged(body, self.body)
        try:
            data = msgspec.json.encode(body)
        except UnicodeEncodeError:
            raise ConfigError(
                f"the messages to {request.model} hold half a character: read their file as UTF-8"
            ) from None
        return Outgoing(self._base() + path, data, headers, self.stall), secret

    def _speakable(self, request: Request) -> None:
        """Refuse, before it is sent, what this service has no word for.

        Raises:
            Refused: names the setting.
        """
        lacks = self.service.lacks
        sampling = request.sampling
        unset = (None, ())
        wanted = [n for n in sampling.__struct_fields__ if getattr(sampling, n) not in unset]
        if request.logprobs is not None:
            wanted.append("logprobs")
        if request.schema is not None:
            wanted.append("schema")
        for name in wanted:
            if name in lacks:
                raise Refused(
                    f"{request.model}: {self.name_of_part} has no {name}: leave it out",
                    model=request.model,
                )
        if request.begun and self._continuing() == "none":
            raise Refused(
                f"{request.model}: {self.name_of_part} does not continue a partial answer: end "
                "with a user's message, or ask a service that does (docs/models.md)",
                model=request.model,
            )

    def _continuing(self) -> Continuing:
        """How it continues a partial answer."""
        return self.continues or self.service.continues

    def _base(self) -> str:
        """The address, without a slash at its end."""
        url = self.base_url or os.environ.get(self.service.variable or "-") or self.service.url
        if url and "://" not in url:
            url = f"http://{url}"
        return url.rstrip("/")

    def _secret(self) -> str:
        """The key; empty where none is needed."""
        own = not self.base_url or not self.service.url
        if self.key or (own and self.service.keys):
            return keys.read(self.key, self.service.keys, f"{self.name_of_part}:{self.model}")
        return ""

    def _told(self, error: ModelError, secret: str) -> ModelError:
        """An error with the key taken out of its words, and a hint where no key was sent."""
        words = keys.scrubbed(str(error), secret)
        if error.status in (401, 403) and not secret:
            words += "; no key was sent: say key: env:NAME or key: file:PATH"
        error.args = (words,)
        return error

    def _transport(self) -> Transport:
        """The session's transport, else the process's own."""
        carried: Transport | None = here().transport
        return aiohttp_transport() if carried is None else carried

    def _prepare(self, model: str) -> None:
        if not self._base():
            raise ConfigError(
                f"{model} needs an address: {self.name_of_part} has none of its own; say "
                f"models: {{NAME: {{{self.name_of_part}: {{model: …, base_url: …}}}}}}"
            )
        self._secret()

    def _about(self) -> dict[str, Any]:
        """What a deployment made from it alone should know."""
        listed = None if self.base_url else list_price(self.name_of_part, self.model)
        return {
            "price": listed,
            "limits": Limits(),
            "retry": Retry(),
            "breaker": Breaking(),
            "timeout": 600.0,
        }

    def _check(self) -> None:
        if not self.model.strip():
            raise ConfigError(f"{self.name_of_part} needs a model's name")
        keys.check(self.key, "key")
        keys.check_headers(dict(self.headers))
        if self.base_url:
            check_address(self.base_url)

    def _to_text(self) -> str | None:
        plain = all(
            getattr(self, field.name) == field.default
            or (field.default_factory is dict and not getattr(self, field.name))
            for field in structs.fields(type(self))
            if field.name != "model"
        )
        return f"{self.name_of_part}:{self.model}" if plain else None

    @classmethod
    def _named(cls, model: str) -> Any:
        return cls(model)


def merged(body: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """A body with fields added, those inside its objects included."""
    both = dict(body)
    for name, value in more.items():
        held = both.get(name)
        deep = isinstance(held, Mapping) and isinstance(value, Mapping)
        both[name] = merged(held, value) if deep else value  # type: ignore[arg-type]
    return both


def check_address(url: str) -> None:
    """Refuse a base_url that is no address, or has a key in it.

    Raises:
        ConfigError: it does; credentials are not shown.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError("base_url: it is no address; write http(s)://host[:port]/path") from None
    if parts.username or parts.password or parts.query:
        raise ConfigError(
            "base_url: an address has no user, password or ?query in it, where keys would hide: "
            "say key: env:NAME or key: file:PATH"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ConfigError(f"base_url: {url!r} is no address; write http(s)://host[:port]/path")


def finished(reply: Reply, request: Request) -> Reply:
    """The reply with its confidence, and without the beginning that it was given."""
    if request.begun and reply.text.startswith(request.begun):
        reply = structs.replace(reply, text=reply.text.removeprefix(request.begun))
    if reply.tokens and reply.confidence is None:
        mean = sum(token.logprob for token in reply.tokens) / len(reply.tokens)
        reply = structs.replace(reply, confidence=min(1.0, exp(mean)))
    return reply


def unrepeated(begun: str, text: str) -> tuple[str, str]:
    """What of the beginning may still be repeated, and what is new in a piece of text."""
    if text.startswith(begun):
        return "", text[len(begun) :]
    if begun.startswith(text):
        return begun[len(text) :], ""
    return "", text


def count(value: Any) -> int | None:
    """A number of tokens as a service says it; None where it says none that can be true."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53:
        return value
    return None


def ended_early(where: str = "its last event") -> Unreachable:
    """The error for a stream that ended before its end."""
    return Unreachable(f"the stream ended before {where}", billed=True)


def strict(schema: Mapping[str, Any]) -> bool:
    """Whether every object in a schema is closed and needs all that it has: for strict modes."""
    if schema.get("type") == "object" or "properties" in schema:
        needed, held = schema.get("required", ()), schema.get("properties", {})
        if schema.get("additionalProperties") is not False or set(held) - set(needed):
            return False
    inner: list[Any] = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    inner += [*schema.get("anyOf", ()), schema.get("items")]
    return all(strict(one) for one in inner if isinstance(one, Mapping))
