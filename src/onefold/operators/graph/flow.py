"""One question going through a graph: each node starts when what it waits for is there."""

from __future__ import annotations

from asyncio import Semaphore, TaskGroup
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any, NoReturn

from onefold.core.answer import Answer, Failure, cancelled, failed
from onefold.core.errors import BudgetExceeded, NoAnswer, Unreadable
from onefold.core.query import Query
from onefold.operators.failing import fatal
from onefold.operators.graph.layout import Layout, Step
from onefold.operators.graph.node import attempted
from onefold.operators.graph.paths import ITEM, QUERY, Path, asked_item
from onefold.runtime.relay import together
from onefold.runtime.trace import Span, current
from onefold.verbs import perform

TOLD = ("status", "error")  # what a node without an answer still has


class Unmet(Exception):
    """What a node wants to see did not come, or its condition does not hold: it is skipped."""


class Flow:
    """The answers as they come, and how many others each step still waits for.

    most: steps that may run at a time; None is all. ranks: of those that could start, the lowest
        goes first; empty is as listed.
    """

    __slots__ = (
        "answers", "broken", "group", "last", "layout", "most", "query", "ranks", "ready",
        "running", "span", "spans", "waits",
    )  # fmt: skip

    def __init__(
        self, layout: Layout, query: Query, most: int | None, ranks: Sequence[Any]
    ) -> None:
        span = current.get()
        assert span is not None, "a graph is called, never answered directly"
        self.span = span
        self.layout = layout
        self.query = query
        self.most = most or len(layout.steps)
        self.ranks = ranks or range(len(layout.steps))
        self.waits = list(layout.waits)
        self.answers: list[Answer | None] = [None] * len(layout.steps)
        self.spans: dict[int, Span] = {}
        self.ready: list[tuple[Any, int]] = []
        self.running = 0
        self.last = Answer()
        self.broken = ""
        self.group: TaskGroup
        layout.check(query)

    async def run(self) -> Answer:
        """All steps, to the end; the answer is that of the output.

        Raises:
            NoAnswer: a node failed that must not, or the output was skipped.
            BudgetExceeded: for want of money.
        """
        try:
            async with TaskGroup() as group:
                self.group = group
                self._start(self.layout.first)
        except BaseExceptionGroup as failures:
            self._end(failures.exceptions[0])
        answers = self._answers()
        output = answers[self.layout.output]
        if output.error is not None:
            raise fruitless(f"its output {output.source} brought no answer", answers)
        return self.last.but(drafts=answers)

    def _start(self, places: Sequence[int]) -> None:
        """Start steps that wait for nothing any more, as many as may run."""
        for index in places:
            heappush(self.ready, (self.ranks[index], index))
        while self.ready and self.running < self.most:
            _, index = heappop(self.ready)
            self.running += 1
            self.group.create_task(self._step(index))

    async def _step(self, index: int) -> None:
        """Carry out one step, then start those that waited for it alone."""
        step = self.layout.steps[index]
        said = await attempted(self._asked(index, step))
        answer = said if isinstance(said, Answer) else self._without(index, step, said)
        if index == self.layout.output:
            self.last = answer
        if answer.source != step.name:
            answer = answer.but(source=step.name)
        self.answers[index] = answer
        if self.span.listeners:
            self.span.note("draft", (answer, None))
        free = []
        for dependent in step.dependents:
            self.waits[dependent] -= 1
            if not self.waits[dependent]:
                free.append(dependent)
        self.running -= 1
        self._start(free)

    async def _asked(self, index: int, step: Step) -> Answer:
        """What a step answers.

        Raises:
            Unmet: it is not to run.
        """
        query = self._query(step)
        if step.when is not None and not await step.when.holds(query, self._look):
            raise Unmet(f"its condition {step.when} does not hold")
        span = Span("answer" if step.speaks else "draft", step.name, query, self.span)
        self.spans[index] = span
        if step.each is not None:
            return await self._each(step, query, span, step.each)
        answer = await perform(step.operator, query, span)
        if answer.drafts and answer.drafts is query.drafts:  # they are on the record themselves
            return answer.but(drafts=())
        return answer

    def _without(self, index: int, step: Step, why: Exception) -> Answer:
        """What stands for a step that brought no answer; where it must not fail, the reason goes
        on and ends the graph.
        """
        if isinstance(why, Unmet):
            return skipped(step.name, str(why))
        answer = failed(step.name, why, *used(self.spans.get(index)))
        if step.skips:
            return answer
        self.answers[index] = answer
        self.broken = self.broken or step.name
        raise why

    def _query(self, step: Step) -> Query:
        """What a step is asked: the question, with the drafts and inputs that it wants to see.

        Raises:
            Unmet: they did not come.
        """
        query = self.query
        if step.draws > 1:
            query = query.but(sample=query.sample * step.draws + step.draw)
        if not (step.after or step.inputs):
            return query
        came = [self.answers[index] for index in step.after]
        drafts = tuple(answer for answer in came if answer is not None and answer.error is None)
        if step.after and not drafts:
            raise Unmet(f"no answer came from {', '.join(step.node.after)}")
        if not step.inputs:
            return query.but(drafts=drafts)
        inputs = {name: self._look(path) for name, path in step.inputs if path.root != ITEM}
        return query.but(drafts=drafts, inputs=inputs)

    def _look(self, path: Path) -> Any:
        """What stands at a path.

        Raises:
            Unmet: it is in an answer that did not come.
            Unreadable: the answer has no such thing.
        """
        if path.root == QUERY:
            return path.of(self.query)
        answer = self.answers[self.layout.places[path.root]]
        assert answer is not None, "a step starts after what it looks at"
        if answer.error is not None and path.fields[0] not in TOLD:
            raise Unmet(f"{path.text} is not there, as no answer came from {path.root}")
        return path.of(answer)

    async def _each(self, step: Step, query: Query, span: Span, listed: Path) -> Answer:
        """The answers about all items of a list, as one."""
        items = self._look(listed)
        if isinstance(items, str) or not isinstance(items, Sequence):
            raise Unreadable(f"each: {listed.text} is no list but {items!r:.80}")
        gate = Semaphore(step.most_concurrent or len(items) or 1)

        async def one(index: int) -> Answer:
            name = f"{step.name}[{index}]"
            about = asked_item(query, items[index], step.inputs)
            async with gate:
                below = Span("draft", name, about, span)
                said = await attempted(perform(step.operator, about, below))
            if isinstance(said, Answer):
                return said
            if not step.skips:
                raise said
            return failed(name, said, *used(below))

        with span:
            drafts = tuple(await together(one, len(items)))
            replies = [draft for draft in drafts if draft.error is None]
            if drafts and not replies:
                raise fruitless(f"no item of {listed.text} brought an answer", drafts)
            text = "\n\n".join(draft.text for draft in replies)
            values = [draft.value for draft in drafts]
            span.answer = answer = Answer(text, values, step.name, drafts=drafts)
        return answer.but(usage=span.usage, seconds=span.seconds)

    def _answers(self) -> tuple[Answer, ...]:
        """An answer a step; those that did not end were cancelled, or never began."""
        steps = enumerate(zip(self.layout.steps, self.answers, strict=True))
        return tuple(answer or self._ended(index, step.name) for index, (step, answer) in steps)

    def _ended(self, index: int, name: str) -> Answer:
        """The draft of a step that the end of the graph came upon."""
        span = self.spans.get(index)
        return (
            skipped(name, "the graph ended before")
            if span is None
            else cancelled(name, *used(span))
        )

    def _end(self, error: BaseException) -> NoReturn:
        """Raise why the graph ended, with the record of what came: it is paid for."""
        if fatal(error):
            raise error from error.__cause__
        why = f"node {self.broken} failed: {type(error).__name__}: {error}"
        if isinstance(error, BudgetExceeded):
            raise BudgetExceeded(why) from error
        raise NoAnswer(why, drafts=self._answers()) from error


def used(span: Span | None) -> tuple[Any, ...]:
    """What a span used and how long it took, where it began."""
    return () if span is None else (span.usage, span.seconds)


def skipped(name: str, why: str) -> Answer:
    """The draft of a node that did not run."""
    return Answer(source=name, error=Failure("Skipped", why))


def fruitless(what: str, answers: tuple[Answer, ...]) -> Exception:
    """The error where no answer came: who failed or was skipped, and why."""
    lost = [(answer.source, answer.error) for answer in answers if answer.error is not None]
    why = "; ".join(f"{source}: {error.kind}: {error.message}" for source, error in lost)
    if {error.kind for _, error in lost} - {"Skipped"} == {"BudgetExceeded"}:
        return BudgetExceeded(f"{what}: {why}")
    return NoAnswer(f"{what}: {why}", drafts=answers)
