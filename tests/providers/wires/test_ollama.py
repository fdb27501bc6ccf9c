"""Ollama's chat: what is sent, what is read, whole and as a stream of lines."""

import json
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.errors import NoSuchModel, TooLong, Unreachable, Unreadable
from onefold.core.query import Message
from onefold.delivery.deployment import provider
from onefold.delivery.provider import Reply, Request, Sampling, Token
from onefold.providers.http.sse import Lines
from onefold.providers.wires.ollama import Ollama

WIRE = Ollama("llama3.2:3b")
HELLO = (Message("system", "Be brief."), Message("user", "Hello!"))
SAID = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello!"}]
SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}}
ENDED = {
    "done": True,
    "done_reason": "stop",
    "total_duration": 5191566416,
    "load_duration": 2154458,
    "prompt_eval_count": 26,
    "prompt_eval_duration": 383809000,
    "eval_count": 298,
    "eval_duration": 4799921000,
}
ABOUT = {"model": "llama3.2:3b", "created_at": "2025-10-17T23:14:07.414671Z"}
WHOLE = {
    **ABOUT,
    "message": {"role": "assistant", "content": "Héllo 日本!", "thinking": "Greet."},
    **ENDED,
}
REPLY = Reply("Héllo 日本!", 26, tokens_out=298, reasoning="Greet.", upstream=("llama3.2:3b", ""))


def sent(messages=HELLO, stream=False, **about):
    """The path and the body as they go over the wire."""
    path, body = WIRE.request(Request("m", messages, **about), stream)
    return path, msgspec.json.decode(msgspec.json.encode(body))


def read(**about):
    """The reply in a body that differs from the usual one."""
    return WIRE.parse(json.dumps({**WHOLE, **about}).encode())


def line(content="", thinking="", **more):
    """A line of a stream."""
    message = {"role": "assistant", "content": content}
    if thinking:
        message["thinking"] = thinking
    return json.dumps({**ABOUT, "message": message, "done": False, **more}).encode() + b"\n"


def streamed(*pieces):
    """The text of a stream as it came, and the reply in the end."""
    framing, fold = WIRE.framing(), WIRE.fold()
    found = [event for piece in pieces for event in framing.feed(piece)] + framing.end()
    text = "".join(fold.add(name, data) for name, data in found)
    return text, fold.reply()


STREAM = (
    line("", "Gre") + line("", "et.") + line("Héllo ") + line("日本") + line("!") + line(**ENDED)
)


def test_it_is_named_by_its_model_and_its_tag():
    assert provider("ollama:llama3.2:3b") == WIRE
    assert WIRE.framing is Lines


def test_a_plain_question_is_not_cut_to_fit():
    body = {"model": "llama3.2:3b", "messages": SAID, "stream": False, "truncate": False}
    assert sent() == ("/api/chat", body)
    assert sent(stream=True) == ("/api/chat", {**body, "stream": True})


def test_every_setting_there_is_has_ollamas_name():
    sampling = Sampling(0.0, 0.9, 64, 0, ("\n\n", "END"), 40, 0.1, -0.2, "high")
    _, body = sent(sampling=sampling, schema=SCHEMA, logprobs=2)
    assert body == {
        "model": "llama3.2:3b",
        "messages": SAID,
        "stream": False,
        "truncate": False,
        "options": {
            "temperature": 0.0,
            "top_p": 0.9,
            "top_k": 40,
            "num_predict": 64,
            "seed": 0,
            "presence_penalty": 0.1,
            "frequency_penalty": -0.2,
            "stop": ["\n\n", "END"],
        },
        "think": "high",
        "format": SCHEMA,
        "logprobs": True,
        "top_logprobs": 2,
    }
    WIRE._speakable(Request("m", HELLO, sampling, schema=SCHEMA, logprobs=2))


def test_an_effort_of_none_is_no_thinking():
    assert sent(sampling=Sampling(effort="none"))[1]["think"] is False


def test_log_probabilities_of_the_reply_alone_need_no_number():
    _, body = sent(logprobs=0)
    assert body["logprobs"] is True
    assert "top_logprobs" not in body


def test_a_partial_answer_is_the_last_message():
    messages = (*HELLO, Message("assistant", "Hel"))
    assert sent(messages)[1]["messages"] == [*SAID, {"role": "assistant", "content": "Hel"}]
    WIRE._speakable(Request("m", messages))


def test_it_lives_where_the_environment_says_and_needs_no_key(monkeypatch):
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    assert (WIRE._base(), WIRE._secret()) == ("http://localhost:11434", "")
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9999")
    assert WIRE._base() == "http://127.0.0.1:9999"
    monkeypatch.setenv("OLLAMA_HOST", "https://ollama.example/")
    assert WIRE._base() == "https://ollama.example"
    assert Ollama("x", base_url="http://10.0.0.1:1")._base() == "http://10.0.0.1:1"


