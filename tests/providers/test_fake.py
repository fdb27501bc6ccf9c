"""The scripted model: says what it is told to, when it is told to, or fails as it is told to."""

import asyncio

import pytest

import onefold as of
from onefold import Fake, Model, Query
from onefold.core import errors
from onefold.core.errors import ConfigError
from onefold.runtime.clock import instantly

FAILURES = ["ModelError", "RateLimited", "Unreachable", "TimedOut", "Refused", "Unreadable"]


def model(*args, **kwargs):
    return Model("m", provider=Fake(*args, **kwargs))


def test_a_bare_name_always_says_the_same():
    answers = [of.ask("?", "fake:Paris") for _ in range(2)]
    assert [a.text for a in answers] == ["Paris", "Paris"]
    assert of.ask("?", "fake:a:b c").text == "a:b c"


def test_replies_come_in_turn_by_sample_and_begin_again():
    fake = model(("x", "y", "z"))
    said = [instantly(fake(Query("?", sample=i))).text for i in range(5)]
    assert said == ["x", "y", "z", "x", "y"]


def test_a_panel_of_equal_members_hears_each_reply():
    fake = model(("x", "y", "z"))
    answer = instantly(of.Panel([fake] * 3)("?"))
    assert [d.text for d in answer.drafts] == ["x", "y", "z"]


def test_answers_by_prompt_go_before_replies():
    fake = model(("else",), answers={"Capital of France?": "Paris"})
    assert instantly(fake("Capital of France?")).text == "Paris"
    assert instantly(fake("Capital of Spain?")).text == "else"


def test_answers_are_found_whatever_labels_system_or_drafts_are_rendered():
    fake = model(answers={"Yes?": "yes"})
    query = Query("Yes?", system="Be short.", labels=("yes", "no"), drafts=(of.Answer("no"),))
    assert instantly(fake(query)).text == "yes"


def test_it_takes_as_long_as_it_is_told_to_by_sample():
    fake = model(("a",), seconds=(2.0, 0.5))
    assert [instantly(fake(Query("?", sample=i))).seconds for i in range(3)] == [2.0, 0.5, 2.0]


def test_no_seconds_at_all_is_at_once():
    assert instantly(model(("a",), seconds=())("?")).seconds == 0


@pytest.mark.parametrize("kind", FAILURES)
def test_it_fails_with_any_model_error_by_name_after_its_seconds(kind):
    async def timed():
        with pytest.raises(errors.ModelError) as failure:
            await model(error=kind, seconds=(1.5,))("?")
        return failure.value, asyncio.get_running_loop().time()

    error, seconds = instantly(timed())
    assert type(error).__name__ == kind
    assert error.model == "m"
    assert seconds == 1.5


@pytest.mark.parametrize("kind", FAILURES)
def test_a_stream_fails_like_a_whole_reply_after_its_seconds(kind):
    async def timed():
        with pytest.raises(errors.ModelError) as failure:
            async for _ in model(error=kind, seconds=(1.5,)).stream("?"):
                pass
        return failure.value, asyncio.get_running_loop().time()

    error, seconds = instantly(timed())
    assert (type(error).__name__, seconds) == (kind, 1.5)


def test_a_stream_spreads_its_seconds_over_its_words():
    async def timed():
        clock = asyncio.get_running_loop().time
        return [
            (event.kind, event.text, round(clock(), 6))
            async for event in model(("one two three",), seconds=(3.0,)).stream("?")
        ]

    assert instantly(timed()) == [
        ("token", "one ", 1.0),
        ("token", "two ", 2.0),
        ("token", "three", 3.0),
        ("answer", "one two three", 3.0),
    ]


@pytest.mark.parametrize("text", ["", " ", "a  b", " lead", "trail ", "line\nline"])
def test_pieces_of_a_stream_add_up_to_the_text(text):
    async def pieces():
        return [e.text async for e in model((text,)).stream("?") if e.kind == "token"]

    assert "".join(instantly(pieces())) == text


def test_tokens_are_reported_as_told_and_priced_per_million():
    answer = instantly(model(("a",), tokens=(1000, 200), price=(2.0, 10.0))("?"))
    assert (answer.usage.tokens_in, answer.usage.tokens_out) == (1000, 200)
    assert answer.usage.usd == pytest.approx(0.002 + 0.002)
    assert not answer.usage.estimated


def test_without_told_tokens_four_characters_are_one():
    answer = instantly(model(("x" * 9,))(Query("q" * 40, system="s" * 4)))
    assert (answer.usage.tokens_in, answer.usage.tokens_out) == (11, 3)


def test_its_confidence_is_stated():
    assert instantly(model(("a",), confidence=0.75)("?")).confidence == 0.75
    assert instantly(model(("a",))("?")).confidence is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "a fake needs something to say: replies, answers or an error"),
        ({"error": "RateLimit"}, r"no error named 'RateLimit'; did you mean 'RateLimited'\?"),
        ({"error": "ConfigError"}, "no error named 'ConfigError'"),
        ({"replies": ["a"], "seconds": [-1]}, r"seconds: .*>= 0"),
        ({"replies": ["a"], "seconds": [float("nan")]}, "seconds"),
        ({"replies": ["a"], "confidence": 1.5}, r"confidence: 1\.5 .*<= 1"),
        ({"replies": ["a"], "confidence": float("nan")}, "confidence: nan"),
        ({"replies": ["a"], "price": [-1, 0]}, r"price: .*>= 0"),
        ({"replies": "abc"}, "replies"),
        ({"reply": "a"}, r"no field named 'reply'; did you mean 'replies'\?"),
    ],
)
def test_a_wrong_script_is_refused_before_anything_is_asked(fields, words):
    with pytest.raises(ConfigError, match=words):
        of.build({"fake": fields}, of.Provider)
