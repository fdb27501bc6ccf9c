"""`onefold ask`: one question to one panel."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from onefold.core.errors import ConfigError
from onefold.core.part import coerce
from onefold.core.query import Query
from onefold.core.registry import lookup_kind
from onefold.core.spec import build
from onefold.delivery.session import Session
from onefold.lab.recipe import load_recipe
from onefold.operators.notation.meaning import notation
from onefold.operators.notation.words import is_notation
from onefold.operators.panel import Panel
from onefold.recording.tables import standard_input
from onefold.verbs import Operator


def ask(
    question: Annotated[str, typer.Argument(help="The question; - reads standard input.")],
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="A member, or notation; give it several times."),
    ] = None,
    config: Annotated[
        str | None, typer.Option("--config", "-c", help="A recipe's file, instead of --model.")
    ] = None,
    vote: Annotated[str, typer.Option(help="majority, weighted, best, unanimous.")] = "majority",
    stop: Annotated[str, typer.Option(help="never, first, agree, sure, decided, …")] = "never",
    stagger: Annotated[
        float, typer.Option(help="Seconds between starts: 0 parallel, inf one by one.")
    ] = 0.0,
    reads: Annotated[
        str | None, typer.Option(help="How answers are compared: number, choice, …")
    ] = None,
    budget: Annotated[float | None, typer.Option(help="US dollars it may cost.")] = None,
    stream: Annotated[bool, typer.Option("--stream", help="Show drafts as they come.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say why it won.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the whole answer as JSON.")] = False,
) -> None:
    """Ask one question; print the answer, how sure the panel is, and what it cost."""
    operator, session = asked_of(model, config, vote, stop, stagger, budget)
    text = standard_input() if question == "-" else question
    reader = None if reads is None else coerce(lookup_kind("Reader"), reads)
    query = Query(text, reads=reader)
    with session:
        answer: Any = None
        if stream:
            for event in operator.stream(query):
                if event.kind == "token":
                    typer.echo(event.text, nl=False)
                elif event.kind == "draft":
                    typer.echo(f"{event.source}: {event.text}", err=True)
                else:
                    answer = event.answer
        else:
            answer = operator.ask(query)
    if json:
        typer.echo(msgspec.json.encode(answer))
    elif explain:
        typer.echo(answer.explain())
    else:
        typer.echo(answer.text)
        sure = f"agreement {answer.agreement:.2f} · " if answer.tally else ""
        typer.echo(f"{sure}{answer.usage} · {answer.seconds:.2f} s", err=True)


def asked_of(
    models: list[str] | None,
    config: str | None,
    vote: str,
    stop: str,
    stagger: float,
    budget: float | None,
) -> tuple[Operator, Session]:
    """Who is asked, and in which session."""
    if config is not None and (vote, stop, stagger) != ("majority", "never", 0.0):
        raise ConfigError("--vote, --stop and --stagger go with --model; a recipe has its own")
    if config is not None and not models:
        recipe = load_recipe(config)
        return recipe.operator, recipe.session(**({} if budget is None else {"budget": budget}))
    if not models or config is not None:
        raise ConfigError(
            "say whom to ask: --model provider:model, several times for a panel, or --config "
            "FILE. Without any key: -m sim:small -m sim:medium -m sim:large (simulated)"
        )
    members = [notation(each) if is_notation(each) else each for each in models]
    if len(members) == 1:
        single: Operator = build(members[0])
        return single, Session(budget=budget)
    return Panel(members, vote=vote, stop=stop, stagger=stagger), Session(budget=budget)