def test_a_key_is_sent_where_one_is_named(monkeypatch):
    monkeypatch.setenv("OLLAMA_API_KEY", "cloud-key")
    assert WIRE._secret() == ""
    wire = Ollama("gpt-oss:120b", base_url="https://ollama.com", key="env:OLLAMA_API_KEY")
    out = wire._outgoing(wire._way(), Request("m", HELLO), True)
    assert out.url == "https://ollama.com/api/chat"
    assert out.headers["authorization"] == "Bearer cloud-key"


def test_a_whole_reply_is_read():
    assert read() == REPLY


def test_a_stream_gives_the_same_reply_as_the_whole():
    assert streamed(STREAM) == (REPLY.text, REPLY)
    assert streamed(STREAM.rstrip(b"\n")) == (REPLY.text, REPLY)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12), st.booleans())
def test_however_a_stream_is_cut_the_reply_is_the_same(cuts, carriage):
    data = STREAM.replace(b"\n", b"\r\n\r\n") if carriage else STREAM
    places = [0, *sorted(cuts), len(data)]
    assert streamed(*(data[a:b] for a, b in pairwise(places))) == (REPLY.text, REPLY)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("stop", "stop"), ("length", "length"), (None, "stop"), ("odd", "odd")],
)
def test_why_it_stopped_is_told_in_our_words(reason, finish):
    assert read(done_reason=reason).finish == finish
    assert streamed(line("x"), line(**{**ENDED, "done_reason": reason}))[1].finish == finish


def test_a_call_of_a_function_ends_for_a_tool():
    call = {"function": {"name": "f", "arguments": {}}}
    message = {"role": "assistant", "content": "", "tool_calls": [call]}
    assert read(message=message).finish == "tool"
    calling = json.dumps({**ABOUT, "message": message, "done": False}).encode() + b"\n"
    assert streamed(calling, line(**ENDED))[1].finish == "tool"


@pytest.mark.parametrize("reason", ["load", "unload"])
def test_a_model_that_was_only_loaded_may_be_asked_again(reason):
    with pytest.raises(Unreachable, match=f"did {reason} the model") as caught:
        read(message={"role": "assistant", "content": ""}, done_reason=reason)
    assert caught.value.retryable


def test_log_probabilities_become_tokens():
    top = [{"token": "5", "logprob": -3.0, "bytes": [53]}]
    logprobs = [
        {"token": "4", "logprob": -0.1, "bytes": [52], "top_logprobs": top},
        {"token": "2", "logprob": -0.3, "bytes": [50]},
    ]
    tokens = (Token("4", -0.1, {"5": -3.0}), Token("2", -0.3))
    assert read(logprobs=logprobs).tokens == tokens
    pieces = [line("4", logprobs=logprobs[:1]), line("2", logprobs=logprobs[1:])]
    assert streamed(*pieces, line(**ENDED))[1].tokens == tokens


@pytest.mark.parametrize(
    ("told", "counts"),
    [
        ({"prompt_eval_count": None, "eval_count": None}, (None, None)),
        ({"prompt_eval_count": "26", "eval_count": -1}, (None, None)),
        ({"prompt_eval_count": 10**18, "eval_count": 0}, (None, 0)),
        ({"prompt_eval_count": 1.5, "eval_count": True}, (None, None)),
    ],
)
def test_counts_that_cannot_be_true_are_unknown(told, counts):
    reply = read(**told)
    assert (reply.tokens_in, reply.tokens_out) == counts
    assert (reply.tokens_cached, reply.tokens_written, reply.tokens_reasoning) == (0, 0, 0)


@pytest.mark.parametrize("count", range(6))
def test_a_stream_that_ends_before_it_is_done_is_no_reply(count):
    with pytest.raises(Unreachable, match="ended before") as caught:
        streamed(*STREAM.splitlines(keepends=True)[:count])
    assert caught.value.billed


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("an error was encountered while running the model: EOF", Unreachable),
        ("llama runner process has terminated: exit status 2", Unreachable),
        ("model 'llama9' not found", NoSuchModel),
        ("the input length exceeds the context length", TooLong),
    ],
)
def test_an_error_in_a_stream_has_the_services_words(words, kind):
    with pytest.raises(kind, match=words):
        streamed(line("a"), json.dumps({"error": words}).encode() + b"\n")
    with pytest.raises(kind, match=words):
        WIRE.parse(json.dumps({"error": words}).encode())


@pytest.mark.parametrize("body", [b"{}", b'{"message": {"content": "x"}}', b'{"done": false}'])
def test_a_reply_that_is_not_done_is_unreadable(body):
    with pytest.raises(Unreadable, match="no message that is done") as caught:
        WIRE.parse(body)
    assert caught.value.billed


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"message": 7}', b'{"message": {', b"\xff"]
)
def test_a_body_of_another_shape_is_a_decoding_error(body):
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        WIRE.parse(body)
