"""The loop behind parallel, hedged and one by one: who starts, ends, is cancelled, and when."""

import asyncio
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onefold.runtime.clock import instantly
from onefold.runtime.relay import relay


def never(results, started):
    return False


def after(count):
    return lambda results, _: sum(r is not None for r in results) >= count


class Legs:
    """Members that take so many seconds each, and a log of when what happened to them."""

    def __init__(self, delays, fatal=None, cleanup=0.0):
        self.delays, self.fatal, self.cleanup = delays, fatal, cleanup
        self.started, self.ended, self.cancelled, self.interrupted = {}, {}, {}, []

    async def __call__(self, index):
        now = asyncio.get_running_loop().time
        self.started[index] = now()
        try:
            await asyncio.sleep(self.delays[index])
        except asyncio.CancelledError:
            await self.clean(index, now)
            raise
        self.ended[index] = now()
        if index == self.fatal:
            raise LookupError(f"member {index}")
        return f"draft {index}"

    async def clean(self, index, now):
        try:
            await asyncio.sleep(self.cleanup * (index + 1))
        except asyncio.CancelledError:
            self.interrupted.append(index)
            raise
        self.cancelled[index] = now()

    @property
    def running(self):
        return set(self.started) - set(self.ended) - set(self.cancelled)


def run(legs, *, enough=never, **settings):
    async def main():
        race = await relay(legs, len(legs.delays), enough=enough, **settings)
        return race, asyncio.get_running_loop().time()

    return instantly(main())


def test_without_stagger_all_start_at_once_and_results_keep_member_order():
    legs = Legs([3, 1, 2])
    race, finished = run(legs)
    assert legs.started == {0: 0, 1: 0, 2: 0}
    assert race.results == ["draft 0", "draft 1", "draft 2"]
    assert (race.started, race.stopped, finished) == (3, False, 3)


def test_a_stagger_starts_the_next_member_after_so_many_seconds():
    legs = Legs([10, 10, 10])
    _, finished = run(legs, stagger=0.5)
    assert legs.started == {0: 0, 1: 0.5, 2: 1.0}
    assert finished == 11


def test_an_endless_stagger_asks_one_by_one():
    legs = Legs([3, 1, 2])
    _, finished = run(legs, stagger=inf)
    assert legs.started == {0: 0, 1: 3, 2: 4}
    assert finished == 6


def test_a_member_that_ends_starts_the_next_at_once_and_the_stagger_anew():
    legs = Legs([0.125, 10, 10])
    run(legs, stagger=0.5)
    assert legs.started == {0: 0, 1: 0.125, 2: 0.625}


def test_stop_is_asked_before_the_next_start_so_never_one_member_too_many():
    asked = []

    def enough(results, started):
        asked.append((list(results), started))
        return results[1] is not None

    legs = Legs([1, 1, 1, 1])
    race, finished = run(legs, stagger=inf, enough=enough)
    assert set(legs.started) == {0, 1}
    assert (race.started, race.stopped, finished) == (2, True, 2)
    assert asked == [
        (["draft 0", None, None, None], 1),
        (["draft 0", "draft 1", None, None], 2),
    ]


def test_a_hedged_backup_that_is_first_cancels_the_slow_one():
    legs = Legs([60, 1, 1])
    race, finished = run(legs, stagger=0.5, enough=after(1))
    assert race.results == [None, "draft 1", None]
    assert legs.cancelled == {0: 1.5, 2: 1.5}
    assert (race.started, finished) == (3, 1.5)


def test_cancelled_members_have_finished_their_cleanup_when_the_relay_returns():
    legs = Legs([1, 9, 9, 9, 9], cleanup=0.25)
    _, finished = run(legs, enough=after(1))
    assert not legs.running
    assert legs.interrupted == [], "a cancelled member was cancelled again while it cleaned up"
    assert legs.cancelled == {1: 1.5, 2: 1.75, 3: 2.0, 4: 2.25}
    assert finished == 2.25


def test_a_fatal_error_comes_out_unwrapped_and_the_others_are_cancelled_first():
    legs = Legs([9, 1, 9], fatal=1)
    with pytest.raises(LookupError, match="member 1"):
        run(legs)
    assert legs.cancelled == {0: 1, 2: 1}


def test_cleanup_after_a_fatal_error_is_not_interrupted():
    legs = Legs([9, 1, 9, 9], fatal=1, cleanup=0.25)
    with pytest.raises(LookupError):
        run(legs)
    assert legs.interrupted == []
    assert not legs.running


def test_after_a_fatal_error_nobody_starts():
    legs = Legs([1, 1, 1], fatal=0)
    with pytest.raises(LookupError):
        run(legs, stagger=inf)
    assert set(legs.started) == {0}


def test_a_stop_that_raises_is_fatal_too():
    def enough(results, started):
        raise ZeroDivisionError("stop")

    legs = Legs([1, 9])
    with pytest.raises(ZeroDivisionError):
        run(legs, enough=enough)
    assert legs.cancelled == {1: 1}


def test_two_members_that_fail_in_the_same_instant_raise_one_of_the_two():
    async def main():
        async def fails(index):
            await asyncio.sleep(1)
            raise LookupError(index)

        await relay(fails, 5, enough=never)

    with pytest.raises(LookupError):
        instantly(main())


