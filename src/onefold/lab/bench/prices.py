"""Prices of recorded members: from a file, or as the recipes that are benched give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from onefold.core.errors import ConfigError, unknown
from onefold.core.spec import loaded
from onefold.core.usage import Price
from onefold.delivery.entries import priced
from onefold.delivery.models import as_price
from onefold.lab.recipe import Recipe
from onefold.recording.tables import no_file

ALIASES = {"usd_per_mtok_in": "tokens_in", "usd_per_mtok_out": "tokens_out"}


def load_prices(path: str | Path) -> dict[str, Price]:
    """Prices by model from YAML or JSON, as in a recipe: under `prices:`, under `models:`, or bare.

    `usd_per_mtok_in` and `usd_per_mtok_out` are read as `tokens_in` and `tokens_out`.

    Raises:
        ConfigError: no such file, or something in it is no price.
    """
    file = Path(path)
    if not file.is_file():
        raise no_file(file)
    data = loaded(file.read_text(encoding="utf-8"), str(path))
    if not isinstance(data, Mapping):
        raise ConfigError(f"{path} maps models to prices, and is {data!r:.60}")
    held = {**known(data.get("models") or {}), **(data.get("prices") or {})}
    if not {"models", "prices"} & set(data):
        held = dict(data)
    return {name: as_price(name, listed(price)) for name, price in held.items()}


def listed(price: Any) -> Any:
    """A price with its fields under our names."""
    if not isinstance(price, Mapping):
        return price
    return {ALIASES.get(name, name): held for name, held in price.items() if name != "source"}


def known(models: Mapping[str, Any]) -> dict[str, Any]:
    """The prices that entries of models give."""
    found = {name: priced(entry).get("price") for name, entry in models.items()}
    return {name: price for name, price in found.items() if price is not None}


def prices_of(recipes: Iterable[Recipe], members: Iterable[str]) -> dict[str, Price]:
    """The prices that recipes give to recorded members.

    Raises:
        ConfigError: two recipes give one member different prices.
    """
    wanted, found = set(members), dict[str, Price]()
    for recipe in recipes:
        given = {**known(recipe.models), **recipe.prices}
        for name, price in given.items():
            if name in wanted:
                made = as_price(name, price)
                if found.setdefault(name, made) != made:
                    raise ConfigError(
                        f"two recipes give {name} different prices: {found[name]} and {made}; "
                        "settle it with --prices"
                    )
    return found


def member_prices(
    given: Mapping[str, Price], recipes: Iterable[Recipe], members: Sequence[str]
) -> dict[str, Price]:
    """Each recorded member's price: what was given, else what the recipes say.

    Raises:
        ConfigError: a price is given to somebody who is not recorded, and to nobody who is.
    """
    if given and not set(given) & set(members):
        raise unknown("recorded member", next(iter(given)), members)
    held = {name: price for name, price in given.items() if name in members}
    missing = [name for name in members if name not in held]
    return {**prices_of(recipes, missing), **held}
