"""`onefold models`: what can be asked, at which price and within which limits."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import msgspec
import typer
from msgspec import Struct

from onefold.core.errors import ConfigError, unknown
from onefold.core.registry import lookup, names, no_such
from onefold.core.usage import Price
from onefold.delivery.deployment import Deployment
from onefold.delivery.provider import Provider
from onefold.delivery.session import Session
from onefold.delivery.traffic.fleet import Fleet
from onefold.delivery.traffic.limits import Limits
from onefold.lab.recipe import load_models
from onefold.providers.wires.embeddings import Embedder
from onefold.providers.wires.wire import Wire

HEAD = ("name", "asks", "in", "out", "limits", "context", "continues", "can", "tags", "aliases",
        "key")  # fmt: skip
KEY = {"set": "set", "missing": "missing", "none": "none needed", "": ""}


class Row(Struct, frozen=True):
    """A model as it is listed. Prices are US dollars a million tokens, None where unknown.

    asks: whose model it is, as `provider:model`; of a fleet its deployments. key: set, missing or
        none (is needed), empty for a fleet. key_from: where it lies, or how to give one.
    """

    name: str
    asks: str
    price: Price | None = None
    limits: Limits | None = None
    context: int | None = None
    most_tokens: int | None = None
    continues: str = ""
    capabilities: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    key: Literal["set", "missing", "none", ""] = ""
    key_from: str = ""


class Listed(Struct, frozen=True):
    """A provider as it is listed: what it is, where, and where its key lies."""

    name: str
    about: str
    address: str = ""
    continues: str = ""
    key: Literal["set", "missing", "none"] = "none"
    variables: tuple[str, ...] = ()


def models(
    config: Annotated[
        str | None, typer.Argument(help="A recipe, or a file of models: YAML, TOML or JSON.")
    ] = None,
    tag: Annotated[str | None, typer.Option(help="Only models with this tag.")] = None,
    provider: Annotated[str | None, typer.Option(help="Only models of this provider.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """List the models of a recipe: price, limits, tags, whether their keys are there.

    Without a recipe: the providers, and the names that stand for a model of theirs. Asks nobody,
    and shows no key. Prices are US dollars for a million tokens read (in) and written (out).
    """
    if provider is not None and not isinstance(lookup(Provider, provider), type):
        raise no_such(Provider, provider)
    if config is not None:
        rows = chosen(load_models(config).values(), tag, provider)
        typer.echo(encoded(rows) if json else aligned([HEAD, *map(cells, rows)]))
        return
    if tag is not None:
        raise ConfigError("--tag goes with a recipe or a file of models, where tags are given")
    listed = [about(name) for name in names(Provider) if provider in (None, name)]
    found = [each for each in listed if each is not None]
    rows = [row for row in ready() if provider in (None, row.asks.partition(":")[0])]
    if json:
        typer.echo(encoded({"providers": found, "names": rows}))
        return
    head = ("provider", "address", "continues", "key", "what it is")
    typer.echo(aligned([head, *map(provider_cells, found)]))
    if rows:
        typer.echo(f"\n{aligned([HEAD, *map(cells, rows)])}")
    typer.echo("\nAny model of a provider is asked as provider:model, such as openai:gpt-4o-mini.")


def chosen(known: Iterable[Deployment | Fleet], tag: str | None, provider: str | None) -> list[Row]:
    """The rows of models that have a tag and a provider, where these are given.

    Raises:
        ConfigError: no model has the tag.
    """
    held = list(known)
    single = [model for model in held if isinstance(model, Deployment)]
    tags = {each for model in single for each in model.tags}
    if tag is not None and tag not in tags:
        raise unknown("tag", tag, tags)
    if tag is None and provider is None:
        return [row(model) for model in held]
    return [
        row(model)
        for model in single
        if (tag is None or tag in model.tags)
        and (provider is None or provider == model.provider.name_of_part)
    ]


def row(model: Deployment | Fleet) -> Row:
    """A model as it is listed."""
    if isinstance(model, Fleet):
        return Row(model.name, f"{model.pick} of {', '.join(model.of)}")
    state, place = key_of(model.provider)
    return Row(
        model.name,
        model.origin,
        model.price,
        model.limits,
        model.context,
        model.most_tokens,
        continues(model.provider),
        model.capabilities,
        model.tags,
        model.aliases,
        state,
        place,
    )


def ready() -> list[Row]:
    """The names that stand for a model by themselves."""
    session = Session()
    found = [n for n in names(Provider) if not isinstance(lookup(Provider, n), type)]
    return [row(session.deployment(name)) for name in found]


def about(name: str) -> Listed | None:
    """A provider as it is listed; None for a name that stands for one model."""
    found = lookup(Provider, name)
    if not isinstance(found, type):
        return None
    said = re.split(r"[:;.,] ", (found.__doc__ or "").strip().split("\n")[0])[0].rstrip(".")
    if not issubclass(found, Wire):
        return Listed(name, said)
    service = found.service
    state: Literal["set", "missing", "none"] = "none"
    if service.keys:
        state = "set" if any(map(os.environ.get, service.keys)) else "missing"
    address = service.url or "say base_url"
    if service.variable:
        address += f", or {service.variable}"
    way = "" if issubclass(found, Embedder) else service.continues
    return Listed(name, said, address, way, state, service.keys)


def key_of(provider: Provider) -> tuple[Literal["set", "missing", "none"], str]:
    """Whether a provider's key is there, and where it lies or how to give one; never its value."""
    if not isinstance(provider, Wire):
        return "none", ""
    variables = provider.service.keys
    held = next((name for name in variables if os.environ.get(name)), "")
    try:
        there = bool(provider._secret())
    except ConfigError as error:
        return "missing", str(error)
    return ("set", provider.key or f"env:{held}") if there else ("none", "")


