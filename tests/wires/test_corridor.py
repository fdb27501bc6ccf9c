"""The corridor over real HTTP: retries, deadlines, breaker, limits, fleets, hedges, cancelling."""

from __future__ import annotations

import asyncio
import itertools
from random import Random

import pytest
from faults import EndsEarly, ErrorInside, Raw, Refuse, Reset, StallHeaders, Status, WrongType
from members import OPEN, QUICK, WIRES, Heard, busy, entry, left, soon
from script import Script
from service import Service

import onefold as of

ALWAYS = itertools.repeat


def script(**about) -> Script:
    """A service that asks for no key."""
    return Script(keyless=OPEN, **about)


async def several(names, text="Which one?") -> list:
    """What came of asking models at once: answers and errors in their order."""
    asked = (of.Model(name)(f"{text} {i}") for i, name in enumerate(names))
    return await asyncio.gather(*asked, return_exceptions=True)


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (Status(429, retry_after=0.02), 0.02),
        (Status(503, retry_after=0.02), 0.02),
        (Status(429, retry_after_ms=30), 0.03),
        (Status(529, retry_after=5, retry_after_ms=30), 0.03),
        (Status(429, retry_at=-10), 0.0),
    ],
)
@pytest.mark.parametrize("wire", WIRES)
def test_a_retry_waits_as_long_as_the_service_asks(wire, fault, seconds):
    async def main():
        async with Service(script(faults=[fault])) as service:
            heard = Heard()
            with of.Session({"a": entry(service.url, wire)}, listeners=[heard]):
                answer = await of.Model("a")("Wait, please.")
        assert answer.text == "echo: Wait, please."
        [(number, waited, error)] = heard.values("retry")
        assert (number, error.retry_after) == (1, seconds)
        assert seconds <= waited <= seconds + QUICK["base"]
        assert len(service.calls) == 2

    asyncio.run(main())


def test_gemini_says_in_the_body_how_long_to_wait():
    async def main():
        async with Service(script(faults=[Status(429, retry_info=0.02)])) as service:
            heard = Heard()
            with of.Session({"a": entry(service.url, "gemini")}, listeners=[heard]):
                await of.Model("a")("Wait, please.")
        assert heard.values("retry")[0][2].retry_after == 0.02

    asyncio.run(main())


def test_a_date_too_far_away_is_given_up_at_once():
    async def main():
        async with Service(script(faults=ALWAYS(Status(503, retry_at=3600)))) as service:
            with of.Session({"a": entry(service.url)}), pytest.raises(of.Unreachable) as told:
                await of.Model("a")("Wait, please.")
        assert 3590 < told.value.retry_after <= 3600
        assert len(service.calls) == 1

    asyncio.run(main())


def test_nobody_but_the_corridor_tries_again():
    async def main():
        async with Service(script(faults=ALWAYS(Status(500)))) as service:
            models = {name: entry(service.url, name) for name in WIRES}
            with of.Session(models):
                inner = of.Panel([of.Cached("chat"), of.Within("responses", seconds=5)])
                panel = of.Panel([inner, "anthropic", of.Panel(["gemini", "ollama"])])
                with pytest.raises(of.NoAnswer):
                    await panel("Who is there?")
            wires = [call.wire for call in service.calls]
        assert {wire: wires.count(wire) for wire in WIRES} == dict.fromkeys(WIRES, 3)

    asyncio.run(main())


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_a_call_has_exactly_the_attempts_that_retry_says(attempts):
    async def main():
        async with Service(script(faults=ALWAYS(Status(502)))) as service:
            retry = {**QUICK, "attempts": attempts}
            models = {"a": entry(service.url, retry=retry)}
            with of.Session(models), pytest.raises(of.Unreachable):
                await of.Model("a")("Who is there?")
            assert len(service.calls) == attempts

    asyncio.run(main())


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 413, 422])
def test_what_a_service_refuses_is_not_asked_again(code):
    async def main():
        async with Service(script(faults=ALWAYS(Status(code)))) as service:
            models = {name: entry(service.url, name) for name in WIRES}
            with of.Session(models) as session:
                results = await several(WIRES)
            assert all(isinstance(error, of.Refused) for error in results), results
            assert all(error.status == code for error in results), results
            assert [len(service.calls)] == [len(WIRES)]
            assert all(spent.used == of.Usage() for spent in session.usage().values())

    asyncio.run(main())


def test_when_everything_fails_retries_stay_a_tenth_of_the_calls():
    async def main():
        async with Service(script(faults=ALWAYS(Status(500)))) as service:
            retry = {**QUICK, "spare": 5}
            with of.Session({"a": entry(service.url, retry=retry)}):
                await several(["a"] * 300)
            assert 300 < len(service.calls) <= 300 * 1.1 + 5

    asyncio.run(main())


