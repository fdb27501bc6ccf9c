"""The encoder around sentence-transformers: `pip install 'onefold[sentences]'`."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from onefold.core.errors import ConfigError, MissingExtra
from onefold.verbs import Encoder

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

ONE = ThreadPoolExecutor(1, "onefold-sentences")  # a model is one: texts wait for each other


class Sentences(Encoder, name="sentences"):
    """A sentence-transformers model, run in a thread beside the event loop.

    source: a folder, or a name at Hugging Face, which the library downloads once.
    device: where it runs, such as `cpu` or `cuda`; None takes the best there is.
    batch: texts that it encodes at once.
    """

    source: Annotated[str, Meta(min_length=1)]
    device: str | None = None
    batch: Annotated[int, Meta(ge=1)] = 32

    async def encode(self, texts: Sequence[str]) -> NDArray[float64]:
        return await get_running_loop().run_in_executor(ONE, self._encoded, list(texts))

    def _encoded(self, texts: list[str]) -> NDArray[float64]:
        """The rows, at length 1; blank texts are zero."""
        import numpy as np

        from onefold.fitted.index import directions

        model = loaded(self.source, self.device)
        there = [place for place, text in enumerate(texts) if text.strip()]
        spoken = [texts[place] for place in there] or [""]
        made = model.encode(spoken, batch_size=self.batch, show_progress_bar=False)
        found = np.asarray(made, dtype=np.float64)
        rows = np.zeros((len(texts), found.shape[1]))
        rows[there] = found[: len(there)]
        return directions(rows)


@lru_cache(maxsize=4)
def loaded(source: str, device: str | None) -> Any:
    """The model, loaded once.

    Raises:
        MissingExtra: sentence-transformers is not installed. ConfigError: there is no such model.
    """
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise MissingExtra("sentences", f"the encoder sentences: {source}") from None
    try:
        return SentenceTransformer(source, device=device)
    except Exception as error:  # the library and those below it raise all kinds
        raise ConfigError(f"sentences: {source!r} cannot be loaded: {error}") from error
