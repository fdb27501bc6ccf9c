"""The judge that believes: the confidence that an answer states, in its fields or in its words."""

from __future__ import annotations

import re
from collections import deque

from onefold.core.answer import Answer
from onefold.core.errors import Unreadable
from onefold.core.query import Query
from onefold.verbs import Judge

NUMBER = r"(?P<{0}>\d{{1,3}}(?:\.\d{{1,6}})?)\s{{0,2}}(?P<{0}_of>%|percent|/\s{{0,2}}(?:10|100)\b)?"
STATEMENT = re.compile(
    rf"""
    \bconfidence (?:\s(?:score|rating|estimate))? (?:\s\([^()\n]{{1,20}}\))? ["'*_`]{{0,3}}
      (?:\s(?:is|of|at)|\s{{0,2}}[:=≈~])
      [\s"'*_`≈~]{{0,8}} {NUMBER.format("after")}
  | {NUMBER.format("before")} \s(?:confident|sure|certain)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


class Stated(Judge, name="stated"):
    """The answer's confidence; where it has none, the last one that its text states.

    Texts are read as `Confidence: 85%`, `"confidence": 0.85`, `confidence: 8/10`, `I am 85% sure`.
    What models state is too high as a rule: hold it in `Calibrated`.
    """

    async def score(self, query: Query, answer: Answer) -> float:
        if answer.confidence is not None:
            return answer.confidence
        share = stated(answer.text)
        if share is None:
            raise Unreadable(
                f"{answer.source or 'the answer'} states no confidence: ask for a last line such "
                "as «Confidence: 85%», or take another judge",
                model=answer.source,
            )
        return share


def stated(text: str) -> float | None:
    """The confidence that a text states last, as a share; None where it states none in [0, 1].

    A bare number is a share up to 1 and a percentage from 11: between, nobody can tell.
    """
    found = deque(STATEMENT.finditer(text), maxlen=1)
    if not found:
        return None
    where = "after" if found[0]["after"] else "before"
    number, unit = float(found[0][where]), found[0][f"{where}_of"]
    if unit is None:
        share = number if number <= 1 else number / 100 if number > 10 else -1.0
    else:
        share = number / float(unit.lstrip("/ ") if unit.startswith("/") else 100)
    return share if 0.0 <= share <= 1.0 else None
