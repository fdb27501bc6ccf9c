"""`onefold plan`: what a run would take, before anything is paid."""

from __future__ import annotations

from typing import Annotated

import typer

from onefold.cli.run import replayed
from onefold.lab.prompts import load_prompts
from onefold.lab.recipe import load_recipe
from onefold.operators import asking


def plan(
    config: Annotated[
        str, typer.Argument(help="A recipe: a YAML or TOML file, its text, or notation.")
    ],
    prompts: Annotated[
        str, typer.Argument(help="Questions: JSON, JSONL, CSV, Parquet, or - for standard input.")
    ],
    replay: Annotated[
        str | None, typer.Option(help="A recording that answers instead of live models.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many questions.")
    ] = None,
) -> None:
    """Show least, expected and worst case of calls, tokens, dollars and seconds; ask nobody."""
    recipe = replayed(load_recipe(config), replay, instant=True)
    listed = [example.query for example in load_prompts(prompts)[:limit]]
    questions = [query for query in listed if query.prompt.strip()]
    if len(questions) < len(listed):
        typer.echo(f"{len(listed) - len(questions)} rows without a prompt are left out", err=True)
    with recipe.session():
        made = asking.plan(recipe.operator, questions)
    typer.echo(f"{len(questions)} questions")
    typer.echo(str(made))
