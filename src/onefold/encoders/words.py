"""The encoder that needs nothing: letters that stand beside each other, hashed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from onefold.verbs import Encoder

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

RUNS = (2, 3, 4)
ODD = 0x9E3779B97F4A7C15  # 2⁶⁴ divided by the golden ratio: consecutive letters land far apart


class Hashing(Encoder, name="hashing"):
    """Runs of two to four letters, hashed with signs (Weinberger et al. 2009), counts dampened.

    Offline, without a fit, in any script; case and the width of spaces do not count.

    width: numbers a text becomes; with more of them fewer runs share one.
    """

    width: Annotated[int, Meta(ge=16, le=65_536)] = 2048

    async def encode(self, texts: Sequence[str]) -> NDArray[float64]:
        return hashed(texts, self.width)


def hashed(texts: Sequence[str], width: int) -> NDArray[float64]:
    """Vectors of length 1 (texts, width); a text without letters stays zero."""
    import numpy as np

    from onefold.fitted.index import directions

    rows = np.zeros((len(texts), width))
    for row, text in zip(rows, texts, strict=True):
        marks, counts = np.unique(runs(text), return_counts=True)
        signs = 1.0 - 2.0 * ((marks >> 40) & 1)
        row += np.bincount(marks % width, signs * (1.0 + np.log(counts)), width)
    return directions(rows)


def runs(text: str) -> NDArray[Any]:
    """A number in [0, 2⁶³) for each run of two to four letters of a text, all at once."""
    import numpy as np

    words = text.casefold().split()
    letters = np.frombuffer(f" {' '.join(words)} ".encode("utf-32-le", "replace"), np.uint32)
    if not words:
        return np.zeros(0, dtype=np.int64)
    found, grown = [], np.zeros(len(letters), dtype=np.uint64)
    for length in range(1, max(RUNS) + 1):
        grown = grown[: len(letters) - length + 1] * np.uint64(ODD) + letters[length - 1 :]
        if length in RUNS:
            found.append(scattered(grown))
    return np.concatenate(found)


def scattered(marks: NDArray[Any]) -> NDArray[Any]:
    """Hashes whose every bit depends on all of theirs (Stafford's mix 13), as whole numbers."""
    import numpy as np

    marks = (marks ^ (marks >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    marks = (marks ^ (marks >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[Any] = (marks ^ (marks >> np.uint64(31))) >> np.uint64(1)
    return mixed.astype(np.int64)
