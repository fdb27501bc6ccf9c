"""A gate lets no more in than its limit, in their order, and moves the limit by what it sees."""

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.delivery.traffic.gate import Gate
from onefold.delivery.traffic.limits import Limits
from onefold.delivery.traffic.waiting import Waiter


def full(gate):
    """Fill a gate to its limit."""
    while gate.try_enter():
        pass
    return gate


def round_of(gate, outcome="ok", now=0.0):
    """All calls of a full gate end, each place being taken again."""
    for _ in range(full(gate).inside):
        gate.leave(now, outcome)
        full(gate)


def test_it_lets_in_as_many_as_the_limit():
    gate = Gate(Limits(concurrency=3))
    assert [gate.try_enter() for _ in range(5)] == [True, True, True, False, False]
    assert gate.inside == gate.limit == 3


def test_the_limit_doubles_each_full_round_until_the_first_overload():
    gate = Gate(Limits(concurrency=4))
    limits = []
    for _ in range(3):
        round_of(gate)
        limits.append(gate.limit)
    assert limits == [8, 16, 32]


def test_after_an_overload_it_grows_by_one_a_full_round():
    gate = full(Gate(Limits(concurrency=20)))
    gate.leave(0.0, "overloaded")
    assert gate.limit == 14
    for _ in range(6):
        gate.leave(1.0, "other")
    for grown in (15, 16):
        round_of(gate, now=2.0)
        assert grown - 1 <= gate.limit <= grown


def test_it_does_not_grow_while_it_is_not_full():
    gate = Gate(Limits(concurrency=10))
    for _ in range(100):
        assert gate.try_enter()
        gate.leave(0.0, "ok")
    assert gate.limit == 10


def test_many_overloads_at_once_count_as_one():
    gate = full(Gate(Limits(concurrency=100)))
    for _ in range(50):
        gate.leave(10.0, "overloaded", 5.0)
    assert gate.limit == 70
    gate.leave(12.0, "overloaded", 5.0)  # it entered before the limit was lowered
    assert gate.limit == 70
    gate.leave(12.0, "overloaded", 1.0)
    assert gate.limit == 49


def test_a_clock_that_starts_anew_does_not_keep_the_limit_up():
    gate = full(Gate(Limits(concurrency=100)))
    gate.leave(1e6, "overloaded")
    gate.leave(0.0, "overloaded")
    assert gate.limit == 49


@given(
    moves=st.lists(st.sampled_from(["enter", "ok", "overloaded", "other"]), max_size=300),
    bounds=st.tuples(st.integers(1, 5), st.integers(0, 5), st.integers(0, 5)),
)
def test_the_limit_stays_in_its_bounds_and_nobody_enters_beyond_it(moves, bounds):
    least, more, most = bounds[0], sum(bounds[:2]), sum(bounds)
    gate = Gate(Limits(least=least, concurrency=more, most=most))
    for now, move in enumerate(moves):
        if move == "enter":
            before = gate.inside
            assert gate.try_enter() == (before < gate.limit)
            assert gate.inside <= max(before, gate.limit)
        elif gate.inside:
            gate.leave(float(now), move)
        assert least <= gate.limit <= most
        assert gate.inside >= 0


def test_it_is_saturated_from_four_fifths_on_or_when_someone_waits(instantly):
    async def run():
        gate = Gate(Limits(concurrency=10))
        for inside in range(10):
            assert gate.saturated == (inside >= 8)
            await gate.enter()
        queued = asyncio.get_running_loop().create_task(gate.enter())
        await asyncio.sleep(0)
        assert gate.waiting == 1
        assert gate.saturated
        gate.leave(0.0, "other")
        await queued

    instantly(run())


def test_whoever_waits_longest_enters_next_and_nobody_pushes_in(instantly):
    async def run():
        gate, entered = full(Gate(Limits(concurrency=2, most=2))), []

        async def call(number):
            await gate.enter()
            entered.append(number)
            await asyncio.sleep(1)
            assert gate.inside <= 2
            gate.leave(asyncio.get_running_loop().time())

        async with asyncio.TaskGroup() as group:
            for number in range(9):
                group.create_task(call(number))
            await asyncio.sleep(0)
            gate.leave(0.0)
            assert not gate.try_enter()
            gate.leave(0.0)
        assert entered == list(range(9))
        assert (gate.inside, gate.waiting) == (0, 0)

    instantly(run())


@pytest.mark.parametrize("granted", [False, True])
def test_a_cancelled_waiter_passes_its_place_on(granted, instantly):
    async def run():
        gate, loop = full(Gate(Limits(concurrency=1, most=1))), asyncio.get_running_loop()
        first, second = (loop.create_task(gate.enter()) for _ in range(2))
        await asyncio.sleep(0)
        if granted:
            gate.leave(0.0)
        first.cancel()
        await asyncio.wait([first])
        assert first.cancelled()
        if not granted:
            gate.leave(0.0)
        await second
        assert (gate.inside, gate.waiting) == (1, 0)

    instantly(run())


def test_threads_with_loops_of_their_own_share_one_gate():
    gate, most, lock = Gate(Limits(concurrency=3, most=3)), [], threading.Lock()

    async def call():
        await gate.enter()
        with lock:
            most.append(gate.inside)
        await asyncio.sleep(0)
        gate.leave(asyncio.get_running_loop().time())

    async def calls():
        async with asyncio.TaskGroup() as group:
            for _ in range(100):
                group.create_task(call())

    threads = [threading.Thread(target=asyncio.run, args=(calls(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(most) == 300
    assert max(most) <= 3
    assert (gate.inside, gate.waiting) == (0, 0)


def test_a_waiter_whose_loop_is_closed_does_not_take_a_place(instantly):
    async def run():
        gate, loop = full(Gate(Limits(concurrency=1))), asyncio.new_event_loop()
        gate.queue[Waiter(loop)] = None
        loop.close()
        queued = asyncio.get_running_loop().create_task(gate.enter())
        await asyncio.sleep(0)
        gate.leave(0.0, "other")
        await queued
        assert gate.inside == 1

    instantly(run())
