"""Named events from the span tree, for those who attach handlers to names.

predict.start · predict.stop · predict.exception      the question as a whole
model.start · model.stop · model.exception            each model call
vote.complete                                         each vote taken
consensus.reached · consensus.failed                  whether the panel agreed
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from onefold.core.errors import ConfigError, unknown
from onefold.core.tally import Consensus
from onefold.runtime.trace import Phase, Span

Handler = Callable[[str, Mapping[str, Any], Mapping[str, Any]], None]
EVENTS = (
    "predict.start", "predict.stop", "predict.exception",
    "model.start", "model.stop", "model.exception",
    "vote.complete", "consensus.reached", "consensus.failed",
)  # fmt: skip


class Telemetry:
    """A listener that calls handlers by event name: `Session(listeners=[telemetry])`.

    A handler gets the event's name, its measurements (`duration` in seconds, `usd`, `tokens`) and
    its metadata. What a handler raises is kept in `faults` and disturbs nobody.
    """

    wants_words = False  # nothing is streamed for its sake

    def __init__(self) -> None:
        self.handlers: dict[str, list[Handler]] = {}
        self.faults: list[tuple[str, Exception]] = []

    def on(self, event: str, handler: Handler) -> Telemetry:
        """Attach a handler to an event, or to all with `*`.

        Raises:
            ConfigError: there is no such event.
        """
        if event != "*" and event not in EVENTS:
            raise unknown("event", event, EVENTS)
        if not callable(handler):
            raise ConfigError(f"a handler of {event!r} is a function, not {handler!r}")
        self.handlers.setdefault(event, []).append(handler)
        return self

    def __call__(self, phase: Phase, span: Span, what: str, value: Any) -> None:
        name = event_name(phase, span, what, value)
        handlers = [*self.handlers.get(name, ()), *self.handlers.get("*", ())] if name else ()
        if not handlers:
            return
        measured, about = measurements(phase, span), metadata(span, value)
        for handler in handlers:
            try:
                handler(name, measured, about)
            except Exception as error:
                self.faults.append((name, error))


def event_name(phase: Phase, span: Span, what: str, value: Any) -> str:
    """What a moment on the span tree is called; empty where it has no name."""
    if phase == "note":
        if what == "consensus":
            return "consensus.reached" if value.reached else "consensus.failed"
        return ""
    if span.verb == "decide":
        return "vote.complete" if phase == "stop" and span.status == "ok" else ""
    group = "model" if span.verb == "complete" else "predict" if span.parent is None else ""
    if not group:
        return ""
    return f"{group}.{phase if span.status in ('running', 'ok') else 'exception'}"


def measurements(phase: Phase, span: Span) -> dict[str, Any]:
    """Numbers of a moment: nothing yet at a start."""
    if phase == "start":
        return {}
    return {"duration": span.seconds, "usd": span.usage.usd, "tokens": span.usage.tokens}


def metadata(span: Span, value: Any) -> dict[str, Any]:
    """What surrounds a moment: who, how it went, and the answer's agreement where there is one."""
    about: dict[str, Any] = {"name": span.name, "status": span.status, "error": span.error}
    about["success"] = span.status == "ok"
    about["query"] = getattr(span.query, "id", "") or getattr(span.query, "prompt", "")
    if span.verb == "complete":
        about["model"] = span.name
    if isinstance(value, Consensus):
        return about | {"consensus": value.agreement, "threshold": value.wanted}
    drafts = getattr(value, "drafts", ()) or getattr(span.error, "drafts", ())
    if drafts:
        about["successes"] = sum(draft.error is None for draft in drafts)
        about["failures"] = sum(draft.status == "failed" for draft in drafts)
    tally = getattr(value, "tally", None)
    if tally is not None:
        about |= {"consensus": tally.agreement, "votes": tally.votes, "answer": value.value}
    return about
