"""Which reader a recording was graded by, where nobody says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onefold.core.query import Query
from onefold.core.spec import build
from onefold.core.tally import spell
from onefold.readers.text import LowercaseTrim
from onefold.recording.recording import Draft, Recording
from onefold.verbs import Reader

KNOWN: tuple[Any, ...] = ("number", "boolean", {"json": {"path": "answer"}}, {"json": {}})
SAMPLE, AHEAD = 400, 0.02
GRADED, EXPECTED = 0.9, 0.2


def found_reader(recording: Recording) -> tuple[Reader | None, str]:
    """The reader that comes nearest to a recording's own values and grades, and a note on it.

    Where only what is right is known, it is the one that finds most drafts right. None where plain
    texts will do, or where no reader comes near.
    """
    drafts = telling(recording)
    if not drafts:
        return None, ""
    wanted = EXPECTED if all(d.value is d.correct is None for d in drafts) else GRADED
    plain = agreement(LowercaseTrim(), drafts)
    tried = [build(spec, Reader) for spec in KNOWN]
    shares = [agreement(reader, drafts) for reader in tried]
    best = max(range(len(tried)), key=lambda one: shares[one])
    if shares[best] >= max(wanted, plain + AHEAD):
        name = spell(KNOWN[best])
        return tried[best], (
            f"answers are read by {name}, which agrees with the recording on {shares[best]:.1%} of "
            "the drafts; name another with --reads"
        )
    if plain < wanted:
        return None, (
            f"texts as they stand agree with the recording on only {plain:.1%} of the drafts: name "
            "the reader that makes them comparable (--reads)"
        )
    return None, ""


def telling(recording: Recording) -> Sequence[Draft]:
    """Some drafts with a text, and with a value or what is right to compare a reading with."""
    held = [d for d in recording if d.text and (d.value is not None or d.expected is not None)]
    graded = [d for d in held if d.value is not None or d.correct is not None] or held
    return graded[:: max(1, len(graded) // SAMPLE)]


def agreement(reader: Reader, drafts: Sequence[Draft]) -> float:
    """Share of drafts that a reader reads as the recording does."""
    return sum(agrees(reader, draft) for draft in drafts) / len(drafts)


def agrees(reader: Reader, draft: Draft) -> bool:
    """Whether a reading has the recorded value, or else the recorded grade."""
    query = Query(draft.prompt or draft.query_id, id=draft.query_id)
    read = reader.read(draft.text, query)
    wanted = draft.value if draft.value is not None else draft.expected
    target = reader.read(spell(wanted), query)
    same = read is not None and (spell(read) in (spell(wanted), spell(target)))
    return same if draft.value is not None or draft.correct is None else same == draft.correct
