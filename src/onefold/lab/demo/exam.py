"""What the demo asks: fresh problems that none of the shipped models was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from random import Random

from onefold.core.example import Example
from onefold.core.query import Query
from onefold.functions import FunctionReader
from onefold.lab.puzzles.orders import orders
from onefold.lab.puzzles.puzzle import Maker, Puzzle, drawn
from onefold.lab.puzzles.sayings import fact, saying
from onefold.lab.puzzles.stories import easy, hard, shop
from onefold.lab.puzzles.strings import strings

Families = Mapping[str, tuple[Maker, ...]]
FAMILIES: Families = {
    "sums": (easy, hard, hard, shop),
    "strings": (strings,),
    "orders": (orders,),
    "sayings": (fact, saying),
}
HARD: Families = {"sums": (hard,)}


def final(text: str) -> str | None:
    """What stands behind the last `Answer:`; the whole text where there is none."""
    return text.rpartition("Answer:")[2].strip() or None


def problems(families: Families, seed: int | str, held_out: bool) -> Iterator[tuple[str, Puzzle]]:
    """Problems without end, each with its family, the families in turn."""

    def of_family(name: str) -> Iterator[tuple[str, Puzzle]]:
        def made(draw: Random) -> Puzzle:
            return draw.choice(families[name])(draw)

        return ((name, puzzle) for puzzle in drawn(made, f"{seed} {name}", held_out))

    return chain.from_iterable(zip(*map(of_family, families), strict=True))


def exam(count: int, seed: int | str, families: Families = FAMILIES) -> list[Example]:
    """Fresh problems with their answers."""
    reads = FunctionReader(final)
    return [
        Example(Query(puzzle.prompt, id=str(place), reads=reads), puzzle.answer)
        for place, (_, puzzle) in enumerate(islice(problems(families, seed, True), count), 1)
    ]


def labelled(count: int, seed: int | str) -> list[tuple[str, str]]:
    """Other prompts, each with its family, for a router to learn from."""
    found = islice(problems(FAMILIES, seed, False), count)
    return [(puzzle.prompt, family) for family, puzzle in found]
