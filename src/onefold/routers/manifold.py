"""The manifold router: who does well on prompts like this one, and whether any are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct

from onefold.core.part import FilePath
from onefold.core.query import Query
from onefold.runtime.bridge import bridge
from onefold.runtime.trace import current
from onefold.verbs import Encoder, Router

if TYPE_CHECKING:
    from onefold.experience.regions import Prospect, Regional
    from onefold.fitted.manifold import Manifold as Fitted
    from onefold.fitted.manifold import View

Share = Annotated[float, Meta(ge=0, le=1)]
LEAST = 1e-9  # so that the last one preferred is still preferred


class Recommendation(Struct, frozen=True):
    """Whom a manifold recommends for a prompt, and why.

    members: the best first. novelty: share in [0, 1] of known prompts that are less strange.
    region: which one, from 0. tasks: their probabilities, where the fit had labels.
    """

    members: tuple[Prospect, ...]
    novelty: float
    region: int
    tasks: Mapping[str, float]

    def __str__(self) -> str:
        lines = [f"region {self.region}, novelty {self.novelty:.2f}"]
        lines += [f"task {name} {share:.2f}" for name, share in self.tasks.items() if share >= 0.1]
        lines += [
            f"{member} {quality:.2f} ({low:.2f} to {high:.2f}), {count} neighbours"
            for member, quality, low, high, count in self.members
        ]
        return "\n".join(lines)


class Manifold(Router, name="manifold"):
    """Prefers members by how well they did in this region of prompts and on the nearest ones.

    The regions come from a file, made by `fit_manifold`; what `answer.feedback` teaches is added
    as it comes, for the session. Where a prompt is like none that is known, it has no opinion.

    path, hash: the fitted file, and its SHA-256 or the beginning of it.
    keep: members preferred at most.
    at: novelty above which a prompt counts as like none that is known.
    unfamiliar: the member that such prompts go to, instead of no opinion.
    encoder: the one that it was fitted with, if it was.
    """

    path: FilePath
    hash: str = ""
    keep: Annotated[int, Meta(ge=1)] = 3
    at: Share = 0.95
    unfamiliar: str = ""
    encoder: Encoder | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            path: str,
            hash: str = "",
            keep: int = 3,
            at: float = 0.95,
            unfamiliar: str = "",
            encoder: Encoder | str | Any = None,
        ) -> None: ...

    async def route(self, query: Query) -> Mapping[str, float]:
        if not query.prompt.strip():
            return {}
        live, view = await self._look(query.prompt)
        novelty = live.novelty(view)
        if novelty > self.at:
            span = current.get()
            if span is not None:
                span.note("unfamiliar", f"stranger than {novelty:.1%} of the known prompts")
            return {self.unfamiliar: 1.0} if self.unfamiliar else {}
        found = live.prospects(view)[: self.keep]
        return {each.member: max(each.quality, LEAST) for each in found}

    def _held(self) -> Fitted:
        from onefold.fitted.artifact import revived
        from onefold.fitted.manifold import KIND, manifold

        return revived(self.path, self.hash, KIND, manifold)

    async def _recommended(self, prompt: str, most: int) -> Recommendation:
        """As `recommend` tells it."""
        live, view = await self._look(prompt)
        tasks = zip(live.known.tasks, view.tasks[0].tolist(), strict=True)
        ranked = dict(sorted(tasks, key=lambda pair: -pair[1]))
        members = tuple(live.prospects(view)[:most])
        return Recommendation(members, live.novelty(view), int(view.regions[0]), ranked)

    async def _look(self, prompt: str) -> tuple[Regional, View]:
        from onefold.experience.regions import looked

        encode = None if self.encoder is None else self.encoder.encode
        return await looked((self.path, self.hash), self._held(), prompt, encode)


def recommend(router: Manifold, prompt: str, most: int = 3) -> Recommendation:
    """Whom a manifold recommends for a prompt, with what is known there; waits for it.

    Raises:
        ConfigError: there is no such file, or it was fitted with another encoder.
    """
    return bridge.run(router._recommended(prompt, most))
