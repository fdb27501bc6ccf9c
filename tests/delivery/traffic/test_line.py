"""What a session holds for one deployment, and its settings as they stand in a configuration."""

import asyncio

import msgspec
import pytest

import onefold as of
from onefold.delivery.traffic.breaker import Breaking
from onefold.delivery.traffic.fleet import Fleet
from onefold.delivery.traffic.hedge import Hedging
from onefold.delivery.traffic.limits import Limits
from onefold.delivery.traffic.line import Line
from onefold.delivery.traffic.retry import Retry
from onefold.runtime.clock import instantly


def test_a_guard_without_settings_is_not_there():
    line = Line()
    assert line.limiter is line.gate is line.retries is line.breaker is line.hedge is None
    assert line.used.total == line.expected.total == of.Usage()
    assert (line.calls, line.failed, line.guarded) == (0, 0, False)
    assert (line.wait(9, 0.0), line.saturated(9, 0.0)) == (0.0, False)


def test_each_guard_follows_its_settings_and_the_hedge_shares_the_latencies():
    line = Line(Limits(requests=1, concurrency=2), Retry(spare=0), Breaking(), Hedging(least=1))
    assert line.limiter.admit(5, 0.0)
    assert not line.limiter.admit(5, 0.0)
    assert line.gate.limit == 2
    assert not line.retries.withdraw()
    assert line.breaker.state(0.0) == "closed"
    line.latencies.saw(2.0)
    assert line.hedge.delay() == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize("kind", [Limits, Retry, Breaking, Hedging])
def test_settings_come_from_plain_values_and_go_back_to_them(kind):
    assert msgspec.convert(msgspec.to_builtins(kind()), kind) == kind()


def test_settings_that_do_not_fit_each_other_are_refused_from_plain_values_too():
    with pytest.raises(of.ConfigError, match="concurrency=9"):
        msgspec.convert({"concurrency": 9, "most": 5}, Limits)
    with pytest.raises(of.ConfigError, match="comes twice"):
        msgspec.convert({"name": "f", "of": ["a", "a"]}, Fleet)
    with pytest.raises(msgspec.ValidationError, match="failures"):
        msgspec.convert({"failures": 3.0}, Breaking)


def test_only_limits_and_a_breaker_guard():
    assert Line(Limits()).guarded
    assert Line(breaking=Breaking()).guarded
    assert not Line(retry=Retry(), hedging=Hedging()).guarded


def one(line, *, until=None, error=None, seconds=1.0, used=3, tokens=5):
    """Go in and come out again."""

    async def main():
        passing = await line.enter(tokens, until, "m")
        line.leave(passing, seconds, used, error, asyncio.get_running_loop().time())

    instantly(main())


def test_whoever_comes_out_leaves_room_for_the_next():
    line = Line(Limits(tokens=100, concurrency=1, most=1), breaking=Breaking(least=1))
    for error in (None, of.Refused("no"), of.RateLimited("slow"), asyncio.CancelledError()):
        one(line, error=error)
        assert line.gate.inside == 0
    assert line.breaker.state(0.0) == "closed", "nobody is to blame"


