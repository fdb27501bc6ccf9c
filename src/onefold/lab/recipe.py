"""A recipe: one YAML or TOML file with the models, the operator and the limits of a run."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from onefold.core.errors import ConfigError, unknown
from onefold.core.part import at, located, walk
from onefold.core.registry import names
from onefold.core.schema import plain_schema
from onefold.core.spec import LARGEST, build, loaded, plainly, written
from onefold.core.usage import Price
from onefold.delivery.deployment import Deployment
from onefold.delivery.entries import bare, entry_data, entry_schema, priced
from onefold.delivery.models import Models, as_price
from onefold.delivery.session import Session
from onefold.delivery.traffic.fleet import Fleet
from onefold.lab.emafusion import is_theirs, translated
from onefold.operators.model import Model
from onefold.operators.notation.meaning import notation
from onefold.operators.notation.words import is_notation
from onefold.providers.chance import Latency
from onefold.providers.replay import Replay
from onefold.recording.recording import opened
from onefold.recording.tables import no_file
from onefold.verbs import Operator

ENDINGS = (".yaml", ".yml", ".json", ".toml")
PAIR = {"type": "array", "items": {"type": "number", "minimum": 0}, "minItems": 2}


class Replayed(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`replay:` answer every model of a recording from it.

    recording: path of the file. pace: 1 waits as long as was recorded, 0 not at all.
    latency: how long replies take where no time was recorded.
    """

    recording: str
    pace: Annotated[float, Meta(ge=0)] = 1.0
    latency: Latency | None = None


class Recipe(Struct, frozen=True):
    """What a run needs besides its questions.

    operator: who answers. models: entries by name, as in `Session(models=…)`.
    replay: a recording whose members become models too; an entry under `models:` without a
        provider then adds a price to one of them.
    budget: US dollars that the run may spend. cache: `memory` or a file.
    prices: overrides of whatever price is known otherwise, as in `Session(prices=…)`.
    promise: what tuning promised of it, as plain data; a run does not look at it.
    """

    operator: Operator
    models: Mapping[str, Any] = {}
    replay: Replayed | None = None
    budget: Annotated[float, Meta(ge=0)] | None = None
    cache: str | None = None
    prices: Mapping[str, Any] = {}
    promise: Mapping[str, Any] = {}

    def session(self, **more: Any) -> Session:
        """A session with the recipe's models, prices, budget and cache."""
        settings = {"cache": self.cache, "budget": self.budget, "prices": self.prices, **more}
        return Session(self.deployments(), **settings)

    def deployments(self) -> dict[str, Any]:
        """The models by name, those of the recording included.

        Raises:
            ConfigError: an entry without a provider is not in the recording.
        """
        if self.replay is None:
            return provided(self.models)
        part = Replay(self.replay.recording, pace=self.replay.pace, latency=self.replay.latency)
        members = opened(self.replay.recording).members
        models: dict[str, Any] = {name: Deployment(name, part) for name in members}
        for name, entry in self.models.items():
            if bare(entry) and name not in models:
                raise at("models", unknown("recorded member", name, members))
            models[name] = {"provider": part, **entry} if bare(entry) else entry
        return models

    def replayed(self, recording: str, pace: float) -> Recipe:
        """The same recipe with every model answered by a recording, and none by anybody else.

        Raises:
            ConfigError: a model of the operator is not in the recording.
        """
        members = opened(recording).members
        for part in walk(self.operator):
            if isinstance(part, Model) and part.provider is None and part.model not in members:
                raise unknown("recorded member", part.model, members)
        recording = str(Path(recording).resolve())
        kept = {
            name: overridden(name, entry, self.prices)
            for name, entry in self.models.items()
            if name in members
        }
        latency = self.replay.latency if self.replay else None
        replay = Replayed(recording, pace, latency)
        return msgspec.structs.replace(self, models=kept, replay=replay)

    def dump(self) -> str:
        """The recipe as YAML that reads as the same recipe."""
        data: dict[str, Any] = {}
        if self.models:
            data["models"] = {name: entry_data(entry) for name, entry in self.models.items()}
        if self.replay:
            data["replay"] = msgspec.to_builtins(self.replay)
        if self.budget is not None:
            data["budget"] = self.budget
        if self.cache is not None:
            data["cache"] = self.cache
        if self.prices:
            data["prices"] = {name: price_data(name, price) for name, price in self.prices.items()}
        data["operator"] = plainly(self.operator)
        if self.promise:
            data["promise"] = msgspec.to_builtins(self.promise)
        return written(data)


