"""Attempts at a call: one after the other, side by side, each through the guards of its model."""

from __future__ import annotations

from asyncio import CancelledError, Task, current_task, get_running_loop, sleep, timeout_at
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import aclosing
from operator import itemgetter
from typing import Any, NamedTuple

from msgspec import structs

from onefold.core.errors import ModelError, OnefoldError, TimedOut, Unreadable
from onefold.core.usage import NOTHING, Usage
from onefold.delivery.budget import Budget, budgets, deadline
from onefold.delivery.deployment import Deployment
from onefold.delivery.provider import Reply, Request
from onefold.delivery.session import Session
from onefold.delivery.traffic.line import Line
from onefold.delivery.traffic.retry import pause
from onefold.runtime.relay import relay
from onefold.runtime.trace import Span

NOBODY: set[Task[Any] | None] = set()
MOST = 4096  # tokens a reply may have under a cap on dollars or tokens, unless something says more


class Call:
    """One request on its way: what all its attempts share.

    until: loop time after which nothing is started. ends: loop time at which a budget's seconds
        are over, and what runs is cut off. speaker: the attempt whose words are told; it
        is committed to, once it has said one. rivals: attempts that run side by side.
    """

    __slots__ = (
        "budgets",
        "ends",
        "key",
        "request",
        "rivals",
        "session",
        "span",
        "speaker",
        "until",
    )

    def __init__(self, session: Session, request: Request, span: Span, key: str) -> None:
        self.session = session
        self.request = request
        self.span = span
        self.key = key
        self.speaker: object = None
        self.rivals: set[Task[Any] | None] = NOBODY
        self.ends: float | None = None
        self.budgets = budgets.get()
        self.until = deadline.get()
        if session.budget is not None:
            self.budgets = (session.budget, *self.budgets)

    def speaks(self, task: Task[Any] | None) -> None:
        """Commit to the attempt that says the first word; the others are let go."""
        self.speaker = task
        for rival in self.rivals:
            if rival is not None and rival is not task:
                rival.cancel()


async def reached(call: Call, models: Sequence[Deployment]) -> Reply:
    """The reply, from whichever of these deployments and attempts brings it first.

    Deployments stand in for each other at once; the same one is tried again after a pause, as its
    retry budget lets it. Nothing is tried again once words of a reply were told.

    Raises:
        ModelError: of the deployment that was tried first, when all are given up.
    """
    failed: dict[str, Failed] = {}
    first: ModelError | None = None
    while True:
        for place, model in enumerate(models):
            retries = call.session.models.line(model).retries
            if retries is not None and model.name not in failed:
                retries.deposit()
            try:
                if model.hedge is None:
                    return await attempt(call, model)
                return await hedged(call, model, (*models[place + 1 :], model)[0])
            except ModelError as error:
                if call.speaker is not None:
                    raise
                first = first or error
                before = failed.get(model.name)
                failed[model.name] = Failed(model, error, before.times + 1 if before else 1)
        found = again(call, failed.values())
        if found is None:
            assert first is not None, "whoever comes here has failed"
            raise first
        seconds, model = found
        models = (model,)
        call.span.note("retry", (failed[model.name].times, seconds, failed[model.name].error))
        await sleep(seconds)


class Failed(NamedTuple):
    """A deployment that failed: its last error, and how often it was tried."""

    model: Deployment
    error: ModelError
    times: int


def again(call: Call, failed: Iterable[Failed]) -> tuple[float, Deployment] | None:
    """The deployment that may be tried again first, and in how many seconds; None: give up."""
    lines, draw = call.session.models.line, call.session.models.random.random
    waits: list[tuple[float, Deployment]] = []
    for model, error, times in failed:
        retries = lines(model).retries
        if model.retry is not None and retries is not None and retries.ready:
            seconds = pause(model.retry, times, error, draw())
            if seconds is not None:
                waits.append((seconds, model))
    if not waits:
        return None
    seconds, model = min(waits, key=itemgetter(0))
    retries = lines(model).retries
    late = call.until is not None and get_running_loop().time() + seconds >= call.until
    if late or retries is None or not retries.withdraw():
        return None
    return seconds, model


