"""What all wires share: an address, a key, and the way from a request over HTTP to a reply."""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping
from math import exp
from time import monotonic
from typing import Annotated, Any, ClassVar, Literal, Protocol

import msgspec
from msgspec import Meta, Struct, structs

from onefold.core.errors import ConfigError, ModelError, Refused, Unreachable
from onefold.core.usage import Price
from onefold.delivery.provider import Provider, Reply, Request, Sampling
from onefold.delivery.session import here
from onefold.delivery.traffic.breaker import Breaking
from onefold.delivery.traffic.limits import Limits
from onefold.delivery.traffic.retry import Retry
from onefold.providers.http import keys
from onefold.providers.http.address import check, from_environment
from onefold.providers.http.failures import Rejected, failure, shown, unreadable
from onefold.providers.http.sse import Events, Lines
from onefold.providers.http.transport import SHOWN, Outgoing, Transport, aiohttp_transport
from onefold.providers.prices import list_price

Continuing = Literal["", "trailing", "prefix", "flag", "none"]
PLAIN = Sampling()
HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token, RFC 9110, 5.6.2
FAILURES = (Rejected, ModelError, msgspec.DecodeError, UnicodeDecodeError)
ENCODER = msgspec.json.Encoder()


class Service(Struct, frozen=True):
    """Where a service is and how it is spoken to.

    url: its address; empty where each user has an own one. variable: environment variable of the
        operator's that may say it instead; port: the one it means where it says none.
    keys: environment variables that may hold the key; none means that no key is needed.
    header: the header that carries the key; `authorization` carries it as a bearer's.
    continues: how it continues a partial answer: a `trailing` assistant message, one with
        `prefix: true`, with the `flag` continue_final_message, or not at all (`none`).
    repeats: whether a continued answer begins with what was given.
    lacks: what it has no word for: settings by name, `logprobs`, `schema`.
    fixed: headers that it wants with every request, as pairs of name and value.
    """

    url: str = ""
    keys: tuple[str, ...] = ()
    header: str = "authorization"
    continues: Continuing = "none"
    lacks: frozenset[str] = frozenset()
    variable: str = ""
    port: int = 0
    repeats: bool = False
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
        way, data = self._way(), b""
        try:
            data = await way.transport().send(self._outgoing(way, request, False))
            return self._finished(self.parse(data), request)
        except FAILURES as error:
            raise self._told(error, data, request.model, way.secrets) from None

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        way, data, first, known = self._way(), b"", b"", False
        events, fold = self.framing(), self.fold()
        new = Unrepeated(request.begun if self.service.repeats else "")
        try:
            async for chunk in way.transport().stream(self._outgoing(way, request, True)):
                first = first or chunk
                for name, data in events.feed(chunk):
                    known = True
                    text = fold.add(name, data)
                    if text and (not new.begun or (text := new.add(text))):
                        yield text
            for name, data in events.end():
                known = True
                text = fold.add(name, data)
                if text and (text := new.add(text)):
                    yield text
            if text := new.end():
                yield text
            if not known:
                data = cleaned(first, way.secrets)
                raise unreadable(request.model, data, "it is no stream of events")
            yield self._finished(fold.reply(), request)
        except FAILURES as error:
            raise self._told(error, data, request.model, way.secrets) from None

    def _finished(self, reply: Reply, request: Request) -> Reply:
        """The reply with its confidence, and without the beginning that the service repeats."""
        if self.service.repeats and request.begun:
            reply = structs.replace(reply, text=reply.text.removeprefix(request.begun))
        if reply.tokens and reply.confidence is None:
            mean = sum(token.logprob for token in reply.tokens) / len(reply.tokens)
            reply = structs.replace(reply, confidence=min(1.0, exp(mean)))
        return reply

    def _told(
        self, error: Exception, data: bytes, who: str, secrets: tuple[str, ...]
    ) -> ModelError:
        """What went wrong as one of our errors, named after its deployment, without the key."""
        if isinstance(error, Rejected):
            body = cleaned(error.body, secrets)
            found = failure(Rejected(error.status, error.headers, body), who)
        elif isinstance(error, ModelError):
            found = error
        else:
            found = unreadable(who, cleaned(data, secrets), error)
            found.billed = True
        if data:  # something was said, and perhaps paid for
            found.billed = True
        if found.status in (401, 403) and not secrets:
            found.args = (f"{found}; no key was sent: say key: env:NAME or key: file:PATH",)
        return shown(found, who, secrets, self.model)

    def _outgoing(self, way: Way, request: Request, stream: bool) -> Outgoing:
        """What is sent."""
        asks = request.schema is not None or request.logprobs is not None
        if asks or request.sampling != PLAIN or request.begun:
            self._speakable(request)
        path, body = self.request(request, stream)
        if self.body:
            body = merged(body, self.body)
        return Outgoing(way.base + path, ENCODER.encode(body), way.headers, self.stall)

    def _way(self) -> Way:
        """Address and headers; looked up anew each second, so that a changed key counts."""
        way = WAYS.get(id(self))
        now = monotonic()
        if way is None or way.until < now or way.wire is not self:
            if len(WAYS) > 1000:
                WAYS.clear()
            way = WAYS[id(self)] = Way(self, now + 1.0, self._base(), self._secret())
        return way

    def _speakable(self, request: Request) -> None:
        """Refuse, before it is sent, what this service has no word for.

        Raises:
            Refused: names the setting.
        """
        for name in self.service.lacks:
            holder = request if name in ("logprobs", "schema") else request.sampling
            if getattr(holder, name) not in (None, ()):
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

    def _continues(self) -> bool:
        return not self.silent and self._continuing() != "none"

    def _base(self) -> str:
        """The address, without a slash at its end; empty where it has none."""
        service = self.service
        said = os.environ.get(service.variable, "") if service.variable else ""
        if self.base_url or not said.strip():
            return (self.base_url or service.url).rstrip("/")
        return from_environment(service.variable, said, service.port).rstrip("/")

    def _secret(self) -> str:
        """The key; empty where none is needed."""
        own = not self.base_url or not self.service.url
        if self.key or (own and self.service.keys):
            return keys.read(self.key, self.service.keys, f"{self.name_of_part}:{self.model}")
        return ""

    def _prepare(self, model: str) -> None:
        if not self._base():
            raise ConfigError(
                f"{model} needs an address: {self.name_of_part} has none of its own; say "
                f"models: {{NAME: {{{self.name_of_part}: {{model: …, base_url: …}}}}}}"
            )
        self._secret()

    def _about(self) -> dict[str, Any]:
        """What a deployment made from it alone should know."""
        return terms(None if self.base_url else list_price(self.name_of_part, self.model))

    def _check(self) -> None:
        if not self.model.strip():
            raise ConfigError(f"{self.name_of_part} needs a model's name")
        keys.check(self.key, "key")
        keys.check_headers(dict(self.headers))
        for name, value in self.headers.items():
            if not HEADER.fullmatch(name) or not value.isascii() or not value.isprintable():
                raise ConfigError(
                    f"headers.{name!r:.60}: no header has such a name or such characters in it"
                )
        if self.base_url:
            check(self.base_url)

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


