"""The one corridor that every model call walks: cache, budget, guards, provider, price, journal."""

from __future__ import annotations

from asyncio import CancelledError, Future, get_running_loop, shield
from collections.abc import Sequence
from contextlib import suppress

from onefold.core.errors import ConfigError, NotRecorded, Unreadable
from onefold.core.query import Message
from onefold.core.usage import NOTHING
from onefold.delivery.attempts import Call, reached
from onefold.delivery.budget import budgets
from onefold.delivery.cache import Cache
from onefold.delivery.deployment import Deployment
from onefold.delivery.provider import Reply, Request
from onefold.delivery.session import Session, here
from onefold.delivery.traffic.fleet import Fleet
from onefold.runtime.trace import Span, current


async def deliver(request: Request, model: Deployment | None = None) -> Reply:
    """Bring a request to its model and the reply back; usage is booked on the current span.

    Raises:
        ConfigError: no such model, or the prompt is too long; nothing was called.
        BudgetExceeded: it does not fit in what is left; nothing was called.
        NotRecorded: an earlier call could not be journalled; nothing was called.
        ModelError: the model failed, in every attempt that it was worth.
    """
    session = here()
    found: Deployment | Fleet = session.models.find(request.model) if model is None else model
    if request.length > session.longest:
        raise ConfigError(
            f"the prompt has {request.length} characters, more than the {session.longest} that a "
            "session sends: shorten it, or raise Session(longest=…)"
        )
    try:
        with Span("complete", request.model, request, current.get()) as span:
            if session.cache is None and session.journal is None:
                models = session.models.candidates(found, request)
                span.answer = reply = await reached(Call(session, request, span, ""), models)
            else:
                key = request.key(session.models.identity(found))
                way = journalled if session.cache is None else kept
                span.answer = reply = await way(session, found, request, span, key)
    except UnicodeEncodeError:
        raise ConfigError(
            f"what is to be sent to {request.model} holds half a character: read its file as UTF-8"
        ) from None
    return reply


async def embedded(
    texts: Sequence[str], name: str, model: Deployment | None = None
) -> tuple[tuple[float, ...], ...]:
    """Vectors of texts, one a text, in one call to a model that embeds.

    Raises:
        Unreadable: it gave another number of vectors; it does not embed.
    """
    sent = tuple(Message("user", text) for text in texts)
    with Span("answer", name, None, current.get(), here().listeners):
        reply = await deliver(Request(name, sent), model)
    if len(reply.vectors) != len(sent):
        raise Unreadable(
            f"{name} gave {len(reply.vectors)} embeddings for {len(sent)} texts: name a model "
            "that embeds, such as openai-embeddings:text-embedding-3-small",
            model=name,
        )
    return reply.vectors


async def kept(
    session: Session, found: Deployment | Fleet, request: Request, span: Span, key: str
) -> Reply:
    """The reply from the cache or the journal, else a paid one, which equal calls share."""
    cache = session.cache
    assert cache is not None, "without a cache nothing is kept"
    loop = get_running_loop()
    while True:
        reply = cache.get(key)
        if reply is not None:
            span.note("cached", key)
            return reply
        flying = session.flying.get(key)
        if flying is None or flying.get_loop() is not loop:
            break
        with suppress(Exception):
            reply = await shield(flying)
            if reply is not None:
                span.note("shared", key)
                return reply
    session.flying[key] = mine = loop.create_future()
    try:
        reply = await journalled(session, found, request, span, key)
        await put(cache, key, reply)
        return reply
    finally:
        landed(session, key, mine, reply)


async def put(cache: Cache, key: str, reply: Reply) -> None:
    """Keep a reply; a cache that is full loses nothing that was paid for."""
    with suppress(NotRecorded):
        await cache.put(key, reply)


def landed(session: Session, key: str, mine: Future[Reply | None], reply: Reply | None) -> None:
    """Hand a reply to those who asked the same meanwhile; without one they ask for themselves."""
    if session.flying.get(key) is mine:
        del session.flying[key]
    if not mine.done():
        mine.set_result(reply)


async def journalled(
    session: Session, found: Deployment | Fleet, request: Request, span: Span, key: str
) -> Reply:
    """The reply from the journal, where it was paid for already, else a paid one."""
    journal = session.journal
    if journal is not None:
        recalled = await journal.recall(key) if key in journal.unused else None
        if recalled is not None:
            reply, usage = recalled
            span.note("recalled", key)
            span.usage = usage
            spending = budgets.get() if session.budget is None else (session.budget, *budgets.get())
            for budget in spending:
                budget.settle(NOTHING, usage)
            return reply
        booked = await journal.yielded(key) if key in journal.lost else None
        if booked is not None:
            span.note("recalled", key)
            span.usage = booked
            raise CancelledError
        journal.check()
    return await reached(
        Call(session, request, span, key), session.models.candidates(found, request)
    )