async def hedged(call: Call, model: Deployment, other: Deployment) -> Reply:
    """The reply of a first attempt, or of a second one that starts when the first is late."""
    session, request = call.session, call.request
    hedge = session.models.line(model).hedge
    assert hedge is not None, "whoever hedges has a hedge"
    hedge.deposit()
    delay = hedge.delay()
    if delay is None:
        return await attempt(call, model)
    call.rivals = set()
    doubled = False

    async def leg(index: int) -> Reply | OnefoldError | None:
        nonlocal doubled
        if index:
            hedge.passed()
            now = get_running_loop().time()
            if call.speaker is not None or session.models.line(other).saturated(
                request.tokens, now
            ):
                return None
            if not hedge.withdraw():
                return None
            doubled = True
            call.span.note("hedge", delay)
        call.rivals.add(current_task())
        try:
            return await attempt(call, other if index else model)
        except ModelError as error:
            return error
        except OnefoldError as error:
            if not index:
                raise
            return error  # a second attempt that there is no money for is none
        finally:
            call.rivals.discard(current_task())

    def enough(results: Sequence[Reply | OnefoldError | None], _: int) -> bool:
        if any(isinstance(result, Reply) for result in results):
            return True
        return isinstance(results[0], OnefoldError) and not doubled

    race = await relay(leg, 2, stagger=max(delay, 1e-6), enough=enough)
    for result in race.results:
        if isinstance(result, Reply):
            return result
    error = race.results[0]
    raise error if isinstance(error, OnefoldError) else CancelledError


async def attempt(call: Call, model: Deployment) -> Reply:
    """One attempt at one deployment: budget, breaker, limits, provider, price, journal.

    What it used is added to the span, and settled with the budgets, however it ends.
    """
    session, request, journal = call.session, call.request, call.session.journal
    line, loop = session.models.line(model), get_running_loop()
    if call.span.listeners:
        call.span.note("provider", model.provider.name_of_part)
    held = estimate = model.estimate(request)
    if call.budgets:
        request, held = await reserved(call, model, request, estimate)
    usage, row, passing = NOTHING, None, None
    failure: BaseException | None = None
    started: float | None = None
    try:
        if line.guarded:
            passing = await line.enter(held.tokens, call.until, model.name)
        if journal is not None and model.provider.remote:
            row = await journal.begin(call.key, call.request, model.origin, estimate)
        started = loop.time()
        reply = clean(await timely(call, model, line, request, started))
        usage = model.used(reply, request)
    except CancelledError as error:
        if started is not None:  # a service bills what it had begun
            usage = estimate
        failure = error
        raise
    except ModelError as error:
        error.model = error.model or model.name
        if error.billed:
            usage = estimate
        failure = error
        raise
    except (OnefoldError, UnicodeEncodeError) as error:
        failure = error
        raise
    except Exception as error:
        failure = ModelError(f"{model.name}: {error!r}", model=model.name)
        raise failure from error
    finally:
        now = loop.time()
        seconds = 0.0 if started is None else now - started
        if passing is not None:
            line.leave(passing, seconds, usage.tokens, failure, now, started is not None)
        if started is not None:
            told(line, usage, estimate, seconds, failure)
        if usage is not NOTHING:
            call.span.usage += usage
        for budget in call.budgets:  # an estimate would let a cap be passed: what was held stays
            budget.settle(held, held if usage is estimate else usage)
        if failure is not None and journal is not None and started is not None:
            status = ending(call, failure, usage)
            if status != "failed" or row is not None:
                kind = type(failure).__name__
                journal.book(
                    call.key, call.request, usage, seconds, status,
                    row=row, origin=model.origin, error=kind,
                )  # fmt: skip
    if journal is not None:
        await journal.record(
            call.key, call.request, reply, usage, seconds, row=row, origin=model.origin
        )
    return reply


def told(
    line: Line, usage: Usage, estimate: Usage, seconds: float, failure: BaseException | None
) -> None:
    """Add a call to what is known of its deployment."""
    line.calls += 1
    if failure is None:
        line.latencies.saw(seconds)
    elif isinstance(failure, CancelledError):
        line.latencies.saw_at_least(seconds)
    else:
        line.failed += 1
    if usage is not NOTHING:
        line.used.add(usage)
        line.expected.add(estimate)


