"""Recorded outcomes made fit for learning: what is graded, what contradicts itself, which folds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from onefold.core.errors import ConfigError
from onefold.core.tally import spell
from onefold.learn.ballots import Ballots
from onefold.recording.recording import Draft, Recording
from onefold.verbs import Reader

FEWEST = 20


class Outcomes(Struct, frozen=True, eq=False):
    """Graded questions as matrices, and notes on what was left out or fallen back to.

    labelled: (questions) whether at least one draft of a question is graded.
    """

    ballots: Ballots
    labelled: NDArray[np.bool_]
    notes: tuple[str, ...] = ()

    @property
    def labels(self) -> int:
        """Questions with a graded draft."""
        return int(self.labelled.sum())


def outcomes(
    recording: Recording,
    reader: Reader | str | None = None,
    members: Sequence[str] | None = None,
    fewest: int = FEWEST,
) -> Outcomes:
    """The outcomes in a recording, cleaned: rows that stand twice count once, rows that contradict
    each other are left out, and both are told.

    fewest: graded questions below which nothing can be learned; 0 for what needs no labels.

    Raises:
        ConfigError: too few are graded, a member is not in it, or all drafts are right or wrong.
    """
    kept, notes = cleaned(recording)
    ballots = Ballots(kept, reader, members)
    labelled = ~np.isnan(ballots.score).all(axis=1)
    count = int(labelled.sum())
    if count < fewest:
        raise ConfigError(
            f"{count} of {len(labelled)} questions are graded, and at least {fewest} are needed: "
            "give the recording a column correct, score or expected"
        )
    marks = ballots.score[~np.isnan(ballots.score)]
    if fewest and (marks.min() == marks.max()):
        raise ConfigError(
            f"every graded draft has the score {marks[0]:g}: nothing can be learned from one class"
        )
    for column, name in enumerate(ballots.members):
        missing = float((ballots.codes[:, column] == -2).mean())
        if missing > 0.1:
            notes.append(f"{name} has no draft for {missing:.0%} of the questions")
    return Outcomes(ballots, labelled, tuple(notes))


def cleaned(recording: Recording) -> tuple[Recording, list[str]]:
    """The recording with each draft once and without contradictions, and notes on what went."""
    board: dict[tuple[str, str, int], list[Draft]] = {}
    wanted: dict[str, set[str]] = {}
    for draft in recording:
        board.setdefault((draft.query_id, draft.member, draft.sample), []).append(draft)
        if draft.expected is not None:
            wanted.setdefault(draft.query_id, set()).add(spell(draft.expected))
    unclear = {name for name, said in wanted.items() if len(said) > 1}
    kept: list[Draft] = []
    went: Counter[str] = Counter()
    for drafts in board.values():
        first = drafts[0]
        if first.query_id in unclear:
            went["of questions with several right answers that differ"] += len(drafts)
        elif len({(d.text, spell(d.value), d.correct, d.score) for d in drafts}) == 1:
            kept.append(first)
            went["that stood twice"] += len(drafts) - 1
        elif len({(d.correct, d.score) for d in drafts}) > 1 and same_words(drafts):
            went["graded both ways"] += len(drafts)
        else:  # draws that nobody numbered
            kept += drafts
    notes = [f"{count} drafts {why} were left out" for why, count in went.items() if count]
    missing = sum(unsaid(draft) for draft in kept)
    if missing:
        kept = [structs.replace(d, value=None) if unsaid(d) else d for d in kept]
        notes.append(f"{missing} values 'nan' were taken for drafts nobody could read")
    return Recording(kept, recording.faults), notes


def unsaid(draft: Draft) -> bool:
    """Whether a value is a table's missing cell, written as text; a right answer is none."""
    right = draft.correct or (draft.score or 0.0) >= 0.5
    return isinstance(draft.value, str) and draft.value == "nan" and not right


def same_words(drafts: Sequence[Draft]) -> bool:
    """Whether drafts say the same."""
    return len({(draft.text, spell(draft.value)) for draft in drafts}) == 1


def folds(
    prompts: Sequence[str], count: int = 5, seed: int = 0, groups: Sequence[Any] | None = None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Splits (train, test) of questions by seed; equal prompts, or equal groups, stay together.

    Raises:
        ConfigError: there are fewer groups than folds.
    """
    keys = list(prompts if groups is None else groups)
    names = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    if len(names) < count:
        raise ConfigError(f"{len(names)} different questions cannot make {count} folds")
    which = np.array([names[key] for key in keys])
    shuffled = np.random.default_rng(seed).permutation(len(names)) % count
    for fold in range(count):
        test = shuffled[which] == fold
        yield np.flatnonzero(~test), np.flatnonzero(test)
