"""`onefold doctor`: what is here, what is missing, and how to get it."""

from __future__ import annotations

import platform
import sqlite3
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Annotated

import typer

from onefold import __version__
from onefold.core.errors import OnefoldError
from onefold.core.registry import announced, names, registry
from onefold.lab.recipe import load_recipe

NEEDED = ("msgspec", "aiohttp", "numpy", "PyYAML", "rich", "typer")
EXTRAS = {"parquet": "pyarrow", "math": "math_verify"}


def doctor(
    config: Annotated[str | None, typer.Argument(help="A recipe to check as well.")] = None,
) -> None:
    """Check the installation, and that every model of a recipe can be asked. Asks nobody."""
    rows = [("ok", "python", platform.python_version()), ("ok", "onefold", __version__)]
    rows += [installed(name) for name in NEEDED]
    rows.append(("ok", "sqlite", sqlite3.sqlite_version))
    for extra, module in EXTRAS.items():
        there = find_spec(module) is not None
        way = "installed" if there else f"missing: pip install 'onefold[{extra}]'"
        rows.append(("ok" if there else "-", f"extra {extra}", way))
    rows += parts_known()
    if config is not None:
        rows.append(checked(config))
    for mark, what, said in rows:
        typer.echo(f"{mark:<4} {what:<18} {said}")
    if any(mark == "bad" for mark, _, _ in rows):
        sys.exit(2)


def installed(name: str) -> tuple[str, str, str]:
    """A dependency's version."""
    try:
        return ("ok", name, version(name))
    except PackageNotFoundError:
        return ("bad", name, "missing: reinstall onefold")


def parts_known() -> list[tuple[str, str, str]]:
    """The parts of every kind, plug-ins included."""
    try:
        announced()
        known = {kind.__name__.lower(): names(kind) for kind in list(registry)}
    except OnefoldError as error:
        return [("bad", "plug-ins", str(error))]
    return [("ok", f"{kind} parts", ", ".join(found)) for kind, found in sorted(known.items())]


def checked(config: str) -> tuple[str, str, str]:
    """Whether a recipe builds and its models are known."""
    try:
        recipe = load_recipe(config)
        recipe.session().ready(recipe.operator)
    except OnefoldError as error:
        return ("bad", "recipe", str(error))
    return ("ok", "recipe", f"{config}: every model can be asked")
