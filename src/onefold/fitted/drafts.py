"""What can be seen on a draft, and on drafts beside each other, without knowing the answer."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from math import isfinite, log1p
from typing import Any, NamedTuple

import msgspec
import numpy as np

from onefold.core.tally import spell
from onefold.fitted.artifact import Artifact
from onefold.fitted.calibration import Calibration, sigmoid
from onefold.fitted.forest import Forest
from onefold.fitted.sparse import Floats
from onefold.fitted.texts import prompts
from onefold.fitted.texts.words import Words

LONGEST = 20_000  # characters of a text that are looked at: its beginning and its end
SYMBOLS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "$": " ", "€": " "})
TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?%?|\.\d+|[-+*/()=]|[^\W\d_]+|[^\w\s]")
NUMBER = re.compile(r"(?<![\w.])-?(?:\d[\d,]*(?:\.\d+)?|\.\d+)")
OPEN = re.compile(r"\A\s*(?:```\w*\s*)?[{\[]")
FENCE = re.compile(r"\A\s*```\w*\s*|\s*```\s*\Z")
HEDGES = re.compile(
    r"\b(?:assum\w*|approximately|maybe|perhaps|probably|possibly|unclear|not sure|unsure|guess"
    r"|might|seems?|wait|actually|however|mistake|correction|re-?check|apologi[sz]e)\b"
)
REFUSALS = re.compile(r"\b(?:sorry|cannot|can't|unable|impossible|not enough information)\b")
MARK = re.compile(r"####|\\boxed|\banswer\b|答案")
STEPS = re.compile(r"\b(?:first|then|next|finally|step|therefore|so|thus)\b")
CODE = re.compile(r"```|\bdef |\breturn\b|\bassert\b|==|\[\]|\{\}")
ENDS = tuple(".!?}])`\"'*$>0123456789")
UNFINISHED = re.compile(r"(?:<<[^>]*|[-+*/=×÷(,]|\d,\d{1,2}|\b(?:a|and|for|in|is|of|the|to))\Z")
TOTAL = re.compile(r"total|altogether|\bin all\b|combined|together|\bsum\b")
QUESTION = re.compile(r"(?:[.!?]\s|\n)(?=\S)")
WORD = re.compile(r"[^\W\d_]{3,}")
SPELT = {
    "half": 2, "halves": 2, "twice": 2, "double": 2, "doubled": 2, "pair": 2, "couple": 2,
    "triple": 3, "tripled": 3, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4,
    "fifth": 5, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "dozen": 12, "fifteen": 15,
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "hundred": 100,
}  # fmt: skip
WEIGHT = {"+": 1, "-": 1, "*": 2, "/": 2}
NAMES = (
    "length",
    "length beside the prompt",
    "no text",
    "no answer",
    "malformed",
    "cut off",
    "hedges",
    "refuses",
    "announces an answer",
    "steps",
    "code",
    "answer is long",
    "answer is a number",
    "answer is whole",
    "answer is negative",
    "answer is large",
    "answer is in the prompt",
    "answer ends the text",
    "answer stands often",
    "answer was computed",
    "answer is the last result",
    "equations",
    "results that are not whole",
    "false equations",
    "prompt numbers unused",
    "numbers from nowhere",
    "numbers in the prompt",
    "unfinished",
    "answer is zero",
    "answer is round",
    "different results",
    "results left unused",
    "figures that are results",
    "last step goes on from a result",
    "prompt numbers out of order",
    "quantities in the prompt",
    "quantities in words",
    "quantities unused",
    "asked for a total",
    "asked for a total and adds",
    "words that the prompt has not",
    "letters of the prompt after its last number",
    *prompts.SEEN,
)


class DraftJudge:
    """A linear judge of drafts: P(right) from what can be seen on one, and from who wrote it.

    members: names. centre, scale: (features) of the drafts that it was fitted to. weights:
    (features); the last feature is what the prior's trees say of all others. said, asked: (words)
    weights of a draft's and of a prompt's words. base: (members) log-odds to start from; strangers
    start from their mean.
    """

    def __init__(self, artifact: Artifact) -> None:
        arrays = artifact.arrays
        self.places = {name: place for place, name in enumerate(artifact.about["members"])}
        self.centre, self.scale = arrays["centre"], arrays["scale"]
        self.weights, self.base = arrays["weights"], arrays["base"]
        self.said, self.asked = arrays["said"], arrays["asked"]
        self.words, self.prior = Words.revived(arrays), Forest.revived(arrays)
        self.calibration = Calibration.of(arrays, "verdict")

    def score(self, prompt: str, text: str, value: Any, member: str) -> float:
        """P(right) of one draft."""
        rows = with_prior(np.array([draft_features(prompt, text, value)]), self.prior)
        seen = standard(rows[0], self.centre, self.scale)
        place = self.places.get(member)
        odds = self.base.mean() if place is None else self.base[place]
        odds = odds + seen @ self.weights
        for words, weights in ((text, self.said), (prompt, self.asked)):
            row = self.words.rows([words])
            odds = odds + row.values @ weights[row.columns]
        return float(self.calibration.apply(sigmoid(odds)))


def standard(features: Floats, centre: Floats, scale: Floats) -> Floats:
    """Features with mean 0 and deviation 1, far ones cut off."""
    made: Floats = np.clip((features - centre) / scale, -4.0, 4.0)
    return made


def with_prior(features: Floats, prior: Forest) -> Floats:
    """Features (drafts, NAMES) and, last, what a prior says of answers that are a number."""
    said = prior.odds(features) * features[:, NAMES.index("answer is a number")]
    return np.column_stack([features, said])


def draft_features(prompt: str, text: str, value: Any = None) -> list[float]:
    """One draft as numbers between about 0 and 2, in the order of NAMES.

    value: what was read from it, None where that is unknown. Looks at surface and arithmetic only:
    lengths, form, hedging; whether the answer follows from the draft's own equations, whether
    those hold, and whether every number of the prompt was used.
    """
    text, prompt = ends(text), ends(prompt)
    lowered, question = text.lower(), prompt.lower()
    asked, said = numbers(prompt), numbers(text)
    sums = equations(text)
    results = [each.right for each in sums]
    false = sum(each.false for each in sums)
    answer = "" if value is None else spell(value).strip()
    given = numbers(answer) if len(answer) < 40 else []
    final = given[0] if given else (said[-1] if said else None)
    known = {*asked, *results, 0.0, 1.0, 2.0, 100.0}
    tail = text[-80:]
    words, told = WORD.findall(question), set(WORD.findall(lowered))
    number = final is not None and (len(given) == 1 or value is None)
    worth = final if number and final is not None else 0.0
    return [
        log1p(len(text)) / 6,
        log1p(len(text) / (len(prompt) + 1)),
        float(not text.strip()),
        float(not answer),
        float(malformed(text)),
        float(bool(text.strip()) and not text.rstrip().endswith(ENDS)),
        min(2.0, len(HEDGES.findall(lowered)) / 2),
        float(bool(REFUSALS.search(lowered))),
        float(bool(MARK.search(lowered))),
        min(2.0, len(STEPS.findall(lowered)) / 5),
        float(bool(CODE.search(text))),
        log1p(len(answer)) / 3,
        float(number),
        float(number and worth == int(worth)),
        float(number and worth < 0),
        log1p(abs(worth)) / 6,
        float(worth in asked if number else bool(answer) and answer in prompt),
        float((number and worth in numbers(tail)) or (bool(answer) and answer in tail)),
        min(2.0, said.count(worth) / 2 if number else text.count(answer) / 2 if answer else 0.0),
        float(number and near(worth, results)),
        float(number and near(worth, results[-1:])),
        min(2.0, len(sums) / 4),
        min(2.0, sum(each != int(each) for each in results) / 2),
        float(min(2, false)),
        share([x for x in set(asked) if x not in said], set(asked)),
        share([x for x in said if x not in known], said),
        min(2.0, len(asked) / 5),
        float(bool(UNFINISHED.search(tail.rstrip()))),
        float(number and worth == 0),
        float(number and worth != 0 and worth % 5 == 0),
        *course(sums, worth if number else None),
        out_of_order(asked, said),
        *used(words, asked, said, sums),
        *wished(question, sums),
        share(told - {*words}, told),
        log1p(after(prompt)),
        *prompts.features(prompt),
    ]


def ends(text: str) -> str:
    """A long text without its middle."""
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]} … {text[-half:]}"


def share(some: Collection[Any], of: Collection[Any]) -> float:
    """How large a part some of them are, 0 of none."""
    return len(some) / len(of) if of else 0.0


def near(value: float, results: Sequence[float]) -> bool:
    """Whether a value is one of the results, but for rounding."""
    return any(abs(value - each) <= max(0.01, 0.0005 * abs(each)) for each in results)


def numbers(text: str) -> list[float]:
    """The plain numbers in a text, in order; `1,200` is one number."""
    found = (figure(each) for each in NUMBER.findall(text))
    return [value for value in found if value is not None]


def figure(text: str) -> float | None:
    """A number without its commas, None where it is none or too large."""
    try:
        value = float(text[:40].replace(",", ""))
    except ValueError:
        return None
    return value if isfinite(value) else None


def malformed(text: str) -> bool:
    """Whether a text begins as JSON and is none."""
    if not OPEN.match(text):
        return False
    try:
        msgspec.json.decode(FENCE.sub("", text))
    except (msgspec.DecodeError, UnicodeError):
        return True
    return False


class Equation(NamedTuple):
    """One equation of a text.

    figures, signs: what stands on its left. left: what that comes to. right: what the text says.
    """

    figures: list[float]
    signs: list[str]
    left: float
    right: float

    @property
    def false(self) -> bool:
        """Whether it does not hold, but for rounding."""
        return abs(self.left - self.right) > max(0.011, 0.001 * abs(self.right))


def equations(text: str) -> list[Equation]:
    """The sums that a text does; of `a = b = c` both.

    Up to two words of units may stand between figures and signs, as in `3 cups * 2 = 6 cups`.
    """
    found: list[Equation] = []
    for sides in written(text):
        worths = [computed(side) for side in sides]
        for place, (left, right) in enumerate(pairwise(worths)):
            figures = [each for each in sides[place] if isinstance(each, float)]
            if left is not None and right is not None and (place > 0 or len(figures) > 1):
                signs = [each for each in sides[place] if isinstance(each, str)]
                found.append(Equation(figures, signs, left, right))
    return found


def course(sums: Sequence[Equation], answer: float | None) -> tuple[float, ...]:
    """How a draft's sums lead to its answer, in the order of NAMES.

    Different results; results that neither a later sum nor the answer takes up; the share of
    figures that are earlier results; whether the last sum takes one up.
    """
    steps = [(round(each.right, 2), [round(x, 2) for x in each.figures]) for each in sums]
    later = set() if answer is None else {round(answer, 2)}
    unused = 0
    for result, figures in reversed(steps):
        unused += result not in later
        later |= {result, *figures}
    before: set[float] = set()
    taken = count = last = 0
    for result, figures in steps:
        last = sum(each in before for each in figures)
        taken, count = taken + last, count + len(figures)
        before.add(result)
    return log1p(len(before)), min(2.0, unused / 2), taken / (count or 1), float(last > 0)


def out_of_order(asked: Sequence[float], said: Sequence[float]) -> float:
    """The share of the prompt's numbers that a draft first tells before the one before them."""
    places = [said.index(each) for each in dict.fromkeys(asked) if each in said]
    return sum(a > b for a, b in pairwise(places)) / max(1, len(places) - 1)


