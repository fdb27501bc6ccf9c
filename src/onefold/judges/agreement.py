"""The judge that asks around: how many of the other drafts say the same."""

from __future__ import annotations

from onefold.core.answer import Answer
from onefold.core.errors import Unreadable
from onefold.core.query import Query
from onefold.core.tally import spell
from onefold.verbs import Judge, read


class Agreement(Judge, name="agreement"):
    """The share of `query.drafts` that say the same as the answer; those unread count as others.

    A panel judges each draft as it comes, when there are no others yet: there, agreement is what
    its vote counts and its stop watches. This judge is for what comes after, such as a chain.
    """

    async def score(self, query: Query, answer: Answer) -> float:
        replies = [draft for draft in query.drafts if draft.error is None]
        value = read(answer.text, query) if answer.value is None else answer.value
        if not replies or value is None:
            why = "the answer could not be read" if replies else "query.drafts has no replies"
            raise Unreadable(
                f"agreement cannot be judged, since {why}; in a panel take stop: agree, or a vote",
                model=answer.source,
            )
        said = spell(value)
        same = sum(draft.value is not None and spell(draft.value) == said for draft in replies)
        return same / len(replies)
