"""A run's folder: the lock on it, the journal of what was paid, the answers as they come."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec import structs

from onefold.core.errors import ConfigError, NotRecorded
from onefold.core.example import Example
from onefold.core.part import walk
from onefold.core.spec import dump
from onefold.core.tally import spell
from onefold.delivery.session import Session
from onefold.lab.grading import graded
from onefold.lab.measure import Outcome
from onefold.operators.model import Model
from onefold.verbs import Operator

ANSWERS = "answers.jsonl"
JOURNAL = "journal.sqlite"
LOCK = ".lock"


class Book:
    """The folder of one run; a context in which calls are journalled there.

    Raises:
        ConfigError: another run is writing to the folder, or it holds a run of something else.
    """

    def __init__(self, folder: Path, operator: Operator, session: Session) -> None:
        self.folder = folder
        self.path = folder / ANSWERS
        self.operator = operator
        self.outer = session
        self.file: Any = None

    def __enter__(self) -> Book:
        self.lock = locked(self.folder)
        try:
            self.session = self.outer.journalled(self.folder / JOURNAL)
            self.session.__enter__()
            self._same_operator()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *raised: object) -> None:
        if self.file is not None:
            self.file.close()
        session = self.__dict__.pop("session", None)
        if session is not None:
            session.__exit__(*raised)
        self.lock.close()

    def _same_operator(self) -> None:
        """Refuse to mix runs of different operators, or of other models, in one folder."""
        journal = self.session.journal
        assert journal is not None, "a book's session has a journal"
        for what, mine in (("operator", dump(self.operator)), ("models", self._models())):
            held = journal.about(what)
            if held is not None and held != mine:
                raise ConfigError(
                    f"{self.folder} holds a run of another {what.rstrip('s')}: choose another "
                    f"folder, or delete it (--fresh). There:\n{held}\nHere:\n{mine}"
                )
            journal.note(what, mine)

    def _models(self) -> str:
        """The models that the operator asks, as they are here."""
        parts = (part for part in walk(self.operator) if isinstance(part, Model))
        names = {part.model for part in parts if part.provider is None}
        models = self.session.models
        return "\n".join(models.identity(models.find(name)) for name in sorted(names))

    def resumed(self, examples: Sequence[Example]) -> dict[str, Outcome]:
        """Outcomes of an earlier try that need not be asked again.

        The file keeps what was answered, and loses failures, which are asked again, and a line
        that was cut off.

        Raises:
            ConfigError: it answers another question under one of these ids.
        """
        wanted = {example.query.id: example for example in examples}
        done = {o.id: o for o in read_outcomes(self.path) if o.answer.error is None}
        for outcome in list(done.values()):
            example = wanted.get(outcome.id)
            if example is None:
                continue
            if example.query.prompt != outcome.prompt:
                raise ConfigError(
                    f"{self.path} answers another question under id {outcome.id!r}: "
                    f"{outcome.prompt!r:.60}; choose another folder"
                )
            if example.expected != outcome.expected:
                done[outcome.id] = self._regraded(outcome, example)
        fresh = self.path.with_suffix(".part")
        fresh.write_bytes(b"".join(line_of(outcome) for outcome in done.values()))
        fresh.replace(self.path)
        self.file = self.path.open("ab", buffering=0)
        return {name: outcome for name, outcome in done.items() if name in wanted}

    def _regraded(self, outcome: Outcome, example: Example) -> Outcome:
        """An outcome under what is said to be right now."""
        correct = graded(self.operator, example, outcome.answer)
        return structs.replace(outcome, expected=example.expected, correct=correct)

    def write(self, outcome: Outcome) -> None:
        """Write an outcome; it is in the file when this returns.

        Raises:
            NotRecorded: the disk is full; what was paid is in the journal.
        """
        try:
            self.file.write(line_of(outcome))
        except OSError as error:
            raise NotRecorded(
                f"{self.path} cannot be written ({error}); what was paid is in the journal: "
                "make room and run the same command again"
            ) from None


def locked(folder: Path) -> IO[bytes]:
    """A lock on a run's folder, held until it is closed or the process ends.

    Raises:
        ConfigError: another process is writing there, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("wb")
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written to: {error}; name another folder") from None
    try:
        seize(lock)
    except OSError:
        lock.close()
        raise ConfigError(f"another run is writing to {folder}: wait for it, or stop it") from None
    return lock


def seize(file: IO[bytes]) -> None:
    """Lock an open file for this process, as the operating system does it; OSError if it is."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def line_of(outcome: Outcome) -> bytes:
    """An outcome as a line of JSON, its prompt once."""
    kept = structs.replace(outcome, answer=outcome.answer.but(asked=""))
    return msgspec.json.encode(kept, enc_hook=spell) + b"\n"


def read_outcomes(path: Path) -> list[Outcome]:
    """Outcomes in a file, a last line that was cut off left out; none where there is no file.

    Raises:
        ConfigError: another line cannot be read.
    """
    if not path.is_file():
        return []
    outcomes = []
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            held = msgspec.json.decode(line, type=Outcome)
            outcomes.append(structs.replace(held, answer=held.answer.but(asked=held.prompt)))
        except msgspec.DecodeError as error:
            if number == len(lines):
                break
            raise ConfigError(f"{path}, line {number} cannot be read: {error}; delete it") from None
    return outcomes
