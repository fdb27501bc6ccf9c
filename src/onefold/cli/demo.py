"""`onefold demo`: the main job on a fresh machine, on models that come with the house."""

from __future__ import annotations

from secrets import randbelow
from typing import Annotated

import typer


def demo(
    questions: Annotated[int, typer.Option(min=4, help="How many problems each way gets.")] = 50,
    seed: Annotated[int | None, typer.Option(help="The same seed asks the same problems.")] = None,
) -> None:
    """Ask fresh problems of small models in several ways, and compare what each way gives.

    Needs no key and no network: the models come with onefold and run here. They are toys for their
    own kinds of problems; their tokens, mistakes and probabilities are real, their prices stated.
    """
    from onefold.lab.demo.tour import tour

    tour(questions, randbelow(10_000) if seed is None else seed, typer.echo)
