"""The one loop behind every execution strategy: start the next member, until it is enough."""

from __future__ import annotations

from asyncio import Task, TaskGroup, TimerHandle, get_running_loop
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar, cast

Result = TypeVar("Result")


class Relay(Generic[Result]):
    """What came of a relay. `results` keeps member order, None where none came.

    started: members that were started; they start in order, so the rest were never asked.
    stopped: whether it was enough before everyone had answered.
    """

    __slots__ = ("results", "started", "stopped")

    def __init__(self, count: int) -> None:
        self.results: list[Result | None] = [None] * count
        self.started = 0
        self.stopped = False


async def relay(
    run: Callable[[int], Coroutine[Any, Any, Result]],
    count: int,
    *,
    stagger: float = 0.0,
    patience: float = float("inf"),
    enough: Callable[[list[Result | None], int], bool],
) -> Relay[Result]:
    """Run members 0 … count-1 and collect what they return, in their order.

    A member starts `stagger` seconds after the one before it, or as soon as any running one ends
    (0: all at once; inf: one by one). After each end `enough(results, started)` is asked; once it
    says so, or `patience` seconds have passed, what still runs is cancelled and nothing starts.

    Raises:
        whatever a member raises: the others are cancelled first. Members that may fail return
        their failure instead.
    """
    race: Relay[Result] = Relay(count)
    loop = get_running_loop()
    tasks: list[Task[None]] = []
    timers: dict[str, TimerHandle] = {}
    closed = False

    async def leg(index: int) -> None:
        try:
            race.results[index] = await run(index)
            if not closed:
                if enough(race.results, race.started):
                    race.stopped = True
                    close(index)
                else:
                    start()
        except BaseException:
            halt()
            raise

    def start() -> None:
        if closed or race.started == count:
            return
        index = race.started
        race.started += 1
        tasks.append(group.create_task(leg(index)))
        if 0 < stagger < float("inf"):
            rearm()

    def rearm() -> None:
        waiting = timers.pop("next", None)
        if waiting is not None:
            waiting.cancel()
        if race.started < count:
            timers["next"] = loop.call_later(stagger, start)

    def halt() -> None:
        nonlocal closed
        closed = True
        for timer in timers.values():
            timer.cancel()

    def close(but: int = -1) -> None:
        halt()
        for index, task in enumerate(tasks):
            if index != but:
                task.cancel()

    try:
        async with TaskGroup() as group:
            if patience < float("inf"):
                timers["patience"] = loop.call_later(patience, close)
            for _ in range(count if stagger == 0 else 1):
                start()
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    finally:
        halt()
    return race


async def together(ask: Callable[[int], Coroutine[Any, Any, Result]], count: int) -> list[Result]:
    """What `ask` gives for 0 … count-1, asked all at once."""
    done = await relay(ask, count, enough=lambda *_: False)
    return cast("list[Result]", done.results)