@pytest.mark.parametrize("wire", WIRES)
def test_a_deadline_ends_the_call_and_its_connection(wire):
    async def main():
        async with Service(script(delay=30)) as service:
            with of.Session({"a": entry(service.url, wire)}) as session:
                with pytest.raises(of.TimedOut):
                    await of.Within(of.Panel([of.Panel(["a"])]), seconds=0.3)("Now?")
                assert busy() == 0
                assert session.usage()["a"].used.estimated
            assert await soon(lambda: left(service.calls) == [1])

    asyncio.run(main())


def test_a_deadline_bounds_the_wait_for_another_attempt():
    async def main():
        async with Service(script(faults=ALWAYS(Status(429, retry_after=20)))) as service:
            with of.Session({"a": entry(service.url)}), pytest.raises(of.RateLimited) as told:
                await of.Within("a", seconds=10)("Now?")
            assert told.value.retry_after == 20
            assert len(service.calls) == 1

    asyncio.run(main())


def test_a_deadline_bounds_the_wait_for_room():
    async def main():
        async with Service(script()) as service:
            with of.Session({"a": entry(service.url, limits={"requests": 2})}):
                asked = [of.Within("a", seconds=5)(f"Now {i}?") for i in range(5)]
                results = await asyncio.gather(*asked, return_exceptions=True)
            held = [result for result in results if isinstance(result, of.RateLimited)]
            assert len(service.calls) == 2
            assert len(held) == 3
            assert "2 requests a minute" in str(held[0])

    asyncio.run(main())


def test_an_attempt_that_takes_too_long_is_tried_again():
    async def main():
        faults = [StallHeaders(30), None]
        async with Service(script(faults=faults)) as service:
            with of.Session({"a": entry(service.url, timeout=0.1)}) as session:
                answer = await of.Model("a")("Now?")
            assert answer.text == "echo: Now?"
            assert answer.usage.calls == 2
            assert answer.usage.estimated
            assert session.usage()["a"].failed == 1

    asyncio.run(main())


def test_the_breaker_opens_probes_and_closes():
    async def main():
        breaker = {"least": 4, "rest": 0.05, "probes": 1}
        async with Service(script(faults=ALWAYS(Status(500)))) as service:
            about = {"retry": None, "breaker": breaker}
            with of.Session({"a": entry(service.url, **about)}) as session:
                now = asyncio.get_running_loop().time
                await several(["a"] * 4)
                line = session.models.lines["a"]
                assert line.breaker.state(now()) == "open"
                with pytest.raises(of.Unreachable, match="left alone") as told:
                    await of.Model("a")("Still there?")
                assert not told.value.retryable
                assert len(service.calls) == 4
                await asyncio.sleep(line.breaker.wait(now()))
                assert line.breaker.state(now()) == "half-open"
                await several(["a"])
                assert len(service.calls) == 5
                assert line.breaker.state(now()) == "open"
                assert line.breaker.wait(now()) > breaker["rest"]
                service.script = script()
                await asyncio.sleep(line.breaker.wait(now()))
                assert (await of.Model("a")("Well?")).text == "echo: Well?"
                assert line.breaker.state(now()) == "closed"

    asyncio.run(main())


@pytest.mark.parametrize("code", [400, 401, 404, 429])
def test_no_breaker_opens_over_what_the_caller_did(code):
    async def main():
        async with Service(script(faults=ALWAYS(Status(code)))) as service:
            about = {"retry": None, "breaker": {"least": 2}}
            with of.Session({"a": entry(service.url, **about)}) as session:
                await several(["a"] * 6)
                now = asyncio.get_running_loop().time()
                assert session.models.lines["a"].breaker.state(now) == "closed"
            assert len(service.calls) == 6

    asyncio.run(main())


def test_one_callers_retry_after_holds_everyone_back():
    async def main():
        async with Service(script(faults=[Status(429, retry_after=0.1)])) as service:
            with of.Session({"a": entry(service.url, limits={})}):
                first = asyncio.ensure_future(of.Model("a")("First?"))
                assert await soon(lambda: bool(service.calls) and service.calls[0].done)
                await asyncio.sleep(0.01)
                answers = await several(["a"] * 10)
                await first
            assert all(isinstance(answer, of.Answer) for answer in answers)
            began = service.calls[0].at
            assert all(call.at >= began + 0.1 for call in service.calls[1:])
            assert len(service.calls) == 12

    asyncio.run(main())


