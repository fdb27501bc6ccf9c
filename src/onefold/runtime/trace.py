"""One span tree: every call is a span, and whoever wants to know something listens to it."""

from __future__ import annotations

from asyncio import CancelledError, current_task, get_running_loop
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, Literal

from onefold.core.usage import NOTHING, Usage

Phase = Literal["start", "note", "stop"]
Verb = Literal["answer", "draft", "decide", "score", "route", "complete"]


class Span:
    """One call on the tree: what was asked of whom, what came of it, what it used.

    `with span: span.answer = await …` does the work inside it and ends it, however that goes.

    verb: answer (an operator), draft (a panel's member), decide (its vote), score, route, or
        complete (a provider).
    name: who does it. `status` is running, ok, failed or cancelled.
    usage: its own and that of everything below it, added up as calls end.
    seconds: on the loop's clock, once it ended.
    """

    __slots__ = (
        "answer", "children", "error", "listeners", "name", "parent",
        "query", "seconds", "started", "status", "task", "token", "usage", "verb",
    )  # fmt: skip

    def __init__(
        self,
        verb: Verb,
        name: str,
        query: Any = None,
        parent: Span | None = None,
        listeners: tuple[Listener, ...] = (),
    ) -> None:
        self.verb: Verb = verb
        self.name = name
        self.query = query
        self.parent = parent
        self.children: list[Span] = []
        self.listeners = listeners
        self.usage: Usage = NOTHING
        self.token: Token[Span | None]
        self.answer: Any = None
        self.error: BaseException | None = None
        self.status = "running"
        self.seconds = 0.0
        self.started = get_running_loop().time()
        if parent is None:
            self.task = current_task()
        else:
            self.task = parent.task
            self.listeners = listeners = parent.listeners
            parent.children.append(self)
        for listener in listeners:
            listener("start", self, "", None)

    @property
    def interrupted(self) -> bool:
        """Whether the whole question is being cancelled, rather than this part of it."""
        return self.task is not None and self.task.cancelling() > 0

    @property
    def speaking(self) -> bool:
        """Whether its words are the final words: it is nobody's draft, score or preference."""
        span: Span | None = self
        while span is not None:
            if span.verb in ("draft", "score", "route"):
                return False
            span = span.parent
        return True

    @property
    def heard(self) -> bool:
        """Whether a listener wants its words one by one, and they are the final words.

        A listener that has no use for them says `wants_words = False`, so that nothing is streamed.
        """
        wanted = [one for one in self.listeners if getattr(one, "wants_words", True)]
        return bool(wanted) and self.speaking

    def so_far(self) -> float:
        """Seconds since it started."""
        return get_running_loop().time() - self.started

    def note(self, what: str, value: Any) -> None:
        """Tell the listeners of something that happened meanwhile."""
        for listener in self.listeners:
            listener("note", self, what, value)

    def __enter__(self) -> Span:
        """Do work inside it: what is called meanwhile hangs below it."""
        self.token = current.set(self)
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        current.reset(self.token)
        del self.token  # it holds the context, which holds the span
        self.end(error)

    def end(self, error: BaseException | None = None) -> None:
        """Close it, hand its usage up, tell the listeners."""
        self.seconds = get_running_loop().time() - self.started
        if error is None:
            self.status = "ok"
        else:
            self.error = error
            self.status = "cancelled" if isinstance(error, CancelledError) else "failed"
        if self.parent is not None and self.usage is not NOTHING:
            self.parent.usage += self.usage
        for listener in self.listeners:
            listener("stop", self, self.status, self.answer)
        if not self.listeners:
            self.parent = None  # nobody sees the tree: its spans go with their last use

    def tree(self, depth: int = 0) -> str:
        """The span and those below it as indented lines."""
        said = f"{self.verb} {self.name} · {self.status} · {self.seconds:.3f} s · {self.usage}"
        below = (child.tree(depth + 1) for child in self.children)
        return "\n".join(["  " * depth + said, *below])


Listener = Callable[[Phase, Span, str, Any], None]
current: ContextVar[Span | None] = ContextVar("onefold_span", default=None)
