"""The learned router: who will answer this prompt well, predicted from its words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from onefold.core.errors import ConfigError
from onefold.core.part import FilePath
from onefold.core.query import Query
from onefold.verbs import Encoder, Router

if TYPE_CHECKING:
    from onefold.fitted.routing import Routing

Share = Annotated[float, Meta(ge=0, le=1)]
LEAST = 1e-9  # so that the last one preferred is still preferred


class Learned(Router, name="learned"):
    """Prefers members by the quality that `onefold fit router` learned to predict for a prompt.

    It has no opinion where held-out questions said that nothing was learned.

    path, hash: the fitted file, and its SHA-256 or the beginning of it.
    keep: members preferred at most; None is all of them.
    cost: quality that the dearest member's price is worth; a member's weight is its predicted
        quality less `cost` times its price as a share of the dearest one's.
    at: advantage in predicted quality from which on the best member is preferred to the cheapest
        one, which is preferred otherwise; then only one of the two is named. None weighs them all.
    encoder: the one that it was fitted with, if it was.
    """

    path: FilePath
    hash: str = ""
    keep: Annotated[int, Meta(ge=1)] | None = None
    cost: Annotated[float, Meta(ge=0)] = 0.0
    at: Annotated[float, Meta(ge=-1, le=1)] | None = None
    encoder: Encoder | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            path: str,
            hash: str = "",
            keep: int | None = None,
            cost: float = 0.0,
            at: float | None = None,
            encoder: Encoder | str | Any = None,
        ) -> None: ...

    async def route(self, query: Query) -> Mapping[str, float]:
        found = self._held()
        if not query.prompt.strip() or found.strength == 0:
            return {}
        vectors = None if self.encoder is None else await self.encoder.encode([query.prompt])
        quality = found.qualities([query.prompt], vectors)[0]
        if self.at is not None:
            best, usual = int(quality.argmax()), found.usual
            chosen = best if quality[best] - quality[usual] >= self.at else usual
            return {found.members[chosen]: max(float(quality[chosen]), LEAST)}
        if self.cost:
            self._priced(found)
            quality = quality - self.cost * found.usd / max(found.usd.max(), LEAST)
        ranked = quality.argsort(kind="stable")[::-1][: self.keep]
        return {found.members[each]: max(float(quality[each]), LEAST) for each in ranked}

    def _held(self) -> Routing:
        from onefold.fitted.artifact import revived
        from onefold.fitted.routing import KIND, routing

        return revived(self.path, self.hash, KIND, routing)

    def _priced(self, found: Routing) -> None:
        """Check that prices are known.

        Raises:
            ConfigError: a member's is not.
        """
        for name, usd in zip(found.members, found.usd, strict=True):
            if not usd >= 0:
                raise ConfigError(
                    f"{self.path} knows no price of {name!r}, so cost={self.cost:g} cannot count: "
                    "fit it on a recording with a column usd, or leave cost out"
                )
