"""Streams of all wires: pieces as they come, a beginning that is said again, how they break."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spoken import (
    BEGUN,
    HELLO,
    SECRET,
    URL,
    Carries,
    Own,
    Repeats,
    completed,
    events,
    kind,
    streamed,
)

import onefold as of
from onefold.delivery.provider import Reply, Request
from onefold.providers.http.failures import Rejected
from onefold.providers.wires.wire import Unrepeated
from onefold.runtime.clock import instantly


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """A key in the environment."""
    monkeypatch.setenv("TEST_WIRE_KEY", SECRET)


def test_a_stream_gives_its_pieces_and_then_the_reply():
    sent = events("one", " two") + b"data: DONE\n\n"
    for size in (1, 5, len(sent)):
        chunks = [sent[i : i + size] for i in range(0, len(sent), size)]
        assert streamed(Own("x"), chunks) == (["one", " two"], Reply("one two", 1, 0, 1))


def test_a_last_event_without_its_blank_line_counts():
    pieces, reply = streamed(Own("x"), [events("one"), b'data: " two"\n\ndata: DONE'])
    assert (pieces, reply.text) == (["one", " two"], "one two")
    with pytest.raises(of.Unreachable, match=r"^m: the stream ended before"):
        streamed(Own("x"), [events("one"), b'data: " two"'])


def broken(chunks, wire=None):
    """The words of a stream before it broke, and the error."""
    told = []

    async def main():
        async for piece in (wire or Own("x")).stream(Request("m", HELLO)):
            told.append(piece)

    with of.Session(transport=Carries(chunks)), pytest.raises(of.ModelError) as error:
        instantly(main())
    return told, error.value


def test_a_stream_that_breaks_keeps_the_words_that_were_told():
    for end, found in [
        ([of.Unreachable("reset", billed=True)], of.Unreachable),
        ([b"data: !gone\n\n"], of.Unreachable),
        ([b"data: {cut\n\n"], of.Unreadable),
        ([], of.Unreachable),
        ([b"\xff: x\n\ndata: \xff\n\n"], of.Unreadable),
    ]:
        told, error = broken([events("one"), *end])
        assert told == ["one"]
        assert isinstance(error, found)
        assert (error.model, str(error)[:3]) == ("m", "m: ")
        assert error.billed


def test_a_stream_that_is_rejected_tells_nothing():
    told, error = broken([Rejected(503, {"retry-after": "3"}, b"busy")])
    assert (told, type(error), error.retry_after, error.billed) == ([], of.Unreachable, 3.0, False)


def test_what_is_no_stream_of_events_is_unreadable():
    told, error = broken([b"<html>no such page</html>"])
    assert told == []
    assert isinstance(error, of.Unreadable)


@pytest.mark.parametrize(
    ("texts", "pieces"),
    [
        (["one two", " three"], [" three"]),
        (["one", " t", "wo three"], [" three"]),
        (["one two three"], [" three"]),
        ([" three"], [" three"]),
        (["one", "_three"], ["one_three"]),
        (["one"], ["one"]),
        (["one two"], []),
        (["one two", "one two"], ["one two"]),
    ],
)
def test_a_beginning_that_the_service_says_again_is_told_once(texts, pieces):
    found, reply = streamed(Repeats("x"), [events(*texts), b"data: DONE\n\n"], BEGUN)
    assert found == pieces
    assert reply.text == "".join(pieces)
    whole, _ = completed(Repeats("x"), json.dumps("".join(texts)).encode(), messages=BEGUN)
    assert whole.text == reply.text


def test_a_service_that_does_not_repeat_is_taken_at_its_word():
    trailing = kind("trailing", url=URL, continues="trailing")
    pieces, reply = streamed(trailing("x"), [events("one two three"), b"data: DONE\n\n"], BEGUN)
    assert (pieces, reply.text) == (["one two three"], "one two three")


@given(begun=st.text("ab", max_size=4), text=st.text("ab", max_size=8), data=st.data())
def test_pieces_without_the_repeated_beginning_are_the_text_without_it(begun, text, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    places = [0, *cuts, len(text)]
    new = Unrepeated(begun)
    told = [new.add(text[a:b]) for a, b in pairwise(places) if text[a:b]]
    assert "".join([*told, new.end()]) == text.removeprefix(begun)
