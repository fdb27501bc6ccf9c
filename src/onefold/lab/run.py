"""Many questions through one operator: bounded, resumable, with nothing paid twice."""

from __future__ import annotations

from asyncio import TaskGroup
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from onefold.core.answer import Answer, failed
from onefold.core.errors import BudgetExceeded, ConfigError, MissingExtra, NotRecorded
from onefold.core.example import Example
from onefold.core.part import coerce
from onefold.core.query import Query
from onefold.core.usage import NOTHING
from onefold.delivery.session import Session, here
from onefold.lab.book import Book
from onefold.lab.grading import graded
from onefold.lab.measure import Outcome
from onefold.operators.model import Model
from onefold.runtime.bridge import bridge
from onefold.verbs import Operator, label, perform

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
    operator: Operator | str | Any,
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
    operator: Operator | str | Any,
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
    operator = coerce(Operator, operator)
    examples = numbered(questions)
    session = session or here()
    session.ready(operator)
    book = None if out is None else Book(Path(out), operator, session)
    with book or session.journalled(None):
        done = book.resumed(examples) if book else {}
        for outcome in done.values():
            if session.budget:
                session.budget.settle(NOTHING, outcome.answer.usage)
            if progress:
                progress(outcome)
        pool = Pool(operator, [e for e in examples if e.query.id not in done], book, progress)
        await pool.drain(concurrency)
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
                unstarved(outcome.answer)
                self.outcomes[outcome.id] = outcome
                if self.book:
                    self.book.write(outcome)
            except (BudgetExceeded, NotRecorded) as error:
                self.stopped = self.stopped or f"{type(error).__name__}: {error}"
                self.line = iter(())
                return
            if self.progress:
                self.progress(outcome)


def unstarved(answer: Answer) -> None:
    """Refuse an answer to which a member could not contribute for want of money.

    Raises:
        BudgetExceeded: so that the run stops here, and a resumed one asks everyone.
    """
    for draft in answer.drafts:
        if draft.error is not None and draft.error.kind == "BudgetExceeded":
            raise BudgetExceeded(draft.error.message)
        unstarved(draft)


async def asked_one(operator: Operator, example: Example) -> Outcome:
    """One question's outcome; what goes wrong with it alone is its answer's error."""
    query = example.query
    try:
        answer = await perform(operator, query)
    except (BudgetExceeded, NotRecorded, MissingExtra):
        raise
    except Exception as error:
        drafts = getattr(error, "drafts", ())
        source = label(operator) if isinstance(operator, Model) else ""
        used = sum((draft.usage for draft in drafts), NOTHING)
        answer = failed(source, error, used).but(drafts=drafts)
    correct = graded(operator, example, answer)
    return Outcome(query.id, query.prompt, answer, example.expected, correct)


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
