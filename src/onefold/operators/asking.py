"""The shortest ways in: ask, stream and plan from a text and the name of a model."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError
from onefold.core.part import coerce
from onefold.core.query import Message, Query, asked
from onefold.delivery.session import here
from onefold.operators.planning import planned
from onefold.runtime.bridge import bridge
from onefold.runtime.plan import Plan
from onefold.runtime.stream import Stream
from onefold.verbs import Operator, Reader, perform


def ask(
    text: str | Query,
    operator: Operator | str | Any,
    *,
    reads: Reader | str | Any = None,
    system: str = "",
    labels: Iterable[str] = (),
    messages: Iterable[Message] = (),
) -> Answer:
    """Ask one question and wait: `ask("What is 2+2?", "fake:4", reads="number").value`."""
    if isinstance(labels, str):
        raise ConfigError(f"labels: a list of texts, not {labels!r}: write [{labels!r}]")
    query = Query(text) if isinstance(text, str) else asked(text)
    changes = {
        "reads": coerce(Reader, reads) if reads is not None else query.reads,
        "system": system or query.system,
        "labels": tuple(labels) or query.labels,
        "messages": tuple(messages) or query.messages,
    }
    answer: Answer = coerce(Operator, operator).ask(query.but(**changes))
    return answer


def stream(text: str | Query, operator: Operator | str | Any) -> Stream:
    """Events as they come, then the answer."""
    events: Stream = coerce(Operator, operator).stream(text)
    return events


def start(text: str | Query, operator: Operator | str | Any) -> Future[Answer]:
    """Ask in the background: `result(timeout)` of the future is the answer; `cancel()` stops."""
    return bridge.submit(perform(coerce(Operator, operator), text))


def plan(operator: Operator | str | Any, queries: str | Query | Iterable[str | Query]) -> Plan:
    """What asking would take, worst case and expected, before anything is paid.

    Raises:
        ConfigError: a model that is asked is not known.
    """
    made = coerce(Operator, operator)
    here().ready(made)
    return planned(made, [queries] if isinstance(queries, str | Query) else list(queries))
