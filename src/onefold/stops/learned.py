"""Enough by what a fitted cascade expects of the members left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onefold.core.part import FilePath
from onefold.verbs import Race, Stop

if TYPE_CHECKING:
    from onefold.fitted.deferral import Cascade


class Worth(Stop):
    """Enough once no member left is worth its price, by a fitted cascade (see `Next`).

    path, hash: the fitted file, and the SHA-256 that it must have (empty: any).
    """

    path: FilePath
    hash: str = ""

    def enough(self, race: Race) -> bool:
        cascade = self._held()
        came = {answer.source for answer in race.answers}
        away = [n for n in cascade.course.members if n not in came and n not in race.out]
        return not cascade.at(race.answers, away).next

    def _held(self) -> Cascade:
        from onefold.fitted.artifact import revived
        from onefold.fitted.deferral import Cascade

        return revived(self.path, self.hash, "cascade", Cascade)
