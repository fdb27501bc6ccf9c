"""A model that plays scenes: what each of its calls brings, and when, in the order of the calls."""

from __future__ import annotations

from asyncio import CancelledError, get_running_loop, sleep
from collections.abc import Callable
from typing import Any, ClassVar

from msgspec import Struct

import onefold as of
from onefold.delivery.deployment import Deployment
from onefold.delivery.provider import Provider

PENNY = of.Price(10_000.0, 10_000.0)  # one cent a token


class Act(Struct, frozen=True):
    """One call: after so many seconds a text, a Reply or an error; words come evenly spread."""

    brings: Any = "yes"
    seconds: float = 0.0
    words: tuple[str, ...] = ()


def fails(kind: type[of.ModelError] = of.Unreachable, seconds: float = 0.0, **about: Any) -> Act:
    """A call that fails so."""
    return Act(lambda: kind("the service said no", **about), seconds)


class Scene:
    """What a model does call by call, the last act again and again; and what was seen of it."""

    def __init__(self, *acts: Any) -> None:
        self.acts = [act if isinstance(act, Act) else Act(act) for act in acts or ("yes",)]
        self.requests: list[of.Request] = []
        self.began: list[float] = []
        self.left: list[float] = []
        self.inside = self.most = 0

    def __repr__(self) -> str:
        return "Scene()"

    @property
    def calls(self) -> int:
        """Calls that were made."""
        return len(self.began)

    def begins(self, request: of.Request) -> Act:
        """A call comes in: its act."""
        self.requests.append(request)
        self.began.append(get_running_loop().time())
        self.inside += 1
        self.most = max(self.most, self.inside)
        return self.acts[min(len(self.began), len(self.acts)) - 1]

    async def waits(self, seconds: float) -> None:
        """Time passes, unless nobody waits any more."""
        try:
            await sleep(seconds)
        except CancelledError:
            self.left.append(get_running_loop().time())
            raise


def brought(act: Act) -> of.Reply:
    """What an act brings, or raises."""
    if isinstance(act.brings, Callable):
        raise act.brings()
    if isinstance(act.brings, of.Reply):
        return act.brings
    return of.Reply(act.brings, 1, 0, 1)


class Plays(Provider, name="test_stage_plays"):
    """A remote model that plays a scene."""

    scene: Any

    async def complete(self, request):
        act = self.scene.begins(request)
        try:
            await self.scene.waits(act.seconds)
            return brought(act)
        finally:
            self.scene.inside -= 1

    async def stream(self, request):
        act = self.scene.begins(request)
        words = act.words or ((act.brings,) if isinstance(act.brings, str) else ())
        try:
            for word in words:
                await self.scene.waits(act.seconds / len(words))
                yield word
            if not words:
                await self.scene.waits(act.seconds)
            if act.brings is not None:
                yield brought(act)
        finally:
            self.scene.inside -= 1


class Bounded(Provider, name="test_stage_bounded"):
    """A remote model that keeps to the limit of tokens that it is told."""

    scene: Any
    bounded: ClassVar[bool] = True

    async def complete(self, request):
        act = self.scene.begins(request)
        await self.scene.waits(act.seconds)
        return brought(act)


class Heard(list):
    """A listener that keeps the notes of calls."""

    def __call__(self, phase, span, what, value):
        if phase == "note" and span.verb == "complete":
            self.append((what, value))

    def values(self, what):
        """What was noted under a name."""
        return [value for name, value in self if name == what]


class Quiet(Heard):
    """One that has no use for words, so that nothing is streamed for its sake."""

    wants_words = False


def plays(scene: Scene, name: str = "m", **about: Any) -> Deployment:
    """A deployment that plays a scene."""
    return Deployment(name, Plays(scene), about.pop("price", PENNY), **about)


def session(*models: Any, **about: Any) -> of.Session:
    """A session that knows these deployments and fleets."""
    return of.Session({model.name: model for model in models}, **about)
