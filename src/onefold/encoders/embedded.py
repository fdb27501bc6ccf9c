"""The encoder around a model that embeds, asked through the one corridor as any other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from onefold.core.errors import Unreadable
from onefold.delivery.deliver import embedded
from onefold.delivery.provider import Provider
from onefold.delivery.session import here
from onefold.verbs import Encoder

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

Positive = Annotated[int, Meta(ge=1)]


class Embedded(Encoder, name="embedded"):
    """A model that embeds, by its name in the session or as `provider:model`.

    Calls are cached, counted and paid for as any other.

    provider: the provider itself, for a model that no session needs to know.
    batch: texts sent in one call. longest: characters of a text that are sent.
    """

    model: Annotated[str, Meta(min_length=1)]
    provider: Provider | None = None
    batch: Positive = 128
    longest: Positive = 8000

    async def encode(self, texts: Sequence[str]) -> NDArray[float64]:
        import numpy as np

        from onefold.fitted.index import directions

        session = here()
        session.ready(self)
        own = None if self.provider is None else session.models.owned(self.model, self.provider)
        there = [place for place, text in enumerate(texts) if text.strip()]
        found: list[tuple[float, ...]] = []
        for start in range(0, len(there), self.batch):
            sent = [texts[place][: self.longest] for place in there[start : start + self.batch]]
            found += await embedded(sent, self.model, own)
        rows = np.zeros((len(texts), len(found[0]) if found else 0))
        try:
            rows[there] = np.array(found)
        except ValueError:
            raise Unreadable(f"{self.model} gave vectors of several lengths") from None
        return directions(rows)