def provided(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Entries that no recording answers for.

    Raises:
        ConfigError: one of them has no provider.
    """
    for name, entry in entries.items():
        if bare(entry):
            raise ConfigError(
                f"models.{name} has no provider, and no recording answers for it: give it "
                "one, or name the recording (replay:, --replay)"
            )
    return dict(entries)


def overridden(name: str, entry: Any, prices: Mapping[str, Any]) -> dict[str, Any]:
    """An entry without its provider, at the price that holds for it."""
    kept = priced(entry)
    if bare(entry) or not prices:
        return kept
    found = Models({name: entry}, prices).find(name)
    if isinstance(found, Deployment) and found.price is not None:
        kept["price"] = msgspec.to_builtins(found.price)
    return kept


def price_data(name: str, price: Any) -> dict[str, float]:
    """A price as plain data: only what differs from the defaults."""
    found = as_price(name, price)
    fields = msgspec.structs.fields(Price)
    held = {field.name: getattr(found, field.name) for field in fields}
    return {field.name: held[field.name] for field in fields if held[field.name] != field.default}


def recipe(text: str, folder: Path | None = None, where: str = "the recipe") -> Recipe:
    """A recipe from YAML; the operator stands under `operator:` or under its own name. A line of
    notation is one too, alone or under `operator:`.

    folder: what relative paths in it are relative to.

    Raises:
        ConfigError: names the place, the value, the rule and the nearest known name.
    """
    return recipe_of(text if is_notation(text) else loaded(text, where), folder, where)


def recipe_of(data: Any, folder: Path | None, where: str) -> Recipe:
    """A recipe from the data in it."""
    if isinstance(data, str):
        return Recipe(operator_of(data))
    if is_theirs(data):
        try:
            data = translated(data)
        except ConfigError as error:
            raise at(where, error) from None
    if not isinstance(data, Mapping):
        raise ConfigError(f"{where} is a mapping with an operator, not {data!r:.60}")
    settings = {key: data[key] for key in Recipe.__struct_fields__ if key in data}
    others = {key: data[key] for key in data if key not in settings}
    for key in others:
        if key not in names(Operator):
            raise at(where, unknown("key", key, [*Recipe.__struct_fields__, *names(Operator)]))
    if len(others) + ("operator" in settings) != 1:
        found = ", ".join([*others, *(["operator"] if "operator" in settings else [])]) or "none"
        raise ConfigError(f"{where} needs exactly one operator, and has {found}")
    try:
        operator = operator_of(settings.pop("operator", None) or others)
        return checked(operator, settings, folder)
    except ConfigError as error:
        raise at(where, error) from None


def operator_of(data: Any) -> Operator:
    """An operator from a line of notation, from YAML, or from the data in it."""
    if isinstance(data, str) and is_notation(data):
        return notation(data)
    made: Operator = build(data)
    return made


def checked(operator: Operator, settings: Mapping[str, Any], folder: Path | None) -> Recipe:
    """The recipe with its plain settings checked and its paths resolved."""
    models, prices = named("models", settings), named("prices", settings)
    prices = {name: as_price(name, price) for name, price in prices.items()}
    replay = typed("replay", settings, Replayed)
    budget = typed("budget", settings, Annotated[float, Meta(ge=0)])
    cache = typed("cache", settings, str)
    if folder is not None:
        operator = located(operator, folder)
        if replay is not None:
            path = str((folder / replay.recording).resolve())
            replay = msgspec.structs.replace(replay, recording=path)
        if cache not in (None, "memory"):
            cache = str((folder / cache).resolve())
    return Recipe(operator, models, replay, budget, cache, prices, named("promise", settings))


def named(key: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """A setting that is a mapping of names, empty where it is not given.

    Raises:
        ConfigError: it is something else.
    """
    held = settings.get(key) or {}
    if not isinstance(held, Mapping):
        raise ConfigError(f"{key}: a mapping of names, not {held!r:.60}")
    return held


def typed(key: str, settings: Mapping[str, Any], hint: Any) -> Any:
    """A plain setting, None where it is not given.

    Raises:
        ConfigError: it does not fit, or has a field that nobody knows.
    """
    value = settings.get(key)
    if value is None:
        return None
    if isinstance(value, Mapping) and isinstance(hint, type):
        for field in value:
            if field not in hint.__struct_fields__:  # type: ignore[attr-defined]
                raise at(key, unknown("field", field, hint.__struct_fields__))  # type: ignore[attr-defined]
    try:
        return msgspec.convert(value, hint)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{key}: {value!r:.60} does not fit: {error}") from None


def load_recipe(path: str | Path) -> Recipe:
    """A recipe from a YAML, TOML or JSON file, or straight from a text: `panel: {members: […]}`, or
    a line of notation, `3E@openai:gpt-4o-mini -> M`.

    Raises:
        ConfigError: no such file, or what is wrong in it.
    """
    return recipe_of(*read(path))


def load_models(path: str | Path) -> dict[str, Deployment | Fleet]:
    """The models of a configuration by name, for `Session(models=…)`, at the prices it gives.

    The file is a recipe, whose operator's own models (`openai:gpt-4o`) come too, or it holds only
    `models:` and perhaps `prices:`.

    Raises:
        ConfigError: no such file, what is wrong in it, or a price of a model that it does not name.
    """
    return configured(path)[1]


def configured(path: str | Path) -> tuple[Recipe | None, dict[str, Deployment | Fleet]]:
    """A configuration's recipe, None where it holds only models; and its models by name.

    Raises:
        ConfigError: as `load_models`.
    """
    data, folder, where = read(path)
    if not (isinstance(data, Mapping) and data and {*data} <= {"models", "prices"}):
        made = recipe_of(data, folder, where)
        asked = [part for part in walk(made.operator) if isinstance(part, Model)]
        names = [part.model for part in asked if part.provider is None]
        return made, everyone(made.session(cache=None).models, names)
    try:
        models = Models(provided(named("models", data)), named("prices", data))
        found = everyone(models)
        known = {name for model in found.values() for name in priced_as(model)}
        for name in models.prices:
            if name not in known:
                raise at("prices", unknown("model", name, known))
    except ConfigError as error:
        raise at(where, error) from None
    return None, found


def everyone(models: Models, names: Iterable[str] = ()) -> dict[str, Deployment | Fleet]:
    """All models that are known, those of further names and the members of fleets included."""
    for name in [*models.deployments, *names]:
        models.members(name)
    return dict(models.deployments)


def priced_as(model: Deployment | Fleet) -> set[str]:
    """The names by which a model's price may be given."""
    if isinstance(model, Fleet):
        return set()
    return {model.name, model.origin, getattr(model.provider, "model", "")} - {""}


def read(path: str | Path) -> tuple[Any, Path | None, str]:
    """The data of a configuration, the folder it lies in, and what it is called.

    Raises:
        ConfigError: no such file, or it is no YAML, TOML or JSON.
    """
    text = str(path)
    if text.endswith(ENDINGS):
        file = Path(path)
        if not file.is_file():
            raise no_file(file)
        try:
            held = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{text} cannot be read as UTF-8 text: {error}") from None
        data = from_toml(held, text) if text.endswith(".toml") else loaded(held, text)
        return data, file.parent, text
    if is_notation(text):
        return text, None, "the recipe"
    if not set(text) & set(" :{[\n"):
        raise ConfigError(
            f"{text!r} is no recipe: a recipe's file ends in .yaml, .yml, .toml or .json"
        )
    return loaded(text, "the recipe"), None, "the recipe"


def from_toml(text: str, where: str) -> Any:
    """Data from TOML.

    Raises:
        ConfigError: with line and column.
    """
    if len(text) > LARGEST:
        raise ConfigError(f"{where} has {len(text)} characters; at most {LARGEST} are read")
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is no TOML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{where} is nested too deeply") from None


def recipe_schema() -> dict[str, Any]:
    """JSON Schema of what may stand beside the operator."""
    return {
        "models": {"type": "object", "additionalProperties": entry_schema()},
        "replay": plain_schema(Replayed),
        "budget": {"type": "number", "minimum": 0},
        "cache": {"type": "string"},
        "prices": {
            "type": "object",
            "additionalProperties": {"anyOf": [plain_schema(Price), PAIR]},
        },
        "promise": {"type": "object"},
    }
