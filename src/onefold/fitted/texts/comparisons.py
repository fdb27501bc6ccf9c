"""Comparisons that a step restates before it calculates: `Tom 3 times Eva, Tom 12*3:30=36`."""

from __future__ import annotations

import re

NAME = r"([A-Z][a-z]+)"
TOLD = re.compile(rf"\b{NAME} has (\d+) (more|fewer|times)\b[^.?!]*?\b(?:than|as) {NAME}\b")
HELD = re.compile(rf"\b{NAME} has (\d+) (?!more\b|fewer\b|times\b)")
RESTATED = re.compile(
    rf"^\s*{NAME} (\d+) (more|fewer|times) {NAME}, {NAME} (\d+)([-+*/])(\d+)(?::\d+)?=(\d+)"
)
FORWARD = {"more": "+", "fewer": "-", "times": "*"}
BACKWARD = {"more": "-", "fewer": "+", "times": "/"}


class Comparisons:
    """Who is compared with whom in a prompt, and how many each is known to have."""

    def __init__(self, prompt: str) -> None:
        self.told = set(TOLD.findall(prompt))
        self.held = dict(HELD.findall(prompt))

    def fits(self, step: str) -> bool | None:
        """Whether a step restates what was told, and calculates as it says.

        That is: from the count of the other one, which must be known, in the right direction.
        None where the step restates nothing.
        """
        found = RESTATED.match(step)
        if found is None:
            return None
        one, number, word, other, counted, left, sign, right, result = found.groups()
        if counted not in (one, other) or (one, number, word, other) not in self.told:
            return False
        start = self.held.get(other if counted == one else one)
        wanted = FORWARD[word] if counted == one else BACKWARD[word]
        operands = [(start, number), (number, start)] if wanted in "+*" else [(start, number)]
        self.held[counted] = result
        return sign == wanted and (left, right) in operands
