"""The reader of typed outputs, and how a model is held to them on any wire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import structs

from onefold.core.answer import Answer
from onefold.core.errors import Unreadable
from onefold.core.query import Message, Query
from onefold.delivery.provider import Provider, Request
from onefold.fence import again, harmless
from onefold.readers.boolean import Boolean
from onefold.readers.choice import Choice
from onefold.readers.json import documents
from onefold.readers.number import Number
from onefold.signatures.shapes import WRAPPED, shape, told
from onefold.signatures.types import type_name, type_named
from onefold.verbs import Reader

FORM = "Reply with one JSON object that fits this JSON Schema, and with nothing else:"


class Typed(Reader, name="typed"):
    """A value of a type: the JSON in a text, converted strictly; what does not fit abstains.

    output: a msgspec Struct, dataclass, TypedDict, pydantic model, a plain type such as
        `list[str]` or `Literal["yes", "no"]`, or a JSON Schema. In YAML a class is written
        `package.module:Name`.

    A model that is read so is held to it: by its service's JSON Schema where there is one, else
    by an instruction; a reply that does not fit is sent back once with what is wrong.
    """

    output: Any

    def read(self, text: str, query: Query) -> Any:
        with suppress(Unreadable):
            return made(text, self.output)
        return None

    def _check(self) -> None:
        if isinstance(self.output, str):
            structs.force_setattr(self, "output", type_named(self.output))
        shape(self.output)

    def _plain(self, value: Any) -> Any:
        return msgspec.to_builtins(value, enc_hook=type_name)


def made(text: str, kind: Any) -> Any:
    """The typed value in a text.

    Raises:
        Unreadable: which field does not fit, and why.
    """
    found, wrong = shape(kind), ""
    for data in documents(text):
        if found.wraps and isinstance(data, dict) and data.keys() == {WRAPPED}:
            data = data[WRAPPED]
        try:
            return found.make(data)
        except ValueError as error:
            wrong = wrong or told(error)
    if not wrong:
        data = in_words(text, kind)
        if data is None:
            raise Unreadable(f"there is no JSON in {text[:200]!r}")
        try:
            return found.make(data)
        except ValueError as error:
            wrong = told(error)
    raise Unreadable(wrong)


def in_words(text: str, kind: Any) -> Any:
    """A number, a yes or no, or a choice that is said without any JSON; None where none is."""
    if kind in (int, float):
        number = Number().read(text, Query())
        return number if number is None or not number.is_integer() else int(number)
    if kind is bool:
        return Boolean().read(text, Query())
    if get_origin(kind) is Literal and all(isinstance(one, str) for one in get_args(kind)):
        return Choice().read(text, Query(labels=get_args(kind)))
    return None


def holds(provider: Provider) -> bool:
    """Whether a provider's service can hold replies to a JSON Schema."""
    service = getattr(provider, "service", None)
    return service is not None and "schema" not in service.lacks


def instructed(messages: tuple[Message, ...], schema: Mapping[str, Any]) -> tuple[Message, ...]:
    """Messages whose last one by the user also says which form the reply has."""
    form = f"{FORM}\n{msgspec.json.encode(schema).decode()}"
    last = max(i for i, message in enumerate(messages) if message.role == "user")
    asked = Message("user", f"{messages[last].content}\n\n{form}")
    return (*messages[:last], asked, *messages[last + 1 :])


async def held_to(
    kind: Any, request: Request, say: Callable[[Request], Awaitable[Answer]]
) -> Answer:
    """An answer with its typed value; a reply that does not fit is sent back once.

    Where the second does not fit either it abstains, and says in `unread` what is wrong with each.
    """
    reasons: list[str] = []
    while True:
        answer = await say(request)
        said = request.begun + answer.text
        try:
            return answer.but(value=made(said, kind))
        except Unreadable as error:
            cut = " (it was cut off: raise max_tokens)" if answer.finish == "length" else ""
            reasons.append(harmless(f"{error}{cut}"))
        if len(reasons) > 1:
            first, then = reasons
            both = f"was asked twice, and neither reply fits: first: {first}; then: {then}"
            return answer.but(unread=both)
        before = request.messages[:-1] if request.begun else request.messages
        asked = again(Query(messages=before), harmless(said), reasons[0])
        request = structs.replace(request, messages=asked.messages)
