"""`onefold draw`: a recipe as a tree, a flowchart, a line of notation, or YAML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import typer

from onefold.core.spec import dump
from onefold.lab.recipe import load_recipe
from onefold.operators.drawing import mermaid, tree
from onefold.operators.notation.writing import noted

Form = Literal["tree", "mermaid", "notation", "yaml"]
FORMS: dict[Form, Callable[[Any], str]] = {
    "tree": tree,
    "mermaid": mermaid,
    "notation": noted,
    "yaml": lambda operator: dump(operator).rstrip(),
}


def draw(
    config: Annotated[
        str, typer.Argument(help="A recipe: a file, its text, or a line of notation.")
    ],
    form: Annotated[Form, typer.Option("--as", help="What to draw it as.")] = "tree",
) -> None:
    """Show what a recipe's operator is made of, and how answers flow through it; ask nobody."""
    typer.echo(FORMS[form](load_recipe(config).operator))
