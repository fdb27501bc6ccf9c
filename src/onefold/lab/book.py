"""A run's folder: the lock on it, the journal of what was paid, the answers as they come."""

from __future__ import annotations

from collections.abc import Sequence
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import IO, Any

import msgspec

from onefold.core.errors import ConfigError, NotRecorded
from onefold.core.example import Example
from onefold.core.spec import dump
from onefold.delivery.session import Session
from onefold.lab.measure import Outcome
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
        """Refuse to mix runs of different operators in one folder."""
        journal, mine = self.session.journal, dump(self.operator)
        assert journal is not None, "a book's session has a journal"
        held = journal.about("operator")
        if held is not None and held != mine:
            raise ConfigError(
                f"{self.folder} holds a run of another operator: choose another folder, or delete "
                f"it (--fresh). There:\n{held}Here:\n{mine}"
            )
        journal.note("operator", mine)

    def resumed(self, examples: Sequence[Example]) -> dict[str, Outcome]:
        """Outcomes of an earlier try that need not be asked again.

        The file keeps what was answered, and loses failures, which are asked again, and a line
        that was cut off.

        Raises:
            ConfigError: it answers another question under one of these ids.
        """
        wanted = {example.query.id: example for example in examples}
        done = {o.id: o for o in read_outcomes(self.path) if o.answer.error is None}
        for outcome in done.values():
            example = wanted.get(outcome.id)
            if example is not None and example.query.prompt != outcome.prompt:
                raise ConfigError(
                    f"{self.path} answers another question under id {outcome.id!r}: "
                    f"{outcome.prompt!r:.60}; choose another folder"
                )
        fresh = self.path.with_suffix(".part")
        fresh.write_bytes(b"".join(line_of(outcome) for outcome in done.values()))
        fresh.replace(self.path)
        self.file = self.path.open("ab", buffering=0)
        return {name: outcome for name, outcome in done.items() if name in wanted}

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
        flock(lock, LOCK_EX | LOCK_NB)
    except OSError:
        lock.close()
        raise ConfigError(f"another run is writing to {folder}: wait for it, or stop it") from None
    return lock


def line_of(outcome: Outcome) -> bytes:
    """An outcome as a line of JSON."""
    return msgspec.json.encode(outcome) + b"\n"


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
            outcomes.append(msgspec.json.decode(line, type=Outcome))
        except msgspec.DecodeError as error:
            if number == len(lines):
                break
            raise ConfigError(f"{path}, line {number} cannot be read: {error}; delete it") from None
    return outcomes