@pytest.mark.parametrize(
    ("error", "held"),
    [(None, 3), (of.Refused("no"), 3), (asyncio.CancelledError(), 5)],
    ids=lambda value: type(value).__name__,
)
def test_what_was_held_of_the_minute_becomes_what_was_used_unless_nobody_knows(error, held):
    line = Line(Limits(tokens=10))
    one(line, error=error)
    assert line.wait(10 - held, 0.0) == 0.0
    assert line.wait(10 - held + 1, 0.0) > 0.0


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (of.Unreachable("down"), "open"),
        (of.TimedOut("late"), "open"),
        (of.Unreadable("garbage"), "open"),
        (of.ModelError("broken"), "open"),
        (of.Refused("no"), "closed"),
        (of.RateLimited("slow down"), "closed"),
        (of.BudgetExceeded("broke"), "closed"),
        (KeyError("ours"), "closed"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_breaker_is_told_of_what_speaks_against_the_deployment(error, state):
    line = Line(breaking=Breaking(least=1))
    one(line, error=error)
    assert line.breaker.state(0.0) == state


@pytest.mark.parametrize(
    ("error", "limit"),
    [
        (of.RateLimited("slow down"), 14),
        (of.TimedOut("late"), 14),
        (of.Unreachable("busy", status=503), 14),
        (of.Unreachable("busy", status=529), 14),
        (of.ModelError("busy", status=429), 14),
        (of.Unreachable("down", status=500), 20),
        (of.Refused("no", status=400), 20),
        (ValueError("ours"), 20),
    ],
    ids=repr,
)
def test_fewer_calls_at_once_are_let_in_after_an_overload(error, limit):
    line = Line(Limits(concurrency=20))
    one(line, error=error)
    assert line.gate.limit == limit


@pytest.mark.parametrize(("asked", "held"), [(7.0, 7.0), (600.0, 60.0), (None, 0.0), (0.0, 0.0)])
def test_a_retry_after_holds_all_calls_back_but_not_for_ever(asked, held):
    line = Line(Limits())
    one(line, error=of.RateLimited("slow down", retry_after=asked))
    assert line.wait(1, 0.0) == held


def test_an_open_breaker_refuses_at_once_and_says_for_how_long():
    line = Line(Limits(), breaking=Breaking(least=1, rest=10.0))
    one(line, error=of.Unreachable("down"))
    assert line.wait(1, 0.0) == 10.0
    assert line.saturated(1, 0.0)
    with pytest.raises(of.Unreachable, match=r"left alone for another 10\.0 s") as told:
        one(line)
    assert (told.value.retry_after, told.value.retryable, told.value.model) == (10.0, False, "m")
    assert line.gate.inside == 0


def test_a_wait_that_cannot_end_in_time_gives_everything_back():
    line = Line(Limits(requests=1, concurrency=1, most=1), breaking=Breaking(least=1, probes=1))

    async def main():
        passing = await line.enter(5, None, "m")
        with pytest.raises(of.TimedOut, match=r"m has 1 calls under way.*raise limits\.concurr"):
            await line.enter(5, 2.0, "m")
        line.leave(passing, 2.0, 5, of.Unreachable("down"), 2.0)
        await asyncio.sleep(10.0)
        with pytest.raises(of.RateLimited, match="requests a minute"):
            await line.enter(5, 13.0, "m")
        assert line.gate.inside == 0
        assert line.breaker.admitted == 0, "the probe's place is free again"

    instantly(main())


def test_a_wait_that_is_cancelled_gives_everything_back():
    line = Line(Limits(concurrency=1, most=1), breaking=Breaking())

    async def main():
        passing = await line.enter(5, None, "m")
        waiting = asyncio.create_task(line.enter(5, None, "m"))
        await asyncio.sleep(1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert line.gate.waiting == 0
        line.leave(passing, 1.0, 5, None, 1.0)
        assert line.gate.inside == 0

    instantly(main())


@pytest.mark.parametrize(
    ("limits", "inside", "saturated"),
    [
        (Limits(concurrency=5), 3, False),
        (Limits(concurrency=5), 4, True),
        (Limits(requests=4), 3, False),
        (Limits(requests=3), 3, True),
        (Limits(tokens=20), 3, False),
        (Limits(tokens=19), 3, True),
    ],
)
def test_there_is_room_for_calls_for_speed_s_sake_as_long_as_others_need_none(
    limits, inside, saturated
):
    line = Line(limits)

    async def main():
        for _ in range(inside):
            await line.enter(5, None, "m")
        return line.saturated(5, asyncio.get_running_loop().time())

    assert instantly(main()) is saturated


def test_slow_calls_open_the_breaker_too():
    line = Line(breaking=Breaking(slow=5.0, slow_share=0.5, least=2))
    for seconds in (1.0, 9.0):
        one(line, seconds=seconds)
    assert line.breaker.state(0.0) == "open"


def test_a_watch_serves_one_loop_and_one_time():
    line = Line()

    async def main():
        loop = asyncio.get_running_loop()
        watch = line.watched(5.0, loop)
        assert line.watched(5.0, loop) is watch
        assert line.watched(6.0, loop) is not watch
        return line.watched(6.0, loop)

    first, second = instantly(main()), instantly(main())
    assert first is not second


def test_a_call_that_was_never_sent_gives_all_back_that_it_held():
    async def main():
        line = Line(Limits(requests=1, tokens=9, concurrency=1, most=1), breaking=Breaking())
        passing = await line.enter(9, None, "m")
        assert line.wait(9, 0.0) > 0
        line.leave(passing, 0.0, 0, asyncio.CancelledError(), 0.0, sent=False)
        assert line.wait(9, 0.0) == 0.0
        assert (line.gate.inside, line.breaker.state(0.0)) == (0, "closed")
        await line.enter(9, 1.0, "m")

    instantly(main())
