"""Systems to be benched: recipes, members of a recording, and recipes with a field varied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from onefold.core.errors import ConfigError
from onefold.core.part import Part, fields
from onefold.core.spec import loaded
from onefold.core.tally import spell
from onefold.lab.recipe import ENDINGS, Recipe, load_recipe
from onefold.verbs import Operator, label

NAMED = re.compile(r"([\w.@-]+)=(.+)", re.DOTALL)


class System(Struct, frozen=True):
    """A recipe to be benched. family: what its variants have in common."""

    name: str
    family: str
    recipe: Recipe


def systems(targets: Iterable[Any] | Mapping[str, Any], vary: Iterable[str] = ()) -> list[System]:
    """Targets by name: files, texts, operators or recipes, each in all its variants.

    targets: a file is called by its stem, or as in `name=file.yaml`; a mapping names its own.
    vary: fields and their values, `stop.at=0.5,0.7,0.9`: a field below the operator, by its path.

    Raises:
        ConfigError: two have one name, a recipe is wrong, or none has such a field.
    """
    named = targets.items() if isinstance(targets, Mapping) else map(called, targets)
    found: dict[str, System] = {}
    sweeps = [sweep_of(text) for text in vary]
    fitting = 0
    for name, target in named:
        made = System(name, name, opened_recipe(target))
        for each in variants(made, sweeps):
            fitting += each is not made
            if each.name in found:
                raise ConfigError(
                    f"two systems are called {each.name!r}: name them, as in {each.name}2={target}"
                )
            found[each.name] = each
    if sweeps and not fitting:
        raise ConfigError(
            f"no target has the field {' or '.join(path for path, _ in sweeps)}: name it as in "
            "stop.at=0.5,0.7,0.9, from the operator down"
        )
    return list(found.values())


def called(target: Any) -> tuple[str, Any]:
    """A target's name, and the target."""
    text = str(target) if isinstance(target, str | Path) else ""
    named = NAMED.match(text)
    if named and not Path(text).is_file():
        return named[1], named[2]
    if text.endswith(ENDINGS):
        return Path(text).stem, text
    recipe = opened_recipe(target)
    return label(recipe.operator), recipe


def opened_recipe(target: Any) -> Recipe:
    """A recipe from a file, a text, or an operator."""
    if isinstance(target, Recipe):
        return target
    return Recipe(target) if isinstance(target, Operator) else load_recipe(target)


def sweep_of(text: str) -> tuple[str, list[Any]]:
    """A field's path and its values, from `stop.at=0.5,0.7`."""
    path, _, values = text.partition("=")
    read = loaded(f"[{values}]", f"--vary {text}")
    if not path.strip() or not isinstance(read, list) or not read:
        raise ConfigError(f"{text!r} varies nothing: write a field and its values, stop.at=0.5,0.7")
    return path.strip(), read


def variants(system: System, sweeps: Sequence[tuple[str, list[Any]]]) -> list[System]:
    """A system with each combination of the fields that it has; itself where it has none."""
    found = [system]
    for path, values in sweeps:
        if has(system.recipe.operator, path.split(".")):
            found = [varied(each, path, value) for each in found for value in values]
    return found


def has(part: Any, path: Sequence[str]) -> bool:
    """Whether a part has a field below it."""
    if not isinstance(part, Part) or path[0] not in fields(type(part)):
        return False
    return len(path) == 1 or has(getattr(part, path[0]), path[1:])


def varied(system: System, path: str, value: Any) -> System:
    """A system with one field changed, named after the change."""
    operator = changed(system.recipe.operator, path.split("."), value)
    recipe = msgspec.structs.replace(system.recipe, operator=operator)
    return System(f"{system.name} {path}={spell(value)}", system.family, recipe)


def changed(part: Any, path: Sequence[str], value: Any) -> Any:
    """A part with a field below it changed; it is checked like any other."""
    name, *rest = path
    held = getattr(part, name)
    given = {field: getattr(part, field) for field in part.__struct_fields__}
    return type(part)(**{**given, name: changed(held, rest, value) if rest else value})
