"""The numbers that a text tells, in figures, in words, or by what its words imply."""

from __future__ import annotations

import re

from onefold.fitted.drafts import figure, numbers

Values = frozenset[float]

LIST = re.compile(r"(?<=\d),(?!\d{3}(?!\d))")
SPACED = re.compile(r"(?<=[$€£])\s?\d{1,3}(?: \d{3})+(?!\d)")
FRACTION = re.compile(r"(?<![\d./])(\d{1,3})/(\d{1,3})(?![\d/])")
PERCENT = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s*(?:%|percent)")
WORDS = re.compile(r"[a-z]+")
UNITS = {
    word: float(number)
    for number, word in enumerate(
        WORDS.findall(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
            " fifteen sixteen seventeen eighteen nineteen"
        )
    )
}
TENS = {
    word: 10.0 * number
    for number, word in enumerate(
        WORDS.findall("twenty thirty forty fifty sixty seventy eighty ninety"), 2
    )
}
PARTS: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(("half", "halves", "halved"), (2.0, 0.5, 1.5)),
    **dict.fromkeys(("third", "thirds"), (3.0, 1 / 3, 2 / 3)),
    **dict.fromkeys(("quarter", "quarters"), (4.0, 0.25, 0.75, 25.0)),
    **dict.fromkeys(("fourth", "fourths"), (4.0, 0.25, 0.75)),
    **dict.fromkeys(("fifth", "fifths"), (5.0, 0.2, 0.8)),
    **dict.fromkeys(("tenth", "tenths"), (10.0, 0.1, 0.9)),
    **dict.fromkeys(("twice", "double", "doubles", "doubled", "doubling"), (2.0,)),
    **dict.fromkeys(("triple", "triples", "tripled", "thrice"), (3.0,)),
    **dict.fromkeys(("quadruple", "quadruples", "quadrupled"), (4.0,)),
    **dict.fromkeys(("dozen", "dozens"), (12.0,)),
}
IMPLIED: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(("both", "couple", "pair", "pairs", "twin", "twins", "weekends"), (2.0,)),
    **dict.fromkeys(("week", "weeks", "weekly"), (7.0, 52.0, 4.0, 5.0)),
    **dict.fromkeys(("day", "days", "daily"), (24.0, 7.0, 365.0, 30.0)),
    **dict.fromkeys(("hour", "hours", "hourly"), (60.0, 24.0)),
    **dict.fromkeys(("minute", "minutes", "second", "seconds"), (60.0,)),
    **dict.fromkeys(("month", "months", "monthly"), (12.0, 30.0, 4.0)),
    **dict.fromkeys(("year", "years", "yearly", "annual"), (12.0, 52.0, 365.0)),
    **dict.fromkeys(("cent", "cents", "dollar", "dollars", "percent", "percentage"), (100.0,)),
    **dict.fromkeys(("inch", "inches", "foot", "feet", "yard", "yards"), (12.0, 3.0)),
    **dict.fromkeys(("pound", "pounds", "ounce", "ounces"), (16.0,)),
    **dict.fromkeys(("penny", "pennies"), (0.01, 1.0)),
    **dict.fromkeys(("nickel", "nickels"), (0.05, 5.0)),
    **dict.fromkeys(("dime", "dimes"), (0.1, 10.0)),
}


def demanded(prompt: str) -> list[Values]:
    """The numbers of a prompt that a solution must use, each with the forms that it may take.

    One item an occurrence; `one` asks for nothing, and neither do words such as `week`.
    """
    items = [frozenset(forms) for forms in quantities(prompt)]
    return items + [frozenset(forms) for forms in spoken(prompt) if forms != (1.0,)]


def known(text: str) -> set[float]:
    """The numbers that a text gives, in all their forms, and those that its words imply."""
    made = {value for forms in (*quantities(text), *spoken(text)) for value in forms}
    if "cent" in text.lower():
        made |= {value / 100 for value in numbers(text)}
    return made | implied(text)


def quantities(text: str) -> list[tuple[float, ...]]:
    """The numbers written in figures, each with the forms that it may take in a sum."""
    made: list[tuple[float, ...]] = []
    for above, below in FRACTION.findall(text):
        a, b = float(above), float(below)
        made.append((b, a / b, 1 - a / b, a, b - a) if b else (a,))
    text = FRACTION.sub(" ", joined(text))
    for said in PERCENT.findall(text):
        p = figure(said)
        if p is not None:
            made.append((p, p / 100, 100 - p, 1 - p / 100, 100 + p, 1 + p / 100))
    return made + [(value,) for value in map(abs, numbers(LIST.sub(", ", PERCENT.sub(" ", text))))]


def spoken(text: str) -> list[tuple[float, ...]]:
    """The numbers written as words: `twenty-five`, `half`, `twice`."""
    made: list[tuple[float, ...]] = []
    tens = 0.0
    for word in WORDS.findall(text.lower()):
        if tens and 0 < UNITS.get(word, 0) < 10:
            made[-1] = (tens + UNITS[word],)
        elif word in TENS or word in UNITS:
            made.append((TENS.get(word, UNITS.get(word, 0.0)),))
        elif word in PARTS:
            made.append(PARTS[word])
        tens = TENS.get(word, 0.0)
    return made


def implied(text: str) -> set[float]:
    """What a text's words and signs imply: 7 for a week, 100 for a dollar."""
    made = {value for word in set(WORDS.findall(text.lower())) for value in IMPLIED.get(word, ())}
    return made | {100.0} if "%" in text or "$" in text else made


def joined(text: str) -> str:
    """A text in which sums of money have no spaces in them: `$350 000`."""
    return SPACED.sub(lambda m: m[0].replace(" ", ""), text)
