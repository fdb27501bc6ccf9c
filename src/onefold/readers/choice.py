"""The reader that compares answers as one of a set of labels."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from string import ascii_uppercase
from typing import Annotated, NamedTuple

from msgspec import Meta

from onefold.core.errors import ConfigError
from onefold.core.query import Query
from onefold.readers.stated import statements
from onefold.verbs import Reader

NEAR = 60
MOST = 1_000
LEAD = re.compile(
    r"[\W_]*(?:the\s)?(?:correct\s|best\s|right\s)?(?:(?:option|choice|letter|label)\s?)?"
    r"(?:is\s)?[\W_]*",
    re.IGNORECASE,
)
DENIED = re.compile(
    r"(?:\b(?:not|never|neither|nor|than|instead\sof|except)|n['’]t)"
    r"(?:\sbe)?(?:\s(?:a|an|the|option|choice|really|very))?\s[\W_]{0,4}\Z|\bnon-\Z",
    re.IGNORECASE,
)
REFUTED = re.compile(
    r"[\W_]{0,4}\s?(?:(?:is|are|was)\s(?:also\s|clearly\s|thus\s)?(?:not|wrong|incorrect|false)\b"
    r"|isn['’]t|cannot|can['’]t)",
    re.IGNORECASE,
)
ALSO = re.compile(r"[)\]*\"'`]{0,3}\s?(?:,|/|&|\band\b|\bor\b)\s?(?:(?:and|or)\s)?", re.IGNORECASE)
STOP = re.compile(r"[)\]*\"'`_]{0,4}(?:[.,:;!\n]|\s?[-–—(]|\s*\Z)")


class Mention(NamedTuple):
    """A label where a text has it."""

    label: str
    start: int
    end: int


class Choice(Reader, name="choice"):
    """The one label that a text settles on, spelled as declared; several alike make it abstain.

    labels: the allowed answers; without them the query's labels, else single letters.
    letters: how many single letters there are, from A on.
    """

    labels: tuple[str, ...] = ()
    letters: Annotated[int, Meta(ge=2, le=26)] = 5

    def read(self, text: str, query: Query) -> str | None:
        if not isinstance(text, str):
            return None
        labels = self.labels or query.labels or tuple(ascii_uppercase[: self.letters])
        text = text.strip()
        if text in labels:
            return text
        field = False
        for statement in statements(text):
            found = mentions(statement.said, labels)
            if found:
                return chosen(statement.said, found)
            field = field or statement.field
        return None if field else settled(text, labels)

    def _check(self) -> None:
        if len({label.strip() for label in self.labels} - {""}) < len(self.labels):
            raise ConfigError(f"labels: {self.labels!r} must be distinct and none of them blank")


def settled(text: str, labels: tuple[str, ...]) -> str | None:
    """The label of a text without a stated answer: its opening, its only one, its last line's."""
    found = mentions(text, labels)
    openers = [mention for mention in found if opens(text, mention)]
    if not found or len({mention.label for mention in openers}) > 1:
        return None
    first = found[0]
    leads = openers[:1] == [first] and "\n" not in text[: first.start]
    if leads and STOP.match(text, first.end):
        return chosen(text, found)
    if len({mention.label for mention in found}) == 1:
        return first.label
    last = text[text.rfind("\n") + 1 :]
    return chosen(last, mentions(last, labels))


def chosen(said: str, found: list[Mention]) -> str | None:
    """The label of a short statement: the one it opens with, else the only one it mentions."""
    if not found:
        return None
    first, others = found[0], {mention.label for mention in found[1:]} - {found[0].label}
    if not others:
        return first.label
    also = ALSO.match(said, first.end)
    joined = also is not None and re.match(r"[\W_]{0,4}\Z", said[also.end() : found[1].start])
    return first.label if opens(said, first) and not joined else None


def opens(text: str, mention: Mention) -> bool:
    """Whether a label stands at the start of its line, but for words like «option»."""
    before = text[max(0, mention.start - NEAR) : mention.start]
    return LEAD.fullmatch(before.rpartition("\n")[2]) is not None


def mentions(text: str, labels: tuple[str, ...]) -> list[Mention]:
    """Where a text names labels without denying them."""
    pattern = lettered(labels) if all(map(is_letter, labels)) else worded(labels)
    found = []
    for match in islice(pattern.finditer(text), MOST):
        group = match.lastgroup or ""
        start, end = match.span(group)
        denied = DENIED.search(text[max(0, start - NEAR) : start])
        if not denied and not REFUTED.match(text, end):
            label = labels[int(group[1:])] if group[1:].isdigit() else match[group].upper()
            found.append(Mention(label, start, end))
    return found


def is_letter(label: str) -> bool:
    """Whether a label is one capital letter, which needs more care in prose."""
    return len(label) == 1 and label in ascii_uppercase


@lru_cache(maxsize=256)
def worded(labels: tuple[str, ...]) -> re.Pattern[str]:
    """Finds labels as whole words in any case, the longest first; group `l<n>` is label n."""
    order = sorted(range(len(labels)), key=lambda place: -len(labels[place]))
    spelled = "|".join(f"(?P<l{place}>{loose(labels[place])})" for place in order)
    return re.compile(rf"(?<!\w)(?<!\d[.,])(?:{spelled})(?!\w|[.,]\d)", re.IGNORECASE)


def loose(label: str) -> str:
    """A label's pattern: `card_arrival` is found in «card arrival» as well."""
    return r"[\s_-]{1,3}".join(map(re.escape, re.split(r"[\s_-]+", label.strip())))


@lru_cache(maxsize=256)
def lettered(labels: tuple[str, ...]) -> re.Pattern[str]:
    """Finds letters that stand for a choice: named, enclosed, alone, capital.

    A and I are words as well, so being capital is not enough for them.
    """
    large = "".join(labels)
    either = f"[{large}{large.lower()}]"
    plain = "".join(label for label in large if label not in "AI")
    word = "".join(label for label in large if label in "AI")
    ways = [
        rf"\b(?:[Oo]ption|[Cc]hoice|[Ll]etter)\s[(*\"']{{0,3}}(?P<named>{either})\b(?!['’])",
        rf"(?<!\w)[(\[*_\"'`{{](?P<enclosed>{either})(?=[)\]*_\"'`}}.:])",
        rf"\A(?P<alone>{either})(?=[.):](?:\s|\Z)|(?:[^\w+#]|_)*\Z)",
    ]
    if plain:
        ways.append(rf"(?<![\w'’.])(?P<capital>[{plain}])(?![\w'’+#]|\.\w|-\w)")
    if word:
        ways.append(
            rf"(?<![\w'’.])(?P<sure>[{word}])(?=[):;,!*/&]|\.(?!\w)|\s?(?:\Z|\n|[-–—(&/])"
            r"|\s(?:is|because|since|as|based|given|due|and|or)\b)(?!-\w)"
        )
    return re.compile("|".join(ways))
