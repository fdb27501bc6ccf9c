"""Which past prompts are like a new one: hashed words, compared by cosine."""

from __future__ import annotations

from re import compile as pattern
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

WIDTH = 512
LONGEST = 20_000
WORD = pattern(r"\w+")


class Nearness:
    """Vectors of the latest prompts, in a ring.

    kept: how many. Words are weighed by how rare they were so far.
    """

    def __init__(self, kept: int) -> None:
        self.kept = kept
        self.count = 0
        self.vectors = np.zeros((0, WIDTH), dtype=np.float32)
        self.seen = np.zeros(WIDTH)

    def add(self, prompt: str) -> int:
        """Take in a prompt; its place in the ring."""
        place = self.count % self.kept
        if place >= len(self.vectors):
            room = min(self.kept, max(64, 2 * len(self.vectors)))
            grown = np.zeros((room, WIDTH), dtype=np.float32)
            grown[: len(self.vectors)] = self.vectors
            self.vectors = grown
        counts = hashed(prompt)
        self.vectors[place] = counts
        self.seen += counts > 0
        self.count += 1
        return place

    def alike(self, prompt: str) -> NDArray[np.float64]:
        """Squared cosine in [0, 1] with each prompt in the ring: (places)."""
        rare = np.log((1 + self.count) / (1 + self.seen)) + 0.1
        held = self.vectors[: min(self.count, self.kept)] * rare
        wanted = hashed(prompt) * rare
        lengths = np.linalg.norm(held, axis=1) * np.linalg.norm(wanted)
        close = np.divide(held @ wanted, lengths, out=np.zeros(len(held)), where=lengths > 0)
        made: NDArray[np.float64] = np.maximum(0.0, close) ** 2
        return made


def hashed(prompt: str) -> NDArray[np.float64]:
    """Logarithmic counts of a prompt's words by hash: (512). Long prompts by their ends."""
    if len(prompt) > LONGEST:
        prompt = f"{prompt[: LONGEST // 2]} {prompt[-LONGEST // 2 :]}"
    places = [crc32(word.encode()) % WIDTH for word in WORD.findall(prompt.lower())]
    return np.log1p(np.bincount(places, minlength=WIDTH)) if places else np.zeros(WIDTH)