def test_no_more_calls_are_in_flight_than_the_limit_says():
    async def main():
        async with Service(script(delay=0.005)) as service:
            limits = {"concurrency": 3, "most": 3}
            with of.Session({"a": entry(service.url, limits=limits)}):
                await several(["a"] * 20)
            assert service.most == 3
            assert len(service.calls) == 20

    asyncio.run(main())


@pytest.mark.parametrize("fault", [Status(500), Status(401), Refuse(), WrongType(), Raw()])
def test_the_next_deployment_answers_when_one_fails(fault):
    async def main():
        async with Service(script(faults=ALWAYS(fault))) as bad, Service(script()) as good:
            models = {
                "a": entry(bad.url, "chat"),
                "b": entry(bad.url, "gemini"),
                "c": entry(good.url, "anthropic"),
                "all": {"fleet": ["a", "b", "c"]},
            }
            with of.Session(models):
                answer = await of.Model("all")("Anyone?")
            assert answer.text == "echo: Anyone?"
            assert [call.wire for call in bad.calls] == ["chat", "gemini"]
            assert [call.wire for call in good.calls] == ["anthropic"]

    asyncio.run(main())


async def words(model: str, text: str, told: list[str]) -> None:
    """Put the words that a stream tells into `told`."""
    async for event in of.Model(model).stream(text):
        if event.kind == "token":
            told.append(event.text)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("fault", [Status(503), Refuse(), ErrorInside(after=0), EndsEarly(after=0)])
def test_a_stream_falls_back_until_its_first_word(wire, fault):
    async def main():
        async with Service(script(faults=ALWAYS(fault))) as bad, Service(script()) as good:
            models = {"a": entry(bad.url, wire), "b": entry(good.url, wire)}
            told: list[str] = []
            with of.Session({**models, "both": {"fleet": ["a", "b"]}}):
                await words("both", "Anyone out there?", told)
            assert "".join(told) == "echo: Anyone out there?"
            assert (len(bad.calls), len(good.calls)) == (1, 1)

    asyncio.run(main())


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("make", [ErrorInside, EndsEarly, Reset])
def test_after_its_first_word_an_error_is_the_callers(wire, make):
    async def main():
        longer = {"text": "one two three four five six seven eight", "pieces": 8}
        fault = Reset() if make is Reset else make(after=6)
        async with (
            Service(script(faults=ALWAYS(fault), **longer, pace=0.002)) as bad,
            Service(script()) as good,
        ):
            models = {"a": entry(bad.url, wire), "b": entry(good.url, wire)}
            told: list[str] = []
            with (
                of.Session({**models, "both": {"fleet": ["a", "b"]}}),
                pytest.raises(of.ModelError),
            ):
                await words("both", "Anyone?", told)
            assert told, "no word was told"
            assert longer["text"].startswith("".join(told))
            assert (len(bad.calls), len(good.calls)) == (1, 0)

    asyncio.run(main())


def test_fleets_spread_calls_as_they_are_told():
    async def main():
        async with Service(script(delay=0.002)) as one, Service(script(delay=0.002)) as two:
            models = {
                "a": entry(one.url, limits={"concurrency": 100}),
                "b": entry(two.url, limits={"concurrency": 100}, price={**PENNIES}),
                "weighted": {"fleet": ["a", "b"], "pick": "weighted", "weights": [3, 1]},
                "cheapest": {"fleet": ["a", "b"], "pick": "cheapest"},
                "least_busy": {"fleet": ["a", "b"], "pick": "least_busy"},
            }
            spread = {}
            with of.Session(models) as session:
                session.models.random = Random(3)
                for pick in ("weighted", "cheapest", "least_busy"):
                    before = len(one.calls), len(two.calls)
                    await several([pick] * 60)
                    spread[pick] = len(one.calls) - before[0], len(two.calls) - before[1]
            assert 38 <= spread["weighted"][0] <= 52
            assert spread["cheapest"] == (0, 60)
            assert spread["least_busy"] == (30, 30)

    asyncio.run(main())


PENNIES = {"tokens_in": 0.01, "tokens_out": 0.01}


def test_the_cheapest_that_is_at_its_limit_is_passed_over():
    async def main():
        async with Service(script()) as dear, Service(script()) as cheap:
            models = {
                "a": entry(dear.url),
                "b": entry(cheap.url, limits={"requests": 4}, price=PENNIES),
                "both": {"fleet": ["a", "b"], "pick": "cheapest"},
            }
            with of.Session(models):
                for number in range(6):
                    await of.Model("both")(f"Which {number}?")
            assert (len(dear.calls), len(cheap.calls)) == (2, 4)

    asyncio.run(main())
