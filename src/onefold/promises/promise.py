"""What a call in a jit function gives at once: a stand-in for the answer that is on its way."""

from __future__ import annotations

import operator
from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from onefold.core.answer import Answer
from onefold.core.query import Message, Query

if TYPE_CHECKING:
    from onefold.promises.call import Call


class Promise:
    """An answer on its way. Using it waits for it, and for nothing else.

    `str()` and f-strings give the answer's text; comparing, iterating, `len`, `in`, `[…]`, `bool`,
    `int` and `float` use its value; every other attribute is the answer's own. Under `async def`
    write `await promise`, which gives the answer. `repr` never waits.
    """

    __slots__ = ("_call",)

    def __init__(self, call: Call) -> None:
        self._call = call

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # what inspectors and copiers look for must not wait
            raise AttributeError(f"a promise has no {name!r}")
        return getattr(self._call.wait(), name)

    @property
    def answer(self) -> Answer:
        """The answer itself; waits for it."""
        return self._call.wait()

    def __await__(self) -> Generator[Any, Any, Answer]:
        return self._call.arrived().__await__()

    def __repr__(self) -> str:
        return f"<promise of {self._call}>"

    def __str__(self) -> str:
        return self._call.wait().text

    def __format__(self, spec: str) -> str:
        return format(value(self), spec) if spec else str(self)

    def __bool__(self) -> bool:
        return bool(value(self))

    def __hash__(self) -> int:
        return id(self)  # whoever gathers promises must not wait for them

    def __len__(self) -> int:
        return len(value(self))

    def __iter__(self) -> Iterator[Any]:
        return iter(value(self))

    def __getitem__(self, key: Any) -> Any:
        return value(self)[key]

    def __contains__(self, item: Any) -> bool:
        return value(item) in value(self)

    def __int__(self) -> int:
        return int(value(self))

    def __float__(self) -> float:
        return float(value(self))

    def __index__(self) -> int:
        return operator.index(value(self))

    def __eq__(self, other: object) -> bool:
        return bool(value(self) == value(other))

    def __lt__(self, other: Any) -> bool:
        return bool(value(self) < value(other))

    def __le__(self, other: Any) -> bool:
        return bool(value(self) <= value(other))

    def __gt__(self, other: Any) -> bool:
        return bool(value(self) > value(other))

    def __ge__(self, other: Any) -> bool:
        return bool(value(self) >= value(other))


class Promises(list[Promise]):
    """Several promises; under `async def`, `await` gives their answers as a list."""

    def __await__(self) -> Generator[Any, Any, list[Answer]]:
        return self._all().__await__()

    async def _all(self) -> list[Answer]:
        return [await promise for promise in self]


def value(thing: Any) -> Any:
    """What a promise, or an answer, is worth in an expression; anything else is itself."""
    if isinstance(thing, Promise):
        thing = thing._call.wait()
    return thing.value if isinstance(thing, Answer) else thing


def inside(thing: Any) -> Iterator[Promise]:
    """The promises in a value: itself, or what lists, tuples, mappings and queries hold."""
    if isinstance(thing, str):  # by far the most common
        return
    if isinstance(thing, Promise):
        yield thing
    elif isinstance(thing, Query):
        for name in ("text", "system", "messages", "inputs", "drafts"):
            yield from inside(getattr(thing, name))
    elif isinstance(thing, Message):
        yield from inside(thing.content)
    elif isinstance(thing, Mapping):
        for held in thing.values():
            yield from inside(held)
    elif isinstance(thing, list | tuple):
        for held in thing:
            yield from inside(held)


def kept(thing: Any, plain: bool = False) -> Any:
    """The same value with the answer of each promise in its place; its text where `plain`."""
    if isinstance(thing, str):
        return thing
    if isinstance(thing, Promise):
        answer = thing._call.done.result()
        return answer.text if plain else answer
    if isinstance(thing, Query):
        return thing.but(
            text=kept(thing.text, plain=True),
            system=kept(thing.system, plain=True),
            messages=kept(thing.messages),
            inputs=kept(thing.inputs),
            drafts=kept(thing.drafts),
        )
    if isinstance(thing, Message):
        return Message(thing.role, kept(thing.content, plain=True))
    if isinstance(thing, Mapping):
        return {key: kept(held) for key, held in thing.items()}
    if isinstance(thing, list | tuple):
        held = [kept(each) for each in thing]
        if isinstance(thing, list):
            return held
        return type(thing)(*held) if hasattr(thing, "_fields") else tuple(held)
    return thing
