"""`onefold schema`: JSON Schema of recipes, for editors and checks."""

from __future__ import annotations

import msgspec
import typer

from onefold.core import schema as schemas
from onefold.lab.recipe import recipe_schema


def schema() -> None:
    """Print the JSON Schema of recipes: every part that is installed, with all its fields."""
    made = schemas.schema("operator", recipe_schema())
    typer.echo(msgspec.json.format(msgspec.json.encode(made)))
