"""`vmap`: an operator over many queries, so many at once, with failures in their place."""

from __future__ import annotations

from asyncio import Semaphore, TaskGroup
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from inspect import isfunction
from typing import Any, Literal, cast

from onefold.core.answer import Answer, failed
from onefold.core.errors import ConfigError
from onefold.core.part import coerce
from onefold.core.query import Query
from onefold.functions import named
from onefold.operators.failing import fatal
from onefold.promises.body import Body
from onefold.promises.function import JitFunction
from onefold.promises.promise import Promises
from onefold.runtime.bridge import bridge
from onefold.verbs import Operator, handed, label, writing

Queries = Iterable[Query | str]


class Mapped:
    """An operator over many queries: `await mapped(queries)`, or `mapped.ask(queries)` to block.

    Inside a jit function it returns at once, with a list of promises.
    """

    def __init__(self, operator: Operator, most_concurrent: int, keeps: bool) -> None:
        self.operator = operator
        self.most_concurrent = most_concurrent
        self.keeps = keeps

    def __call__(
        self, queries: Queries, *drafts: Iterable[Answer]
    ) -> Coroutine[Any, Any, list[Answer]]:
        """The answers in the order of the queries; `drafts` are more columns, a draft a query."""
        rows = paired(queries, drafts)
        body = cast("Body | None", writing())
        if body is None:
            return self._answers(rows)
        gate = Semaphore(self.most_concurrent)
        call = partial(body.call, self.operator, gate=gate, tolerant=self.keeps)
        promises = Promises(call(query, drafts) for query, *drafts in rows)
        return cast("Coroutine[Any, Any, list[Answer]]", promises)

    def ask(self, queries: Queries, *drafts: Iterable[Answer]) -> list[Answer]:
        """The same, blocking."""
        if writing() is not None:
            return [promise.answer for promise in cast("Promises", self(queries, *drafts))]
        return bridge.run(self._answers(paired(queries, drafts)))

    async def _answers(self, rows: Sequence[tuple[Any, ...]]) -> list[Answer]:
        gate = Semaphore(self.most_concurrent)

        async def one(query: Query | str, *drafts: Answer) -> Answer:
            await gate.acquire()
            try:
                answer = await handed(self.operator, query, drafts)
            except BaseException as error:
                if fatal(error) or not self.keeps:
                    raise  # and the gate stays shut: nobody else starts
                answer = failed(label(self.operator), error)
            gate.release()
            return answer

        try:
            async with TaskGroup() as group:
                tasks = [group.create_task(one(*row)) for row in rows]
        except BaseExceptionGroup as failures:
            first = failures.exceptions[0]
            raise first from first.__cause__
        return [task.result() for task in tasks]


def vmap(
    operator: Operator | Callable[..., Any] | str,
    *,
    most_concurrent: int = 8,
    on_failure: Literal["raise", "keep"] = "raise",
) -> Mapped:
    """An operator, or a function as under `@jit`, over many queries.

    most_concurrent: how many run at once.
    on_failure: `raise` ends everything with the first failure; `keep` puts an answer with its
        `error` in the failed one's place.

    Raises:
        ConfigError: it is no operator, or a setting is wrong.
    """
    if most_concurrent < 1:
        raise ConfigError(f"most_concurrent={most_concurrent}: let at least one run")
    if on_failure not in ("raise", "keep"):
        raise ConfigError(f"on_failure={on_failure!r}: say 'raise' or 'keep'")
    kind: Any = Operator
    part = JitFunction(operator, named(operator)) if isfunction(operator) else operator
    return Mapped(coerce(kind, part), most_concurrent, on_failure == "keep")


def paired(queries: Queries, drafts: Sequence[Iterable[Answer]]) -> list[tuple[Any, ...]]:
    """Each query with its drafts.

    Raises:
        ConfigError: a text stands where many should, or there are more of one than of another.
    """
    if isinstance(queries, str | Query):
        raise ConfigError(f"queries: a list of them, not {queries!r:.80}: write [query]")
    try:
        return list(zip(queries, *drafts, strict=True))
    except ValueError as error:
        raise ConfigError(f"queries and drafts do not pair up: {error}") from None
