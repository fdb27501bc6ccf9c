"""Judges that say whether two answers mean the same: numbers, JSON, nearness, entailment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from math import isclose, isfinite
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from onefold.core.answer import Answer
from onefold.core.errors import Unreadable
from onefold.core.query import Query
from onefold.core.tally import spell
from onefold.fence import chosen, posed
from onefold.judges.pairs import compared
from onefold.runtime.relay import together
from onefold.verbs import Asks, Encoder, Judge, Operator

Tolerance = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
RELATIONS = {"entails": 1.0, "neutral": 0.0, "contradicts": 0.0}
ENTAILMENT = "entailment"


class SameNumber(Judge, name="same_number"):
    """Share of `query.drafts` that give the same number, within a tolerance.

    relative: difference allowed, as a share of the larger one. absolute: difference allowed, in
        the numbers' own unit; the wider of the two holds.
    """

    relative: Tolerance = 1e-6
    absolute: Tolerance = 0.0

    compares: ClassVar[bool] = True

    async def score(self, query: Query, answer: Answer) -> float:
        mine = number(answer)
        return share(
            close(mine, number(draft), self.relative, self.absolute) for draft in compared(query)
        )


class SameJson(Judge, name="same_json"):
    """Share of `query.drafts` that hold the same JSON; text counts without case and outer space.

    keys: the keys of the outermost object that count; empty is all of them.
    relative: difference allowed between numbers, as a share of the larger one.
    ordered: whether the order of lists counts.
    """

    keys: tuple[str, ...] = ()
    relative: Tolerance = 1e-9
    ordered: bool = True

    compares: ClassVar[bool] = True

    async def score(self, query: Query, answer: Answer) -> float:
        mine = self._document(answer)
        return share(self._same(mine, self._document(draft)) for draft in compared(query))

    def _document(self, answer: Answer) -> Any:
        value = answer.value if answer.value is not None else answer.text
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                raise Unreadable(
                    f"{answer.source or 'an answer'} is no JSON: {value[:80]!r}; read the drafts "
                    "as such, reads: json",
                    model=answer.source,
                ) from None
        if self.keys and isinstance(value, Mapping):
            return {key: value.get(key) for key in self.keys}
        return value

    def _same(self, a: Any, b: Any) -> bool:
        if isinstance(a, bool) or isinstance(b, bool):
            return a is b
        if isinstance(a, int | float) and isinstance(b, int | float):
            return close(a, b, self.relative, 0.0)
        if isinstance(a, str) and isinstance(b, str):
            return a.strip().casefold() == b.strip().casefold()
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            return a.keys() == b.keys() and all(self._same(a[key], b[key]) for key in a)
        if isinstance(a, list | tuple) and isinstance(b, list | tuple):
            if not self.ordered:
                a, b = sorted(a, key=spell), sorted(b, key=spell)
            return len(a) == len(b) and all(map(self._same, a, b))
        return a is None and b is None


class Near(Judge, name="near"):
    """Share of `query.drafts` whose text lies as near as `at`, in cosine similarity.

    encoder: makes texts into vectors. at: from which two texts mean the same; measure it for the
        encoder and the task, for it holds for no other.
    """

    encoder: Encoder
    at: Share

    compares: ClassVar[bool] = True

    async def score(self, query: Query, answer: Answer) -> float:
        drafts = compared(query)
        rows = await self.encoder.encode([answer.text, *(draft.text for draft in drafts)])
        return share(float(nearness) >= self.at for nearness in rows[1:] @ rows[0])


class Entails(Judge, name="entails"):
    """Whether an answer and each of `query.drafts` entail one another (Kuhn et al., 2302.09664).

    The score is the smaller of the two directions, as a mean over the drafts: 1 where both hold.

    operator: an LLM, or a part for natural language inference, which finds `premise` and
        `hypothesis` in the query's inputs and gives `entailment` in its answer's `probs`.
    """

    operator: Operator

    compares: ClassVar[bool] = True

    async def score(self, query: Query, answer: Answer) -> float:
        drafts = compared(query)
        ways = [(answer, draft) for draft in drafts] + [(draft, answer) for draft in drafts]

        async def ask(index: int) -> float:
            return await self._entails(query, *ways[index])

        said = await together(ask, len(ways))
        both = map(min, said[: len(drafts)], said[len(drafts) :])
        return sum(both) / len(drafts)

    def _asks(self, query: Query) -> Asks:
        """Each draft, in both directions."""
        text = query.drafts[0].text if query.drafts else ""
        count = 2.0 * len(query.drafts)
        return [(self.operator, self._posed(query, text, text)[0], (0.0, count, count))]

    async def _entails(self, query: Query, premise: Answer, hypothesis: Answer) -> float:
        """How far one answer entails another, in [0, 1]."""
        asked, mark = self._posed(query, premise.text, hypothesis.text)
        reply = await self.operator(asked)
        if reply.probs and ENTAILMENT in reply.probs:
            return min(1.0, max(0.0, reply.probs[ENTAILMENT]))
        return RELATIONS[chosen(reply, mark, "relation", RELATIONS)]

    def _posed(self, query: Query, premise: str, hypothesis: str) -> tuple[Query, str]:
        task = (
            "Both answer the question. Does the first answer entail the second: whoever accepts "
            'the first must accept the second too? Set "relation" to "entails", "neutral" or '
            '"contradicts", and give the reason in one sentence.'
        )
        texts = {"first answer": premise, "second answer": hypothesis}
        asked, mark = posed(query, texts, task, "relation", RELATIONS)
        return asked.but(inputs={"premise": premise, "hypothesis": hypothesis}), mark


def number(answer: Answer) -> float:
    """The number that an answer gives.

    Raises:
        Unreadable: it is none.
    """
    value = answer.value if answer.value is not None else answer.text
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        found = float("nan")
    if isinstance(value, bool) or not isfinite(found):
        raise Unreadable(
            f"{answer.source or 'an answer'} is no number: {str(value)[:80]!r}; read the drafts as "
            "such, reads: number",
            model=answer.source,
        )
    return found


def close(a: float, b: float, relative: float, absolute: float) -> bool:
    """Whether two numbers are the same within a tolerance; whole ones may be of any size."""
    try:
        return a == b or isclose(a, b, rel_tol=relative, abs_tol=absolute)
    except OverflowError:
        return False


def share(alike: Iterable[bool]) -> float:
    """Share of the comparisons that hold."""
    said = list(alike)
    return sum(said) / len(said)
