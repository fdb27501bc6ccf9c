"""Embeddings as an encoder: through the corridor, in batches, cached."""

import asyncio

import numpy as np
import pytest

import onefold as of
from onefold.core.errors import ConfigError, Unreadable
from onefold.core.spec import build, dump
from onefold.encoders.embedded import Embedded
from onefold.verbs import Encoder

CALLS: list[list[str]] = []


class Letters(of.Provider, name="test_embedded_letters"):
    """Counts a, b, c; says a vector less than asked for where a text is `short`."""

    async def complete(self, request):
        texts = [message.content for message in request.messages]
        CALLS.append(texts)
        vectors = tuple(tuple(float(text.count(c)) for c in "abc") for text in texts)
        if "ragged" in texts:
            vectors = ((1.0,), *vectors[1:])
        return of.Reply(tokens_in=1, tokens_out=0, vectors=vectors["short" in texts :])


@pytest.fixture(autouse=True)
def session():
    CALLS.clear()
    with of.Session({"e": Letters(), "chat": "fake:hi"}, cache="memory") as held:
        yield held


def encode(encoder, *texts):
    return asyncio.run(encoder.encode(texts))


def test_rows_have_length_one_and_blank_texts_are_not_sent():
    rows = encode(Embedded("e"), "aab", "  ", "c")
    wanted = [[2 / 5**0.5, 1 / 5**0.5, 0], [0, 0, 0], [0, 0, 1]]
    assert np.allclose(rows, wanted)
    assert CALLS == [["aab", "c"]]


def test_texts_go_in_batches_and_no_longer_than_allowed():
    encode(Embedded("e", batch=2, longest=3), "aaaaa", "b", "c", "ab", "bc")
    assert CALLS == [["aaa", "b"], ["c", "ab"], ["bc"]]


def test_the_same_texts_are_paid_for_once(session):
    for _ in range(3):
        encode(Embedded("e"), "a", "b")
    assert len(CALLS) == 1
    assert session.usage()["e"].calls == 1


def test_a_provider_of_ones_own_needs_no_session():
    assert encode(Embedded("mine", Letters()), "a").tolist() == [[1, 0, 0]]


def test_nothing_to_encode_calls_nobody():
    assert encode(Embedded("e")).shape == (0, 0)
    assert encode(Embedded("e"), " ").shape == (1, 0)
    assert not CALLS


def test_a_model_that_does_not_embed_is_told():
    with pytest.raises(Unreadable, match="gave 0 embeddings for 1 texts"):
        encode(Embedded("chat"), "a")
    with pytest.raises(Unreadable, match="gave 1 embeddings for 2 texts"):
        encode(Embedded("e"), "short", "a")
    with pytest.raises(Unreadable, match="vectors of several lengths"):
        encode(Embedded("e"), "ragged", "a")


def test_an_unknown_model_is_an_error_before_anything_is_called():
    with pytest.raises(ConfigError, match="no model or operator named 'ee'"):
        encode(Embedded("ee"), "a")


def test_embedded_comes_back_from_yaml():
    made = build({"embedded": {"model": "e", "batch": 7}}, Encoder)
    assert made == Embedded("e", batch=7)
    assert build(dump(made), Encoder) == made
