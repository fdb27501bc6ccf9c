"""Events and lines come out of bytes the same, however the bytes are cut."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.errors import Unreadable
from onefold.providers.http import sse
from onefold.providers.http.sse import Events, Lines

ENDS = [b"\n", b"\r\n", b"\r"]
words = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=("Cs",)), max_size=9)
names = st.sampled_from(["message", "error", "ping", "response.completed", "größe"])
lines = st.one_of(
    st.builds("data:{}".format, words),
    st.builds("data: {}".format, words),
    st.just("data"),
    st.builds("event: {}".format, names),
    st.builds("event:{}".format, words),
    st.just("event"),
    st.builds(":{}".format, words),
    st.just("id: 7"),
    st.just("retry: 10"),
    st.just("unknown: field"),
    st.just(""),
    st.just(""),
)


def reference(data):
    """The events of a whole stream, by the standard's own steps, one line after the other."""
    text = data.decode().removeprefix("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    found, name, held = [], "", []
    for line in [*text.split("\n"), ""]:  # a last blank line, that an open event is not lost
        if line == "":
            if held:
                found.append((name, "\n".join(held).encode()))
            name, held = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            held.append(value)
    return found


def cut(data, seed, most):
    """Pieces of bytes, 0 to `most` long each."""
    draw = random.Random(seed)
    at = 0
    while at < len(data):
        size = draw.randint(0, most)
        yield data[at : at + size]
        at += size


def fed(events, pieces):
    """Everything that a parser gives for these pieces and their end."""
    found = [event for piece in pieces for event in events.feed(piece)]
    return found + events.end()


@given(
    st.lists(st.tuples(lines, st.sampled_from(ENDS)), max_size=25),
    st.booleans(),
    words,
    st.integers(0, 10**6),
    st.integers(1, 40),
)
def test_any_cutting_of_any_stream_gives_what_the_standard_says(rows, bom, open_line, seed, most):
    written = [(line.encode(), end) for line, end in rows]
    data = b"".join(line + end for line, end in written)
    data = (b"\xef\xbb\xbf" if bom else b"") + data + (f"data: {open_line}".encode())
    assert fed(Events(), cut(data, seed, most)) == reference(data)


@given(st.lists(lines, max_size=20), st.sampled_from(ENDS), st.integers(0, 10**6))
def test_one_kind_of_line_end_is_as_good_as_another(rows, end, seed):
    data = end.join(row.encode() for row in rows)
    plain = b"\n".join(row.encode() for row in rows)
    assert fed(Events(), cut(data, seed, 5)) == fed(Events(), [plain])


@given(st.lists(words, min_size=1, max_size=5), st.integers(0, 10**6))
def test_an_event_comes_as_soon_as_its_blank_line_has(parts, seed):
    data = b"".join(f"data: {part}\n".encode() for part in parts) + b"\n"
    events = Events()
    assert [event for piece in cut(data[:-1], seed, 4) for event in events.feed(piece)] == []
    assert events.feed(data[-1:]) == [("", "\n".join(parts).encode())]


@pytest.mark.parametrize("end", ENDS)
def test_every_single_cut_keeps_a_character_and_a_line_end_whole(end):
    data = end.join(
        [b"event: d\xc3\xa9", "data: 日本\U0001f600".encode(), b"", b"data: 2", b"", b""]
    )
    expected = [("dé", "日本\U0001f600".encode()), ("", b"2")]
    for at in range(len(data) + 1):
        assert fed(Events(), [data[:at], data[at:]]) == expected


def test_a_name_belongs_to_its_own_event_only():
    data = b"event: a\ndata: 1\n\ndata: 2\n\nevent: b\n\ndata: 3\n\n"
    assert fed(Events(), [data]) == [("a", b"1"), ("", b"2"), ("", b"3")]


def test_a_bare_event_line_clears_the_name():
    assert fed(Events(), [b"event: a\nevent\ndata: x\n\n"]) == [("", b"x")]


def test_one_space_after_the_colon_is_no_part_of_the_data():
    assert fed(Events(), [b"data:x\n\ndata: x\n\ndata:  x\n\n"]) == [
        ("", b"x"),
        ("", b"x"),
        ("", b" x"),
    ]


def test_comments_and_pings_are_no_events():
    assert fed(Events(), [b": OPENROUTER PROCESSING\n\n:\n\n: ping\n\n"]) == []


def test_an_event_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(sse, "LONGEST", 100)
    with pytest.raises(Unreadable, match="longer than 100 bytes"):
        fed(Events(), [b"data: 1234567890"] * 20)


@given(
    st.lists(st.sampled_from([b'{"a":1}', '{"a":"é\\n"}'.encode(), b"", b"  "]), max_size=12),
    st.sampled_from([b"\n", b"\r\n"]),
    st.booleans(),
    st.integers(0, 10**6),
)
def test_lines_come_whole_and_blank_ones_not_at_all(rows, end, closed, seed):
    data = end.join(rows) + (end if closed else b"")
    found = fed(Lines(), cut(data, seed, 4))
    assert [line.strip() for _, line in found] == [row for row in rows if row.strip()]
    assert {name for name, _ in found} <= {""}


def test_a_line_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(sse, "LONGEST", 100)
    with pytest.raises(Unreadable, match="longer than 100 bytes"):
        fed(Lines(), [b"1234567890"] * 20)
