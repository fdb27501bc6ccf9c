"""A model as it can be reached: the provider, its price, how long it usually speaks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta, Struct

from onefold.core.errors import ConfigError, unknown
from onefold.core.part import at, coerce
from onefold.core.usage import Price, Usage, estimated_tokens
from onefold.delivery.provider import Provider, Reply, Request
from onefold.delivery.traffic.breaker import Breaking
from onefold.delivery.traffic.fleet import Fleet
from onefold.delivery.traffic.hedge import Hedging
from onefold.delivery.traffic.limits import Limits
from onefold.delivery.traffic.retry import Retry

GROUPS: dict[str, Any] = {
    "price": Price, "limits": Limits, "retry": Retry, "breaker": Breaking, "hedge": Hedging,
}  # fmt: skip


class Deployment(Struct, frozen=True):
    """One model that can be asked, and on which terms: all that is known of it before a call.

    price: None is unknown, which is never free.
    typical_tokens: tokens it usually writes, for estimates before a call.
    typical_seconds: how long it usually takes, for estimates before a call.
    limits: calls and tokens a minute, calls at once. retry, breaker, hedge: what is done about
        failures and delays; None: nothing. Wires have limits, retries and a breaker by default.
    timeout: seconds that one attempt may take.
    most_tokens: tokens a reply may have.
    context, capabilities, tags: tokens that prompt and reply may have together, what it can do and
        what it is good for, for whoever looks models up; the service itself refuses what is longer.
    aliases: other names that mean it.
    """

    name: str
    provider: Provider
    price: Price | None = None
    typical_tokens: Annotated[int, Meta(ge=1)] = 256
    typical_seconds: Annotated[float, Meta(ge=0)] = 1.0
    limits: Limits | None = None
    retry: Retry | None = None
    breaker: Breaking | None = None
    hedge: Hedging | None = None
    timeout: Annotated[float, Meta(gt=0)] | None = None
    context: Annotated[int, Meta(ge=1)] | None = None
    most_tokens: Annotated[int, Meta(ge=1)] | None = None
    capabilities: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """What its replies depend on besides the request: for the cache's key."""
        return f"{self.name}\n{self.provider!r}"

    @property
    def origin(self) -> str:
        """Whose model it is: the provider's name, and the model's own where it has one."""
        own = getattr(self.provider, "model", "")
        kind = self.provider.name_of_part
        return f"{kind}:{own}" if own else kind

    def estimate(self, request: Request) -> Usage:
        """What a call will probably use, before it is made."""
        tokens_in = request.tokens
        tokens_out = request.sampling.max_tokens or self.typical_tokens
        if self.provider.silent:
            tokens_out = 0
        usd = None if self.price is None else self.price.of(tokens_in, tokens_out)
        return Usage(tokens_in, 0, tokens_out, usd, 1, True)

    def bound(self, tokens_in: int, most: int) -> Usage:
        """What a call can use at most, when it reads and writes so many tokens at most."""
        price, usd = self.price, None
        if price is not None:
            dearest = max(price.tokens_in, price.tokens_written or 0.0, price.tokens_cached or 0.0)
            usd = (tokens_in * dearest + most * price.tokens_out) / 1e6 + price.call
        return Usage(tokens_in, 0, most, usd, 1, True)

    def used(self, reply: Reply, request: Request) -> Usage:
        """What a call used: the service's own counts, estimates (marked so) where it has none.

        A server that says zero tokens for a text that it read or wrote does not count them.
        """
        tokens_in, tokens_out, price = reply.tokens_in, reply.tokens_out, self.price
        if self.provider.remote:
            tokens_in = tokens_in or None
            tokens_out = tokens_out or (None if reply.text else tokens_out)
        if self.provider.silent:
            tokens_out = 0
        guessed = tokens_in is None or tokens_out is None
        if tokens_in is None:
            tokens_in = request.tokens
        if tokens_out is None:
            tokens_out = estimated_tokens(reply.text)
        cached, written = reply.tokens_cached, reply.tokens_written
        usd = reply.usd
        if usd is None and price is not None:
            usd = price.of(tokens_in, tokens_out, cached, written)
        return Usage(
            tokens_in, cached, tokens_out, usd, 1, guessed, written, reply.tokens_reasoning
        )


def deployment(name: str, spec: Any) -> Deployment | Fleet:
    """A deployment, or a fleet of them, from its entry under `models:`.

    The entry is a provider (`{sim: {accuracy: 0.7}}`, `"fake:4"`, a function), or a mapping with
    `provider` and any other field of a Deployment; `{fleet: [names], pick: …}` is a fleet.

    Raises:
        ConfigError: names the model, the field and the nearest known one.
    """
    if isinstance(spec, Deployment | Fleet):
        return spec
    if isinstance(spec, Mapping) and "fleet" in spec:
        return fleet(name, spec)
    if not (isinstance(spec, Mapping) and "provider" in spec):
        spec = {"provider": spec}
    known = [f for f in Deployment.__struct_fields__ if f != "name"]
    for key in spec:
        if key not in known:
            raise at(f"models.{name}", unknown("field", key, known))
    fields = dict(spec)
    part = provider(fields.pop("provider"), f"models.{name}.provider")
    plain = {key: setting(f"models.{name}.{key}", key, value) for key, value in fields.items()}
    return Deployment(name, part, **{**defaults(part), **plain})


def setting(where: str, key: str, value: Any) -> Any:
    """A field of a deployment from plain data, checked.

    Raises:
        ConfigError: it does not fit, or has a field that nobody knows.
    """
    kind = GROUPS.get(key)
    if kind is not None and isinstance(value, Mapping):
        for name in value:
            if name not in kind.__struct_fields__:
                raise at(where, unknown("field", name, kind.__struct_fields__))
    try:
        return msgspec.convert(value, hints()[key])
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {value!r:.60} does not fit: {error}") from None
    except ConfigError as error:
        raise at(where, error) from None


@cache
def hints() -> dict[str, Any]:
    """The types of a deployment's fields."""
    return get_type_hints(Deployment, include_extras=True)


def fleet(name: str, spec: Mapping[str, Any]) -> Fleet:
    """A fleet from its entry.

    Raises:
        ConfigError: it does not fit.
    """
    known = [field for field in Fleet.__struct_fields__ if field not in ("name", "of")]
    for key in spec:
        if key not in ("fleet", *known):
            raise at(f"models.{name}", unknown("field", key, ("fleet", *known)))
    try:
        fields = {"name": name, "of": spec["fleet"], **{k: spec[k] for k in known if k in spec}}
        return msgspec.convert(fields, Fleet)
    except (msgspec.ValidationError, ConfigError) as error:
        raise ConfigError(f"models.{name}: {error}") from None


def defaults(part: Provider) -> dict[str, Any]:
    """What a provider itself says of its price and habits."""
    about = getattr(part, "_about", None)
    return dict(about()) if about else {}


def provider(spec: Any, where: str = "") -> Provider:
    """A provider from its spelling; `provider:model` names one where a name is enough."""
    if not isinstance(spec, str) or ":" not in spec:
        return coerce(Provider, spec, where)
    try:
        made: Provider = Provider._from_text(spec)
    except ConfigError as error:
        raise at(where, error) from None
    return made
