"""The judge that was fitted: the probability that a draft is right, from what can be seen on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from onefold.core.answer import Answer
from onefold.core.part import FilePath
from onefold.core.query import Query
from onefold.verbs import Judge

if TYPE_CHECKING:
    from onefold.fitted.drafts import DraftJudge


class LearnedJudge(Judge, name="learned"):
    """P(this draft is right), calibrated, from its form, its arithmetic and who wrote it.

    path, hash: the fitted file, and the SHA-256 that it must have (empty: any). of: what the file
    was fitted as; a cascade's file holds its judge too. A member that it was not fitted to is
    taken for an average one.
    """

    path: FilePath
    hash: str = ""
    of: Literal["judge", "cascade"] = "judge"

    async def score(self, query: Query, answer: Answer) -> float:
        return self._held().score(query.prompt, answer.text, answer.value, answer.source)

    def _held(self) -> DraftJudge:
        from onefold.fitted.artifact import revived
        from onefold.fitted.drafts import DraftJudge

        return revived(self.path, self.hash, self.of, DraftJudge)
