"""The vote that picks: a model reads all drafts, chooses one and says why."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Annotated, Literal

from msgspec import Meta

from onefold.core.answer import Answer
from onefold.core.errors import BudgetExceeded, ModelError, NoAnswer
from onefold.core.query import Query
from onefold.operators.composing.rulings import Case, chosen, instead, posed, ruled
from onefold.operators.votes.ranked import Candidate, candidates
from onefold.verbs import Asks, Operator

RUBRIC = (
    "Work the question out yourself first. A correct answer is better than a wrong one, then a "
    "complete one than one with gaps. What most of them say is not right for that alone."
)
TASK = """\
Choose the best of the numbered answers, which stand in no particular order. {rubric} Give the \
reason in a sentence or two, then set "choice" to the number of the answer."""


class Selector(Operator, name="selector"):
    """An operator picks one of the drafts; its reason is the answer's `reasoning`.

    It sees what the drafts say, each once, without their authors, fenced, in an order drawn by
    `seed` and the question. Where only one thing is said there is nothing to ask.

    operator: who picks: a model, or a panel of them, which votes on the number.
    rubric: what «best» means. repairs: how often a choice that cannot be read is asked for again.
    fallback: what happens where there is none: `best` takes the most confident draft, the most
        common where none states a confidence, and says so in the answer's rule; `fail` raises.
    """

    operator: Operator
    rubric: str = RUBRIC
    repairs: Annotated[int, Meta(ge=0, le=5)] = 1
    fallback: Literal["best", "fail"] = "best"
    seed: int = 0

    async def answer(self, query: Query) -> Answer:
        field = self._field(query)
        if not field:
            raise NoAnswer(
                f"nothing to select: none of {len(query.drafts)} drafts could be read",
                drafts=query.drafts,
            )
        if len(field) == 1:
            return self._picked(query, field[0], "the only answer", "", 1.0)
        case = self._case(query, field)

        def read(said: dict[str, str], reply: Answer) -> Answer:
            pick = field[int(said["choice"]) - 1]
            by = f"selected by {reply.source}"
            return self._picked(query, pick, by, said["reason"], reply.agreement)

        try:
            return await ruled(self.operator, case, self.repairs, read)
        except (ModelError, NoAnswer, BudgetExceeded) as error:
            if self.fallback == "fail":
                raise
            return instead(query.drafts, "selection", error)

    def _picked(
        self, query: Query, pick: Candidate, rule: str, reason: str, weight: float
    ) -> Answer:
        """The answer that was picked, in the words of its most confident draft."""
        tally = chosen(rule, pick.said.value, query.drafts, weight)
        return pick.said.but(tally=tally, drafts=query.drafts, reasoning=reason)

    def _asks(self, query: Query) -> Asks:
        """Nobody where all say the same."""
        field = self._field(query)
        once = float(len(field) > 1)
        case = self._case(query, field)
        return [(self.operator, case.query, (0.0, once, once * (1 + self.repairs)))]

    def _field(self, query: Query) -> list[Candidate]:
        """What can be chosen, in the order in which it is shown."""
        field = candidates(query.drafts)
        Random(f"{self.seed}\n{query.sample}\n{query.prompt}").shuffle(field)
        return field

    def _case(self, query: Query, field: Sequence[Candidate]) -> Case:
        texts = {f"answer {n}": each.said.text for n, each in enumerate(field, 1)}
        form = {"reason": (), "choice": [str(n) for n in range(1, len(field) + 1)]}
        return posed(query, texts, TASK.format(rubric=self.rubric), form, "choice")
