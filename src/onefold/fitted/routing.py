"""How good each member is for a prompt, from its words and its looks: linear experts, averaged."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from math import exp, tanh
from operator import add, mul
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from onefold.core.errors import ConfigError
from onefold.fitted.artifact import Artifact
from onefold.fitted.sparse import Floats, Matrix, product
from onefold.fitted.texts.prompts import features, seen
from onefold.fitted.texts.words import Words

KIND = "router"
SCALE = 0.2  # of a standardised number beside words, whose rows have length 1
FAR = 4.0  # standard deviations from the usual that count
MOST = FAR * SCALE


class Expert(Struct, frozen=True, eq=False, dict=True):
    """A linear model whose outputs say how good members are.

    weights: (width, outputs). intercept: (outputs). worth: (outputs, members) what an output says
    of members. together: whether the outputs exclude each other (softmax: outcomes, tasks) or
    stand each by itself (sigmoid: is a member right).
    """

    weights: Floats
    intercept: Floats
    worth: Floats
    together: bool

    def turned(self, turn: Floats) -> Expert:
        """The expert for words (width), where it was fitted on their directions.

        turn: (width, directions) the weights that give the directions.
        """
        cut = turn.shape[1]
        weights = np.vstack([turn @ self.weights[:cut], self.weights[cut:]])
        return Expert(weights, self.intercept, self.worth, self.together)

    def qualities(self, rows: Matrix) -> Floats:
        """Predicted quality (rows, members)."""
        made: Floats = self.shares(product(rows, self.weights)) @ self.worth
        return made

    @cached_property
    def constants(self) -> list[float]:
        """`intercept` as a list."""
        held: list[float] = self.intercept.tolist()
        return held

    @cached_property
    def columns(self) -> list[list[float]]:
        """`worth` by member: (members, outputs)."""
        held: list[list[float]] = self.worth.T.tolist()
        return held

    def alone(self, sums: list[float]) -> list[float]:
        """The same as `shares` for one row, without arrays."""
        scores = list(map(add, sums, self.constants))
        if not self.together:
            return [0.5 * tanh(0.5 * score) + 0.5 for score in scores]
        top = max(scores)
        grown = [exp(score - top) for score in scores]
        total = sum(grown)
        return [each / total for each in grown]

    def shares(self, sums: Floats) -> Floats:
        """Probability of each output from rows @ weights (rows, outputs)."""
        scores = sums + self.intercept
        if not self.together:
            alone: Floats = 0.5 * np.tanh(0.5 * scores) + 0.5
            return alone
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        made: Floats = shares
        return made


class Looks(Struct, frozen=True, eq=False):
    """What can be seen of prompts, as columns that stand beside words.

    middle: (len(SEEN)) of the prompts fitted on. scale: (len(SEEN)) what makes their spread SCALE.
    """

    middle: Floats
    scale: Floats

    @classmethod
    def of(cls, found: Floats) -> Looks:
        """Standardised by what was seen (prompts, len(SEEN)); what never varies says nothing."""
        spread = found.std(axis=0)
        flat = spread < 1e-9
        return cls(found.mean(axis=0), np.where(flat, 0.0, SCALE / np.where(flat, 1.0, spread)))

    def rows(self, found: Floats) -> Floats:
        """What was seen, standardised; what is far from usual counts as FAR."""
        made = (found - self.middle) * self.scale
        np.maximum(made, -MOST, out=made)
        return np.minimum(made, MOST, out=made)


class Routing:
    """A fitted router.

    means: (members) their qualities over all. strength: share in [0, 1] of what the experts say
    that held-out questions bore out; 0 is that nothing was learned. usd: (members) mean price of
    a question, NaN where unknown. usual: the column of the cheapest member, of the weakest where
    prices are unknown. encoder: the part whose vectors stand beside the words, or "".
    """

    def __init__(
        self,
        members: Sequence[str],
        words: Words,
        looks: Looks,
        experts: Sequence[Expert],
        means: Floats,
        strength: float,
        usd: Floats,
        encoder: str = "",
    ) -> None:
        self.members = tuple(members)
        self.words = words
        self.looks = looks
        self.experts = tuple(experts)
        self.means = means
        self.strength = strength
        self.usd = usd
        self.encoder = encoder
        self.usual = int(np.argmin(means if np.isnan(usd).any() else usd))
        outputs = accumulate([len(expert.intercept) for expert in experts], initial=0)
        self._share = share = strength / len(experts)
        self._parts = [
            (expert, slice(*cut), share * expert.worth)
            for expert, cut in zip(experts, pairwise(outputs), strict=True)
        ]
        self._usual = np.multiply(1.0 - strength, means)[None]
        weights = np.hstack([expert.weights for expert in experts])
        self._folded, self._sides = words.folded(weights[: words.width]), weights[words.width :]

    def qualities(self, prompts: Sequence[str], vectors: Floats | None = None) -> Floats:
        """Predicted quality in [0, 1] of each member: (prompts, members).

        vectors: (prompts, width) by the encoder it was fitted with, if it was.

        Raises:
            ConfigError: vectors are missing, or are not as wide as those it was fitted with.
        """
        if len(prompts) == 1 and vectors is None and not self.encoder:
            return np.array([self._quality(prompts[0])])
        beside = self.looks.rows(seen(prompts))
        if vectors is not None:
            beside = np.hstack([beside, vectors])
        if beside.shape[1] != len(self._sides):
            raise ConfigError(
                f"this router was fitted with {self.encoder or 'no encoder'}, and the vectors "
                "beside the words are of another width: give it that encoder, or fit it again"
            )
        sums = self.words.sums(prompts, self._folded)
        sums += beside @ self._sides
        made = self._usual
        for expert, part, worth in self._parts:
            made = made + expert.shares(sums[:, part]) @ worth
        return made

    def _quality(self, prompt: str) -> list[float]:
        """The same for one prompt, with nothing done that only many need."""
        looks = self.looks.rows(np.array(features(prompt)))
        sums = self.words.alone(prompt, self._folded) + looks @ self._sides
        said: list[float] = sums.tolist()
        made: list[float] = self._usual[0].tolist()
        for expert, part, _ in self._parts:
            shares = expert.alone(said[part])
            for place, worth in enumerate(expert.columns):
                gained = sum(map(mul, shares, worth))
                made[place] += self._share * gained
        return made

    def artifact(self, about: dict[str, Any]) -> Artifact:
        """What is written to a file, with more facts about it."""
        facts = {
            "encoder": self.encoder,
            "members": list(self.members),
            "strength": self.strength,
            "together": [expert.together for expert in self.experts],
        }
        arrays: dict[str, NDArray[Any]] = {
            "means": self.means,
            "middle": self.looks.middle,
            "scale": self.looks.scale,
            "usd": self.usd,
            **self.words.arrays(),
        }
        for number, expert in enumerate(self.experts):
            arrays[f"weights{number}"] = expert.weights.astype(np.float32)
            arrays[f"intercept{number}"] = expert.intercept
            arrays[f"worth{number}"] = expert.worth
        return Artifact(KIND, {**about, **facts}, arrays)


def routing(artifact: Artifact) -> Routing:
    """The router that an artifact holds."""
    about, arrays = artifact.about, artifact.arrays
    experts = [
        Expert(
            arrays[f"weights{number}"].astype(np.float64),
            arrays[f"intercept{number}"],
            arrays[f"worth{number}"],
            together,
        )
        for number, together in enumerate(about["together"])
    ]
    return Routing(
        about["members"],
        Words.revived(arrays),
        Looks(arrays["middle"], arrays["scale"]),
        experts,
        arrays["means"],
        about["strength"],
        arrays["usd"],
        about["encoder"],
    )
