"""A recorded model: it answers again what it once answered, from a recording."""

from __future__ import annotations

from asyncio import sleep
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from onefold.core.errors import Refused, unknown
from onefold.core.usage import Price, estimated_tokens
from onefold.delivery.provider import Provider, Reply, Request
from onefold.providers.chance import Latency
from onefold.recording.recording import Draft, opened


class Replay(Provider, name="replay"):
    """A member of a recording. Questions are found by id, or by their very prompt.

    recording: path of the file. member: whose answers; empty means the model's own name.
    pace: how fast time passes: 1 waits as long as was recorded, 0 not at all.
    latency: how long replies take where no time was recorded.
    """

    recording: str
    member: str = ""
    pace: Annotated[float, Meta(ge=0)] = 1.0
    latency: Latency | None = None

    remote: ClassVar[bool] = False

    def _prepare(self, model: str) -> None:
        """Open the recording and find the member in it, before anything is asked."""
        opened(self.recording).find(self.member or model, "", "")

    async def complete(self, request: Request) -> Reply:
        member = self.member or request.model
        source = opened(self.recording)
        draft = source.find(member, request.query_id, request.prompt, request.sample)
        if draft is None:
            asked = request.query_id or f"{request.prompt:.60}"
            raise Refused(
                f"{self.recording} holds no answer of {member} to {asked!r}: ask live models, or "
                "questions that are in it",
                model=request.model,
            )
        await sleep(self._seconds(draft, request) * self.pace)
        tokens_in, tokens_out = draft.tokens_in, draft.tokens_out
        return Reply(draft.text, tokens_in, 0, tokens_out, draft.confidence, usd=draft.usd)

    def _seconds(self, draft: Draft, request: Request) -> float:
        if draft.seconds is not None:
            return draft.seconds
        if self.latency is None:
            return 0.0
        tokens = draft.tokens_out or estimated_tokens(draft.text)
        return self.latency.seconds(tokens, draft.member, draft.query_id, request.sample)


def replay(
    path: str,
    *,
    prices: dict[str, Price] | None = None,
    pace: float = 1.0,
    latency: Latency | None = None,
) -> dict[str, Any]:
    """All members of a recording as models, by name: `Session(replay("drafts.parquet"))`."""
    from onefold.delivery.deployment import Deployment

    part = Replay(path, pace=pace, latency=latency)
    held = prices or {}
    for name in held:
        if name not in opened(path).members:
            raise unknown("recorded member", name, opened(path).members)
    return {name: Deployment(name, part, held.get(name)) for name in opened(path).members}
