"""The bandit router: tries members on prompts, and learns from feedback who suits which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from onefold.core.errors import ConfigError
from onefold.core.part import FilePath, coerce
from onefold.core.query import Query
from onefold.experience.experience import lived
from onefold.verbs import Encoder, Router

if TYPE_CHECKING:
    from onefold.experience.arms import Arms
    from onefold.fitted.manifold import Manifold
    from onefold.fitted.sparse import Floats

Positive = Annotated[float, Meta(gt=0)]
LEAST = 1e-9  # so that the last one preferred is still preferred
HASHED = {"hashing": 64}  # the features where neither file nor encoder is given


class Bandit(Router, name="bandit"):
    """Weighs members by what their outcomes so far promise on this prompt, and by what is open.

    LinUCB (Li et al. 2010, arXiv 1003.0146), or Thompson sampling (Agrawal and Goyal 2013), on a
    prompt's main directions and a constant; it learns from `answer.feedback`, and a member that
    changed loses its past. Use `top` with it, so that one member answers. Outcomes that the
    session's `experience` keeps on disk are learned again after a restart.

    members: whom it chooses among.
    path, hash: a manifold's file, for the directions; without one, letters are hashed.
    explore: standard deviations of doubt that speak for a member; 0 only exploits.
    sampling: draw from what is believed, instead of adding the doubt; by seed of the prompt and of
        what was learned.
    ridge: outcomes that «nothing is known» counts for. start: quality before any outcome.
    encoder: the one that the manifold was fitted with, if it was; without a file, its vectors.
    """

    members: tuple[str, ...]
    path: FilePath | None = None
    hash: str = ""
    explore: Annotated[float, Meta(ge=0)] = 0.3
    sampling: bool = False
    ridge: Positive = 1.0
    start: Annotated[float, Meta(ge=0, le=1)] = 0.5
    encoder: Encoder | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            members: Sequence[str],
            path: str | None = None,
            hash: str = "",
            explore: float = 0.3,
            sampling: bool = False,
            ridge: float = 1.0,
            start: float = 0.5,
            encoder: Encoder | str | Any = None,
        ) -> None: ...

    async def route(self, query: Query) -> Mapping[str, float]:
        arms = await self._taught()
        features = (await self._features([query.prompt]))[0]
        draw = Random(f"{arms.heard} {query.prompt}")
        weights = {}
        for member in self.members:
            mean, doubt = arms.of(member).guess(features)
            more = draw.gauss(0.0, 1.0) if self.sampling else 1.0
            weights[member] = max(mean + self.explore * doubt * more, LEAST)
        return weights

    def _check(self) -> None:
        if not self.members:
            raise ConfigError("bandit needs members to choose among")

    def _held(self) -> Manifold | None:
        if self.path is None:
            return None
        from onefold.fitted.artifact import revived
        from onefold.fitted.manifold import KIND, manifold

        return revived(self.path, self.hash, KIND, manifold)

    async def _taught(self) -> Arms:
        """What this session's outcomes taught, every one so far."""
        from onefold.experience.arms import Arms

        experience = lived()
        arms = experience.pupils.get(self)
        if arms is None:
            width = (await self._features(["?"])).shape[1]
            arms = experience.pupils.setdefault(self, Arms(width, self.ridge, self.start))
        made: Arms = arms
        before = made.heard
        count, rows = experience.since(before)
        rows = [row for row in rows if row.prompt and row.member in self.members]
        prompts = list(dict.fromkeys(row.prompt for row in rows))
        found = await self._features(prompts) if prompts else ()
        if made.heard == before:  # nobody else learned them meanwhile
            features = dict(zip(prompts, found, strict=True))
            for row in rows:
                made.of(row.member).learn(features[row.prompt], row.score or 0.0)
            made.heard = count
        return made

    async def _features(self, prompts: Sequence[str]) -> Floats:
        """Directions at length 1 and a constant (n, width)."""
        import numpy as np

        known = self._held()
        if known is None:
            rows = await (self.encoder or coerce(Encoder, HASHED)).encode(prompts)
        else:
            vectors = None if self.encoder is None else await self.encoder.encode(prompts)
            points, _ = known.space.placed(prompts, vectors)
            rows = points[:, : known.space.dimensions].astype(np.float64)
        return np.hstack([rows, np.ones((len(rows), 1))])