def used(
    words: Sequence[str], asked: Sequence[float], said: Sequence[float], sums: Sequence[Equation]
) -> tuple[float, ...]:
    """How many quantities a prompt has, how many of them in words, and the share unused."""
    spelt = [float(SPELT[each]) for each in words if each in SPELT]
    figures = {each for one in sums for each in one.figures}
    there = {*figures, *said}
    for each in figures:
        there |= {100 * each, 1 - each, 100 - 100 * each, 1 / each if each else 0.0}
    wanted = {*asked, *spelt}
    unused = [each for each in wanted if each not in there]
    return log1p(len(wanted)), log1p(len(spelt)), share(unused, wanted)


def wished(prompt: str, sums: Sequence[Equation]) -> tuple[float, ...]:
    """Whether a prompt asks for a total, and whether the last sum then adds or multiplies."""
    total = bool(TOTAL.search(QUESTION.split(prompt.rstrip())[-1]))
    signs = sums[-1].signs if sums else []
    return float(total), float(total and ("+" in signs or "*" in signs))


def after(text: str) -> int:
    """How many letters follow on the last digit of a text, all of them where it has none."""
    return next((place for place, each in enumerate(reversed(text)) if each.isdigit()), len(text))


def written(text: str) -> Iterator[list[list[float | str]]]:
    """The sides of each equation in a text: chains of figures, signs and brackets."""
    sides: list[list[float | str]] = [[]]
    words = 0
    for token in TOKEN.findall(text.translate(SYMBOLS)):
        value = figure(token.rstrip("%")) if token[0] in ".0123456789" else None
        chain = sides[-1]
        if value is not None:
            value = value / 100 if token.endswith("%") else value
            if chain and isinstance(chain[-1], float):  # two figures in a row: another sum
                if len(sides) > 1:
                    yield sides
                sides = [[value]]
            else:
                chain.append(value)
            words = 0
        elif token == "=":
            sides.append([])
            words = 0
        elif token in WEIGHT or token in "()" or token == "x":
            chain.append("*" if token == "x" else token)
            words = 0
        elif token.isalpha() and words < 2:
            words += 1
        else:
            if len(sides) > 1:
                yield sides
            sides, words = [[]], 0
    if len(sides) > 1:
        yield sides


def computed(chain: Sequence[float | str]) -> float | None:
    """What a chain of figures, signs and brackets comes to, None where it makes no sense."""
    figures: list[float] = []
    signs: list[str] = []

    def apply() -> None:
        sign, right, left = signs.pop(), figures.pop(), figures.pop()
        if sign == "+":
            figures.append(left + right)
        elif sign == "-":
            figures.append(left - right)
        else:
            figures.append(left * right if sign == "*" else left / right)

    try:
        for each in chain:
            if isinstance(each, float):
                figures.append(each)
            elif each == "(":
                signs.append(each)
            elif each == ")":
                while signs[-1] != "(":
                    apply()
                signs.pop()
            else:
                while signs and WEIGHT.get(signs[-1], 0) >= WEIGHT[each]:
                    apply()
                signs.append(each)
        while signs:
            apply()
    except (IndexError, KeyError, ZeroDivisionError, OverflowError):
        return None
    return figures[0] if len(figures) == 1 and isfinite(figures[0]) else None
