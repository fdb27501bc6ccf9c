"""The judge of drafts beside each other that was fitted: how one is written, and who agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onefold.core.answer import Answer
from onefold.core.errors import Unreadable
from onefold.core.part import FilePath
from onefold.core.query import Query
from onefold.verbs import Judge

if TYPE_CHECKING:
    from onefold.fitted.rewards import OutcomeReward


class LearnedReward(Judge, name="learned_reward"):
    """P(this draft is right), calibrated, from its steps, its form, its author, and `query.drafts`.

    It is for what sees all drafts, such as the vote `ranked`; as a panel's judge, which is asked
    before the others came, it is Unreadable: there, take `learned`.

    path, hash: the file that `learn.reward.fit_reward` made, and the SHA-256 that it must have.
    """

    path: FilePath
    hash: str = ""

    async def score(self, query: Query, answer: Answer) -> float:
        drafts = [draft for draft in query.drafts if draft.error is None]
        place = next((i for i, each in enumerate(drafts) if twin(each, answer)), None)
        if place is not None:
            del drafts[place]
        if not drafts:
            raise Unreadable(
                "learned_reward looks at the other drafts, and query.drafts has none: use it in a "
                "vote such as ranked; an answer alone is judged by learned",
                model=answer.source,
            )
        others = [(draft.source, draft.value) for draft in drafts]
        return self._held().score(query.prompt, answer.text, answer.value, answer.source, others)

    def _held(self) -> OutcomeReward:
        from onefold.fitted.artifact import revived
        from onefold.fitted.rewards import OutcomeReward

        return revived(self.path, self.hash, "reward", OutcomeReward)


def twin(one: Answer, other: Answer) -> bool:
    """Whether two drafts are the same one."""
    return (one.source, one.sample, one.text) == (other.source, other.sample, other.text)
