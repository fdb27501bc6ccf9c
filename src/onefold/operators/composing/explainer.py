"""The vote that answers and explains: a model gives the final answer and why, apart."""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Annotated, Literal

from msgspec import Meta

from onefold.core.answer import Answer
from onefold.core.errors import BudgetExceeded, ModelError, NoAnswer, Unreadable
from onefold.core.query import Query
from onefold.operators.composing.rulings import Case, instead, posed, ruled
from onefold.verbs import Asks, Operator, read

TASK = """\
Others have answered the question; the numbered answers stand in no particular order, and any of \
them may be wrong. Check them against the question and against each other, and decide. Give the \
explanation in a few sentences, then set "answer" to the final answer alone, in the form that the \
question asks for{labels}."""


class Explainer(Operator, name="explainer"):
    """An operator decides from the drafts: the answer's text is its decision, `reasoning` says why.

    It sees the drafts without their authors, fenced, in an order drawn by `seed` and the question.
    Where the query has labels, its decision is one of them.

    operator: who decides: a model, or a panel of them, which votes on the answer.
    repairs: how often a decision that cannot be read is asked for again.
    fallback: what happens where there is none: `best` takes the most confident draft, the most
        common where none states a confidence, and says so in the answer's rule; `fail` raises.
    """

    operator: Operator
    repairs: Annotated[int, Meta(ge=0, le=5)] = 1
    fallback: Literal["best", "fail"] = "best"
    seed: int = 0

    async def answer(self, query: Query) -> Answer:
        drafts = [draft for draft in query.drafts if draft.text.strip()]
        if not drafts:
            raise NoAnswer(f"nothing to decide in {len(query.drafts)} drafts", drafts=query.drafts)

        def decided(said: dict[str, str], reply: Answer) -> Answer:
            text = said["answer"]
            value = read(text, query)
            if value is None:
                raise Unreadable(f"the answer cannot be read: {text[:80]!r}", model=reply.source)
            return Answer(
                text, value, reply.source, reasoning=said["explanation"], drafts=query.drafts
            )

        try:
            return await ruled(self.operator, self._case(query, drafts), self.repairs, decided)
        except (ModelError, NoAnswer, BudgetExceeded) as error:
            if self.fallback == "fail":
                raise
            return instead(query.drafts, "decision", error)

    def _asks(self, query: Query) -> Asks:
        case = self._case(query, query.drafts)
        return [(self.operator, case.query, (1.0, 1.0, 1.0 + self.repairs))]

    def _case(self, query: Query, drafts: Collection[Answer]) -> Case:
        order = list(drafts)
        Random(f"{self.seed}\n{query.sample}\n{query.prompt}").shuffle(order)
        texts = {f"answer {n}": draft.text for n, draft in enumerate(order, 1)}
        labels = f": one of {', '.join(query.labels)}" if query.labels else ""
        form = {"explanation": (), "answer": query.labels}
        return posed(query, texts, TASK.format(labels=labels), form, "answer")