def test_patience_cancels_what_runs_and_starts_nobody_else():
    legs = Legs([1, 9, 1])
    race, finished = run(legs, stagger=inf, patience=4)
    assert race.results == ["draft 0", None, None]
    assert (race.started, race.stopped, finished) == (2, False, 4)
    assert legs.cancelled == {1: 4}


def test_patience_that_is_not_needed_leaves_no_timer_behind():
    async def main():
        loop = asyncio.get_running_loop()
        await relay(Legs([1, 1]), 2, patience=1000, stagger=100, enough=never)
        return [handle for handle in loop._scheduled if not handle.cancelled()]

    assert instantly(main()) == []


def test_cancelling_the_relay_cancels_every_member_once_and_waits_for_them():
    legs = Legs([9] * 5, cleanup=0.5)

    async def main():
        task = asyncio.create_task(relay(legs, 5, enough=never))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return asyncio.get_running_loop().time()

    assert instantly(main()) == 3.5
    assert legs.interrupted == []
    assert legs.cancelled == {0: 1.5, 1: 2.0, 2: 2.5, 3: 3.0, 4: 3.5}


def test_cancelling_a_staggered_relay_stops_its_timers():
    legs = Legs([9] * 5)

    async def main():
        try:
            async with asyncio.timeout(1.25):
                await relay(legs, 5, stagger=0.5, enough=never)
        except TimeoutError:
            await asyncio.sleep(100)

    instantly(main())
    assert legs.started == {0: 0, 1: 0.5, 2: 1.0}


def test_a_relay_of_nobody_returns_nothing():
    race, _ = run(Legs([]))
    assert (race.results, race.started, race.stopped) == ([], 0, False)


def test_a_member_without_any_await_is_a_member_like_any_other():
    async def main():
        async def at_once(index):
            return index

        return await relay(at_once, 3, stagger=inf, enough=after(2))

    race = instantly(main())
    assert race.results == [0, 1, None]
    assert race.started == 2


def test_members_that_were_created_but_not_begun_never_run_when_the_first_is_enough():
    begun = []

    async def main():
        async def at_once(index):
            begun.append(index)
            return index

        return await relay(at_once, 100, enough=after(1))

    assert instantly(main()).results[0] == 0
    assert begun == [0]


def test_a_hundred_members_storm_in_a_hundred_relays_at_once():
    async def one(number):
        legs = Legs([((i * 37 + number * 11) % 101 + 1) / 8 for i in range(100)])
        race = await relay(legs, 100, stagger=(0.0, 0.25, inf)[number % 3], enough=after(60))
        came = sum(result is not None for result in race.results)
        return came >= 60, race.stopped, not legs.running, len(legs.started) == race.started

    async def main():
        return await asyncio.gather(*(one(number) for number in range(100)))

    assert set(instantly(main())) == {(True, True, True, True)}


def simulated(delays, stagger, patience, quota, fatal):
    """The relay's timetable, worked out event by event without any asyncio."""
    count = len(delays)
    starts, ends, running, now, timer = {}, {}, {}, 0.0, inf

    def start():
        nonlocal timer
        index = len(starts)
        if index < count:
            starts[index], running[index] = now, now + delays[index]
            timer = now + stagger if 0 < stagger < inf and index + 1 < count else inf

    for _ in range(count if stagger == 0 else 1):
        start()
    while running:
        index = min(running, key=running.__getitem__)
        now = min(running[index], timer, patience)
        if now == patience:
            return starts, ends, dict.fromkeys(running, now), now, "patience"
        if now == timer:
            start()
            continue
        ends[index] = running.pop(index)
        if index == fatal:
            return starts, ends, dict.fromkeys(running, now), now, "fatal"
        if len(ends) == quota:
            return starts, ends, dict.fromkeys(running, now), now, "stopped"
        start()
    return starts, ends, {}, now, "all"


@st.composite
def races(draw):
    """Races in which no two things happen at the same time: each delay has a bit of its own."""
    count = draw(st.integers(1, 8))
    quarters = draw(st.lists(st.integers(0, 20), min_size=count, max_size=count))
    delays = [n / 4 + 2.0 ** -(i + 4) for i, n in enumerate(quarters)]
    stagger = draw(st.sampled_from([0.0, 0.5, 1.25, inf]))
    patience = draw(st.one_of(st.just(inf), st.integers(1, 40).map(lambda n: n / 4 + 2.0**-20)))
    quota = draw(st.one_of(st.none(), st.integers(1, count)))
    fatal = draw(st.one_of(st.none(), st.integers(0, count - 1)))
    return delays, stagger, patience, quota, fatal


@settings(max_examples=400, deadline=None)
@given(races())
def test_every_start_end_and_cancellation_is_when_a_simulation_says(race):
    delays, stagger, patience, quota, fatal = race
    starts, ends, cancelled, finish, why = simulated(*race)
    legs = Legs(delays, fatal)

    async def main():
        result = None
        try:
            enough = never if quota is None else after(quota)
            result = await relay(
                legs, len(delays), stagger=stagger, patience=patience, enough=enough
            )
        except LookupError:
            assert why == "fatal"
        return result, asyncio.get_running_loop().time()

    result, finished = instantly(main())
    assert (legs.started, legs.ended, legs.cancelled) == (starts, ends, cancelled)
    assert finished == finish
    if result is not None:
        came = [f"draft {i}" if i in ends else None for i in range(len(delays))]
        assert (result.results, result.started) == (came, len(starts))
        assert result.stopped == (why == "stopped")
