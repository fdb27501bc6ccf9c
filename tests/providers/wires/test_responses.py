"""OpenAI's responses: what is sent, what is read, whole and as a stream."""

import json
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.errors import (
    Filtered,
    ModelError,
    NoCredit,
    RateLimited,
    Refused,
    Unreachable,
    Unreadable,
)
from onefold.core.query import Message
from onefold.delivery.deployment import provider
from onefold.delivery.provider import Reply, Request, Sampling, Token
from onefold.providers.http.sse import Events
from onefold.providers.wires.responses import Responses

WIRE = Responses("gpt-5-mini")
HELLO = (Message("system", "Be brief."), Message("user", "Hello!"))
SAID = [{"type": "message", "role": turn.role, "content": turn.content} for turn in HELLO]
BEGUN = (*HELLO, Message("assistant", "Hel"))
SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}}

WHOLE = {
    "id": "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b",
    "object": "response",
    "created_at": 1741476542,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "model": "gpt-5-mini-2025-08-07",
    "output": [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [
                {"type": "summary_text", "text": "They greet."},
                {"type": "summary_text", "text": "Greet back."},
            ],
        },
        {
            "type": "message",
            "id": "msg_1",
            "status": "completed",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "Hi there! ", "annotations": [], "logprobs": []},
                {"type": "output_text", "text": "How are you? 日本", "annotations": []},
            ],
        },
    ],
    "store": False,
    "usage": {
        "input_tokens": 36,
        "input_tokens_details": {"cached_tokens": 16, "cache_write_tokens": 8},
        "output_tokens": 87,
        "output_tokens_details": {"reasoning_tokens": 64},
        "total_tokens": 123,
    },
}
REPLY = Reply(
    "Hi there! How are you? 日本",
    36,
    16,
    87,
    tokens_written=8,
    tokens_reasoning=64,
    reasoning="They greet.\n\nGreet back.",
    upstream=("gpt-5-mini-2025-08-07", "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b"),
)


def sent(messages=HELLO, stream=False, **about):
    """The path and the body as they go over the wire."""
    path, body = WIRE.request(Request("m", messages, **about), stream)
    return path, msgspec.json.decode(msgspec.json.encode(body))


def response(*parts, status="completed", **about):
    """A response with one message."""
    output = [{"type": "message", "role": "assistant", "content": list(parts)}]
    return {"id": "r1", "model": "m1", "status": status, "output": output, **about}


def text(words, **about):
    """A part of a message."""
    return {"type": "output_text", "text": words, **about}


def read(body):
    """The reply in a body."""
    return WIRE.parse(json.dumps(body).encode())


def events(*told):
    """Events, numbered, as the bytes of a stream."""
    rows = [{"sequence_number": number, **one} for number, one in enumerate(told)]
    return b"".join(
        b"event: %s\ndata: %s\n\n" % (r["type"].encode(), json.dumps(r).encode()) for r in rows
    )


def delta(words, **about):
    """A piece of the text."""
    return {"type": "response.output_text.delta", "item_id": "msg_1", "delta": words, **about}


def begun():
    """How every stream begins."""
    opened = {**WHOLE, "status": "in_progress", "output": [], "usage": None}
    return [{"type": f"response.{kind}", "response": opened} for kind in ("created", "in_progress")]


def completed(body=WHOLE):
    """How a stream ends, well or not."""
    return {"type": f"response.{body['status']}", "response": body}


def streamed(*pieces):
    """The text of a stream as it came, and the reply in the end."""
    framing, fold = Events(), WIRE.fold()
    found = [event for piece in pieces for event in framing.feed(piece)] + framing.end()
    came = "".join(fold.add(name, data) for name, data in found)
    return came, fold.reply()


STREAM = events(
    *begun(),
    {"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning"}},
    {"type": "response.reasoning_summary_text.delta", "delta": "They greet."},
    {"type": "response.content_part.added", "part": {"type": "output_text", "text": ""}},
    delta("Hi there! ", obfuscation="x8f2"),
    delta("How are you? "),
    delta("日本"),
    {"type": "response.output_text.done", "text": "How are you? 日本"},
    {"type": "keepalive"},
    completed(),
)


def test_it_is_named_by_its_model():
    assert provider("responses:gpt-5-mini") == WIRE


def test_a_plain_question_is_stored_nowhere():
    body = {"model": "gpt-5-mini", "input": SAID, "stream": False, "store": False}
    assert sent() == ("/responses", body)
    assert sent(stream=True) == ("/responses", {**body, "stream": True})


