"""Virtual time: waits cost nothing, order and real threads stay."""

import asyncio

import pytest

from onefold.runtime.clock import instantly


def test_a_year_passes_at_once_and_in_order():
    woke = []

    async def sleeper(days):
        await asyncio.sleep(days * 86_400)
        woke.append(days)

    async def main():
        await asyncio.gather(*(sleeper(days) for days in (300, 2, 365, 40)))
        return asyncio.get_running_loop().time()

    assert instantly(main()) == 365 * 86_400
    assert woke == [2, 40, 300, 365]


def test_work_in_threads_still_ends_when_no_timer_is_set():
    async def main():
        return await asyncio.to_thread(lambda: "done")

    assert instantly(main()) == "done"


def test_errors_come_out_as_they_are():
    async def main():
        await asyncio.sleep(5)
        raise LookupError("here")

    with pytest.raises(LookupError, match="here"):
        instantly(main())


def test_each_run_starts_at_zero():
    async def main():
        before = asyncio.get_running_loop().time()
        await asyncio.sleep(1)
        return before

    assert [instantly(main()), instantly(main())] == [0.0, 0.0]
