"""The shortest ways in: ask, stream and plan from a text and the name of a model."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

from onefold.core.answer import Answer
from onefold.core.errors import ConfigError
from onefold.core.part import coerce
from onefold.core.query import Message, Query, asked
from onefold.delivery.deliver import embedded
from onefold.delivery.session import here
from onefold.operators.model import Model
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


async def aembed(texts: Iterable[str], model: str | Any) -> list[tuple[float, ...]]:
    """Embeddings of texts, one a text: `await aembed(["a", "b"], "openai-embeddings:…")`.

    All texts go in one call, which is cached, journalled, counted and paid for as any other.

    Raises:
        ConfigError: there is no text, or no single model.
        Unreadable: the model gave another number of embeddings; it does not embed.
    """
    if isinstance(texts, str):
        raise ConfigError(f"texts: a list of texts, not {texts!r:.60}: write [text]")
    sent = list(texts)
    if not sent:
        raise ConfigError("texts: there is nothing to embed")
    asked_of = coerce(Operator, model)
    if not isinstance(asked_of, Model):
        raise ConfigError(f"{model!r:.60} is no single model: name one that embeds")
    here().ready(asked_of)
    return list(await embedded(sent, asked_of.model, asked_of._own()))


def embed(texts: Iterable[str], model: str | Any) -> list[tuple[float, ...]]:
    """The same as `aembed`, and waits."""
    return bridge.run(aembed(texts, model))


def plan(operator: Operator | str | Any, queries: str | Query | Iterable[str | Query]) -> Plan:
    """What asking would take, worst case and expected, before anything is paid.

    Raises:
        ConfigError: a model that is asked is not known.
    """
    made = coerce(Operator, operator)
    here().ready(made)
    return planned(made, [queries] if isinstance(queries, str | Query) else list(queries))
