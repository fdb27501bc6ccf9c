"""The verbs: eight abstract parts, and the one way to call an operator. Read this file first.

A panel of models is itself a model: everything that answers has one call,
`await op(query) -> Answer`. Inside a panel it is always the same sentence,
route → draft → judge → decide, run by one relay until a Stop says that it is enough.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Coroutine, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from msgspec import Struct, structs

from onefold.core.answer import Answer, answered, no_share
from onefold.core.errors import ConfigError, NoAnswer, Unreadable
from onefold.core.part import Part
from onefold.core.query import Query, asked
from onefold.core.registry import lookup
from onefold.core.tally import Tally
from onefold.core.usage import NOTHING, Usage
from onefold.delivery.session import here
from onefold.runtime.bridge import bridge
from onefold.runtime.stream import Stream
from onefold.runtime.trace import Listener, Span, current

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray


class Reader(Part, abstract=True):
    """Makes a text comparable: `read` gives its value, or None where it cannot tell (abstains)."""

    @abstractmethod
    def read(self, text: str, query: Query) -> Any:
        """The value of a text."""


class Operator(Part, abstract=True):
    """Answers: a model, a panel, a vote, a chain, a graph, a search. Users call it four ways."""

    @abstractmethod
    async def answer(self, query: Query) -> Answer:
        """The answer to a query. Defined by each operator, called through the four below."""

    def __call__(self, query: Query | str, *drafts: Answer) -> Coroutine[Any, Any, Answer]:
        """`await op(query)`; answers given after the query are handed on as its drafts.

        Inside a jit function it returns at once, with a promise.
        """
        body = writing()
        if body is not None:
            return body.call(self, query, drafts)  # type: ignore[no-any-return]
        return handed(self, query, drafts) if drafts else perform(self, query)

    def ask(self, query: Query | str) -> Answer:
        """The same, blocking; works in scripts, threads, notebooks, inside a running loop."""
        body = writing()
        if body is not None:
            return body.call(self, query, ()).answer  # type: ignore[no-any-return]
        return bridge.run(perform(self, query))

    def stream(self, query: Query | str) -> Stream:
        """Events as they come, then the answer; for `async for` and for `for`."""
        return Stream(lambda listener: perform(self, query, listener=listener))

    def __rshift__(self, then: Operator | str) -> Chain:
        """`first >> then`: the second sees the first one's answer in `query.drafts`."""
        steps = self.steps if isinstance(self, Chain) else (self,)
        return Chain((*steps, *(then.steps if isinstance(then, Chain) else (then,))))

    @classmethod
    def _from_text(cls, text: str) -> Any:
        return lookup(Operator, "model")(text)


class Vote(Operator, abstract=True):
    """An operator that only counts `query.drafts`; it can also say when counting is over."""

    @abstractmethod
    def count(self, drafts: Sequence[Answer]) -> Tally:
        """The count of the drafts so far."""

    @abstractmethod
    def settled(self, drafts: Sequence[Answer], out: Sequence[str]) -> bool:
        """Whether the members still out, by name, can no longer change the result."""


class Judge(Part, abstract=True):
    """Scores one answer in [0, 1]; raises where it cannot, which never means 0.

    compares: whether it says how the answer stands against those in `query.drafts`.
    """

    compares: ClassVar[bool] = False

    @abstractmethod
    async def score(self, query: Query, answer: Answer) -> float:
        """How good the answer is."""


class Marker(Part, abstract=True):
    """Marks the steps of an answer: a process reward or a step verifier (Lightman et al. 2023).

    The judge `Process` makes one score of the marks; a search lets them guide it.
    """

    @abstractmethod
    async def mark(self, query: Query, steps: Sequence[str]) -> Sequence[float | None]:
        """How good each step is, given those before it: a share in [0, 1], None where it cannot
        tell. One mark a step.
        """


class Encoder(Part, abstract=True):
    """Makes texts into vectors, so that like texts lie close."""

    @abstractmethod
    async def encode(self, texts: Sequence[str]) -> NDArray[float64]:
        """One row of length 1 (or 0, where a text has nothing) for each text: (texts, width)."""


class Router(Part, abstract=True):
    """Prefers members: `{name: weight}`, highest first; empty means no opinion.

    again: whether it is asked again before each member starts; `query.drafts` then holds what
        came so far, failures included, and whoever was asked is no longer preferred.
    A list of routers means the first one that has an opinion.
    """

    again: ClassVar[bool] = False

    @abstractmethod
    async def route(self, query: Query) -> Mapping[str, float]:
        """Who should answer."""

    @classmethod
    def _from_many(cls, items: list[Any]) -> Any:
        return lookup(Router, "first_of")(items)


class Race(Struct, frozen=True):
    """A panel's drafts under way, as a Stop sees them.

    answers: what came so far in member order, failures included.
    out: names of the members that have not answered yet, asked or not.
    vote: how it will be decided. usage, seconds: spent so far.
    """

    answers: tuple[Answer, ...]
    out: tuple[str, ...] = ()
    vote: Operator | None = None
    usage: Usage = NOTHING
    seconds: float = 0.0

    @property
    def total(self) -> int:
        """Members in all."""
        return len(self.answers) + len(self.out)

    @property
    def replies(self) -> tuple[Answer, ...]:
        """What came and did not fail; abstentions are in it."""
        return tuple(answer for answer in self.answers if answer.error is None)


