"""Embeddings: each message is a text, each text becomes a vector."""

import json
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.errors import NoSuchModel, RateLimited, Refused, Unreachable, Unreadable
from onefold.core.query import Message
from onefold.delivery.deployment import provider
from onefold.delivery.provider import Reply, Request, Sampling
from onefold.providers.wires.embeddings import Embeddings, OllamaEmbeddings
from onefold.providers.wires.ollama import Ollama

OPENAI = Embeddings("text-embedding-3-small")
OLLAMA = OllamaEmbeddings("nomic-embed-text")
BOTH = [OPENAI, OLLAMA]
TEXTS = (Message("user", "a cat"), Message("user", "ein Hund"), Message("assistant", "猫"))
VECTORS = ((0.5, -0.25, 1.0), (0.0, 1e-9, -2.5), (3.0, 4.0, 5.0))


def openai(vectors=VECTORS, **about):
    """A reply as OpenAI shapes it, on many lines."""
    data = [
        {"object": "embedding", "index": index, "embedding": list(vector)}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    body = {"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage}
    return json.dumps({**body, **about}, indent=2).encode()


def ollama(vectors=VECTORS, **about):
    """A reply as Ollama shapes it."""
    body = {"model": "nomic-embed-text", "embeddings": vectors, "prompt_eval_count": 8}
    return json.dumps(
        {**body, "total_duration": 14143917, "load_duration": 1019500, **about}
    ).encode()


BODIES = {OPENAI: openai, OLLAMA: ollama}


def streamed(wire, *pieces):
    """What a stream gives on the way, and the reply in the end."""
    framing, fold = wire.framing(), wire.fold()
    found = [event for piece in pieces for event in framing.feed(piece)] + framing.end()
    text = "".join(fold.add(name, data) for name, data in found)
    return text, fold.reply()


def test_they_are_named_by_their_model():
    assert provider("openai-embeddings:text-embedding-3-small") == OPENAI
    assert provider("ollama-embeddings:nomic-embed-text") == OLLAMA


@pytest.mark.parametrize("stream", [False, True])
def test_each_message_is_a_text(stream):
    request, texts = Request("m", TEXTS), ["a cat", "ein Hund", "猫"]
    body = {"model": "text-embedding-3-small", "input": texts}
    assert OPENAI.request(request, stream) == ("/embeddings", body)
    body = {"model": "nomic-embed-text", "input": texts, "truncate": False}
    assert OLLAMA.request(request, stream) == ("/api/embed", body)


@pytest.mark.parametrize("wire", BOTH)
def test_a_text_may_be_anybodys(wire):
    wire._speakable(Request("m", TEXTS))


@pytest.mark.parametrize("wire", BOTH)
@pytest.mark.parametrize(
    "about",
    [
        {"sampling": Sampling(temperature=0.5)},
        {"sampling": Sampling(stop=("x",))},
        {"schema": {"type": "object"}},
        {"logprobs": 0},
    ],
)
def test_vectors_are_not_drawn(wire, about):
    with pytest.raises(Refused, match="embeddings has no"):
        wire._speakable(Request("m", TEXTS, **about))


def test_more_may_be_asked_for_in_the_body(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "the-key")
    wire = Embeddings("text-embedding-3-small", body={"dimensions": 256})
    out = wire._outgoing(wire._way(), Request("m", TEXTS), False)
    assert msgspec.json.decode(out.body)["dimensions"] == 256
    assert out.url == "https://api.openai.com/v1/embeddings"


@pytest.mark.parametrize("wire", BOTH)
def test_a_whole_reply_is_read(wire):
    reply = wire.parse(BODIES[wire]())
    assert reply == Reply(tokens_in=8, tokens_out=0, vectors=VECTORS, upstream=(wire.model, ""))


@pytest.mark.parametrize("wire", BOTH)
@given(cuts=st.lists(st.integers(0, 200), max_size=8))
def test_a_stream_is_the_whole_reply_however_it_is_cut(wire, cuts):
    data = BODIES[wire]()
    places = [0, *sorted(cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(places)]
    assert streamed(wire, *pieces) == ("", wire.parse(data))


def test_vectors_come_in_the_order_of_their_texts():
    rows = json.loads(openai())["data"]
    assert OPENAI.parse(openai(data=rows[::-1])).vectors == VECTORS


def test_vectors_without_numbers_come_as_they_are():
    rows = [{"embedding": vector} for vector in VECTORS]
    assert OPENAI.parse(openai(data=rows)).vectors == VECTORS


@pytest.mark.parametrize("indices", [(0, 2), (1, 2), (0, 0)])
def test_missing_and_doubled_vectors_are_unreadable(indices):
    rows = [{"embedding": [1.0], "index": index} for index in indices]
    with pytest.raises(Unreadable, match="missing or doubled") as caught:
        OPENAI.parse(openai(data=rows))
    assert caught.value.billed


@pytest.mark.parametrize("wire", BOTH)
@pytest.mark.parametrize("vectors", [(), ((),), ((1.0, 2.0), (1.0,))])
def test_vectors_that_do_not_fit_together_are_unreadable(wire, vectors):
    with pytest.raises(Unreadable, match=r"vectors are (missing|of 2 lengths)"):
        wire.parse(BODIES[wire](vectors))


@pytest.mark.parametrize("wire", BOTH)
@pytest.mark.parametrize("told", [None, "8", -8, 1.5, 10**18])
def test_counts_that_cannot_be_true_are_unknown(wire, told):
    body = (
        openai(usage={"prompt_tokens": told}) if wire is OPENAI else ollama(prompt_eval_count=told)
    )
    reply = wire.parse(body)
    assert (reply.tokens_in, reply.tokens_out) == (None, 0)


@pytest.mark.parametrize("usage", [None, {}, [], "none", {"prompt_tokens": {}}])
def test_a_reply_without_usage_is_one_all_the_same(usage):
    assert OPENAI.parse(openai(usage=usage)).tokens_in is None


def test_an_error_that_comes_as_a_success_is_one_all_the_same():
    with pytest.raises(RateLimited, match="slow down"):
        OPENAI.parse(b'{"error": {"message": "slow down", "code": "rate_limit_exceeded"}}')
    with pytest.raises(NoSuchModel, match="not found"):
        streamed(OLLAMA, b'{"error": "model \'x\' not found"}')


@pytest.mark.parametrize("wire", BOTH)
def test_nothing_at_all_is_no_reply(wire):
    with pytest.raises(Unreachable, match="ended before"):
        streamed(wire)
    with pytest.raises(Unreadable, match="vectors are missing"):
        wire.parse(b"{}")


@pytest.mark.parametrize("wire", BOTH)
@pytest.mark.parametrize("cut", [0, 1, 40, -1])
def test_a_body_that_is_cut_off_is_a_decoding_error(wire, cut):
    with pytest.raises(msgspec.DecodeError):
        wire.parse(BODIES[wire]()[:cut])


@pytest.mark.parametrize("vector", ['["x"]', "[null]", '"AAAA"', "[NaN]"])
def test_a_vector_of_anything_but_numbers_is_a_decoding_error(vector):
    with pytest.raises(msgspec.DecodeError):
        OPENAI.parse(b'{"data": [{"embedding": %s}]}' % vector.encode())
    with pytest.raises(msgspec.DecodeError):
        OLLAMA.parse(b'{"embeddings": [%s]}' % vector.encode())


@pytest.mark.parametrize("kind", [Ollama, OllamaEmbeddings])
def test_ollamas_host_means_ollamas_port_where_it_names_none(kind, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "box")
    assert kind("m")._base() == "http://box:11434"
