"""No rolling minute holds more than the limit, and nobody waits longer than that takes."""

import asyncio
import threading
from bisect import bisect_right
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.delivery.traffic.limits import Limiter, Limits
from onefold.delivery.traffic.waiting import Waiter
from onefold.runtime.clock import VirtualLoop

CALLS = st.lists(
    st.tuples(st.floats(0, 40), st.integers(0, 120), st.floats(0, 1)), min_size=1, max_size=60
)


def fullest(admissions):
    """The most requests, and the most tokens, in any rolling minute of (time, tokens)."""
    times = [moment for moment, _ in admissions]
    sums = [0, *accumulate(tokens for _, tokens in admissions)]
    since = [bisect_right(times, moment - 60) for moment in times]
    most = max((place + 1 - first for place, first in enumerate(since)), default=0)
    return most, max(
        (sums[place + 1] - sums[first] for place, first in enumerate(since)), default=0
    )


@given(calls=CALLS)
def test_no_rolling_minute_holds_more_than_the_limit(calls):
    limiter, now, admitted = Limiter(Limits(requests=5, tokens=100)), 0.0, []
    for gap, tokens, _ in calls:
        now += gap
        if tokens <= 100 and limiter.admit(tokens, now):
            admitted.append((now, tokens))
    requests, tokens = fullest(admitted)
    assert requests <= 5
    assert tokens <= 100


@given(calls=CALLS, order=st.randoms(use_true_random=False))
def test_no_rolling_minute_holds_more_than_the_limit_when_tokens_are_given_back(calls, order):
    limiter, now, admitted, out = Limiter(Limits(requests=9, tokens=100)), 0.0, [], []
    for gap, tokens, part in calls:
        now += gap / 8
        if tokens <= 100 and limiter.admit(tokens, now):
            out.append((now, tokens, int(tokens * part)))
        elif out:
            since, reserved, used = out.pop(order.randrange(len(out)))
            if used:
                limiter.settle(reserved, used, since, now)
                admitted.append((since, used))
            else:
                limiter.refund(reserved, since, now)
    admitted = sorted([*admitted, *((since, reserved) for since, reserved, _ in out)])
    requests, tokens = fullest(admitted)
    assert requests <= 9
    assert tokens <= 100


@given(calls=CALLS)
def test_the_wait_it_names_is_the_wait_there_is(calls):
    limiter, now = Limiter(Limits(requests=5, tokens=100)), 0.0
    for gap, tokens, _ in calls:
        now += gap / 8
        wait = limiter.wait(now, tokens)
        assert 0 <= wait <= 60.5
        if wait > 1e-6:
            assert not limiter.admit(tokens, now + wait * 0.999)
        now += wait + 1e-9
        assert limiter.admit(tokens, now)


def test_the_whole_limit_may_be_used_at_once():
    limiter = Limiter(Limits(requests=1000, tokens=5000))
    assert all(limiter.admit(5, 0.2) for _ in range(1000))
    assert limiter.wait(0.2) == pytest.approx(60.3)
    assert not limiter.admit(0, 60.1)
    assert limiter.admit(5000, 60.5)


def test_without_limits_everything_passes():
    limiter = Limiter()
    assert all(limiter.admit(10**9, 0.0) for _ in range(1000))
    assert limiter.wait(0.0, 10**9) == 0.0


@pytest.mark.parametrize("limits", [Limits(requests=10), Limits(tokens=1000)])
def test_waiters_are_served_in_their_order_as_soon_as_the_limit_allows(limits, instantly):
    async def run():
        limiter, served = Limiter(limits), []

        async def call(number):
            since = await limiter.reserve(100)
            served.append((number, since))
            assert asyncio.get_running_loop().time() == since

        async with asyncio.TaskGroup() as group:
            for number in range(35):
                group.create_task(call(number))
        assert limiter.waiting == 0
        return served

    served = instantly(run())
    assert [number for number, _ in served] == list(range(35))
    assert [since for _, since in served] == [
        since for since in (0.0, 60.5, 121.0, 181.5) for _ in range(10)
    ][:35]


