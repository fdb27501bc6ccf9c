"""The keyword router: which task a prompt sets, by the words and signs in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from onefold.core.errors import unknown
from onefold.core.query import Query
from onefold.routers.cues import CUES, signs
from onefold.verbs import Router

Share = Annotated[float, Meta(ge=0, le=1)]
Weight = Annotated[float, Meta(ge=0)]
Members = str | tuple[str, ...] | Mapping[str, Weight]
ENDS = 2000  # characters looked at from the beginning of a prompt, and as many from its end
DOUBT = 1.0  # evidence that speaks for no task
OWN = 5.0  # evidence of a word that the user gives
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?|\S")
LONGEST = 4  # words of a cue that is looked up word by word
UNSPACED = re.compile(r"[\u0900-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class Keywords(Router, name="keywords"):
    """Prefers members by the kind of task, as far as its words tell; linear in the prompt.

    to: members of each task: a name, several of them, the first first, or `{name: weight}`.
        Tasks are those of `task_types`, and those of `words`.
    at: confidence in [0, 1] below which a task does not count; where none is left there is no
        opinion.
    words: more words or phrases for a task, a new one too; they speak louder than known ones.
    """

    to: Mapping[str, Members]
    at: Share = 0.5
    words: Mapping[str, tuple[str, ...]] = {}

    if TYPE_CHECKING:

        def __init__(
            self,
            to: Mapping[str, str | Iterable[str] | Mapping[str, float]],
            at: float = 0.5,
            words: Mapping[str, Iterable[str]] = ...,
        ) -> None: ...

    async def route(self, query: Query) -> Mapping[str, float]:
        weights: dict[str, float] = {}
        for task, confidence in task_types(query.prompt, self.words).items():
            if confidence >= self.at:
                for name, weight in suited(self.to.get(task, ())).items():
                    weights[name] = weights.get(name, 0.0) + confidence * weight
        return weights

    def _check(self) -> None:
        for task in self.to:
            if task not in CUES and task not in self.words:
                raise unknown("task", task, {*CUES, *self.words})


def suited(members: Members) -> Mapping[str, float]:
    """Members with their weights, from any of the ways to name them."""
    if isinstance(members, Mapping):
        return members
    return dict.fromkeys((members,) if isinstance(members, str) else members, 1.0)


def task_types(prompt: str, words: Mapping[str, Iterable[str]] | None = None) -> dict[str, float]:
    """The tasks that a prompt may set, the likeliest first, each with a confidence in [0, 1].

    They are math, code, reasoning, writing, knowledge, translation, summarisation, extraction and
    conversation. Each cue counts once; a task's share is that of its evidence, squared, so that
    weak cues of other tasks hardly count; what is missing to 1 is doubt. Of long prompts only the
    beginning and the end are read, where instructions stand.

    words: more words or phrases for a task, or for one of its own.
    """
    text = prompt if len(prompt) <= 2 * ENDS else f"{prompt[:ENDS]}\n{prompt[-ENDS:]}"
    evidence: dict[str, float] = {}
    for task, weight in found(text, words or {}):
        evidence[task] = evidence.get(task, 0.0) + weight
    for task, weight, sign in signs():
        if sign.search(text):
            evidence[task] = evidence.get(task, 0.0) + weight
    total = DOUBT + sum(weight**2 for weight in evidence.values())
    ranked = sorted(evidence.items(), key=lambda pair: (-pair[1], pair[0]))
    return {task: weight**2 / total for task, weight in ranked}


def found(text: str, words: Mapping[str, Iterable[str]]) -> list[tuple[str, float]]:
    """The cues in a text: (task, weight), each cue once."""
    spoken, joined = phrases(tuple((task, tuple(own)) for task, own in words.items()))
    lowered = text.casefold()
    said = WORD.findall(lowered)
    runs = {
        " ".join(said[start : start + length])
        for length in range(1, LONGEST + 1)
        for start in range(len(said) - length + 1)
    }
    cues = [cue for run in runs & spoken.keys() for cue in spoken[run]]
    return cues + [cue for letters, held in joined.items() if letters in lowered for cue in held]


@lru_cache(maxsize=64)
def phrases(
    own: tuple[tuple[str, tuple[str, ...]], ...],
) -> tuple[dict[str, list[tuple[str, float]]], dict[str, list[tuple[str, float]]]]:
    """All cues: those of separate words, and those of scripts that do not separate words."""
    spoken: dict[str, list[tuple[str, float]]] = {}
    joined: dict[str, list[tuple[str, float]]] = {}
    listed = [
        (cue, task, weight)
        for task, levels in CUES.items()
        for weight, cues in levels.items()
        for cue in cues.split("|")
    ]
    listed += [(cue, task, OWN) for task, cues in own for cue in cues]
    for cue, task, weight in listed:
        said = WORD.findall(cue.casefold())
        whole = UNSPACED.search(cue) is not None or len(said) > LONGEST
        board = joined if whole else spoken
        board.setdefault(cue.casefold() if whole else " ".join(said), []).append((task, weight))
    return spoken, joined
