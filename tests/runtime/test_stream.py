"""Events while an answer is made: drafts as they arrive, tokens of the final words, the answer."""

import asyncio
import threading

import pytest

import onefold as of
from onefold.runtime.clock import instantly


def model(name, text="yes", seconds=0.0, **more):
    return of.Model(name, provider=of.Fake((text,), seconds=(seconds,), **more))


def streamed(operator, query="q"):
    async def main():
        return [event async for event in operator.stream(query)]

    return instantly(main())


def brief(events):
    return [(event.kind, event.source, event.text) for event in events]


SPLIT = of.Panel([model("a", "x", 3), model("b", "y", 1), model("c", "x", 2)])


def test_drafts_come_in_arrival_order_and_the_answer_last():
    assert brief(streamed(SPLIT)) == [
        ("draft", "b", "y"),
        ("draft", "c", "x"),
        ("draft", "a", "x"),
        ("answer", "a", "x"),
    ]


def test_each_draft_brings_the_count_so_far():
    events = streamed(SPLIT)
    assert [event.votes for event in events] == [
        {"y": 1},
        {"y": 1, "x": 1},
        {"x": 2, "y": 1},
        {"x": 2, "y": 1},
    ]
    assert [round(event.agreement, 3) for event in events] == [1.0, 0.5, 0.667, 0.667]


def test_the_last_event_holds_the_same_answer_as_a_call():
    last, called = streamed(SPLIT)[-1].answer, instantly(SPLIT("q"))
    assert last == called


def test_failed_members_are_drafts_of_the_stream_too():
    panel = of.Panel([model("a", seconds=2), model("b", seconds=1, error="Refused")])
    events = streamed(panel)
    assert [event.answer.status for event in events] == ["failed", "answered", "answered"]


def test_one_model_speaks_its_tokens_and_they_join_to_the_text():
    events = streamed(model("m", "one two  three ", 3))
    assert [event.kind for event in events] == ["token"] * 4 + ["answer"]
    assert [event.text for event in events[:-1]] == ["one ", "two ", " ", "three "]
    assert events[-1].text == "one two  three "


def test_members_of_a_panel_speak_no_tokens():
    assert "token" not in {event.kind for event in streamed(SPLIT)}


def test_judges_speak_no_tokens():
    class Asks(of.Judge, name="test_stream_asks"):
        grader: of.Operator

        async def score(self, query, answer):
            await self.grader(query)
            return 1.0

    panel = of.Panel([model("a")], judge=Asks(model("grader", "a b c")))
    assert "token" not in {event.kind for event in streamed(panel)}


def test_of_a_chain_only_the_last_step_speaks():
    events = streamed(of.Chain((model("first", "draft words"), model("last", "final words"))))
    assert brief(events)[-3:] == [
        ("token", "last", "final "),
        ("token", "last", "words"),
        ("answer", "last", "final words"),
    ]
    assert {event.source for event in events if event.kind == "token"} == {"last"}


def test_a_model_that_blends_the_drafts_speaks_the_final_words():
    panel = of.Panel([model("a"), model("b")], vote=model("blend", "so be it"))
    said = [event.text for event in streamed(panel) if event.kind == "token"]
    assert said == ["so ", "be ", "it"]


def test_wrappers_do_not_silence_the_speaking_leaf():
    events = streamed(of.Within(of.Named("me", model("m", "a b")), 5))
    assert [event.text for event in events if event.kind == "token"] == ["a ", "b"]


def test_drafts_of_a_nested_panel_are_told_too():
    inner = of.Named("inner", of.Panel([model("a", seconds=1), model("b", seconds=2)]))
    kinds = brief(streamed(of.Panel([inner, model("c", seconds=3)])))
    assert [source for kind, source, _ in kinds if kind == "draft"] == ["a", "b", "inner", "c"]


@pytest.mark.parametrize(
    "operator", [model("a", error="Refused"), of.Panel([model("a", error="Refused")])]
)
def test_errors_surface_in_the_stream(operator):
    with pytest.raises((of.Refused, of.NoAnswer), match="told to fail"):
        streamed(operator)
    with pytest.raises((of.Refused, of.NoAnswer), match="told to fail"):
        list(operator.stream("q"))


def test_what_came_before_an_error_is_still_told():
    async def main():
        events = []
        panel = of.Panel([model("a", "x", 1), model("b", "y", 2)], vote="unanimous")
        try:
            async for event in panel.stream("q"):
                events.append(event.source)
        except of.NoAnswer:
            return events

    assert instantly(main()) == ["a", "b"]


def test_an_empty_question_fails_before_any_event():
    with pytest.raises(of.ConfigError, match="empty"):
        list(model("a").stream("  "))


def test_blocking_iteration_yields_the_same_events():
    gate = of.Panel([model("a", "x", 0.05), model("b", "y")])
    assert brief(gate.stream("q")) == [
        ("draft", "b", "y"),
        ("draft", "a", "x"),
        ("answer", "a", "x"),
    ]


def test_blocking_iteration_works_inside_a_running_loop():
    async def main():
        return brief(model("a", "x").stream("q"))

    assert asyncio.run(main()) == [("token", "a", "x"), ("answer", "a", "x")]


class Watched(of.Provider, name="test_stream_watched"):
    """Waits for ever and says when it was cancelled."""

    async def complete(self, request):
        started.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            stopped.set()
            raise
        return of.Reply("late")


started, stopped = threading.Event(), threading.Event()


@pytest.fixture(autouse=True)
def _fresh_events():
    started.clear()
    stopped.clear()


WATCHED = of.Panel([model("quick"), of.Model("slow", provider=Watched())])


def test_leaving_a_blocking_stream_early_cancels_what_runs():
    for event in WATCHED.stream("q"):
        assert event.source == "quick"
        break
    assert stopped.wait(10)


def test_closing_an_async_stream_early_cancels_what_runs_before_it_returns():
    async def main():
        events = aiter(WATCHED.stream("q"))
        await anext(events)
        await events.aclose()
        return stopped.is_set()

    assert asyncio.run(main())


def test_breaking_out_of_an_async_stream_cancels_what_runs():
    async def main():
        async for _ in WATCHED.stream("q"):
            break
        await asyncio.sleep(0.01)
        return stopped.is_set()

    assert asyncio.run(main())


def test_cancelling_the_reader_cancels_the_call():
    async def main():
        async def read():
            async for _ in WATCHED.stream("q"):
                pass

        task = asyncio.create_task(read())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return stopped.is_set()

    assert asyncio.run(main())


def test_a_stream_that_nobody_walks_calls_nobody():
    WATCHED.stream("q")
    assert not started.is_set()


def test_a_stream_walked_twice_asks_twice():
    stream = model("a", "x").stream("q")
    assert brief(stream) == brief(stream)


def test_a_stream_uses_the_session_it_is_walked_in():
    with of.Session({"only-here": "fake:here"}):
        *_, last = of.Model("only-here").stream("q")
    assert last.text == "here"


def test_many_streams_at_once_do_not_mix():
    async def one(number):
        operator = model("m", f"{number} and {number}", seconds=number % 7)
        return "".join([e.text async for e in operator.stream("q") if e.kind == "token"])

    async def main():
        return await asyncio.gather(*(one(number) for number in range(200)))

    assert instantly(main()) == [f"{number} and {number}" for number in range(200)]
