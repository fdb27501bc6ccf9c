"""The judge of whole solutions: everything given was used, and everything found led somewhere."""

from __future__ import annotations

from onefold.core.answer import Answer
from onefold.core.errors import Unreadable
from onefold.core.query import Query
from onefold.steps import steps
from onefold.verbs import Judge


class Complete(Judge, name="complete"):
    """1 where a solution in sums is whole, else 0; it needs no model.

    Whole means: its sums hold, and their numbers have a source (the marker `arithmetic`); each
    number of the prompt, in figures or words, was used as often as it stands there; each result
    was used, but for the last; and the answer is the last result. A prompt that tells more than
    is needed defeats it: take `shares` there, or leave it.

    shares: gives the mean of how far each of the four is so, instead of 1 or 0.
    at: where steps end.
    """

    shares: bool = False
    at: tuple[str, ...] = ("\n",)

    async def score(self, query: Query, answer: Answer) -> float:
        from onefold.fitted.texts.sheet import completeness

        said = [step.text.strip() for step in steps(answer.text, answer.finish, self.at)]
        met = completeness(query.prompt, said)
        if met is None:
            raise Unreadable(
                f"{answer.source or 'an answer'} has no sums, and the question asks for none: "
                "take another judge for it",
                model=answer.source,
            )
        return sum(met) / len(met) if self.shares else float(min(met) == 1.0)
