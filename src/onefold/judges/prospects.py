"""The judge of prospects: how often this member is right on prompts like this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onefold.core.answer import Answer
from onefold.core.errors import Unreadable
from onefold.core.part import FilePath
from onefold.core.query import Query
from onefold.experience.experience import plain
from onefold.verbs import Encoder, Judge

if TYPE_CHECKING:
    from onefold.fitted.manifold import Manifold

STRANGE = 0.95  # novelty from which on a prospect counts less, and at 1 for nothing


class Prospects(Judge, name="prospects"):
    """The quality that a manifold expects of the answer's source here, whatever it says.

    On a prompt that is stranger than 95 % of the known ones it counts less, and on one stranger
    than all of them for nothing: specialists off their domain are confidently wrong. What
    `answer.feedback` teaches counts, as for the router `manifold` on the same file.

    path, hash: a manifold's file, and its SHA-256 or the beginning of it.
    encoder: the one that it was fitted with, if it was.
    """

    path: FilePath
    hash: str = ""
    encoder: Encoder | None = None

    if TYPE_CHECKING:

        def __init__(
            self, path: str, hash: str = "", encoder: Encoder | str | Any = None
        ) -> None: ...

    async def score(self, query: Query, answer: Answer) -> float:
        from onefold.experience.regions import looked

        encode = None if self.encoder is None else self.encoder.encode
        live, view = await looked((self.path, self.hash), self._held(), query.prompt, encode)
        member = plain(answer.source)
        for found in live.prospects(view):
            if found.member == member:
                familiar = (1.0 - live.novelty(view)) / (1.0 - STRANGE)
                return found.quality * min(1.0, familiar)
        raise Unreadable(
            f"{self.path} knows no outcome of {member!r}: fit it on a recording that has some, "
            "under the same name",
            model=member,
        )

    def _held(self) -> Manifold:
        from onefold.fitted.artifact import revived
        from onefold.fitted.manifold import KIND, manifold

        return revived(self.path, self.hash, KIND, manifold)