@given(calls=st.lists(st.tuples(st.floats(0, 30), st.integers(1, 100)), min_size=1, max_size=25))
def test_waiting_calls_keep_the_limit_and_their_order(calls):
    async def run():
        limiter, used, order = Limiter(Limits(requests=4, tokens=100)), {}, []
        loop = asyncio.get_running_loop()

        async def call(number, start, tokens):
            await asyncio.sleep(start)
            order.append(number)
            since = await limiter.reserve(tokens)
            used[number] = (since, tokens)
            await asyncio.sleep(tokens / 10)
            limiter.settle(tokens, tokens // 2, since, loop.time())
            used[number] = (since, tokens // 2)

        starts = accumulate(gap for gap, _ in calls)
        async with asyncio.TaskGroup() as group:
            for number, (start, (_, tokens)) in enumerate(zip(starts, calls, strict=True)):
                group.create_task(call(number, start, tokens))
        return [used[number] for number in order]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        admitted = runner.run(run())
    assert [since for since, _ in admitted] == sorted(since for since, _ in admitted)
    requests, tokens = fullest(admitted)
    assert requests <= 4
    assert tokens <= 100


def test_a_call_whose_room_comes_too_late_is_told_so_at_once(instantly):
    async def run():
        limiter, loop = Limiter(Limits(requests=1, tokens=100)), asyncio.get_running_loop()
        await limiter.reserve(60)
        with pytest.raises(of.RateLimited, match=r"1 requests and 100 tokens a minute") as caught:
            await limiter.reserve(60, until=30.0)
        assert loop.time() == 0.0
        assert limiter.waiting == 0
        assert await limiter.reserve(60, until=caught.value.retry_after) == 60.5
        queued = loop.create_task(limiter.reserve(60))
        await asyncio.sleep(0)
        with pytest.raises(of.RateLimited) as caught:
            await limiter.reserve(1, until=150.0)
        assert caught.value.retry_after == 121.0
        await queued

    instantly(run())


def test_tokens_beyond_the_whole_limit_wait_for_a_free_minute(instantly):
    async def run():
        limiter = Limiter(Limits(tokens=100))
        assert await limiter.reserve(500) == 0.0
        assert await limiter.reserve(500) == 60.5
        assert await limiter.reserve(1) == 121.0

    instantly(run())


def test_tokens_that_were_not_used_let_the_next_one_in(instantly):
    async def run():
        limiter, loop = Limiter(Limits(tokens=100)), asyncio.get_running_loop()
        since = await limiter.reserve(100)
        queued = [loop.create_task(limiter.reserve(40)) for _ in range(2)]
        await asyncio.sleep(3)
        limiter.settle(100, 50, since, loop.time())
        assert await queued[0] == 3.0
        limiter.refund(50, since, loop.time())
        assert await queued[1] == 3.0
        assert (limiter.asked, limiter.spent) == (2, 80)

    instantly(run())


def test_the_next_one_hears_of_room_that_comes_sooner_than_it_expected(instantly):
    async def run():
        limiter, loop = Limiter(Limits(tokens=100)), asyncio.get_running_loop()
        await limiter.reserve(40)
        await asyncio.sleep(10)
        later = await limiter.reserve(60)
        dear, cheap = (loop.create_task(limiter.reserve(tokens)) for tokens in (90, 60))
        await asyncio.sleep(1)
        limiter.settle(60, 30, later, loop.time())
        dear.cancel()
        assert await cheap == 60.5

    instantly(run())


def test_tokens_used_beyond_the_reservation_are_charged():
    limiter = Limiter(Limits(tokens=100))
    assert limiter.admit(10, 0.0)
    limiter.settle(10, 150, 0.0, 20.0)
    assert limiter.wait(20.0, 1) == 60.5
    assert not limiter.admit(1, 60.5)
    assert limiter.admit(1, 80.5)


def test_what_is_a_minute_old_is_not_given_back_twice():
    limiter = Limiter(Limits(requests=5, tokens=100))
    assert limiter.admit(50, 0.0)
    limiter.refund(50, 0.0, 100.0)
    limiter.settle(50, 10, 200.0, 100.0)
    assert (limiter.asked, limiter.spent) == (0, 0)


def test_nobody_is_admitted_before_the_service_said(instantly):
    async def run():
        limiter, loop = Limiter(), asyncio.get_running_loop()
        limiter.pause(7.0, loop.time())
        limiter.pause(2.0, loop.time())
        limiter.pause(float("nan"), loop.time())
        limiter.pause(-1.0, loop.time())
        assert limiter.wait(1.0) == 6.0
        with pytest.raises(of.RateLimited, match="asked for a pause"):
            await limiter.reserve(1, until=5.0)
        assert await limiter.reserve(1) == 7.0
        assert limiter.wait(7.0) == 0.0

    instantly(run())


@pytest.mark.parametrize("granted", [False, True])
def test_a_cancelled_waiter_leaves_no_trace(granted, instantly):
    async def run():
        limiter, loop = Limiter(Limits(requests=1, tokens=100)), asyncio.get_running_loop()
        since = await limiter.reserve(70)
        first, second = (loop.create_task(limiter.reserve(50)) for _ in range(2))
        await asyncio.sleep(1)
        if granted:
            limiter.refund(70, since, loop.time())
        first.cancel()
        await asyncio.wait([first])
        assert first.cancelled()
        if not granted:
            limiter.refund(70, since, loop.time())
        assert await second == 1.0
        assert (limiter.waiting, limiter.asked, limiter.spent) == (0, 1, 50)

    instantly(run())


def test_a_clock_that_starts_anew_blocks_nobody_longer_than_a_minute():
    limiter = Limiter(Limits(requests=3))
    assert all(limiter.admit(1, 1e6) for _ in range(3))
    limiter.pause(10.0, 1e6)
    assert 60.0 <= limiter.wait(0.0) <= 60.5
    limiter.refund(1, 1e6, 0.0)
    assert limiter.admit(1, 60.5)
    assert limiter.admit(1, 1e6)


def test_a_time_heard_a_little_late_does_not_move_the_clock():
    limiter = Limiter(Limits(requests=2))
    assert limiter.admit(1, 10.0)
    assert limiter.admit(1, 8.0)
    assert not limiter.admit(1, 69.9)
    assert limiter.admit(1, 70.5)


def test_a_waiter_of_another_loop_and_thread_is_woken():
    limiter, queued, served = Limiter(Limits(requests=1)), threading.Event(), []

    async def wait():
        asyncio.get_running_loop().call_soon(queued.set)
        served.append(await limiter.reserve(5))

    async def start():
        return await limiter.reserve(5)

    since = asyncio.run(start())
    thread = threading.Thread(target=asyncio.run, args=(wait(),))
    thread.start()
    assert queued.wait(10)
    limiter.refund(5, since, since)
    thread.join(10)
    assert len(served) == 1


def test_a_waiter_whose_loop_is_closed_does_not_block_the_others(instantly):
    async def run():
        limiter, loop = Limiter(Limits(requests=2)), asyncio.new_event_loop()
        since = [await limiter.reserve(1), await limiter.reserve(1)]
        limiter._join(Waiter(loop, 1))
        loop.close()
        queued = asyncio.get_running_loop().create_task(limiter.reserve(1))
        await asyncio.sleep(0)
        limiter.refund(1, since[0], 0.0)
        assert await queued == 0.0
        assert limiter.asked == 2

    instantly(run())


@pytest.mark.parametrize(
    "wrong",
    [{"requests": 0}, {"tokens": -1}, {"concurrency": 0}, {"concurrency": 5, "most": 4}],
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(of.ConfigError, match=next(iter(wrong))):
        Limits(**wrong)
