"""What is asked, and how its answers are to be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError
from onefold.core.part import Part, coerce
from onefold.core.registry import lookup_kind

ROLES = ("system", "user", "assistant")


class Message(Struct, frozen=True):
    """One turn of a conversation; `role` is one of system, user, assistant."""

    role: str
    content: str

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ConfigError(f"message role {self.role!r} is none of {', '.join(ROLES)}")


class Query(Struct, frozen=True):
    """What is asked. Give `text`, or `messages` for a conversation.

    id: the row's name in a dataset; recordings and resumed runs find it by this.
    inputs: named inputs, for templates and functions.
    labels: the allowed answers, where there is a fixed set.
    reads: the reader that makes answers comparable, or its name; None leaves it to the operator.
    drafts: answers given so far, for operators that judge, vote or rewrite.
    sample: which of several draws this is; draws of one query differ, and are cached apart.
    schema: JSON Schema that replies must fit, for models whose service can hold to one.
    """

    text: str = ""
    messages: tuple[Message, ...] = ()
    system: str = ""
    id: str = ""
    inputs: Mapping[str, Any] = {}
    labels: tuple[str, ...] = ()
    reads: Any = None
    drafts: tuple[Answer, ...] = ()
    sample: int = 0
    schema: Mapping[str, Any] | None = None

    @property
    def prompt(self) -> str:
        """The text, or the last thing the user said."""
        if self.text:
            return self.text
        said = [message.content for message in self.messages if message.role == "user"]
        return said[-1] if said else ""

    def but(self, **changes: Any) -> Query:
        """The same query with some fields changed."""
        return structs.replace(self, **changes)


def asked(query: Query | str) -> Query:
    """The query itself, or one made from a text.

    Raises:
        ConfigError: it is empty, or neither a text nor a query.
    """
    if isinstance(query, str):
        if query.isascii() and query.strip():
            return Query(query)
        query = Query(query)
    elif not isinstance(query, Query) or not isinstance(query.text, str):
        raise ConfigError(f"a query is a text or a Query of a text, not {query!r:.80}")
    for text in (query.text, query.system, *(message.content for message in query.messages)):
        try:
            text.isascii() or text.encode()
        except UnicodeEncodeError as error:
            raise ConfigError(
                f"the query holds half a character at {error.start}: read its file as UTF-8"
            ) from None
    if query.reads is not None and not isinstance(query.reads, Part):
        query = query.but(reads=coerce(lookup_kind("Reader"), query.reads, "reads"))
    if not (query.text or query.messages or query.inputs or query.drafts) or query.text.isspace():
        raise ConfigError("the query is empty: give it a text, messages or inputs")
    return query