class Way:
    """How a wire reaches its service for now: address, headers, the key that is in them."""

    __slots__ = ("base", "headers", "secrets", "until", "wire")

    def __init__(self, wire: Wire, until: float, base: str, secret: str) -> None:
        service = wire.service
        self.wire = wire
        self.until = until
        self.base = base
        self.secrets: tuple[str, ...] = (secret,) if secret else ()
        self.headers = {"content-type": "application/json", **dict(service.fixed)}
        if secret:
            bearer = service.header == "authorization"
            self.headers[service.header] = f"Bearer {secret}" if bearer else secret
        for name, value in wire.headers.items():
            if keys.named(value):
                value = keys.read(value, (), name)
                self.secrets += (value,)
            self.headers[name.lower()] = value

    def transport(self) -> Transport:
        """The session's transport, else the process's own."""
        carried: Transport | None = here().transport
        return aiohttp_transport() if carried is None else carried


class Unrepeated:
    """Takes away the beginning that a service says again, and nothing that only looks like it."""

    __slots__ = ("begun", "held")

    def __init__(self, begun: str) -> None:
        self.begun = begun
        self.held = ""

    def add(self, text: str) -> str:
        """What of the text so far is new; empty while that cannot be told."""
        if not self.begun:
            return text
        self.held += text
        if len(self.held) < len(self.begun) and self.begun.startswith(self.held):
            return ""
        new, self.held = self.held.removeprefix(self.begun), ""
        self.begun = ""
        return new

    def end(self) -> str:
        """What is held back although no more comes: it was no repetition."""
        return self.held


def terms(price: Price | None) -> dict[str, Any]:
    """What a deployment of a service knows without being told: its price, and how it is called."""
    return {
        "price": price,
        "limits": Limits(),
        "retry": Retry(),
        "breaker": Breaking(),
        "timeout": 600.0,
    }


def cleaned(data: bytes, secrets: tuple[str, ...]) -> bytes:
    """Bytes of a service without the keys in them, and without one that they may be cut in."""
    for secret in secrets:
        data = data.replace(secret.encode(), keys.HIDDEN.encode())
    longest = max(map(len, secrets), default=0)
    return data[: SHOWN - longest] if len(data) >= SHOWN else data


def merged(body: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """A body with fields added, those inside its objects included."""
    both = dict(body)
    for name, value in more.items():
        held = both.get(name)
        deep = isinstance(held, Mapping) and isinstance(value, Mapping)
        both[name] = merged(held, value) if deep else value  # type: ignore[arg-type]
    return both


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


WAYS: dict[int, Way] = {}
