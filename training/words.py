"""The vocabulary that all models share: every word and sign of the problems."""

from __future__ import annotations

import re
from random import Random

from onefold.lab.puzzles.words import lists
from onefold.providers.local.tokens import PIECE
from training.models import MAKERS

QUOTED = re.compile(r'"[^"\n]*"')
DRAWN = 2000  # problems of each kind that are looked through
EXTRA = (
    "hello hi please thanks what who when where why how the is are of and or not",
    "which we I you he she they them there that this these those my your his her their our",
    "doubles triples twice three four half only gives away all now were them",
    "+ - * / = : > < | ( ) [ ] , . ? ! ; ' \" % $ &",
)


def vocabulary() -> list[str]:
    """All words, in order: of the fixed lists and of some thousand problems."""
    draw, seen = Random(0), set[str]()
    words = (word for name, held in lists().items() if name != "syllables" for word in held)
    said = [*EXTRA, *(word.replace(":", " ") for word in words)]
    for maker in MAKERS.values():
        for _ in range(DRAWN):
            puzzle = maker(draw)
            said += [puzzle.prompt, *puzzle.steps, puzzle.answer]
    for text in said:
        seen.update(PIECE.findall(QUOTED.sub('""', text)))
    return sorted(each for each in seen if each.strip() and not each.isdigit())
