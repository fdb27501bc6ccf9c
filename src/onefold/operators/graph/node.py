"""A node: an operator with what it is given, when it runs, and what happens where it fails."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta

from onefold.core.answer import Answer, failed
from onefold.core.errors import BudgetExceeded, ConfigError, NoAnswer
from onefold.core.part import at
from onefold.core.query import Query
from onefold.operators.failing import fatal
from onefold.operators.graph.condition import Condition
from onefold.operators.graph.paths import ITEM, Path, path
from onefold.operators.wrappers import Within
from onefold.verbs import Operator, label, perform

FAR = 2**32 + 1  # from one try's draw to the next, past whatever panels number


class Node(Operator, name="node"):
    """An operator's place in a graph. Its name is its key in the graph.

    after: nodes whose answers it sees as drafts, in this order. With neither `after` nor `inputs`
        it sees the graph's own query.
    inputs: named inputs, each the path of what it is: `{"draft": "a.text", "topic": "query.text",
        "kind": "b.value.kind"}`. They are the query's `inputs`; its text stays the question.
    when: whether it runs at all: a comparison such as `a.confidence < 0.8`, or a function.
    each: path of a list: the operator is asked once for each item, which is the query's text and
        its input `item`. The answers are the drafts; the value is the list of their values, with
        None for an item that failed. most_concurrent: items at a time; None is all.
    retries: how often it is tried again where it failed, each time with another sample. What a
        single call is worth trying again is tried before that, by the model's own `retry`.
    timeout: seconds that each try may take.
    fallback: answers where it failed for good. default: the text where that failed too, or there
        is none. Either answer has the failure among its drafts.
    on_failure: without these, `fail` ends the graph; `skip` goes on without its answer. For `each`
        all of this is about a single item.
    """

    operator: Operator
    after: tuple[str, ...] = ()
    inputs: Mapping[str, str] = {}
    when: Condition | None = None
    each: str = ""
    most_concurrent: Annotated[int, Meta(ge=1)] | None = None
    retries: Annotated[int, Meta(ge=0)] = 0
    timeout: Annotated[float, Meta(gt=0)] | None = None
    fallback: Operator | None = None
    default: str | None = None
    on_failure: Literal["fail", "skip"] = "fail"

    if TYPE_CHECKING:

        def __init__(
            self,
            operator: Operator | str | Any,
            after: Sequence[str] = (),
            inputs: Mapping[str, str] = {},
            when: Condition | str | Any = None,
            each: str = "",
            most_concurrent: int | None = None,
            retries: int = 0,
            timeout: float | None = None,
            fallback: Operator | str | Any = None,
            default: str | None = None,
            on_failure: Literal["fail", "skip"] = "fail",
        ) -> None: ...

    async def answer(self, query: Query) -> Answer:
        """The operator's answer, or what stands for it; the graph has seen to the rest."""
        if self.after or self.inputs or self.when is not None or self.each:
            raise ConfigError("a node with after, inputs, when or each stands in a Graph")
        timed = self.operator if self.timeout is None else Within(self.operator, self.timeout)
        said = await attempted(perform(timed, query))
        for number in range(1, self.retries + 1):
            if isinstance(said, Answer | BudgetExceeded):
                break
            again = query.but(sample=query.sample + number * FAR)
            said = await attempted(perform(timed, again))
        if isinstance(said, Answer):
            return said
        lost: tuple[Answer, ...] = (failed(label(self.operator), said),)
        if self.fallback is not None:
            said = await attempted(perform(self.fallback, query))
            if isinstance(said, Answer):
                return said if said.drafts else said.but(drafts=lost)
            lost = (*lost, failed(label(self.fallback), said))
        if self.default is not None:
            return Answer(self.default, drafts=lost)
        raise said

    @property
    def _resilient(self) -> bool:
        """Whether it does more about a failure than to pass it on."""
        return bool(self.retries) or (self.timeout, self.fallback, self.default) != (None,) * 3

    def _check(self) -> None:
        for name, text in self.inputs.items():
            self._path(f"inputs.{name}", text)
        if self.each:
            self._path("each", self.each)
        elif self.most_concurrent is not None:
            raise ConfigError("most_concurrent is about items: give the path of their list as each")
        doubled = [name for i, name in enumerate(self.after) if name in self.after[:i]]
        if doubled:
            raise ConfigError(f"after: {doubled[0]!r} stands twice; leave one out")
        if self.default is not None and self.on_failure == "skip":
            raise ConfigError("a node with a default never fails: leave on_failure out")

    def _path(self, where: str, text: str) -> Path:
        """A path in one of its fields."""
        try:
            found = path(text)
        except ConfigError as error:
            raise at(where, error) from None
        if found.root == ITEM and (where == "each" or not self.each):
            raise ConfigError(f"{where}: {text!r}: there are items only where the node has an each")
        return found


async def attempted(work: Coroutine[Any, Any, Answer]) -> Answer | Exception:
    """An answer, or why there is none; what is fatal goes through."""
    try:
        return await work
    except BaseException as error:
        if fatal(error):
            raise
        if isinstance(error, Exception):
            return error
        ended = NoAnswer("it was cancelled from inside")
        ended.__cause__ = error
        return ended