def test_every_setting_that_the_service_knows_is_sent():
    sampling = Sampling(temperature=0.0, top_p=0.9, max_tokens=64, effort="low")
    _, body = sent(sampling=sampling, logprobs=3)
    assert body == {
        "model": "gpt-5-mini",
        "input": SAID,
        "stream": False,
        "store": False,
        "temperature": 0.0,
        "top_p": 0.9,
        "max_output_tokens": 64,
        "reasoning": {"effort": "low"},
        "include": ["message.output_text.logprobs"],
        "top_logprobs": 3,
    }
    WIRE._speakable(Request("m", HELLO, sampling, logprobs=3, schema=SCHEMA))


def test_log_probabilities_of_the_reply_alone_need_no_number():
    _, body = sent(logprobs=0)
    assert body["include"] == ["message.output_text.logprobs"]
    assert "top_logprobs" not in body


@pytest.mark.parametrize(
    ("schema", "strict"),
    [(SCHEMA, False), ({**SCHEMA, "required": ["age"], "additionalProperties": False}, True)],
)
def test_a_schema_is_the_format_of_the_text(schema, strict):
    named = {"type": "json_schema", "name": "reply", "schema": schema, "strict": strict}
    assert sent(schema=schema)[1]["text"] == {"format": named}


@pytest.mark.parametrize(
    "about",
    [
        {"sampling": Sampling(seed=4)},
        {"sampling": Sampling(stop=("x",))},
        {"sampling": Sampling(top_k=4)},
        {"sampling": Sampling(presence_penalty=0.5)},
        {"sampling": Sampling(frequency_penalty=0.5)},
        {"messages": BEGUN},
    ],
)
def test_what_it_has_no_word_for_is_refused_before_it_is_sent(about):
    with pytest.raises(Refused, match=r"responses (has no|does not continue)"):
        WIRE._speakable(Request("m", **{"messages": HELLO, **about}))


def test_a_conversation_keeps_its_turns():
    turns = (*BEGUN, Message("user", "And now?"))
    more = (("assistant", "Hel"), ("user", "And now?"))
    said = [{"type": "message", "role": role, "content": words} for role, words in more]
    assert sent(turns)[1]["input"] == [*SAID, *said]


def test_a_whole_response_is_read():
    assert read(WHOLE) == REPLY


def test_a_stream_gives_the_same_reply_as_the_whole():
    assert streamed(STREAM) == (REPLY.text, REPLY)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_however_a_stream_is_cut_the_reply_is_the_same(cuts):
    places = [0, *sorted(cuts), len(STREAM)]
    assert streamed(*(STREAM[a:b] for a, b in pairwise(places))) == (REPLY.text, REPLY)


def test_what_is_told_twice_is_heard_once():
    whole = STREAM.split(b"\n\n")
    doubled = b"\n\n".join(event for event in whole[:-1] for _ in range(2)) + b"\n\n"
    assert streamed(doubled) == (REPLY.text, REPLY)
    assert streamed(STREAM.removesuffix(b"\n\n") + b"\n\n" + STREAM) == (REPLY.text, REPLY)


@pytest.mark.parametrize("number", [0, -1, None, "x"])
def test_events_that_are_not_numbered_are_all_heard(number):
    told = [delta("a"), delta("b"), completed(response(text("ab")))]
    data = events(*({**one, "sequence_number": number} for one in told))
    assert streamed(data)[0] == "ab"


@pytest.mark.parametrize("output", [[], None])
def test_the_pieces_count_where_the_last_event_leaves_the_output_out(output):
    said = {**response(), "output": output}
    came, reply = streamed(events(delta("a"), delta("b"), completed(said)))
    assert (came, reply.text, reply.finish, reply.upstream) == ("ab", "ab", "stop", ("m1", "r1"))


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("max_output_tokens", "length"), ("content_filter", "filtered"), ("steered", "steered")],
)
def test_an_incomplete_response_says_why_it_stopped(reason, finish):
    body = response(text("a"), status="incomplete", incomplete_details={"reason": reason})
    assert read(body).finish == finish
    assert streamed(events(*begun(), delta("a"), completed(body))) == ("a", read(body))


def test_a_limit_that_was_all_thought_leaves_an_empty_text():
    about = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    body = {**WHOLE, **about, "output": WHOLE["output"][:1]}
    assert (read(body).text, read(body).finish) == ("", "length")
    assert streamed(events(completed(body)))[1] == read(body)


