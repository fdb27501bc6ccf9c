"""Notation read: a text as a tree in which everything knows its column."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from onefold.core.errors import ConfigError
from onefold.operators.notation.words import CONSTANTS, MODEL, NAME, NUMBER, TEXT, fault

DEEPEST = 50
LONGEST = 1_000_000
SPACE = re.compile(r"\s*")
COUNT = re.compile(r"[0-9]+")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Settings:
    """Parameters between parentheses: values by name, and where each name stands."""

    values: dict[str, Any]
    places: dict[str, int]


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing in a flow, so many times.

    form: a model by name, an operator by its code or name, a `$component`, or a group.
    settings: None where there are no parentheses. on: what stands behind `@`.
    """

    form: Literal["model", "operator", "component", "group"]
    name: str
    at: int
    count: int = 1
    settings: Settings | None = None
    alias: str = ""
    on: Unit | None = None
    body: Script | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """Stages, each of which hands all its drafts on to the next. end: where it ends."""

    stages: list[list[Unit]]
    at: int
    end: int


@dataclass(frozen=True, slots=True)
class Definition:
    """`name(settings) = flow`, or `$name = flow`."""

    name: str
    at: int
    settings: Settings | None
    flow: Flow


@dataclass(frozen=True, slots=True)
class Script:
    """A whole notation: definitions, and the flow at its end if there is one."""

    at: int
    components: list[Definition]
    nodes: list[Definition]
    last: Flow | None


def script(text: str) -> Script:
    """The tree of a notation.

    Raises:
        ConfigError: what was expected where, and what stands there.
    """
    if len(text) > LONGEST:
        raise ConfigError(f"a notation has at most {LONGEST} characters, not {len(text)}")
    page = Page(text)
    read = page.script()
    if page.at < len(text):
        raise page.expected("'->', ',' or ';'")
    return read