def ending(call: Call, failure: BaseException, usage: Usage) -> str:
    """What the journal calls the end of a call that brought no reply."""
    if isinstance(failure, CancelledError):
        return "interrupted" if call.span.interrupted else "cancelled"
    return "failed" if usage is NOTHING else "broken"


async def reserved(
    call: Call, model: Deployment, request: Request, estimate: Usage
) -> tuple[Request, Usage]:
    """The request as it may be sent, and what was set aside for it in every budget.

    A cap on dollars or tokens is kept by the most that a call can use, so a request that names no
    limit is sent with one: what is usual, or what the budget still affords.

    Raises:
        BudgetExceeded: it does not fit; nothing is set aside.
    """
    if model.provider.bounded and metered(call.budgets):
        tokens_in = request.most_tokens_in
        most = 0 if model.provider.silent else request.sampling.max_tokens
        if most is None:
            most = affordable(call, model, tokens_in)
            sampling = structs.replace(request.sampling, max_tokens=most)
            request = structs.replace(request, sampling=sampling)
        estimate = model.bound(tokens_in, most)
    for place, budget in enumerate(call.budgets):
        try:
            if not budget.reserve(estimate, model.name):
                await budget.turn(estimate, model.name)
        except BaseException:
            for other in call.budgets[:place]:
                other.settle(estimate, NOTHING)
            raise
        if budget.until is not None:
            call.ends = min(budget.until, call.ends or budget.until)
            call.until = min(budget.until, call.until or budget.until)
    return request, estimate


def metered(caps: Sequence[Budget]) -> bool:
    """Whether the length of a reply matters to a cap."""
    if len(caps) == 1:
        return caps[0].metered
    return any(budget.metered for budget in caps)


def affordable(call: Call, model: Deployment, tokens_in: int) -> int:
    """Tokens that a reply may have: what is usual, less where the budgets afford only less."""
    most = usual = model.most_tokens or MOST
    least = model.bound(tokens_in, 0)
    price = model.price.tokens_out if model.price else 0.0
    for budget in call.budgets:
        left = budget.affordable(least, price)
        if left is not None and left < most:
            most = left
    return most if most == usual else max(min(model.typical_tokens, usual), most)


async def timely(
    call: Call, model: Deployment, line: Line, request: Request, started: float
) -> Reply:
    """The provider's reply, told piece by piece where it is heard, while there is time for it."""
    seconds, ends = model.timeout, call.ends
    if ends is not None and (seconds is None or ends - started < seconds):
        try:
            async with timeout_at(ends) as end:
                return await said(call, model, request)
        except TimeoutError as error:
            if not end.expired():
                raise
            raise too_late(model, ends - started) from error
    if seconds is None:
        return await said(call, model, request)
    watch = line.watched(seconds, get_running_loop())
    limit = watch.begin(started)
    try:
        return await said(call, model, request)
    except CancelledError as error:
        if limit.meant(error):
            raise too_late(model, seconds) from error
        raise
    finally:
        watch.end(limit)


def too_late(model: Deployment, seconds: float) -> TimedOut:
    """The error for a call that took too long; it may be billed all the same."""
    took = f"{model.name} took longer than {max(seconds, 0.0):.3g} s"
    return TimedOut(took, model=model.name, billed=True)


def said(call: Call, model: Deployment, request: Request) -> Coroutine[Any, Any, Reply]:
    """The provider's reply, streamed where a listener hears its words."""
    if call.span.listeners and call.span.heard:
        return streamed(call, model, request)
    return model.provider.complete(request)


async def streamed(call: Call, model: Deployment, request: Request) -> Reply:
    """The reply, its pieces told to the listeners as they come."""
    reply: Reply | None = None
    me = current_task()
    async with aclosing(model.provider.stream(request)) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            if isinstance(piece, Reply):
                reply = piece
            elif piece:
                if call.speaker is None:
                    call.speaks(me)
                call.span.note("token", piece)
    if reply is None:
        raise Unreadable(f"{model.name}: the stream ended without a reply", model=model.name)
    return reply


def clean(reply: Reply) -> Reply:
    """The reply with half characters (lone surrogates), which no file can hold, replaced."""
    if reply.text.isascii() or max(reply.text) < "\ud800":
        return reply
    text = reply.text.encode("utf-8", "replace").decode()
    return reply if text == reply.text else structs.replace(reply, text=text)
