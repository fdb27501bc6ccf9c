"""The prompt, varied: an operator asked in other words, and a panel of such variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from msgspec import structs

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError
from onefold.core.part import coerce
from onefold.core.query import Query
from onefold.operators.panel import Panel
from onefold.operators.wrappers import Named
from onefold.verbs import Asks, Operator, perform

Texts = Sequence[str] | Mapping[str, str]


class Prompted(Operator, name="prompted"):
    """An operator that is asked with other words around the question.

    prefix, suffix: stand before and after the question, a blank line between; one that brings
        white space of its own at that end stands as it is.
    system: instructions that stand before the query's own.
    """

    operator: Operator
    prefix: str = ""
    suffix: str = ""
    system: str = ""

    if TYPE_CHECKING:

        def __init__(
            self,
            operator: Operator | str | Any,
            prefix: str = "",
            suffix: str = "",
            system: str = "",
        ) -> None: ...

    async def answer(self, query: Query) -> Answer:
        return await perform(self.operator, self._asked(query))

    def _asks(self, query: Query) -> Asks:
        return [(self.operator, self._asked(query), (1.0, 1.0, 1.0))]

    def _asked(self, query: Query) -> Query:
        """The query in other words; no recording knows it by the old id."""
        changes: dict[str, Any] = {"id": ""} if query.id else {}
        if self.system:
            changes["system"] = joined(self.system, query.system)
        said, turns = query.text, query.messages
        if not said and turns and turns[-1].role == "user":
            last = structs.replace(turns[-1], content=self._around(turns[-1].content))
            return query.but(messages=(*turns[:-1], last), **changes)
        return query.but(text=self._around(said), **changes)

    def _around(self, text: str) -> str:
        return joined(joined(self.prefix, text), self.suffix)


def joined(first: str, then: str) -> str:
    """Two texts as one: white space at the seam stays as it is, else there is a blank line."""
    if not first or not then or first[-1].isspace() or then[0].isspace():
        return first + then
    return f"{first}\n\n{then}"


def variants(
    operator: Operator | str | Any,
    prefixes: Texts = (),
    suffixes: Texts = (),
    systems: Texts = (),
    **panel: Any,
) -> Panel:
    """A panel of one operator, asked with every prefix, suffix and system: all with all.

    Each is a list, or a mapping that names its texts; members are called by those names. An empty
    text asks in the question's own words. panel: settings such as vote, stop or reads.

    Raises:
        ConfigError: there is nothing to vary.
    """
    held = coerce(Operator, operator, "variants")
    choices = [options(name, texts) for name, texts in (
        ("prefixes", prefixes), ("suffixes", suffixes), ("systems", systems)
    )]  # fmt: skip
    if not any((prefixes, suffixes, systems)):
        raise ConfigError("variants: give prefixes, suffixes or systems, a list of texts each")
    members: list[Operator] = []
    for choice in product(*choices):
        names, texts = zip(*choice, strict=True)
        member = Prompted(held, *texts) if any(texts) else held
        name = " ".join(filter(None, names))
        members.append(Named(name, member) if name else member)
    return Panel(members, **panel)


def options(what: str, texts: Texts) -> list[tuple[str, str]]:
    """Names and texts to choose from; names are empty where none are given."""
    if isinstance(texts, str):
        raise ConfigError(f"{what}: a list of texts, not {texts!r:.60}: write [{texts!r:.60}]")
    if isinstance(texts, Mapping):
        return list(texts.items())
    return [("", text) for text in texts] or [("", "")]
