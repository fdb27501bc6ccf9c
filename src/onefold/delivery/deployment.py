"""A model as it can be reached: the provider, its price, how long it usually speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta, Struct

from onefold.core.errors import ConfigError, unknown
from onefold.core.part import at, coerce
from onefold.core.registry import lookup, no_such
from onefold.core.usage import Price, Usage, estimated_tokens
from onefold.delivery.provider import Provider, Reply, Request


class Deployment(Struct, frozen=True):
    """One model that can be asked.

    price: None is unknown, which is never free.
    typical_tokens: tokens it usually writes, for estimates before a call.
    typical_seconds: how long it usually takes, for estimates before a call.
    """

    name: str
    provider: Provider
    price: Price | None = None
    typical_tokens: Annotated[int, Meta(ge=1)] = 256
    typical_seconds: Annotated[float, Meta(ge=0)] = 1.0

    @property
    def identity(self) -> str:
        """What its replies depend on besides the request: for the cache's key."""
        return f"{self.name}\n{self.provider!r}"

    def estimate(self, request: Request) -> Usage:
        """What a call will probably use, before it is made."""
        return self.used(
            Reply(tokens_out=request.sampling.max_tokens or self.typical_tokens), request
        )

    def used(self, reply: Reply, request: Request) -> Usage:
        """What a call used: the service's own counts, estimates (marked so) where it has none."""
        known = reply.tokens_in is not None and reply.tokens_out is not None
        tokens_in = reply.tokens_in
        if tokens_in is None:
            tokens_in = sum(estimated_tokens(m.content) for m in request.messages)
        tokens_out = estimated_tokens(reply.text) if reply.tokens_out is None else reply.tokens_out
        usage = Usage(
            tokens_in,
            reply.tokens_cached,
            tokens_out,
            None,
            1,
            not known,
            reply.tokens_written,
            reply.tokens_reasoning,
        )
        return msgspec.structs.replace(usage, usd=self.cost(usage, reply))

    def cost(self, usage: Usage, reply: Reply) -> float | None:
        """US dollars: as the service says, else by the price, else unknown."""
        if reply.usd is not None:
            return reply.usd
        return self.price.usd(usage) if self.price else None


def deployment(name: str, spec: Any) -> Deployment:
    """A deployment from its entry under `models:`.

    The entry is a provider (`{sim: {accuracy: 0.7}}`, `"fake:4"`), or a mapping with `provider`
    and any of `price`, `typical_tokens`, `typical_seconds`.

    Raises:
        ConfigError: names the model, the field and the nearest known one.
    """
    if isinstance(spec, Deployment):
        return spec
    if not (isinstance(spec, Mapping) and "provider" in spec):
        spec = {"provider": spec}
    known = [f for f in Deployment.__struct_fields__ if f != "name"]
    for key in spec:
        if key not in known:
            raise at(f"models.{name}", unknown("field", key, known))
    fields = dict(spec)
    part = provider(fields.pop("provider"), f"models.{name}.provider")
    try:
        hints = get_type_hints(Deployment, include_extras=True)
        plain = {key: msgspec.convert(value, hints[key]) for key, value in fields.items()}
    except msgspec.ValidationError as error:
        raise ConfigError(f"models.{name}: {error}") from None
    return Deployment(name, part, **{**defaults(part), **plain})


def defaults(part: Provider) -> dict[str, Any]:
    """What a provider itself says of its price and habits."""
    about = getattr(part, "_about", None)
    return dict(about()) if about else {}


def provider(spec: Any, where: str = "") -> Provider:
    """A provider from its spelling; `provider:model` names one where a name is enough."""
    if isinstance(spec, str) and ":" in spec:
        kind, _, model = spec.partition(":")
        found = lookup(Provider, kind)
        if found is None:
            raise at(where, no_such(Provider, kind))
        made: Provider = found._named(model)
        return made
    return coerce(Provider, spec, where)
