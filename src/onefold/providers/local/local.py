"""The provider `local`: models of this house, which answer on any machine without a key."""

from __future__ import annotations

from asyncio import CancelledError, wrap_future
from collections.abc import AsyncIterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from onefold.core.errors import ConfigError, Refused, TooLong
from onefold.core.usage import Dollars, Price
from onefold.delivery.provider import Provider, Reply, Request
from onefold.providers.pieces import Pieces

if TYPE_CHECKING:
    from onefold.providers.local.engine import Engine, Row, Tell

SHIPPED = Path(__file__).parent / "models"
LACKS = ("presence_penalty", "frequency_penalty", "effort")


class Local(Provider, name="local"):
    """A tiny model that this house trained itself: a toy for its own kinds of problems.

    model: `small` or `strong` for word problems in small whole numbers, `strings` for small jobs
        on words and lists, `orders` for puzzles of order, `general` for a little of all; or the
        path of a `.safetensors` file of the same form (`python -m training.train`).
    price: (in, out) in US dollars per million tokens, for reports; running them costs nothing.

    Only the last thing that the user says is read, and the beginning of a reply to continue;
    instructions are not.
    """

    model: str
    price: tuple[Dollars, Dollars] = (0.0, 0.0)

    remote: ClassVar[bool] = False
    bounded: ClassVar[bool] = True
    tells: ClassVar[bool] = True

    async def complete(self, request: Request) -> Reply:
        return replied(await self._written(request, None))

    async def stream(self, request: Request) -> AsyncIterator[str | Reply]:
        pieces = Pieces()
        row = self._row(request, pieces.tell)
        try:
            async for piece in pieces.until(row.done):
                yield piece
            yield replied(await wrap_future(row.done))
        finally:
            row.given_up = True

    async def _written(self, request: Request, tell: Tell | None) -> Row:
        """A reply, written to its end."""
        row = self._row(request, tell)
        try:
            return await wrap_future(row.done)
        except CancelledError:
            row.given_up = True
            raise

    def _row(self, request: Request, tell: Tell | None) -> Row:
        """A reply, begun.

        Raises:
            Refused: the request wants what no local model does.
            TooLong: the prompt leaves no room for a reply.
        """
        from onefold.providers.local.engine import Row
        from onefold.providers.local.network import LONGEST

        engine = opened(self._path(), stamp(self._path()))
        wanted = [name for name in LACKS if getattr(request.sampling, name) is not None]
        wanted += ["schema"] if request.schema is not None else []
        if wanted:
            raise Refused(
                f"{request.model}: local models know no {', '.join(wanted)}: leave it out",
                model=request.model,
            )
        row = Row(
            engine.tokens,
            said(request),
            request.begun,
            request.sampling,
            request.sample,
            request.logprobs,
            tell,
        )
        if row.most < 1:
            raise TooLong(
                f"{request.model} reads {LONGEST} tokens with its reply, and the prompt has "
                f"{len(row.codes)}: shorten it",
                model=request.model,
            )
        engine.begin(row)
        return row

    def _continues(self) -> bool:
        return True

    def _path(self) -> Path:
        """The file of the model."""
        path = Path(self.model)
        return path if path.suffix == ".safetensors" else SHIPPED / f"{self.model}.safetensors"

    def _prepare(self, model: str) -> None:
        opened(self._path(), stamp(self._path()))

    def _about(self) -> dict[str, Any]:
        """What a deployment made from it alone should know."""
        return {"price": Price(*self.price), "typical_tokens": 30, "typical_seconds": 0.05}

    @classmethod
    def _named(cls, model: str) -> Local:
        made = cls(model)
        stamp(made._path())
        return made


def said(request: Request) -> str:
    """The last thing that the user says."""
    return next((m.content for m in reversed(request.messages) if m.role == "user"), "")


def replied(row: Row) -> Reply:
    """A reply from what was written."""
    return Reply(
        row.text,
        len(row.codes),
        0,
        row.count,
        row.confidence,
        finish=row.finish,
        tokens=tuple(row.said),
    )


def stamp(path: Path) -> tuple[int, int]:
    """When a model's file was written, and how large it is.

    Raises:
        ConfigError: there is no such file; says which models there are.
    """
    try:
        found = path.stat()
    except OSError:
        names = sorted(each.stem for each in SHIPPED.glob("*.safetensors"))
        raise ConfigError(
            f"no local model {path.stem!r}: there are {', '.join(names)}, or give the path of a "
            ".safetensors file"
        ) from None
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=16)
def opened(path: Path, stamp: tuple[int, int]) -> Engine:  # noqa: ARG001 (another file is another key)
    """A model's engine, made once for each file as it stands.

    Raises:
        ConfigError: the file holds no model of this form.
    """
    from onefold.providers.local.engine import Engine
    from onefold.providers.local.weights import loaded

    return Engine(*loaded(path))
