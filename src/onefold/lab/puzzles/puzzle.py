"""A made-up problem: a prompt, the steps of its solution, the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b
from random import Random

from msgspec import Struct

HELD_OUT = 10  # one prompt in so many is never trained on


class Puzzle(Struct, frozen=True):
    """A problem and its solution; each step stands on a line of its own."""

    kind: str
    prompt: str
    steps: tuple[str, ...]
    answer: str

    @property
    def solution(self) -> str:
        """What a right model says."""
        return "\n".join([*self.steps, f"Answer: {self.answer}"])

    @property
    def held_out(self) -> bool:
        """Whether no model of this house was ever trained on the prompt: decided by its hash."""
        return blake2b(self.prompt.encode(), digest_size=4).digest()[0] % HELD_OUT == 0


Maker = Callable[[Random], Puzzle]


def drawn(maker: Maker, seed: int | str, held_out: bool = True) -> Iterator[Puzzle]:
    """Problems without end: those that are held out from training, or all others."""
    draw = Random(f"{seed}")
    while True:
        puzzle = maker(draw)
        if puzzle.held_out == held_out:
            yield puzzle
