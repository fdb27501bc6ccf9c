"""What tuning stands on: a recording as a board, its reader, and who cannot take part."""

from __future__ import annotations

from collections.abc import Sequence

from onefold.core.errors import ConfigError
from onefold.core.part import coerce
from onefold.lab.bench.recorded import spoken
from onefold.lab.tuning.board import Board, board_of
from onefold.lab.tuning.reading import found_reader
from onefold.learn.outcomes import outcomes
from onefold.recording.recording import Recording
from onefold.verbs import Reader

FEWEST = 50
DRAWS = 3


def ground(
    recording: Recording, members: Sequence[str] | None, reads: Reader | str | None
) -> tuple[Board, Reader | None, tuple[str, ...]]:
    """The board to play on, the reader for the recipe, and notes on both.

    members: None takes everybody whose cost is known and who answered half of the questions.

    Raises:
        ConfigError: too few questions are graded, or nobody's cost is known.
    """
    notes: list[str] = []
    recording = Recording(spoken(recording), recording.faults)
    reader = None if reads is None else coerce(Reader, reads)
    if reader is None:
        reader, note = found_reader(recording)
        notes += [note] if note else []
    asked = list(members) if members else eligible(recording, notes)
    found = outcomes(recording, reader, asked, FEWEST)
    board = board_of(found.ballots)
    if board.questions < FEWEST:
        raise ConfigError(
            f"{board.questions} questions have all their drafts graded, and at least {FEWEST} are "
            "needed: give the recording a column correct, score or expected"
        )
    if board.left_out:
        notes.append(f"{board.left_out} questions whose drafts are not all graded are left out")
    return board, reader, (*found.notes, *notes)


def eligible(recording: Recording, notes: list[str]) -> list[str]:
    """Members that can be searched among, their further draws included; notes say who cannot.

    Raises:
        ConfigError: nobody can.
    """
    kept, costless, rare = [], [], []
    for member in recording.members:
        counts, unknown = answered(recording, member)
        if unknown:
            costless.append(member)
        elif counts[0] < 0.5:
            rare.append(member)
        else:
            kept += [member, *(f"{member}#{i + 1}" for i in range(1, DRAWS) if counts[i] >= 0.5)]
    if costless:
        notes.append(f"left out, as nobody knows what they cost: {', '.join(costless)}")
    if rare:
        notes.append(f"left out, as they answered less than half: {', '.join(rare)}")
    if not kept:
        raise ConfigError(
            f"nobody to search among ({'; '.join(notes)}): give prices (--prices, --models)"
        )
    return kept


def answered(recording: Recording, member: str) -> tuple[list[float], bool]:
    """Share of the questions with a first, second … draft; whether the cost of one is unknown."""
    held = [recording.index.get((member, query), []) for query in recording.queries]
    counts = [sum(len(drafts) > i for drafts in held) / len(held) for i in range(DRAWS)]
    return counts, any(draft.usd is None for drafts in held for draft in drafts)
