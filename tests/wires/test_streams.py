"""Streams over real HTTP: they cost what a whole reply costs, and tell each word once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from exchange import Billed
from faults import (
    Comments,
    Crlf,
    Drip,
    Duplicate,
    ErrorInside,
    Lie,
    Refuse,
    Reset,
    SplitUtf8,
    StallHeaders,
    Status,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from members import OPEN, WIRES, bill, busy, entry, left, soon
from script import Script
from service import Service

import onefold as of

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)
shares = st.sampled_from([0.0, 0.3, 1.0])
bends = st.sampled_from([None, Crlf(), Comments(), SplitUtf8(0.0), Drip(0.0, 7), Drip(0.0, 61)])
PRICES = {"tokens_in": 1.0, "tokens_out": 2.0, "tokens_cached": 0.25, "tokens_written": 1.25}


async def heard(model: Any, text: str) -> tuple[list[str], of.Answer]:
    """The words that a stream tells one by one, and the answer at its end."""
    told, answer = [], None
    async for event in of.build(model).stream(text):
        if event.kind == "token":
            told.append(event.text)
        elif event.kind == "answer":
            answer = event.answer
    assert answer is not None
    return told, answer


def script(**about: Any) -> Script:
    """A service that asks for no key."""
    return Script(keyless=OPEN, **about)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One loop, and so one pool of connections, for the examples of a property."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.mark.parametrize("wire", WIRES)
@settings(max_examples=40)
@given(
    text=words.filter(str.strip),
    pieces=st.integers(1, 30),
    cached=shares,
    written=st.sampled_from([0.0, 0.5]),
    reasoning=st.integers(0, 50),
    thoughts=st.sampled_from(["", "Let me see."]),
    bend=bends,
)
@example("one  two\n three.", 3, 0.3, 0.5, 7, "Hm.", SplitUtf8(0.0))
def test_a_stream_costs_what_a_whole_reply_costs_and_what_upstream_bills(
    wire, runner, text, pieces, cached, written, reasoning, thoughts, bend
):
    async def main():
        about = {"written": min(written, 1.0 - cached), "thoughts": thoughts, "pieces": pieces}
        traits = {**about, "text": text, "cached": cached, "reasoning": reasoning}
        async with Service(script(**traits, faults=lambda _: bend)) as service:
            with of.Session({"a": entry(service.url, wire, price=PRICES)}):
                whole = await of.Model("a")("How much is it?")
                told, answer = await heard("a", "How much is it?")
            one, two = service.usage
        assert "".join(told) == answer.text == whole.text == text
        assert answer.finish == whole.finish
        assert answer.usage == whole.usage
        assert not answer.usage.estimated
        assert one == two
        assert billed(answer.usage) == one._replace(reasoning=answer.usage.tokens_reasoning)
        assert answer.usage.tokens_reasoning in (0, one.reasoning)
        assert answer.usage.usd == pytest.approx(of.Price(**PRICES).usd(answer.usage), abs=1e-12)

    runner.run(main())


def billed(usage: of.Usage) -> Billed:
    """What was used, as the service tells it."""
    told = (usage.tokens_in, usage.tokens_out, usage.tokens_cached, usage.tokens_reasoning)
    return Billed("model-a", *told)


@pytest.mark.parametrize("wire", WIRES)
@settings(max_examples=15)
@given(
    before=words, after=words.filter(str.strip), begun=st.sampled_from(["a", "The sum is", "1,"])
)
def test_a_streamed_reply_equals_the_whole_one_whatever_comes_before_it(
    wire, runner, before, after, begun
):
    """With a system text, several turns, and where the wire continues, a partial answer."""
    turns = [
        of.Message("user", f"x{before}"),
        of.Message("assistant", "y"),
        of.Message("user", "z"),
    ]
    if wire in ("anthropic", "gemini", "ollama"):
        turns.append(of.Message("assistant", begun))
    query = of.Query(system=f"Be brief. {before}", messages=tuple(turns))

    async def main():
        async with Service(script(text=f"{begun}{after}")) as service:
            with of.Session({"a": entry(service.url, wire)}):
                whole = await of.Model("a")(query)
                told, answer = await heard("a", query)
        assert "".join(told) == answer.text == whole.text
        assert answer.usage == whole.usage

    runner.run(main())


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("how", ["negative", "absurd", "strings", "null", "missing"])
def test_usage_that_cannot_be_is_estimated_alike_whole_and_streamed(wire, how):
    async def main():
        async with Service(script(faults=lambda _: Lie(how))) as service:
            with of.Session({"a": entry(service.url, wire)}):
                whole = await of.Model("a")("How much is it?")
                told, answer = await heard("a", "How much is it?")
        assert "".join(told) == answer.text == whole.text
        assert answer.usage == whole.usage
        assert answer.usage.estimated

    asyncio.run(main())


@pytest.mark.parametrize("wire", WIRES)
def test_events_that_come_twice_at_the_end_are_paid_once(wire):
    async def main():
        async with Service(script(faults=lambda _: Duplicate(only_end=True))) as service:
            with of.Session({"a": entry(service.url, wire)}):
                _, answer = await heard("a", "Once or twice?")
        assert answer.usage.usd == pytest.approx(bill(service.usage))

    asyncio.run(main())


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("fault", [Status(503), Status(429), Refuse(), ErrorInside(after=0)])
def test_no_word_is_told_twice_when_a_stream_is_tried_again(wire, fault):
    async def main():
        async with Service(script(faults=[fault, fault])) as service:
            with of.Session({"a": entry(service.url, wire)}):
                told, answer = await heard("a", "Once more, please!")
            assert "".join(told) == answer.text == "echo: Once more, please!"
            assert len(service.calls) == 3

    asyncio.run(main())


@pytest.mark.parametrize("wire", WIRES)
def test_only_one_of_two_hedged_streams_is_heard(wire):
    async def main():
        faults = [StallHeaders(0.1), None]
        async with Service(script(faults=faults, pace=0.002)) as service:
            with of.Session({"a": entry(service.url, wire, hedge={"after": 0.02})}):
                told, answer = await heard("a", "Which of the two speaks?")
            assert "".join(told) == answer.text == "echo: Which of the two speaks?"
            assert len(service.calls) == 2
            assert await soon(lambda: left(service.calls) == [1])

    asyncio.run(main())


async def left_early(model: str) -> str:
    """The first word of a stream that is then left."""
    stream = aiter(of.Model(model).stream("Will you go on?"))
    async for event in stream:
        await stream.aclose()
        return event.text
    raise AssertionError("no word came")


@pytest.mark.parametrize("wire", WIRES)
def test_leaving_a_stream_ends_it_upstream_and_books_an_estimate(wire, tmp_path):
    async def main():
        async with Service(script(text="word " * 50, pieces=50, pace=0.02)) as service:
            models = {"a": entry(service.url, wire)}
            with of.Session(models, journal=tmp_path / "journal", budget=1.0) as session:
                assert (await left_early("a")).startswith("word")
                assert busy() == 0
                used = session.usage()["a"].used
                assert (used.calls, used.estimated) == (1, True)
                assert used.usd > 0
                assert session.budget.spent.usd >= used.usd
                assert session.journal.total() == used
            assert await soon(lambda: left(service.calls) == [1])

    asyncio.run(main())


@pytest.mark.parametrize("wire", WIRES)
def test_a_stream_that_breaks_is_booked_as_an_estimate(wire, tmp_path):
    async def main():
        faults = [Reset()]
        async with Service(script(text="word " * 50, faults=faults, pace=0.001)) as service:
            models = {"a": entry(service.url, wire)}
            with of.Session(models, journal=tmp_path / "journal") as session:
                with pytest.raises(of.Unreachable):
                    await heard("a", "Will you go on?")
                used = session.usage()["a"].used
                assert (used.calls, used.estimated) == (1, True)
                assert session.journal.total() == used

    asyncio.run(main())


@pytest.mark.parametrize("wire", WIRES)
def test_a_panel_streams_its_drafts_and_pays_for_each_once(wire):
    async def main():
        async with Service(script()) as service:
            with of.Session({"a": entry(service.url, wire), "b": entry(service.url, wire)}):
                told, answer = await heard(of.Panel(["a", "b", "a"]), "Who is right?")
            assert told == []
            assert answer.usage.usd == pytest.approx(bill(service.usage))
            assert len(service.calls) == 3

    asyncio.run(main())
