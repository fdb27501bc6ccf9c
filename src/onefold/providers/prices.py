"""List prices by service and model: by genai-prices where it is installed, else by our table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any

from onefold.core.usage import Price
from onefold.providers.table import ALIASES, CHANGES, SNAPSHOTS_ALIKE, TABLE

# Our names of services, and genai-prices'. Servers of one's own are not here: nobody lists them.
SERVICES = {
    "openai": "openai",
    "responses": "openai",
    "openai-embeddings": "openai",
    "azure": "azure",
    "anthropic": "anthropic",
    "gemini": "google",
    "deepseek": "deepseek",
    "mistral": "mistral",
    "xai": "x-ai",
    "groq": "groq",
    "together": "together",
    "fireworks": "fireworks",
    "cerebras": "cerebras",
    "perplexity": "perplexity",
    "openrouter": "openrouter",
    "cohere": "cohere",
}
SAME = {"responses": "openai", "openai-embeddings": "openai", "azure": "openai"}
SNAPSHOT = re.compile(r"[-@]20\d\d-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])$")

# Words in the names of models that are fine-tuned or paid by more than tokens of text.
OTHERWISE_PAID = re.compile(
    r"\b(audio|ft|image|live|ocr|online|realtime|research|search|transcribe|tts|voice)\b"
)


def list_price(service: str, model: str, on: date | None = None) -> Price | None:
    """What a service lists for a model, None where that is not known; unknown is never free.

    service: the provider's name, as `openai`. model: as the service spells it, case aside.
    on: the day (UTC) that it holds for, today unless said. Look it up once, when a model is
        registered; a price announced for a later day is not noticed by one looked up before.

    A name must be listed, be documented as an alias, or be a listed name with the full date of a
    snapshot where the source lists snapshots so: a name that only begins alike is unknown, and so
    are fine-tuned models and those that are paid by more than tokens of text (sound, pictures,
    searches). Azure's deployments are taken to be named after their models.

    Where the price depends on the length of the prompt, it is that of the shortest; where it
    depends on the hour, that of the dearest. Prompt caches are those of five minutes. Batch,
    priority and regional prices are not known here.
    """
    name = model.lower()
    if service == "gemini":
        name = name.removeprefix("models/")
    if service not in SERVICES or OTHERWISE_PAID.search(name):
        return None
    on = on or datetime.now(UTC).date()
    price = price_by_genai(service, name, on)
    return price_by_table(service, name, on) if price is None else price


def price_by_table(service: str, model: str, on: date) -> Price | None:
    """What our own table says, for a name in lower case."""
    service = SAME.get(service, service)
    rows = TABLE.get(service, {})
    name = ALIASES.get(service, {}).get(model, model)
    if name not in rows and service in SNAPSHOTS_ALIKE:
        name = SNAPSHOT.sub("", name)
    if name not in rows:
        return None
    changed, later = CHANGES.get(service, {}).get(name, (date.max, rows[name]))
    read, wrote, cached, written = later if on >= changed else rows[name]
    return Price(read, wrote, cached, tokens_written=written)


def price_by_genai(service: str, model: str, on: date) -> Price | None:
    """What genai-prices says, for a name in lower case; None where it is not installed.

    It also finds models by the beginning or a part of a name; only its full names count here.
    """
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return None
    noon = datetime.combine(on, time(12), UTC)
    try:
        found = calc_price(
            Usage(), model, provider_id=SERVICES[service], genai_request_timestamp=noon
        ).model
    except LookupError:
        return None
    if not {model, SNAPSHOT.sub("", model)} & {found.id.lower(), *_spellings(found.match)}:
        return None
    halves = [datetime.combine(on, time(half // 2, half % 2 * 30), UTC) for half in range(48)]
    hours = [_figures(found.get_prices(half)) for half in halves]
    return _price(model, max(hours, key=lambda figures: sum(figures.values())))


def _price(model: str, listed: dict[str, float]) -> Price | None:
    """A price of what genai-prices lists, if four figures and a fee a call say it all."""
    tokens_in, tokens_out = listed.get("input_mtok"), listed.get("output_mtok")
    if tokens_out is None and "embed" in model:
        tokens_out = 0.0
    if tokens_in is None or tokens_out is None:
        return None
    kinds = {price for key, price in listed.items() if key.startswith("output_")}
    fee = listed.get("requests_kcount", 0.0) / 1000
    if kinds - {tokens_out} or ("sonar" in model and not fee):  # it always searches
        return None
    return Price(
        tokens_in, tokens_out, listed.get("cache_read_mtok"), fee, listed.get("cache_write_mtok")
    )


def _figures(prices: Any) -> dict[str, float]:
    """The figures of a ModelPrice, of tiers the lowest."""
    told = {key: price for key, price in vars(prices).items() if price is not None}
    return {key: float(getattr(price, "base", price)) for key, price in told.items()}


def _spellings(clause: Any) -> Iterator[str]:
    """All names that stand in a matching clause, in lower case; patterns are none."""
    for kind, value in vars(clause).items():
        if isinstance(value, list):
            for inner in value:
                yield from _spellings(inner)
        elif kind != "regex":
            yield value.lower()
