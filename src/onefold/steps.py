"""A text as steps: split without loss, each knowing how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

End = Literal["stop", "end", "length"]


class Step(Struct, frozen=True):
    """A piece of a text with what ended it: the texts of all steps together are the whole text.

    ended: `stop` at a separator, which is its last part; `end` with the text; `length` where the
        text was cut off in it.
    """

    text: str
    ended: End = "stop"

    @property
    def empty(self) -> bool:
        """Whether it says nothing."""
        return not self.text.strip()


def steps(text: str, finish: str = "stop", at: Sequence[str] = ("\n",)) -> tuple[Step, ...]:
    """The steps of a text; empty lines stay with the step before them.

    finish: why the text ended, as an answer says it; `length` marks the last step as cut off.
    at: separators; where two begin at the same place the longer one counts.
    """
    found: list[Step] = []
    ways = sorted((each for each in at if each), key=len, reverse=True)
    begin = place = 0
    while place < len(text):
        way = next((each for each in ways if text.startswith(each, place)), "")
        if not way:
            place += 1
            continue
        place += len(way)
        piece = text[begin:place]
        if found and not piece.strip():
            found[-1] = Step(found[-1].text + piece)
        elif piece.strip():
            found.append(Step(piece))
        else:
            continue  # empty lines before the first step belong to it
        begin = place
    if begin < len(text):
        rest = text[begin:]
        if found and not rest.strip():
            found[-1] = Step(found[-1].text + rest)
        else:
            found.append(Step(rest, "length" if finish == "length" else "end"))
    return tuple(found)
