"""The one corridor that every model call walks: cache, budget, provider, price, journal, span."""

from __future__ import annotations

from asyncio import CancelledError, get_running_loop
from contextlib import suppress

from msgspec import structs

from onefold.core.errors import ConfigError, ModelError, NotRecorded, OnefoldError, Unreadable
from onefold.core.usage import NOTHING
from onefold.delivery.deployment import Deployment
from onefold.delivery.provider import Reply, Request
from onefold.delivery.session import Session, here
from onefold.runtime.trace import Span, current


async def deliver(request: Request, model: Deployment | None = None) -> Reply:
    """Bring a request to its model and the reply back; usage is booked on the current span.

    Raises:
        ConfigError: no such model, or the prompt is too long; nothing was called.
        BudgetExceeded: it does not fit in what is left; nothing was called.
        NotRecorded: an earlier call could not be journalled; nothing was called.
        ModelError: the model failed.
    """
    session = here()
    if model is None:
        model = session.deployment(request.model)
    if request.length > session.longest:
        raise ConfigError(
            f"the prompt has {request.length} characters, more than the {session.longest} that a "
            "session sends: shorten it, or raise Session(longest=…)"
        )
    with Span("complete", request.model, request, current.get()) as span:
        if session.cache is None and session.journal is None:
            span.answer = reply = await paid(session, model, request, span, "")
        else:
            span.answer = reply = await kept(session, model, request, span)
    return reply


async def kept(session: Session, model: Deployment, request: Request, span: Span) -> Reply:
    """The reply from the cache or the journal, else a paid one."""
    cache, journal = session.cache, session.journal
    key = request.key(model.identity)
    if cache is not None:
        found = cache.get(key)
        if found is not None:
            span.note("cached", key)
            return found
    if journal is not None:
        recalled = await journal.recall(key)
        if recalled is not None:
            reply, usage = recalled
            span.note("recalled", key)
            span.usage = usage
            if session.budget is not None:
                session.budget.settle(NOTHING, usage)
            return reply
        booked = await journal.yielded(key)
        if booked is not None:
            span.usage = booked
            raise CancelledError
        journal.check()
    reply = await paid(session, model, request, span, key)
    if cache is not None:
        with suppress(NotRecorded):  # a cache that is full loses nothing that was paid for
            await cache.put(key, reply)
    return reply


async def paid(
    session: Session, model: Deployment, request: Request, span: Span, key: str
) -> Reply:
    """A paid call: the budget is held before it and settled after it, whatever happens."""
    budget, journal = session.budget, session.journal
    if budget is None:
        held = NOTHING
    else:
        held = model.estimate(request)
        budget.reserve(held, request.model)
    started = get_running_loop().time()
    usage = NOTHING
    try:
        reply = await attempt(model, request, span)
        usage = model.used(reply, request)
    except CancelledError:
        usage = model.estimate(request)  # a service bills what it had begun
        if journal is not None:
            status = "interrupted" if span.interrupted else "cancelled"
            journal.book(key, request, usage, get_running_loop().time() - started, status)
        raise
    finally:
        span.usage = usage
        if budget is not None:
            budget.settle(held, usage)
    if journal is not None:
        await journal.record(key, request, reply, usage, get_running_loop().time() - started)
    return reply


async def attempt(model: Deployment, request: Request, span: Span) -> Reply:
    """One try at the provider; its errors become ModelErrors that name the model."""
    try:
        if span.listeners and span.speaking:
            return clean(await streamed(model, request, span))
        return clean(await model.provider.complete(request))
    except ModelError as error:
        error.model = error.model or request.model
        raise
    except OnefoldError:
        raise
    except Exception as error:
        raise ModelError(f"{request.model}: {error!r}", model=request.model) from error


def clean(reply: Reply) -> Reply:
    """The reply with half characters (lone surrogates), which no file can hold, replaced."""
    if reply.text.isascii() or max(reply.text) < "\ud800":
        return reply
    text = reply.text.encode("utf-8", "replace").decode()
    return reply if text == reply.text else structs.replace(reply, text=text)


async def streamed(model: Deployment, request: Request, span: Span) -> Reply:
    """The reply, its pieces told to the listeners as they come."""
    reply: Reply | None = None
    async for piece in model.provider.stream(request):
        if isinstance(piece, Reply):
            reply = piece
        else:
            span.note("token", piece)
    if reply is None:
        raise Unreadable(f"{request.model}: the stream ended without a reply", model=request.model)
    return reply
