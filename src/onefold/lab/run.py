"""Many questions through one operator: bounded, resumable, with nothing paid twice."""

from __future__ import annotations

from asyncio import TaskGroup
from collections.abc import Callable, Iterable, Iterator, Sequence
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import IO, Any

import msgspec

from onefold.core.answer import Answer, failed
from onefold.core.errors import BudgetExceeded, ConfigError, NotRecorded, OnefoldError
from onefold.core.example import Example
from onefold.core.part import walk
from onefold.core.query import Query
from onefold.core.spec import dump
from onefold.delivery.journal import Journal
from onefold.delivery.session import Session, here
from onefold.lab.measure import Outcome, right
from onefold.readers.text import LowercaseTrim
from onefold.runtime.bridge import bridge
from onefold.verbs import Operator, Reader, perform

ANSWERS = "answers.jsonl"
JOURNAL = "journal.sqlite"
LOCK = ".lock"
Progress = Callable[[Outcome], None]


class Run:
    """The outcomes of a run, in the order of its questions. `stopped` says why it ended early."""

    def __init__(self, operator: Operator, outcomes: Sequence[Outcome], stopped: str = "") -> None:
        self.operator = operator
        self.outcomes = list(outcomes)
        self.stopped = stopped

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    @property
    def answers(self) -> list[Answer]:
        """The answers alone."""
        return [outcome.answer for outcome in self.outcomes]


def run(
    operator: Operator,
    questions: Iterable[Example | Query | str],
    *,
    out: str | Path | None = None,
    session: Session | None = None,
    concurrency: int = 32,
    progress: Progress | None = None,
) -> Run:
    """Ask many questions and wait: `run(panel, ["…", "…"]).answers`.

    out: a folder that gets each answer as it comes, and from which the same call resumes.
    concurrency: questions in flight at once. progress: called with each outcome as it comes.

    Raises:
        ConfigError: before anything is paid: a model is unknown, an id stands twice, or `out`
            holds a run of something else.
    """
    work = arun(
        operator, questions, out=out, session=session, concurrency=concurrency, progress=progress
    )
    return bridge.run(work)


async def arun(
    operator: Operator,
    questions: Iterable[Example | Query | str],
    *,
    out: str | Path | None = None,
    session: Session | None = None,
    concurrency: int = 32,
    progress: Progress | None = None,
) -> Run:
    """The same as `run`, to be awaited."""
    if concurrency < 1:
        raise ConfigError(f"concurrency {concurrency}: at least one question is in flight")
    examples = numbered(questions)
    session = session or here()
    with session:
        session.ready(operator)
        book = Book(Path(out), operator, session) if out is not None else None
        done = book.resumed(examples) if book else {}
        for outcome in done.values():
            if progress:
                progress(outcome)
        pool = Pool(operator, [e for e in examples if e.query.id not in done], book, progress)
        try:
            await pool.drain(concurrency)
        finally:
            if book:
                book.close()
    done.update(pool.outcomes)
    outcomes = [done[e.query.id] for e in examples if e.query.id in done]
    return Run(operator, outcomes, pool.stopped)


class Pool:
    """Questions in flight: a few workers share one line of questions."""

    def __init__(
        self,
        operator: Operator,
        examples: Iterable[Example],
        book: Book | None,
        progress: Progress | None,
    ) -> None:
        self.operator = operator
        self.line = iter(examples)
        self.book = book
        self.progress = progress
        self.outcomes: dict[str, Outcome] = {}
        self.stopped = ""

    async def drain(self, concurrency: int) -> None:
        """Ask until the line is empty, the budget is spent, or the journal cannot be written."""
        try:
            async with TaskGroup() as group:
                for _ in range(concurrency):
                    group.create_task(self.work())
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def work(self) -> None:
        """One worker: the next question, until there is none."""
        for example in self.line:
            try:
                outcome = await asked_one(self.operator, example)
            except (BudgetExceeded, NotRecorded) as error:
                self.stopped = self.stopped or f"{type(error).__name__}: {error}"
                self.line = iter(())
                return
            self.outcomes[outcome.id] = outcome
            if self.book:
                self.book.write(outcome)
            if self.progress:
                self.progress(outcome)


