"""The vote that checks: a model passes a draft, or puts it right."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from onefold.core.answer import Answer
from onefold.core.errors import NoAnswer, Unreadable
from onefold.core.query import Query
from onefold.core.tally import Ballot, Tally
from onefold.operators.composing.rulings import Case, Form, chosen, posed, ruled
from onefold.operators.votes.ranked import candidates
from onefold.verbs import Asks, Operator, read

RUBRIC = (
    "Work the question out yourself first; do not take the answer's word for anything. An answer "
    "is right if its result holds, whatever its style."
)
TASK = (
    "Check the answer to the question. {rubric} Give the reason in a sentence or two, then set "
    '"verdict" to "right" or "wrong".'
)
CORRECTION = (
    ' Where it is wrong, set "answer" to the right answer, in the form that the question asks for; '
    "leave it empty where it is right."
)
VERDICT: Form = {"reason": (), "verdict": ("right", "wrong")}


class Verifier(Operator, name="verifier"):
    """An operator checks the drafts, the most common first; the first that is right is the answer.

    Where none is, the correction of the first one is. `reasoning` holds the reason, the answer's
    rule says whether it was verified or corrected.

    operator: who checks: a model, or a panel of them, which votes on the verdict.
    otherwise: where no draft is right, `revise` takes the correction, `fail` raises NoAnswer.
    most: how many different drafts are checked. rubric: what «right» means.
    repairs: how often a verdict that cannot be read is asked for again; then it is Unreadable,
        which never means right or wrong.
    """

    operator: Operator
    otherwise: Literal["revise", "fail"] = "revise"
    most: Annotated[int, Meta(ge=1)] | None = None
    rubric: str = RUBRIC
    repairs: Annotated[int, Meta(ge=0, le=5)] = 1

    async def answer(self, query: Query) -> Answer:
        field = sorted(candidates(query.drafts), key=lambda each: -each.backers)[: self.most]
        if not field:
            raise NoAnswer(
                f"nothing to verify: none of {len(query.drafts)} drafts could be read",
                drafts=query.drafts,
            )
        corrections = []
        for each in field:
            right, found = await self._checked(query, each.said)
            if right:
                return found
            corrections.append(found)
        if self.otherwise == "revise":
            return corrections[0]
        why = "; ".join(f"{found.text[:60]!r}: {found.reasoning}" for found in corrections)
        raise NoAnswer(f"none of {len(field)} drafts is right: {why}", drafts=query.drafts)

    async def _checked(self, query: Query, draft: Answer) -> tuple[bool, Answer]:
        """Whether a draft is right, and the draft, or its correction where one is wanted."""

        def checked(said: dict[str, str], reply: Answer) -> tuple[bool, Answer]:
            right, reason = said["verdict"] == "right", said["reason"]
            found = draft.but(reasoning=reason, drafts=query.drafts)
            if right:
                rule = f"verified by {reply.source}"
                return True, found.but(
                    tally=chosen(rule, draft.value, query.drafts, reply.agreement)
                )
            if self.otherwise == "fail":
                return False, found
            return False, corrected(query, said["answer"], reason, reply)

        return await ruled(self.operator, self._case(query, draft.text), self.repairs, checked)

    def _asks(self, query: Query) -> Asks:
        """Once as a rule; every draft at worst."""
        field = candidates(query.drafts)[: self.most]
        case = self._case(query, field[0].said.text if field else "")
        return [(self.operator, case.query, (1.0, 1.0, max(1.0, len(field)) * (1 + self.repairs)))]

    def _case(self, query: Query, text: str) -> Case:
        task = TASK.format(rubric=self.rubric)
        if self.otherwise == "fail":
            return posed(query, {"answer": text}, task, VERDICT, "verdict")
        form = {**VERDICT, "answer": ()}
        return posed(query, {"answer": text}, task + CORRECTION, form, "verdict")


def corrected(query: Query, text: str, reason: str, reply: Answer) -> Answer:
    """What a verifier says instead of a draft.

    Raises:
        Unreadable: it found the draft wrong, and says nothing that can be read.
    """
    who, value = reply.source, read(text, query)
    if value is None:
        raise Unreadable(f"{who} gave no right answer that can be read: {text[:80]!r}", model=who)
    ballots = [Ballot(draft.source, draft.value, 0.0) for draft in query.drafts]
    tally = Tally(
        f"corrected by {who}", (*ballots, Ballot(who, value, reply.agreement)), method="max"
    )
    return Answer(text, value, who, reasoning=reason, drafts=query.drafts, tally=tally)