def continues(provider: Provider) -> str:
    """How a provider says that it continues a partial answer; empty where it says nothing."""
    if not isinstance(provider, Wire) or isinstance(provider, Embedder):
        return ""
    return provider.continues or provider.service.continues


def cells(each: Row) -> tuple[str, ...]:
    """A model's line of the table."""
    price, fleet = each.price, each.key == ""
    return (
        each.name,
        "" if each.asks == each.name else each.asks,
        f"{price.tokens_in:g}" if price else "" if fleet else "unknown",
        f"{price.tokens_out:g}" if price else "" if fleet else "unknown",
        limited(each.limits),
        "" if each.context is None else str(each.context),
        each.continues,
        ", ".join(each.capabilities),
        ", ".join(each.tags),
        ", ".join(each.aliases),
        f"{KEY[each.key]} ({each.key_from})" if each.key == "set" else KEY[each.key],
    )


def provider_cells(each: Listed) -> tuple[str, ...]:
    """A provider's line of the table."""
    key = KEY[each.key]
    if each.variables:
        key += f" ({' or '.join(each.variables)})"
    return (each.name, each.address, each.continues, key, each.about)


def limited(limits: Limits | None) -> str:
    """Limits in few words."""
    if limits is None:
        return ""
    said = [f"{limits.requests} calls/min"] if limits.requests is not None else []
    said += [f"{limits.tokens} tokens/min"] if limits.tokens is not None else []
    return ", ".join([*said, f"{limits.concurrency} at once"])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows below each other, the first one their heads; columns without any cell are left out."""
    kept = [i for i in range(len(rows[0])) if any(row[i] for row in rows[1:])]
    widths = {i: max(len(row[i]) for row in rows) for i in kept}
    return "\n".join("  ".join(row[i].ljust(widths[i]) for i in kept).rstrip() for row in rows)


def encoded(data: Any) -> str:
    """Data as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(data)).decode()
