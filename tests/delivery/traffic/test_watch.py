"""One timer for all calls of a deployment: late ones are cut off, others never."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onefold.delivery.traffic.watch import SPARE, Watch
from onefold.runtime.clock import instantly


class Late(Exception):
    """A call took too long."""


async def call(watch, seconds, then=None):
    """A call of so many seconds under a watch; the loop time of its end."""
    limit = watch.begin(watch.loop.time())
    try:
        await asyncio.sleep(seconds)
        if then is not None:
            raise then
    except asyncio.CancelledError as error:
        if limit.meant(error):
            raise Late(watch.loop.time()) from error
        raise
    finally:
        watch.end(limit)
    return watch.loop.time()


def watched(work, seconds=5.0):
    """Run work that is given a watch, in virtual time."""

    async def main():
        watch = Watch(seconds, asyncio.get_running_loop())
        return await work(watch), watch

    return instantly(main())


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 20)), max_size=30))
def test_a_call_ends_by_itself_or_at_its_time_whichever_is_first(calls):
    async def one(watch, start, seconds):
        await asyncio.sleep(start)
        began = watch.loop.time()
        try:
            return "ended", await call(watch, seconds) - began
        except Late:
            return "late", watch.loop.time() - began

    async def work(watch):
        return await asyncio.gather(*(one(watch, *about) for about in calls))

    results, watch = watched(work)
    for (_, seconds), (how, took) in zip(calls, results, strict=True):
        assert took == pytest.approx(min(seconds, 5.0), abs=1e-6)
        if abs(seconds - 5.0) > 1e-6:
            assert how == ("ended" if seconds < 5.0 else "late")
    assert len(watch.line) == 0


def test_a_timer_is_set_once_for_all_calls_that_are_under_way():
    async def work(watch):
        calls = [asyncio.create_task(call(watch, 1.0)) for _ in range(100)]
        await asyncio.sleep(0)
        timer = watch.timer
        await asyncio.gather(*calls)
        assert watch.timer is timer
        await asyncio.sleep(10.0)
        assert watch.timer is None, "nothing is under way: nothing wakes the loop"
        with pytest.raises(Late):
            await call(watch, 9.0)

    watched(work)


def test_who_cancels_a_call_otherwise_is_not_taken_for_its_time():
    async def work(watch):
        task = asyncio.create_task(call(watch, 60.0))
        await asyncio.sleep(1.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    watched(work)


def test_who_cancels_a_call_just_as_its_time_is_over_is_heard():
    async def work(watch):
        task = asyncio.create_task(call(watch, 60.0))
        await asyncio.sleep(0)
        watch.loop.call_at(5.0, task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task

    watched(work)


def test_an_error_of_the_call_s_own_passes():
    async def work(watch):
        with pytest.raises(KeyError):
            await call(watch, 1.0, KeyError("lost"))

    watched(work)


def test_a_call_that_will_not_end_is_cut_off_once():
    async def work(watch):
        cut = 0

        async def stubborn():
            nonlocal cut
            limit = watch.begin(watch.loop.time())
            try:
                for _ in range(2):
                    try:
                        await asyncio.sleep(60.0)
                    except asyncio.CancelledError as error:
                        cut += limit.meant(error)
            finally:
                watch.end(limit)

        async def other():
            await asyncio.sleep(10.0)
            with pytest.raises(Late):
                await call(watch, 60.0)

        await asyncio.gather(stubborn(), other())
        assert cut == 1

    watched(work)


def test_a_limit_in_time_means_nothing_even_when_its_task_is_cancelled():
    async def work(watch):
        limit = watch.begin(watch.loop.time())
        assert not limit.meant(asyncio.CancelledError())
        limit.over = True
        assert not limit.meant(KeyError())
        watch.end(limit)

    watched(work)


def test_a_long_call_at_the_head_does_not_keep_thousands_of_ended_ones():
    async def work(watch):
        head = asyncio.create_task(call(watch, 4.0))
        await asyncio.sleep(0)
        for _ in range(5 * SPARE):
            watch.end(watch.begin(watch.loop.time()))
        kept = len(watch.line)
        await head
        return kept

    kept, watch = watched(work)
    assert kept <= 2 * SPARE + 2
    assert len(watch.line) == 0


def test_a_deadline_around_a_watched_call_keeps_its_own_meaning():
    async def work(watch):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.0):
                await call(watch, 60.0)
        with pytest.raises(Late):
            async with asyncio.timeout(9.0):
                await call(watch, 60.0)
        await asyncio.sleep(30.0)

    watched(work)