class Page:
    """A text and how far it is read; white space between words is skipped."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.skip()

    def skip(self) -> None:
        """Pass over white space."""
        self.at = self.there(SPACE).end()

    def there(self, pattern: re.Pattern[str]) -> Any:
        """The match of a pattern here."""
        return pattern.match(self.text, self.at)

    def take(self, mark: str) -> bool:
        """Whether a mark stands here; then it is read."""
        found = self.text.startswith(mark, self.at)
        if found:
            self.at += len(mark)
            self.skip()
        return found

    def word(self, pattern: re.Pattern[str]) -> str:
        """What a pattern finds here, read; empty if it finds nothing."""
        match = self.there(pattern)
        if match is None:
            return ""
        self.at = match.end()
        self.skip()
        return str(match[0])

    def need(self, mark: str, also: str = "") -> None:
        """Read a mark that must stand here."""
        if not self.take(mark):
            raise self.expected(f"{mark!r}{also}")

    def fault(self, at: int, said: str) -> ConfigError:
        """The error for something wrong at a place."""
        return fault(self.text, at, said)

    def expected(self, what: str) -> ConfigError:
        """The error for anything else than what is expected here."""
        rest = self.text[self.at :]
        match = re.match(r"[\w$@]+|->|.", rest)
        found = repr(match[0]) if match else "the end"
        if found == "')'":
            found = "')', which closes nothing" if self.depth == 0 else found
        return self.fault(self.at, f"expected {what}, found {found}")

    def script(self) -> Script:
        """Definitions and a flow between `;`, up to the end or a closing parenthesis."""
        at = self.at
        components: list[Definition] = []
        nodes: list[Definition] = []
        last = None
        while True:
            made = self.statement()
            if isinstance(made, Flow):
                last = made
                if self.take(";") and not self.ended():
                    raise self.fault(made.at, "only the last flow has no name: name this one")
                break
            (components if made.name.startswith("$") else nodes).append(made)
            if not self.take(";") or self.ended():
                break
        return Script(at, components, nodes, last)

    def ended(self) -> bool:
        """Whether nothing more comes here."""
        return self.at == len(self.text) or self.text.startswith(")", self.at)

    def statement(self) -> Definition | Flow:
        """A definition, or a flow."""
        at = self.at
        dollar = "$" if self.take("$") else ""
        name = self.name() if self.there(NAME) or self.quote() else ""
        if name:
            settings = None if dollar else self.settings()
            if self.take("="):
                return Definition(dollar + name, at, settings, self.flow())
        self.at = at
        return self.flow()

    def flow(self) -> Flow:
        """Stages between `->`."""
        at = self.at
        stages = [self.several(self.unit)]
        while self.take("->"):
            stages.append(self.several(self.unit))
        return Flow(stages, at, self.at)

    def several(self, one: Callable[[], Item]) -> list[Item]:
        """One or more between commas."""
        found = [one()]
        while self.take(","):
            found.append(one())
        return found

    def unit(self) -> Unit:
        """A count and what is so many times there."""
        at = self.at
        digits = self.word(COUNT)
        count = int(digits[:9] or 1)
        if count < 1:
            raise self.fault(at, "a count is 1 or more, not 0")
        at = self.at
        if self.take("$"):
            return Unit("component", f"${self.name()}", at, count, alias=self.alias())
        if self.text.startswith("(", self.at):
            body = self.group()
            return Unit("group", "", at, count, self.settings(), self.alias(), body=body)
        word = self.word(MODEL)
        if ":" in word:
            return Unit("model", word, at, count, self.settings())
        if self.quote() and not (word or digits):
            return Unit("operator", self.quoted(), at)
        if not NAME.fullmatch(word):
            if word:
                raise self.fault(at, f"{word!r} names no operator; a model is provider:model")
            self.at = at
            raise self.expected("E@provider:model, J@…, M, an operator's name, $component or '('")
        settings, alias = self.settings(), self.alias()
        on = self.target() if self.take("@") else None
        return Unit("operator", word, at, count, settings, alias, on)

    def target(self) -> Unit:
        """What stands behind `@`: a model, a component or a group."""
        at = self.at
        if self.take("$"):
            return Unit("component", f"${self.name()}", at)
        if self.text.startswith("(", self.at):
            body = self.group()
            return Unit("group", "", at, settings=self.settings(), body=body)
        name = self.quoted() if self.quote() else self.word(MODEL)
        if not name:
            raise self.expected("a model (provider:model), $component or '('")
        return Unit("model", name, at, settings=self.settings())

    def group(self) -> Script:
        """A whole notation between parentheses."""
        at = self.at
        self.need("(")
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.fault(at, f"nested too deeply: at most {DEEPEST} levels are read")
        body = self.script()
        if not self.take(")"):
            column = at - self.text.rfind("\n", 0, at)
            raise self.expected(f"'->', ',', ';' or the ')' of the '(' in column {column}")
        self.depth -= 1
        return body

    def name(self) -> str:
        """A name, in quotes where it is no word."""
        name = self.quoted() if self.quote() else self.word(NAME)
        if not name.strip():
            raise self.expected("a name")
        return name

    def alias(self) -> str:
        """The name behind `!`, empty where there is none."""
        return self.name() if self.take("!") else ""

    def settings(self) -> Settings | None:
        """`(key=value, …)`, None where no parenthesis stands here."""
        if not self.take("("):
            return None
        settings = Settings({}, {})
        if self.take(")"):
            return settings
        self.several(lambda: self.setting(settings))
        self.need(")", " or ','")
        return settings

    def setting(self, settings: Settings) -> None:
        """`key=value`, put among the others."""
        at = self.at
        key = self.word(NAME)
        if not key:
            raise self.expected("a parameter, such as temperature=0.7")
        if key in settings.values:
            raise self.fault(at, f"{key!r} stands twice")
        self.need("=")
        settings.places[key] = at
        settings.values[key] = self.value()

    def value(self) -> Any:
        """A number, a text, a word, a list or a mapping."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.fault(self.at, f"nested too deeply: at most {DEEPEST} levels")
        made = self.inner()
        self.depth -= 1
        return made

    def inner(self) -> Any:
        """The same, at its own depth."""
        if self.take("["):
            items = [] if self.text.startswith("]", self.at) else self.several(self.value)
            self.need("]", " or ','")
            return items
        if self.take("{"):
            held: dict[str, Any] = {}
            if not self.text.startswith("}", self.at):
                self.several(lambda: self.pair(held))
            self.need("}", " or ','")
            return held
        if self.quote():
            return self.quoted()
        if self.there(NUMBER) is not None:
            number = self.word(NUMBER)
            return float(number) if "inf" in number else json.loads(number)
        word = self.word(MODEL)
        if not word:
            raise self.expected('a value: 0.7, word, "text", [list] or {key: value}')
        return CONSTANTS.get(word, word)

    def pair(self, held: dict[str, Any]) -> None:
        """`key: value`, put among the others."""
        at = self.at
        key = self.quoted() if self.quote() else self.word(NAME)
        if not key and at == self.at:
            raise self.expected("a key")
        if key in held:
            raise self.fault(at, f"{key!r} stands twice")
        self.need(":")
        held[key] = self.value()

    def quote(self) -> bool:
        """Whether a text in quotes begins here."""
        return self.text.startswith('"', self.at)

    def quoted(self) -> str:
        """A text between double quotes, with JSON's escapes."""
        at = self.at
        match = self.there(TEXT)
        if match is None:
            raise self.fault(at, "the text that begins here has no closing quote")
        self.at = match.end()
        self.skip()
        try:
            said: str = json.loads(match[0], strict=False)
        except ValueError as error:
            raise self.fault(at, f"JSON knows no such escape: {error}") from None
        return said