class Stop(Part, abstract=True):
    """Says when it is enough; asked after each draft, before the next member starts."""

    @abstractmethod
    def enough(self, race: Race) -> bool:
        """Whether the vote can be taken now."""

    @classmethod
    def _from_many(cls, items: list[Any]) -> Any:
        return lookup(Stop, "any_of")(items)


class Chain(Operator, name="chain"):
    """One operator after the other; each sees the answer before it as its only draft."""

    steps: tuple[Operator, ...]

    async def answer(self, query: Query) -> Answer:
        before = query.drafts
        for step in self.steps[:-1]:
            span = Span("draft", label(step), query, current.get())
            before = (await perform(step, query.but(drafts=before), span),)
        answer = await perform(self.steps[-1], query.but(drafts=before))
        return answer if answer.drafts else answer.but(drafts=before)

    def _check(self) -> None:
        if not self.steps:
            raise ConfigError("a chain needs at least one step")


Asks = list[tuple[Operator | Judge, Query, tuple[float, float, float]]]
"""Whom a part asks what, and how often at least, as expected and at worst: `part._asks(query)`."""


async def perform(
    operator: Operator,
    query: Query | str,
    span: Span | None = None,
    *,
    listener: Listener | None = None,
) -> Answer:
    """Call an operator inside a span: the one way from any call to any `answer`.

    The answer leaves with its value read, and with the usage and time of everything below it.
    """
    query = asked(query)
    told = ""
    if span is None:
        parent = current.get()
        listeners: tuple[Listener, ...] = ()
        if parent is None:
            told = query.prompt
            session = here()
            session.ready(operator)
            listeners = session.listeners if listener is None else (*session.listeners, listener)
        span = Span("answer", label(operator), query, parent, listeners)
    with span:
        answer = span.answer = checked(answered(await operator.answer(query)), query, span)
    return structs.replace(answer, usage=span.usage, seconds=span.seconds, asked=told)


async def handed(
    operator: Operator, query: Query | str, drafts: Sequence[Answer], span: Span | None = None
) -> Answer:
    """Call an operator with drafts; failed ones stay on the record and are not shown to it.

    Raises:
        ConfigError: one of them is no answer.
        NoAnswer: all of them failed.
    """
    query = asked(query)
    for draft in drafts:
        if not isinstance(draft, Answer):
            raise ConfigError(
                f"a draft is an Answer, not {draft!r:.80}: await a call, spread a list with *"
            )
    if not drafts:
        return await perform(operator, query, span)
    replies = tuple(draft for draft in drafts if draft.error is None)
    if not replies:
        why = "; ".join(f"{d.source}: {d.error.message}" for d in drafts if d.error)
        raise NoAnswer(f"all {len(drafts)} drafts failed: {why}", drafts=tuple(drafts))
    answer = await perform(operator, query.but(drafts=(*query.drafts, *replies)), span)
    return answer if answer.drafts else answer.but(drafts=tuple(drafts))


class Body(Protocol):
    """A jit function under way: what is called in it starts at once and is answered later."""

    span: Span

    def call(self, operator: Operator, query: Any, drafts: Sequence[Any]) -> Any:
        """A promise of the answer."""


bodies: ContextVar[Body | None] = ContextVar("onefold_body", default=None)


def writing() -> Body | None:
    """The jit function whose own lines run here; None inside the operators that it calls."""
    here = bodies.get()
    return here if here is not None and here.span is current.get() else None


async def judged(judge: Judge, query: Query, answer: Answer) -> tuple[float, Usage]:
    """A judge's score on the trace, and what it used: the one way from any part to any `score`.

    Raises:
        Unreadable: it is no share in [0, 1].
    """
    with Span("score", judge.name_of_part, query, current.get()) as span:
        span.answer = score = float(await judge.score(query, answer))
        if not 0.0 <= score <= 1.0:
            raise Unreadable(f"judge {span.name} scored {score!r}; it must lie in [0, 1]")
    return score, span.usage


def checked(answer: Answer, query: Query, span: Span) -> Answer:
    """The answer with its value read and its source named.

    Raises:
        Unreadable: its confidence is no share in [0, 1].
    """
    wrong = no_share(span.name, answer.confidence)
    if wrong:
        raise Unreadable(wrong, model=span.name)
    value = answer.value
    if value is None and answer.error is None:
        value = read(answer.text, query)
    source = span.name if span.verb == "draft" or not answer.source else answer.source
    if value is answer.value and source == answer.source:
        return answer
    return structs.replace(answer, value=value, source=source)


def read(text: str, query: Query) -> Any:
    """The value of a text by the query's reader; without one, the text unless it is blank."""
    reader = query.reads
    if isinstance(reader, Reader):
        return reader.read(text, query)
    return text.strip() or None


def label(operator: Operator) -> str:
    """What an operator is called in drafts and traces: its name, its model, what it wraps."""
    for field in ("name", "model"):
        named = getattr(operator, field, None)
        if isinstance(named, str) and named:
            return named
    held = getattr(operator, "operator", None)
    return label(held) if isinstance(held, Operator) else operator.name_of_part
