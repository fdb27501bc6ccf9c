"""The reader that compares answers as yes or no."""

from __future__ import annotations

import re

from onefold.core.query import Query
from onefold.readers.stated import statements
from onefold.verbs import Reader

CLAUSE = 80
POLAR = re.compile(
    r"\b(?: (?P<true> yes|true )"
    r"| (?P<false> false|untrue|no (?!\s(?:doubt|question|problem|matter)\b) ) )\b",
    re.IGNORECASE | re.VERBOSE,
)
OPENING = re.compile(
    r"[\W_]*+ (?: (?P<true> correct|affirmative )"
    r"| (?P<false> incorrect|negative|not\scorrect ) )\b",
    re.IGNORECASE | re.VERBOSE,
)
FIGURE = re.compile(r"[\"'*_`(]{0,4}(?:(?P<true>1)|(?P<false>0))\b(?!,\d)")
UNSURE = re.compile(
    r"""\b(?: maybe | perhaps | possibly | unsure | uncertain | unclear | unknown | undetermined
      | indeterminate | inconclusive | ambiguous | undecided | neither | depends
      | not\s(?:sure|certain|clear|known|necessarily) | (?:might|could|may)\s(?:be|or)
      | (?:do\snot|don['’]t|cannot|can['’]t|can\snot|could\snot|couldn['’]t|unable\sto|hard\sto
        | impossible\sto) \s (?:be\s)?(?:know|say|tell|determined?|decided?|answer(?:ed)?)
      | (?:not\senough|insufficient)\s(?:information|data|evidence|context) | no\sidea )\b""",
    re.IGNORECASE | re.VERBOSE,
)
NEGATION = re.compile(
    r"\b(?:not(?!\s(?:only|just)\b)|never|cannot|hardly|nor)\b|n['’]t\b", re.IGNORECASE
)
BREAK = re.compile(r"[.,;:!?\n—]|\bbut\b", re.IGNORECASE)
EITHER = re.compile(r"\b(?:yes\s?(?:or|/)\s?no|true\s?(?:or|/)\s?false)\b", re.IGNORECASE)
QUESTION = re.compile(r"(?:\A|(?<=[.!?\n]))[^.!?\n]*+\?")


class Boolean(Reader, name="boolean"):
    """True or False as a text says yes or no; it abstains where the text hedges.

    What the text states as its answer decides, else how it opens, its last line, its first yes or
    no. `correct`, `affirmative`, `1` and their opposites count only at the start.
    """

    def read(self, text: str, query: Query) -> bool | None:
        if not isinstance(text, str):
            return None
        text = EITHER.sub(" ", text.strip())
        field = False
        for statement in statements(text):
            value = stance(statement.said, statement.before)
            if value is not None or UNSURE.search(statement.before + statement.said):
                return value
            field = field or statement.field
        return None if field else told(text)


def told(text: str) -> bool | None:
    """Yes or no of a text that states no answer; a question that it repeats says neither."""
    text = QUESTION.sub("", text).strip() or text
    first, _, _ = text.partition("\n")
    if POLAR.match(first.lstrip(" *_#\"'(")):
        return stance(first)
    _, _, last = text.rpartition("\n")
    value = stance(last)
    return stance(text) if value is None else value


def stance(said: str, before: str = "") -> bool | None:
    """Yes or no by the first word that says either, turned by each negation of it."""
    whole = before + " " + said if before else said
    start = len(whole) - len(said)
    if UNSURE.search(whole):
        return None
    opening = OPENING.match(said)
    word = opening or POLAR.search(whole, start) or FIGURE.match(said)
    if word is None:
        return None
    value = word["true"] is not None
    if word is opening:
        return value
    clause = BREAK.split(whole[max(0, word.start() - CLAUSE) : word.start()])[-1]
    return value ^ (len(NEGATION.findall(clause)) % 2 == 1)
