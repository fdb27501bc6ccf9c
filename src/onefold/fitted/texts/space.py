"""Prompts as points: the directions in which their words vary most, and how they look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from onefold.core.errors import ConfigError
from onefold.fitted.routing import Looks
from onefold.fitted.sparse import Floats
from onefold.fitted.texts.prompts import seen
from onefold.fitted.texts.words import Words, hashed

SIGNS = 3  # numbers beside directions and looks: what of a prompt the space cannot hold
FAR = 4.0
WEIGHT = 0.2  # of a sign one standard deviation from the usual, beside directions of length 1
LOOKS = 0.5  # length of looks


class Space(Struct, frozen=True, eq=False, dict=True):
    """How a prompt becomes a point.

    A point is three things side by side: the prompt's main directions, at length 1; its looks, at
    length 0.5; and the signs that the space does not hold it: the share of it outside all
    directions, the share of its words that are unknown, how rare the known ones are.

    words: the vocabulary; None where an encoder's vectors are turned instead.
    turn: (base, dimensions) orthonormal, from words or vectors less `middle` to directions.
    usual: (2, SIGNS) mean and standard deviation of the signs.
    gate: (base + looks + 1, tasks) weights and constants that tell tasks apart; (…, 0) for none.
    encoder: the part that makes the vectors, or "".
    """

    words: Words | None
    looks: Looks
    turn: Floats
    middle: Floats
    usual: Floats
    gate: Floats
    encoder: str = ""

    @property
    def dimensions(self) -> int:
        """Directions of a point."""
        width: int = self.turn.shape[1]
        return width

    @cached_property
    def weights(self) -> Floats:
        """(base, dimensions + tasks) everything that is linear in words or vectors."""
        return np.hstack([self.turn, self.gate[: len(self.turn)]])

    @cached_property
    def folded(self) -> Floats:
        """The same, as the vocabulary takes it."""
        assert self.words is not None
        return self.words.folded(self.weights)

    def placed(
        self, prompts: Sequence[str], vectors: Floats | None = None
    ) -> tuple[NDArray[np.float32], Floats]:
        """Points (n, width) of prompts, and the probability of each task (n, tasks).

        vectors: (n, base) by the encoder that the space was fitted with, if it was.

        Raises:
            ConfigError: vectors are missing, or of another width.
        """
        sums, looks = self.sums(prompts, vectors), self.looks.rows(seen(prompts))
        cut = self.dimensions
        told = sums[:, cut:] + looks @ self.gate[len(self.turn) : -1] + self.gate[-1]
        return self.points(sums[:, :cut], looks, self.signs(sums[:, :cut], prompts)), shares(told)

    def sums(self, prompts: Sequence[str], vectors: Floats | None) -> Floats:
        """Directions and scores of tasks (n, dimensions + tasks), from words or from vectors."""
        if self.words is not None:
            if len(prompts) == 1:
                return self.words.alone(prompts[0], self.folded)[None]
            return self.words.sums(prompts, self.folded)
        if vectors is None or vectors.shape[1] != len(self.turn):
            given = "none" if vectors is None else f"vectors of width {vectors.shape[1]}"
            raise ConfigError(
                f"this manifold was fitted with the encoder {self.encoder} (width "
                f"{len(self.turn)}), and {given} came: give it that encoder, or fit it again"
            )
        made: Floats = (vectors - self.middle) @ self.weights
        return made

    def signs(self, sums: Floats, prompts: Sequence[str]) -> Floats:
        """What the space cannot hold of prompts (n, SIGNS), not standardised."""
        outside = 1.0 - (sums**2).sum(axis=1)
        if self.words is None:
            nothing = np.zeros(len(prompts))
            return np.stack([outside, nothing, nothing], axis=1)
        return np.column_stack([outside, [strange(self.words, prompt) for prompt in prompts]])

    def points(self, sums: Floats, looks: Floats, signs: Floats) -> NDArray[np.float32]:
        """Points (n, width) from their three things."""
        beyond = np.clip((signs - self.usual[0]) / self.usual[1], -FAR, FAR)
        made = np.hstack([unit(sums), LOOKS * unit(looks), WEIGHT * beyond])
        return made.astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What an artifact keeps of it."""
        kept: dict[str, NDArray[Any]] = {
            "turn": self.turn.astype(np.float16),
            "direction_middle": self.middle,
            "signs_usual": self.usual,
            "gate": self.gate.astype(np.float32),
            "looks_middle": self.looks.middle,
            "looks_scale": self.looks.scale,
        }
        return kept if self.words is None else {**kept, **self.words.arrays()}

    @classmethod
    def revived(cls, arrays: Mapping[str, NDArray[Any]], encoder: str) -> Space:
        """The space that an artifact kept."""
        return cls(
            None if encoder else Words.revived(arrays),
            Looks(arrays["looks_middle"], arrays["looks_scale"]),
            arrays["turn"].astype(np.float64),
            arrays["direction_middle"],
            arrays["signs_usual"],
            arrays["gate"].astype(np.float64),
            encoder,
        )


def strange(words: Words, prompt: str) -> tuple[float, float]:
    """The share of a prompt's words that are unknown, and how rare the known ones are."""
    said = np.unique(hashed(prompt)[0])
    if not len(said):
        return 0.0, 0.0
    _, columns = words.known(said)
    rarity = float(words.rarity[columns].mean()) if len(columns) else 0.0
    return 1.0 - len(columns) / len(said), rarity


def unit(rows: Floats) -> Floats:
    """Rows at length 1; zero stays zero."""
    lengths = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    made: Floats = rows / np.maximum(lengths, 1e-12)
    return made


def shares(scores: Floats) -> Floats:
    """Probabilities along the last axis; none for none."""
    if not scores.shape[1]:
        return scores
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    made: Floats = grown / grown.sum(axis=1, keepdims=True)
    return made
