"""Text from tokens: what is told never has to be taken back, and stops are no part of it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from onefold.providers.huggingface.writing import Writing

TEXTS = st.text(st.sampled_from("abé🙂 \n"), max_size=40)
STOPS = st.lists(st.text(st.sampled_from("ab\n"), min_size=1, max_size=4), max_size=3)


def decode(codes):
    """Tokens are bytes here, so that a character takes up to four."""
    return bytes(codes).decode("utf-8", "replace")


def spoken(text, stops=(), before=""):
    pieces, told = [], []
    writing = Writing(decode, list(before.encode()), stops, told.append)
    for code in text.encode():
        pieces.append(writing.add(code))
        if writing.stopped:
            break
    pieces.append(writing.end())
    return writing, pieces, told


@given(TEXTS, TEXTS)
@settings(max_examples=300)
def test_pieces_and_what_is_told_are_the_text(text, before):
    writing, pieces, told = spoken(text, before=before)
    assert writing.text == "".join(pieces) == "".join(told) == text


@given(TEXTS, STOPS)
@settings(max_examples=300)
def test_the_first_stop_ends_the_text_and_no_part_of_it_is_told(text, stops):
    writing, _, told = spoken(text, stops)
    found = [place for stop in stops if (place := text.find(stop)) >= 0]
    if not writing.stopped:
        assert not found
    kept = writing.text
    assert "".join(told) == kept
    assert text.startswith(kept)
    assert not any(stop in kept for stop in stops)
    if writing.stopped:
        assert any(text.startswith(stop, len(kept)) for stop in stops)


def test_a_character_is_told_whole():
    _, pieces, told = spoken("a🙂b")
    assert pieces == ["a", "", "", "", "🙂", "b", ""]
    assert told == ["a", "🙂", "b"]


def test_half_a_character_at_the_end_is_shown_as_one():
    writing = Writing(decode)
    writing.add(0xC3)
    assert writing.end() == "�"


def test_alternatives_are_spelled_where_they_would_stand():
    writing = Writing(lambda codes: "".join(f" {code}" for code in codes).lstrip(), [1])
    assert writing.alternative(2) == " 2"
    assert writing.add(3) == " 3"
    assert writing.text == " 3"