async def asked_one(operator: Operator, example: Example) -> Outcome:
    """One question's outcome; what goes wrong with it alone is its answer's error."""
    query = example.query
    try:
        answer = await perform(operator, query)
    except (BudgetExceeded, NotRecorded):
        raise
    except OnefoldError as error:
        drafts = getattr(error, "drafts", ())
        answer = failed(query.id, error).but(
            drafts=drafts, usage=sum((d.usage for d in drafts), Answer().usage)
        )
    correct = None
    if example.expected is not None:
        correct = right(answer.value, expected_value(operator, example))
    return Outcome(query.id, query.prompt, answer, example.expected, correct)


def expected_value(operator: Operator, example: Example) -> Any:
    """What a right answer's value is: what the operator's reader reads in what is right."""
    expected = example.expected
    return reader_of(operator, example.query).read(str(expected), example.query)


def reader_of(operator: Operator, query: Query) -> Reader:
    """The reader that makes an operator's answers comparable."""
    for part in walk(operator):
        found = getattr(part, "reads", None)
        if isinstance(found, Reader):
            return found
    return query.reads if isinstance(query.reads, Reader) else LowercaseTrim()


def numbered(questions: Iterable[Example | Query | str]) -> list[Example]:
    """Questions as examples, each with an id of its own; those without one are numbered from 1."""
    examples = []
    for number, question in enumerate(questions, 1):
        example = question if isinstance(question, Example) else Example(as_query(question))
        if not example.query.id:
            example = msgspec.structs.replace(example, query=example.query.but(id=str(number)))
        examples.append(example)
    names = [example.query.id for example in examples]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"two questions have the id {twice!r}: rename one")
    return examples


def as_query(question: Query | str) -> Query:
    """A query from a text; an empty one is left for its row to report."""
    return Query(question) if isinstance(question, str) else question


class Book:
    """A run's folder: the journal of what was paid, and the answers as they come.

    Raises:
        ConfigError: the folder holds a run of something else.
    """

    def __init__(self, folder: Path, operator: Operator, session: Session) -> None:
        self.path = folder / ANSWERS
        self.lock = locked(folder)
        if session.journal is None:
            session.journal = Journal(folder / JOURNAL)
        held, mine = session.journal.about("operator"), dump(operator)
        if held is not None and held != mine:
            raise ConfigError(
                f"{folder} holds a run of another operator; choose another folder, or delete it. "
                f"There:\n{held}Here:\n{mine}"
            )
        session.journal.note("operator", mine)
        self.file: Any = None

    def resumed(self, examples: Sequence[Example]) -> dict[str, Outcome]:
        """Outcomes of an earlier try that need not be asked again; the file keeps only them."""
        wanted = {example.query.id: example for example in examples}
        done: dict[str, Outcome] = {}
        for outcome in read_outcomes(self.path):
            example = wanted.get(outcome.id)
            if example is None or outcome.answer.error is not None:
                continue
            if example.query.prompt != outcome.prompt:
                raise ConfigError(
                    f"{self.path} answers another question under id {outcome.id!r}: "
                    f"{outcome.prompt!r:.60}; choose another folder"
                )
            done[outcome.id] = outcome
        fresh = self.path.with_suffix(".part")
        fresh.write_bytes(b"".join(line_of(outcome) for outcome in done.values()))
        fresh.replace(self.path)
        self.file = self.path.open("ab", buffering=0)
        return done

    def write(self, outcome: Outcome) -> None:
        """Write an outcome; it is in the file when this returns."""
        try:
            self.file.write(line_of(outcome))
        except OSError as error:
            raise NotRecorded(
                f"{self.path} cannot be written ({error}); what was paid is in the journal: "
                "make room and run the same command again"
            ) from None

    def close(self) -> None:
        """Close the file and let the folder go."""
        if self.file is not None:
            self.file.close()
        self.lock.close()


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
