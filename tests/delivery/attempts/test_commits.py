"""Streams: tried again and raced until the first word is told, committed to from then on."""

import asyncio

from stage import Act, Heard, Quiet, Scene, fails, plays, session

import onefold as of
from onefold.runtime.clock import instantly

RETRY = of.Retry(attempts=3, base=0.01)
EVERY = of.Hedging(after=1.0, extra=1.0)


def streamed(held, name="m"):
    """What was told of a call word by word, and its answer or its error."""

    async def main():
        told = []
        try:
            async for event in of.Model(name).stream("q"):
                if event.kind == "token":
                    told.append(event.text)
                else:
                    answer = event.answer
        except of.OnefoldError as error:
            return told, error
        return told, answer

    with held:
        return instantly(main())


def broken(*words, seconds=0.0, kind=of.Unreachable):
    """A stream that tells these words, then fails."""
    return Act(lambda: kind("it broke off", billed=True), seconds, words)


def test_words_are_told_as_they_come_and_the_reply_is_the_answer():
    told, answer = streamed(session(plays(Scene(Act("one two", 2.0, ("one ", "two"))))))
    assert told == ["one ", "two"]
    assert answer.text == "one two"
    assert answer.usage == of.Usage(1, 0, 1, 0.02, 1)


def test_a_stream_that_fails_before_its_first_word_is_tried_again():
    scene = Scene(fails(), broken(), Act("yes", 0.0, ("yes",)))
    told, answer = streamed(session(plays(scene, retry=RETRY)))
    assert (told, answer.text, scene.calls) == (["yes"], "yes", 3)


def test_a_stream_falls_back_to_the_next_deployment_before_its_first_word():
    first, second = Scene(broken()), Scene(Act("yes", 0.0, ("yes",)))
    held = session(plays(first, "a"), plays(second, "b"), of.Fleet("all", ("a", "b")))
    told, answer = streamed(held, "all")
    assert (told, answer.text) == (["yes"], "yes")


def test_after_the_first_word_neither_retry_nor_the_next_deployment_is_tried():
    first, second = Scene(broken("on", "ly")), Scene("other")
    held = session(plays(first, "a", retry=RETRY), plays(second, "b"), of.Fleet("all", ("a", "b")))
    told, error = streamed(held, "all")
    assert told == ["on", "ly"]
    assert isinstance(error, of.Unreachable)
    assert (first.calls, second.calls) == (1, 0)


def test_an_empty_piece_is_no_word():
    scene = Scene(broken(""), Act("yes", 0.0, ("", "yes")))
    told, answer = streamed(session(plays(scene, retry=RETRY)))
    assert ("".join(told), getattr(answer, "text", answer)) == ("yes", "yes")


def test_a_stream_without_a_reply_at_its_end_is_unreadable():
    told, error = streamed(session(plays(Scene(Act(None, 0.0, ("on",))), retry=RETRY)))
    assert told == ["on"]
    assert isinstance(error, of.Unreadable)
    assert "ended without a reply" in str(error)


def test_nobody_hedges_once_words_are_told():
    scene = Scene(Act("one two", 5.0, ("one ", *"two")), "other")
    told, answer = streamed(session(plays(scene, hedge=of.Hedging(after=2.0, extra=1.0))))
    assert ("".join(told), answer.text, scene.calls) == ("one two", "one two", 1)


def test_a_silent_stream_is_hedged_and_only_the_first_to_speak_is_told():
    scene = Scene(Act("slow", 30.0, ("slow",)), Act("quick", 1.0, ("qu", "ick")))
    told, answer = streamed(session(plays(scene, hedge=EVERY)))
    assert (told, answer.text) == (["qu", "ick"], "quick")
    assert scene.left == [1.5], "the late one is let go at the other's first word"


def test_the_answer_is_of_the_attempt_whose_words_were_told_not_of_a_faster_end():
    # the second speaks at 3 s and ends at 21 s; the first says all at 10 s
    first = Act("first", 10.0, ("first",))
    second = Act("0123456789", 20.0, tuple("0123456789"))
    told, answer = streamed(session(plays(Scene(first, second), hedge=EVERY)))
    assert "".join(told) == answer.text == "0123456789"


def test_when_the_one_that_spoke_fails_the_other_s_silent_reply_is_no_answer_to_its_words():
    first = Act(lambda: of.Unreachable("it broke off"), 4.0, ("wo", "rds"))
    second = Act("other words", 4.0, ("other words",))
    told, error = streamed(session(plays(Scene(first, second), hedge=EVERY)))
    assert told == ["wo", "rds"]
    assert isinstance(error, of.Unreachable), f"told words {told}, then {error}"


def test_a_stream_has_its_time_like_any_call():
    scene = Scene(Act("late", 30.0, ("la", "te")))
    told, error = streamed(session(plays(scene, timeout=20.0)))
    assert told == ["la"]
    assert isinstance(error, of.TimedOut)


def test_only_final_words_are_streamed():
    class Streams(of.Provider, name="test_commits_streams"):
        async def complete(self, request):
            return of.Reply("whole", 1, 0, 1)

        async def stream(self, request):
            yield "piece"
            yield of.Reply("pieces", 1, 0, 1)

    def answered(operator, listener):
        with of.Session({"m": Streams()}, listeners=[listener]):
            return instantly(operator("q"))

    heard = Heard()
    assert answered(of.Model("m"), heard).text == "pieces"
    assert heard.values("token") == ["piece"]
    panel = answered(of.Panel(["m", "m"]), Heard())
    assert [draft.text for draft in panel.drafts] == ["whole", "whole"]
    assert answered(of.Model("m"), Quiet()).text == "whole"


def test_leaving_a_stream_early_ends_its_call():
    scene = Scene(Act("one two", 20.0, ("one", "two")))

    async def main():
        events = aiter(of.Model("m").stream("q"))
        async for event in events:
            assert event.text == "one"
            break
        await events.aclose()
        await asyncio.sleep(0.1)
        assert scene.inside == 0

    with session(plays(scene)):
        instantly(main())
