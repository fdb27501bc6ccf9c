"""The judge that compares: one answer against others, both ways round, by any operator."""

from __future__ import annotations

from typing import ClassVar

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError
from onefold.core.query import Query
from onefold.core.tally import spell
from onefold.fence import chosen, posed
from onefold.runtime.relay import together
from onefold.verbs import Asks, Judge, Operator

POINTS = {"first": 1.0, "tie": 0.5, "second": 0.0}


class Pairs(Judge, name="pairs"):
    """An operator says whether an answer is better than each of `query.drafts`.

    The score is the mean over the other answers: 1 for better, ½ for a tie, 0 for worse. Each
    pair is shown both ways round, since models favour a place (Zheng et al., arXiv 2306.05685):
    verdicts that contradict each other are a tie.

    operator: who compares. rubric: what «better» means. swap: False asks one way round only.
    """

    operator: Operator
    rubric: str = (
        "A correct answer is better than a wrong one. Of two answers that are equally correct, "
        "the more complete one is better, then the clearer one. Length alone counts for nothing."
    )
    swap: bool = True

    compares: ClassVar[bool] = True

    async def score(self, query: Query, answer: Answer) -> float:
        others = rivals(query, answer)
        if not others:
            return 0.5
        ways = [(answer, other, False) for other in others]
        if self.swap:
            ways += [(other, answer, True) for other in others]

        async def ask(index: int) -> float:
            first, second, swapped = ways[index]
            points = await self._points(query, first.text, second.text)
            return 1.0 - points if swapped else points

        points = await together(ask, len(ways))
        return sum(points) / len(points)

    def _asks(self, query: Query) -> Asks:
        """Each draft, both ways round."""
        text = query.drafts[0].text if query.drafts else ""
        count = float(len(query.drafts) * (1 + self.swap))
        return [(self.operator, self._posed(query, text, text)[0], (0.0, count, count))]

    async def _points(self, query: Query, first: str, second: str) -> float:
        """1 where the first of two texts is better, ½ for a tie, 0 where the second is."""
        asked, mark = self._posed(query, first, second)
        return POINTS[chosen(await self.operator(asked), mark, "better", POINTS)]

    def _posed(self, query: Query, first: str, second: str) -> tuple[Query, str]:
        task = (
            f"Compare the first answer with the second. {self.rubric} "
            'Set "better" to "first", "second" or "tie", and give the reason in one sentence.'
        )
        texts = {"first answer": first, "second answer": second}
        return posed(query, texts, task, "better", POINTS)


def compared(query: Query) -> tuple[Answer, ...]:
    """The drafts that a judge which compares looks at.

    Raises:
        ConfigError: there are none.
    """
    if not query.drafts:
        raise ConfigError(
            "this judge compares an answer with query.drafts, and there are none: use it in a vote "
            "such as ranked or clustered; an answer alone is scored by judges such as graded"
        )
    return query.drafts


def rivals(query: Query, answer: Answer) -> list[Answer]:
    """The drafts that can be read and say something else, each candidate once."""
    said = {spell(answer.value)}
    found = []
    for draft in compared(query):
        key = spell(draft.value)
        if draft.error is None and draft.value is not None and key not in said:
            said.add(key)
            found.append(draft)
    return found
