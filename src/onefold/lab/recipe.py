"""A recipe: one YAML file with the models, the operator and the limits of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from onefold.core.errors import ConfigError, unknown
from onefold.core.part import at, walk
from onefold.core.registry import names
from onefold.core.schema import plain_schema
from onefold.core.spec import build, loaded, plainly, written
from onefold.delivery.deployment import Deployment
from onefold.delivery.entries import bare, entry_data, entry_schema, priced
from onefold.delivery.session import Session
from onefold.operators.model import Model
from onefold.providers.chance import Latency
from onefold.providers.replay import Replay
from onefold.recording.recording import opened
from onefold.recording.tables import no_file
from onefold.verbs import Operator


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
    """

    operator: Operator
    models: Mapping[str, Any] = {}
    replay: Replayed | None = None
    budget: Annotated[float, Meta(ge=0)] | None = None
    cache: str | None = None

    def session(self, **more: Any) -> Session:
        """A session with the recipe's models, budget and cache."""
        settings = {"cache": self.cache, "budget": self.budget, **more}
        return Session(self.deployments(), **settings)

    def deployments(self) -> dict[str, Any]:
        """The models by name, those of the recording included.

        Raises:
            ConfigError: an entry without a provider is not in the recording.
        """
        if self.replay is None:
            for name, entry in self.models.items():
                if bare(entry):
                    raise ConfigError(
                        f"models.{name} has no provider, and no recording answers for it: give it "
                        "one, or name the recording (replay:, --replay)"
                    )
            return dict(self.models)
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
        kept = {name: priced(entry) for name, entry in self.models.items() if name in members}
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
        data["operator"] = plainly(self.operator)
        return written(data)


def recipe(text: str, folder: Path | None = None, where: str = "the recipe") -> Recipe:
    """A recipe from YAML; the operator stands under `operator:` or under its own name.

    folder: what relative paths in it are relative to.

    Raises:
        ConfigError: names the place, the value, the rule and the nearest known name.
    """
    data = loaded(text, where)
    if isinstance(data, str):
        return Recipe(build(data))
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
        operator: Operator = build(settings.pop("operator", None) or others)
        return checked(operator, settings, folder)
    except ConfigError as error:
        raise at(where, error) from None


def checked(operator: Operator, settings: Mapping[str, Any], folder: Path | None) -> Recipe:
    """The recipe with its plain settings checked and its paths resolved."""
    models = settings.get("models") or {}
    if not isinstance(models, Mapping):
        raise ConfigError(f"models: a mapping of names, not {models!r:.60}")
    replay = typed("replay", settings, Replayed)
    budget = typed("budget", settings, Annotated[float, Meta(ge=0)])
    cache = typed("cache", settings, str)
    if folder is not None:
        if replay is not None:
            path = str((folder / replay.recording).resolve())
            replay = msgspec.structs.replace(replay, recording=path)
        if cache not in (None, "memory"):
            cache = str((folder / cache).resolve())
    return Recipe(operator, models, replay, budget, cache)


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
    """A recipe from a file, or straight from a text that is no file: `panel: {members: […]}`.

    Raises:
        ConfigError: no such file, or what is wrong in it.
    """
    text = str(path)
    if text.endswith((".yaml", ".yml", ".json")):
        file = Path(path)
        if not file.is_file():
            raise no_file(file)
        try:
            return recipe(file.read_text(encoding="utf-8"), file.parent, text)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{text} cannot be read as UTF-8 text: {error}") from None
    if not set(text) & set(" :{[\n"):
        raise ConfigError(f"{text!r} is no recipe: a recipe's file ends in .yaml, .yml or .json")
    return recipe(text)


def recipe_schema() -> dict[str, Any]:
    """JSON Schema of what may stand beside the operator."""
    return {
        "models": {"type": "object", "additionalProperties": entry_schema()},
        "replay": plain_schema(Replayed),
        "budget": {"type": "number", "minimum": 0},
        "cache": {"type": "string"},
    }
