"""Scoring endpoints on the wire: what they may say, and what is refused before it is sent."""

import json

import msgspec
import pytest

from onefold.core.errors import ConfigError, Refused, Unreadable
from onefold.core.query import Message
from onefold.delivery.deployment import provider
from onefold.delivery.provider import Request, Sampling
from onefold.providers.wires.scores import Http, Https, Scores

ASKED = (Message("user", "2+2?"), Message("assistant", "4"))


def parsed(path, said):
    data = said if isinstance(said, bytes) else json.dumps(said).encode()
    return Http(f"//gpu:8000/{path}").parse(data)


def test_it_is_named_by_its_address():
    assert provider("http://gpu:8000/score") == Http("//gpu:8000/score")
    assert provider("https://gpu/v1/rerank") == Https("//gpu/v1/rerank")
    assert Http("//gpu:8000/score").request(Request("m", ASKED), False)[0] == "//gpu:8000/score"
    assert Http("//gpu:8000/score")._base() == "http:"


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (lambda: Http("//gpu/scores"), "must end with /classify, /pooling, /score"),
        (lambda: Scores("m", base_url="http://gpu"), "is no endpoint that scores"),
        (lambda: Scores("m"), "is no endpoint that scores"),
        (lambda: Http("gpu/score"), "no address"),
        (lambda: Http("//user:secret@gpu/score"), "has no user, password"),
        (lambda: Http("//gpu/score", base_url="http://gpu/score"), "an address by itself"),
    ],
)
def test_an_address_that_cannot_score_is_refused_at_once(wire, message):
    with pytest.raises(ConfigError, match=message) as caught:
        wire()
    assert "secret" not in str(caught.value)


def test_a_model_is_named_to_the_service_that_serves_several():
    path, body = Scores("m", base_url="http://gpu/score").request(Request("x", ASKED), False)
    assert (path, body) == ("", {"model": "m", "text_1": "2+2?", "text_2": "4"})


def test_a_conversation_without_an_answer_is_refused_before_it_is_sent():
    with pytest.raises(Refused, match="ask it by the judge reward"):
        Http("//gpu/score").request(Request("m", ASKED[:1]), False)


def test_what_it_has_no_word_for_is_refused_before_it_is_sent():
    Http("//gpu/score")._speakable(Request("m", ASKED))
    with pytest.raises(Refused, match="has no temperature"):
        Http("//gpu/score")._speakable(Request("m", ASKED, Sampling(temperature=0.5)))


def test_labels_come_in_their_order_and_batches_as_single_ones():
    rows = [{"label": "b", "score": 0.75}, {"label": "a", "score": 0.25}]
    for said in (rows, [rows]):
        reply = parsed("predict", said)
        assert (reply.text, reply.probs) == ("[0.25, 0.75]", {"a": 0.25, "b": 0.75})


def test_tokens_are_counted_where_the_service_counts():
    said = {"model": "m1", "id": "7", "data": [{"score": 1}], "usage": {"prompt_tokens": 9}}
    reply = parsed("score", said)
    assert (reply.tokens_in, reply.tokens_out, reply.upstream) == (9, 0, ("m1", "7"))
    assert parsed("rerank", [{"index": 0, "score": 0.5}]).tokens_in is None


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("score", {"data": []}),
        ("score", {"data": [{"score": None}]}),
        ("score", {"data": [{"score": "high"}]}),
        ("score", []),
        ("score", "fine"),
        ("score", None),
        ("classify", {"data": [{"probs": []}]}),
        ("classify", {"data": [{"probs": None}]}),
        ("pooling", {"data": [{"data": [[], []]}]}),
        ("pooling", {"data": [{"data": "0.5"}]}),
        ("predict", []),
        ("predict", [{"label": "a"}]),
        ("rerank", {}),
        ("v1/rerank", {"results": []}),
        ("score", b'{"data": [{"score": 1e999}]}'),
    ],
)
def test_a_reply_without_a_number_is_unreadable(path, said):
    with pytest.raises((Unreadable, msgspec.DecodeError)):
        parsed(path, said)


def test_an_error_with_status_200_is_an_error():
    with pytest.raises(Exception, match="model is loading"):
        parsed("score", {"error": {"message": "the model is loading", "code": 503}})
