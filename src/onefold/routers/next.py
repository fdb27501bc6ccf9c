"""The router of a fitted cascade: whom to ask next, given what came so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from onefold.core.part import FilePath
from onefold.core.query import Query
from onefold.verbs import Router

if TYPE_CHECKING:
    from onefold.fitted.deferral import Cascade


class Next(Router, name="next"):
    """Prefers the member whose answer is worth most now, less its price.

    It weighs, by going back from the end, every way in which the members left may agree with the
    drafts that came: cascade routing (Dekoninck et al. 2025, arXiv 2410.10347) as a problem of
    optimal stopping. Use it with the stop `Worth` and the vote `Likeliest` of the same file, one
    member at a time.

    path, hash: the fitted file, and the SHA-256 that it must have (empty: any).
    """

    again: ClassVar[bool] = True
    path: FilePath
    hash: str = ""

    async def route(self, query: Query) -> Mapping[str, float]:
        return self._held().at(query.drafts).worths

    def _held(self) -> Cascade:
        from onefold.fitted.artifact import revived
        from onefold.fitted.deferral import Cascade

        return revived(self.path, self.hash, "cascade", Cascade)
