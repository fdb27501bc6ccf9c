"""Items asked for one by one, done together: who goes with whom, and whose failure is whose."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.errors import ConfigError, Unreadable
from onefold.runtime.batching import Batcher
from onefold.runtime.clock import instantly


class Work:
    """Doubles numbers, remembers its batches; each takes a second; 13 breaks a batch."""

    def __init__(self, seconds=1.0, missing=0):
        self.seconds, self.missing = seconds, missing
        self.batches, self.cancelled = [], []

    async def __call__(self, items):
        self.batches.append(items)
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled.append(items)
            raise
        if 13 in items:
            raise LookupError("13")
        return [2 * item for item in items][self.missing :]


async def after(seconds, batcher, item):
    await asyncio.sleep(seconds)
    return await batcher(item)


def test_what_comes_in_one_turn_goes_in_one_batch():
    work = Work()

    async def main():
        return await asyncio.gather(*map(Batcher(work), range(5)))

    assert instantly(main()) == [0, 2, 4, 6, 8]
    assert work.batches == [[0, 1, 2, 3, 4]]


def test_callers_that_need_a_few_turns_to_get_there_still_share_a_batch():
    work = Work()
    batcher = Batcher(work)

    async def deep(item):
        for _ in range(item):
            await asyncio.sleep(0)
        return await batcher(item)

    async def main():
        return await asyncio.gather(*map(deep, range(4)))

    assert instantly(main()) == [0, 2, 4, 6]
    assert work.batches == [[0, 1, 2, 3]]


def test_a_batch_holds_at_most_so_many_and_waits_at_most_so_long():
    work = Work()

    async def main():
        batcher = Batcher(work, most=3, linger=0.5, lanes=9)
        calls = [after(0.1 * i, batcher, i) for i in range(4)] + [after(0.9, batcher, 4)]
        return await asyncio.gather(*calls)

    assert instantly(main()) == [0, 2, 4, 6, 8]
    assert work.batches == [[0, 1, 2], [3], [4]]


def test_while_the_lanes_are_taken_items_wait_and_go_together():
    work = Work()

    async def main():
        batcher = Batcher(work)
        return await asyncio.gather(*(after(0.2 * i, batcher, i) for i in range(4)))

    assert instantly(main()) == [0, 2, 4, 6]
    assert work.batches == [[0], [1, 2, 3]]


def test_a_failure_is_that_of_its_batch_alone():
    work = Work()

    async def main():
        batcher = Batcher(work, most=2, lanes=2)
        calls = [batcher(item) for item in (1, 2, 13, 4)]
        return await asyncio.gather(*calls, return_exceptions=True)

    one, two, *broken = instantly(main())
    assert (one, two) == (2, 4)
    assert [type(error) for error in broken] == [LookupError, LookupError]


def test_another_number_of_results_is_an_error_for_all():
    async def main():
        calls = map(Batcher(Work(missing=1)), range(3))
        return await asyncio.gather(*calls, return_exceptions=True)

    assert all(isinstance(each, Unreadable) for each in instantly(main()))
    assert "a batch of 3 came back with 2" in str(instantly(main())[0])


def test_one_that_is_cancelled_harms_no_other():
    work = Work()

    async def main():
        batcher = Batcher(work)
        tasks = [asyncio.create_task(batcher(item)) for item in range(3)]
        await asyncio.sleep(0.5)
        tasks[1].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, second, third = instantly(main())
    assert (first, third) == (0, 4)
    assert isinstance(second, asyncio.CancelledError)
    assert not work.cancelled


def test_one_that_is_cancelled_before_its_batch_starts_is_not_in_it():
    work = Work()

    async def main():
        batcher = Batcher(work, linger=1.0)
        tasks = [asyncio.create_task(batcher(item)) for item in range(3)]
        await asyncio.sleep(0.5)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    instantly(main())
    assert work.batches == [[0, 2]]


def test_a_batch_that_nobody_waits_for_is_cancelled():
    work = Work()

    async def main():
        batcher = Batcher(work)
        tasks = [asyncio.create_task(batcher(item)) for item in range(2)]
        await asyncio.sleep(0.5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
        return await batcher(5)

    assert instantly(main()) == 10
    assert work.cancelled == [[0, 1]]


def test_it_works_on_one_event_loop_after_another():
    work = Work(seconds=0)
    batcher = Batcher(work)

    async def main():
        return await asyncio.gather(batcher(1), batcher(2))

    assert [asyncio.run(main()) for _ in range(2)] == [[2, 4], [2, 4]]
    assert work.batches == [[1, 2], [1, 2]]


@given(
    st.lists(st.integers(0, 9), max_size=30),
    st.integers(1, 7),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.3]),
)
def test_everyone_gets_the_result_of_its_own_item(items, most, lanes, linger):
    work = Work()

    async def main():
        batcher = Batcher(work, most, linger, lanes)
        calls = (after(0.1 * (i % 4), batcher, item) for i, item in enumerate(items))
        return await asyncio.gather(*calls)

    assert instantly(main()) == [2 * item for item in items]
    assert sorted(item for batch in work.batches for item in batch) == sorted(items)
    assert all(len(batch) <= most for batch in work.batches)


@pytest.mark.parametrize("wrong", [{"most": 0}, {"lanes": 0}, {"linger": -1}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ConfigError, match="at least"):
        Batcher(Work(), **wrong)
