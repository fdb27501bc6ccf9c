"""What the corridor spends over real HTTP: hedges, equal calls, budgets, calls that are left."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from random import Random

import pytest
from faults import ErrorInside, Reset, Status, TruncatedBody, WrongType
from members import OPEN, WIRES, bill, busy, entry, left, soon
from script import Script
from service import Service, serving

import onefold as of

LONG = "word " * 600  # a reply longer than what a model usually writes
FAULTS = (None, None, Status(503), Reset(), TruncatedBody(), ErrorInside(), WrongType())


def script(**about) -> Script:
    """A service that asks for no key."""
    return Script(keyless=OPEN, **about)


async def several(operators, text="Which one?") -> list:
    """What came of asking: answers and errors in their order."""
    asked = (of.build(one)(f"{text} {i}") for i, one in enumerate(operators))
    return await asyncio.gather(*asked, return_exceptions=True)


def late(number: int):
    """A delay that befalls one call alone."""
    return lambda call: 30.0 if call.number == number else 0.0


@pytest.mark.parametrize("wire", WIRES)
def test_a_hedge_wins_and_the_loser_is_let_go_and_booked(wire, tmp_path):
    async def main():
        async with Service(script(delay=late(1))) as service:
            models = {"a": entry(service.url, wire, hedge={"after": 0.02}, typical_tokens=7)}
            with of.Session(models, journal=tmp_path / "journal.sqlite") as session:
                answer = await of.Model("a")("Anyone?")
                assert busy() == 0
                rows = session.journal.total()
            assert await soon(lambda: left(service.calls) == [1])
        assert answer.text == "echo: Anyone?"
        assert len(service.calls) == 2
        real, guess = service.usage[1], 2 + 2 * 7
        assert (answer.usage.calls, answer.usage.estimated) == (2, True)
        assert answer.usage.tokens_out == real.tokens_out + 7
        assert answer.usage.usd >= bill(service.usage[1:]) + guess / 1e6
        assert rows == answer.usage

    asyncio.run(main())


@pytest.mark.parametrize("wire", WIRES)
def test_a_call_that_is_cancelled_frees_its_connection_within_one_turn_of_the_loop(wire):
    async def main():
        async with Service(script(delay=30)) as service:
            with of.Session({"a": entry(service.url, wire)}):
                call = asyncio.ensure_future(of.Model("a")("Anyone?"))
                assert await soon(lambda: len(service.calls) == 1)
                assert busy() == 1
                call.cancel()
                await asyncio.sleep(0)
                assert busy() == 0
            assert call.done()

    asyncio.run(main())


def test_hedges_keep_to_their_share_of_calls():
    async def main():
        async with Service(script(delay=0.03)) as service:
            terms = {"hedge": {"after": 0.001, "extra": 0.05}, "limits": {"concurrency": 200}}
            with of.Session({"a": entry(service.url, **terms)}):
                await several(["a"] * 40)
            assert len(service.calls) == 40 + 3

    asyncio.run(main())


def test_nobody_hedges_where_there_is_no_room():
    async def main():
        async with Service(script(delay=0.03)) as service:
            terms = {"hedge": {"after": 0.001, "extra": 1}, "limits": {"concurrency": 4, "most": 4}}
            with of.Session({"a": entry(service.url, **terms)}):
                await several(["a"] * 4)
            assert len(service.calls) == 4

    asyncio.run(main())


@pytest.mark.parametrize(("kept", "calls"), [("cache", 1), ("journal", 100)])
def test_equal_calls_are_one_with_a_cache_and_each_its_own_without(kept, calls, tmp_path):
    async def main():
        async with Service(script(delay=0.01)) as service:
            kept_in = {kept: tmp_path / "kept.sqlite"}
            with of.Session({"a": entry(service.url)}, **kept_in) as session:
                answers = await asyncio.gather(*(of.Model("a")("Same?") for _ in range(100)))
                used = session.usage()["a"].used
            assert {answer.text for answer in answers} == {"echo: Same?"}
            assert len(service.calls) == calls == used.calls
            assert sum(answer.usage.calls for answer in answers) == calls
            with of.Session({"a": entry(service.url)}, **kept_in):
                await asyncio.gather(*(of.Model("a")("Same?") for _ in range(100)))
            assert len(service.calls) == calls

    asyncio.run(main())


def test_equal_calls_ask_for_themselves_when_the_first_one_fails():
    async def main():
        async with Service(script(delay=0.01, faults=[Status(400)])) as service:
            with of.Session({"a": entry(service.url)}, cache="memory"):
                asked = (of.Model("a")("Same?") for _ in range(20))
                results = await asyncio.gather(*asked, return_exceptions=True)
            assert [isinstance(result, of.Refused) for result in results].count(True) == 1
            assert len(service.calls) == 2

    asyncio.run(main())


def misbehaving(seed: int):
    """Faults that befall calls at random."""
    random = Random(seed)
    return lambda _: random.choice(FAULTS)


def guarded(service: Service) -> dict:
    """Models that retry, hedge and stand in for each other, on every wire."""
    terms = {"hedge": {"after": 0.005, "extra": 1}, "limits": {"concurrency": 200}}
    models = {wire: entry(service.url, wire, **terms) for wire in WIRES}
    return {**models, "all": {"fleet": WIRES, "pick": "weighted"}}


def slowly(seed: int):
    """Delays that make some calls late enough to be hedged."""
    random = Random(seed)
    return lambda _: random.choice((0.0, 0.0, 0.02))


@pytest.mark.parametrize("text", [None, LONG])
def test_dollars_hold_at_any_concurrency_whatever_goes_wrong(text):
    cap = 0.05

    async def main():
        about = {"faults": misbehaving(1), "delay": slowly(2), "text": text}
        async with Service(script(**about)) as service:
            with of.Session(guarded(service), budget=cap) as session:
                results = await several([*WIRES, "all"] * 84)
                assert session.budget.spent.usd <= cap
            assert len(results) > 500
            assert bill(service.usage) <= session.budget.spent.usd <= cap
            assert any(isinstance(result, of.BudgetExceeded) for result in results)
            assert any(isinstance(result, of.Answer) for result in results)
            assert session.budget.held.calls == 0

    asyncio.run(main())


@pytest.mark.parametrize("text", [None, LONG])
def test_tokens_hold_at_any_concurrency_whatever_goes_wrong(text):
    async def main():
        about = {"faults": misbehaving(3), "delay": slowly(4), "text": text}
        async with Service(script(**about)) as service:
            budget = of.Budget(tokens=50_000)
            with of.Session(guarded(service), budget=budget):
                await several([*WIRES, "all"] * 84)
            billed = sum(one.tokens_in + one.tokens_out for one in service.usage)
            assert 0 < billed <= budget.spent.tokens <= 50_000

    asyncio.run(main())


def test_calls_hold_at_any_concurrency_whatever_goes_wrong():
    async def main():
        async with Service(script(faults=misbehaving(5), delay=slowly(6))) as service:
            budget = of.Budget(calls=120)
            with of.Session(guarded(service), budget=budget):
                await several([*WIRES, "all"] * 84)
            assert len(service.usage) <= budget.spent.calls <= 120

    asyncio.run(main())


def test_seconds_hold_for_calls_that_already_run():
    async def main():
        async with Service(script(delay=30)) as service:
            budget = of.Budget(seconds=0.5)
            with of.Session({"a": entry(service.url)}, budget=budget):
                results = await several(["a"] * 20)
                assert all(isinstance(error, of.TimedOut) for error in results), results
                with pytest.raises(of.BudgetExceeded, match="seconds"):
                    await of.Model("a")("Still?")
            assert len(service.calls) == 20
            assert await soon(lambda: len(left(service.calls)) == 20)

    asyncio.run(main())


async def graded_by_mini(query, answer):
    """Ask a model about a draft."""
    return 0.5 if (await of.Model("ollama")(f"Good? {answer.text}")).text else 0.0


@pytest.mark.parametrize(
    "caps", [{"usd": 0.0005}, {"tokens": 400}, {"calls": 4}, {"calls": 4, "usd": 1.0}]
)
def test_a_panels_own_budget_covers_its_judges_and_all_below(caps):
    async def main():
        async with Service(script(faults=misbehaving(7))) as service:
            with of.Session(guarded(service)):
                panel = of.Panel([*WIRES, "all"], vote="best", judge=of.judge(graded_by_mini))
                bounded = of.Within(panel, **caps)
                results = await several([bounded] * 10)
            used = [result.usage for result in results if isinstance(result, of.Answer)]
            for usage in used:
                assert usage.usd <= caps.get("usd", 1.0)
                assert usage.tokens <= caps.get("tokens", 10**9)
                assert usage.calls <= caps.get("calls", 10**9)
            if "calls" in caps:
                assert len(service.usage) <= 10 * caps["calls"]
            assert bill(service.usage) <= 10 * caps.get("usd", 1.0)

    asyncio.run(main())


def test_a_panels_own_budget_bounds_its_seconds():
    async def main():
        async with Service(script(delay=30)) as service:
            with of.Session({"a": entry(service.url), "b": entry(service.url, "gemini")}):
                with pytest.raises((of.TimedOut, of.NoAnswer)):
                    await of.Within(of.Panel(["a", "b"]), seconds=0.4, usd=1.0)("Now?")
                assert busy() == 0
            assert await soon(lambda: len(left(service.calls)) == 2)

    asyncio.run(main())


@pytest.mark.parametrize("wire", WIRES)
def test_an_unknown_price_under_a_cap_is_refused_before_anything_is_sent(wire):
    async def main():
        async with Service(script()) as service:
            models = {"a": entry(service.url, wire, price=None)}
            with (
                of.Session(models, budget=1.0),
                pytest.raises(of.ConfigError, match="'a' has no known price"),
            ):
                await of.Panel(["a"])("What?")
            with of.Session(models):
                with pytest.raises((of.ConfigError, of.BudgetExceeded), match="price"):
                    await of.Within("a", usd=1.0)("What?")
                answer = await of.Within("a", tokens=10_000)("What?")
            assert answer.usage.usd is None
            assert len(service.calls) == 1

    asyncio.run(main())


@pytest.mark.parametrize("wire", WIRES)
def test_cancelling_a_call_closes_its_connection_and_books_an_estimate(wire, tmp_path):
    async def main():
        async with Service(script(delay=30)) as service:
            models = {"a": entry(service.url, wire)}
            with of.Session(models, budget=1.0, journal=tmp_path / "journal.sqlite") as session:
                call = asyncio.ensure_future(of.Panel(["a", "a"])("Never mind."))
                assert await soon(lambda: len(service.calls) == 2)
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
                assert busy() == 0
                used = session.usage()["a"].used
                assert (used.calls, used.estimated) == (2, True)
                assert used.usd > 0
                assert session.budget.spent.usd >= used.usd
                assert session.journal.total().calls == 2
            assert await soon(lambda: left(service.calls) == [1, 2])

    asyncio.run(main())


@pytest.mark.parametrize("streamed", [False, True])
def test_control_c_in_a_blocking_call_ends_it_at_the_service_too(streamed):
    with serving(script(delay=30)) as service, of.Session({"a": entry(service.url)}) as session:
        watching = threading.Thread(target=interrupted, args=(service,))
        watching.start()
        ask = of.Model("a").ask if not streamed else lambda text: list(of.Model("a").stream(text))
        with pytest.raises(KeyboardInterrupt):
            ask("Never mind.")
        watching.join()
        used = session.usage()["a"].used
        assert (used.calls, used.estimated) == (1, True)
        assert asyncio.run(soon(lambda: left(service.calls) == [1]))


def interrupted(service: Service) -> None:
    """Press Control-C once the service has the call."""
    while not service.calls:
        threading.Event().wait(0.001)
    os.kill(os.getpid(), signal.SIGINT)
