"""The marker that calculates: it needs no model, and a right solution passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from onefold.core.query import Query
from onefold.verbs import Marker


class Arithmetic(Marker, name="arithmetic"):
    """1 for a step whose sums hold, 0 for one with a false sum, None for one without sums.

    It reads `47+38:77=85` as well as prose, `3 cups * 2 = 6 cups`, `$5 × 3 = $15`, per cents and
    `a = b = c`; results may be rounded. What may be read in two ways passes: letters that stand
    for numbers, units that differ. A plan that is wrong in right sums is not seen here; `complete`
    sees some of those.

    sources: whether each number that a step brings in must be in the prompt, in figures or words
        (half, twice, dozen), or an earlier result, or follow from a word (week, dollar). Off for
        models that do steps in their head.
    answer: `last` wants an answer (`Answer: 85`, `#### 85`) to be the last result, `any` one of
        the results, `free` nothing.
    constants: numbers that need no source.
    """

    sources: bool = True
    answer: Literal["last", "any", "free"] = "last"
    constants: tuple[float, ...] = (1.0, 2.0, 100.0)

    async def mark(self, query: Query, steps: Sequence[str]) -> Sequence[float | None]:
        from onefold.fitted.texts.sheet import marks

        return marks(query.prompt, steps, self.constants, self.sources, self.answer)
