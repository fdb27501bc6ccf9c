"""The models that are trained: their size, what they read, and for how long.

Shipped are small and strong; the others are not good enough yet (docs/measured/local.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from onefold.lab.puzzles.orders import orders
from onefold.lab.puzzles.puzzle import Maker
from onefold.lab.puzzles.sayings import fact, saying
from onefold.lab.puzzles.stories import easy, hard, shop
from onefold.lab.puzzles.strings import strings

MAKERS: dict[str, Maker] = {
    "easy": easy, "hard": hard, "shop": shop, "strings": strings, "orders": orders,
    "facts": fact, "sayings": saying,
}  # fmt: skip
SUMS = {"easy": 0.3, "hard": 0.5, "shop": 0.2}


@dataclass(frozen=True)
class Model:
    """One model: mixture is how much of its reading each kind of problem makes up.

    held: share of the steps at full speed. power: how steeply it falls from there to nothing;
        wide models stay where they are at full speed, however long.
    """

    width: int
    layers: int
    heads: int
    steps: int
    mixture: dict[str, float]
    tokens: int = 2048  # a step
    seed: int = 1
    held: float = 0.4
    power: int = 1


MODELS = {
    "small": Model(64, 3, 4, 1200, SUMS, 4096),
    "strong": Model(160, 4, 5, 2600, SUMS, 4096, held=0.05, power=2),
    "strings": Model(128, 4, 4, 3000, {"strings": 1.0}, 4096),
    "orders": Model(128, 4, 4, 2200, {"orders": 1.0}, 4096, held=0.05, power=2),
    "general": Model(
        160, 4, 5, 2600,
        {"easy": 0.15, "hard": 0.2, "shop": 0.1, "strings": 0.25, "orders": 0.15, "facts": 0.05,
         "sayings": 0.1},
        4096,
        held=0.05,
        power=2,
    ),
}  # fmt: skip