def test_a_filtered_reply_without_text_is_an_error_that_may_be_billed():
    about = {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
    with pytest.raises(Filtered, match="content filter") as caught:
        read(response(**about))
    assert caught.value.billed
    with pytest.raises(Filtered):
        streamed(events(*begun(), completed(response(**about))))


def test_a_refusal_is_the_text_where_there_is_no_other():
    body = response({"type": "refusal", "refusal": "I can't help with that."})
    reply = read(body)
    assert (reply.text, reply.finish) == ("I can't help with that.", "refused")
    told = [
        {"type": "response.refusal.delta", "delta": piece}
        for piece in ("I can't ", "help with that.")
    ]
    assert streamed(events(*told, completed(body))) == (reply.text, reply)
    assert streamed(events(*told, completed({**body, "output": []}))) == (reply.text, reply)


def test_a_call_of_a_function_ends_for_a_tool():
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    assert read({**response(), "output": [call]}).finish == "tool"


def test_what_it_thought_goes_before_the_summary_of_it():
    thought = {
        "type": "reasoning",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "Hm."}],
    }
    body = response(text("a"))
    assert read({**body, "output": [thought, *body["output"]]}).reasoning == "Hm."


def test_log_probabilities_become_tokens():
    top = [{"token": "5", "logprob": -3.0, "bytes": [53]}]
    logprobs = [
        {"token": "4", "logprob": -0.1, "bytes": [52], "top_logprobs": top},
        {"token": "2", "logprob": -0.3, "bytes": [50], "top_logprobs": []},
    ]
    whole = read(response(text("42", logprobs=logprobs)))
    assert whole.tokens == (Token("4", -0.1, {"5": -3.0}), Token("2", -0.3))
    pieces = [delta("4", logprobs=logprobs[:1]), delta("2", logprobs=logprobs[1:])]
    assert streamed(events(*pieces, completed(response(text("42", logprobs=logprobs)))))[1] == whole
    assert streamed(events(*pieces, completed(response(text("42")))))[1] == whole


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (None, (None, 0, 0, None, 0)),
        ({}, (None, 0, 0, None, 0)),
        ([], (None, 0, 0, None, 0)),
        ("none", (None, 0, 0, None, 0)),
        ({"input_tokens": "12", "output_tokens": -3}, (None, 0, 0, None, 0)),
        ({"input_tokens": 10**18, "output_tokens": 1.5}, (None, 0, 0, None, 0)),
        (
            {
                "input_tokens": 5,
                "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 9},
            },
            (5, 4, 1, None, 0),
        ),
        ({"input_tokens": 5, "input_tokens_details": None}, (5, 0, 0, None, 0)),
        ({"input_tokens": 5, "input_tokens_details": [7]}, (5, 0, 0, None, 0)),
        (
            {"output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 99}},
            (None, 0, 0, 5, 5),
        ),
    ],
)
def test_counts_that_cannot_be_true_are_unknown(usage, counts):
    body = response(text("x"), usage=usage)
    reply = read(body)
    told = (reply.tokens_in, reply.tokens_cached, reply.tokens_written)
    assert (*told, reply.tokens_out, reply.tokens_reasoning) == counts
    assert streamed(events(delta("x"), completed(body)))[1] == reply


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "server_error", "message": "The model failed"}, Unreachable),
        ({"code": "rate_limit_exceeded", "message": "Slow down"}, RateLimited),
        ({"code": "insufficient_quota", "message": "Nothing left"}, NoCredit),
    ],
)
def test_a_failed_response_is_an_error_with_the_services_words(error, kind):
    body = response(status="failed", error=error)
    with pytest.raises(kind, match=error["message"]):
        read(body)
    with pytest.raises(kind, match=error["message"]):
        streamed(events(*begun(), delta("a"), completed(body)))
    with pytest.raises(kind, match=error["message"]):
        streamed(events(*begun(), {"type": "error", "param": None, **error}))
    with pytest.raises(kind, match=error["message"]):
        streamed(events(*begun(), {"type": "error", "error": error}))


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_response_that_failed_without_a_word_is_an_error_all_the_same(status):
    with pytest.raises(ModelError, match=f"the response is {status}"):
        read(response(status=status, error=None))


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_a_response_that_is_not_there_yet_is_none(status):
    with pytest.raises(Unreadable, match=f"still {status}"):
        read(response(status=status))


@pytest.mark.parametrize("count", range(1, 9))
def test_a_stream_that_ends_before_its_last_event_is_no_reply(count):
    parts = STREAM.split(b"\n\n")[:count]
    with pytest.raises(Unreachable, match="ended before") as caught:
        streamed(b"\n\n".join(parts) + b"\n\n", b"data: [DONE]\n\n")
    assert caught.value.billed


@pytest.mark.parametrize("body", [b"{}", b'{"output": null}', b'{"choices": []}'])
def test_a_body_without_output_is_unreadable(body):
    with pytest.raises(Unreadable, match="no output"):
        WIRE.parse(body)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"output": 7}', b'{"output": [', b"\xff"]
)
def test_a_body_of_another_shape_is_a_decoding_error(body):
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        WIRE.parse(body)
