"""Anthropic's messages: what is sent, what is read, whole and as a stream."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.errors import (
    Filtered,
    ModelError,
    RateLimited,
    Refused,
    TooLong,
    Unreachable,
    Unreadable,
)
from onefold.core.query import Message
from onefold.delivery.deployment import provider
from onefold.delivery.provider import Reply, Request, Sampling
from onefold.providers.http.sse import Events
from onefold.providers.wires.anthropic import LIMIT, Anthropic, fitted

WIRE = Anthropic("claude-haiku-4-5")
HELLO = (Message("user", "Hello, Claude"),)
SCHEMA = {
    "type": "object",
    "properties": {"age": {"type": "integer", "description": "In years.", "minimum": 0}},
    "required": ["age"],
}

WHOLE = b"""{
  "id": "msg_01XFDUDYJgAACzvnptvVoYEL", "type": "message", "role": "assistant",
  "model": "claude-haiku-4-5-20251001",
  "content": [
    {"type": "thinking", "thinking": "They greet. Greet back.", "signature": "EqQBCgIYAhIM1gbc"},
    {"type": "text", "text": "Hello! "},
    {"type": "text", "text": "Wie geht\xe2\x80\x99s?"}
  ],
  "stop_reason": "end_turn", "stop_sequence": null, "stop_details": null,
  "usage": {
    "input_tokens": 25, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 100,
    "output_tokens": 15, "output_tokens_details": {"thinking_tokens": 6},
    "cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 0},
    "service_tier": "standard"
  }
}"""


def event(kind: str, **about) -> bytes:
    """An event of a stream."""
    data = msgspec.json.encode({"type": kind, **about}).decode()
    return f"event: {kind}\ndata: {data}\n\n".encode()


def piece(kind: str, index: int = 0, **about) -> bytes:
    """A piece of a block."""
    return event("content_block_delta", index=index, delta={"type": f"{kind}_delta", **about})


def block(index: int, kind: str, *pieces: bytes) -> bytes:
    """A block with its pieces."""
    begun = event("content_block_start", index=index, content_block={"type": kind, kind: ""})
    return begun + b"".join(pieces) + event("content_block_stop", index=index)


BEGUN = {
    "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5-20251001",
    "content": [],
    "stop_reason": None,
    "usage": {
        "input_tokens": 25,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 100,
        "output_tokens": 1,
    },
}
THOUGHT = (piece("thinking", thinking="They greet. "), piece("thinking", thinking="Greet back."))
STREAM = b"".join(
    [
        event("message_start", message=BEGUN),
        event("ping"),
        block(0, "thinking", *THOUGHT, piece("signature", signature="EqQBCgIYAhIM1gbc")),
        block(1, "text", piece("text", 1, text="Hello! ")),
        block(2, "text", piece("text", 2, text="Wie geht"), piece("text", 2, text="’s?")),
        event("something_new", delta={"type": "new_delta", "weight": 1}),
        event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": 15, "output_tokens_details": {"thinking_tokens": 6}},
        ),
        event("message_stop"),
    ]
)
REPLY = Reply(
    "Hello! Wie geht’s?",
    tokens_in=155,
    tokens_cached=100,
    tokens_out=15,
    finish="stop",
    tokens_written=30,
    tokens_reasoning=6,
    reasoning="They greet. Greet back.",
    upstream=("claude-haiku-4-5-20251001", "msg_01XFDUDYJgAACzvnptvVoYEL"),
)


def sent(stream: bool = False, messages: tuple[Message, ...] = HELLO, **about) -> dict:
    """The body that a request becomes."""
    path, body = WIRE.request(Request("m", messages, **about), stream)
    assert path == "/v1/messages"
    return msgspec.json.decode(msgspec.json.encode(body))


def streamed(*chunks: bytes) -> tuple[str, Reply]:
    """The pieces of a stream's text, put together, and its reply."""
    events, fold, text = Events(), WIRE.fold(), ""
    for chunk in chunks:
        text += "".join(fold.add(*event) for event in events.feed(chunk))
    text += "".join(fold.add(*event) for event in events.end())
    return text, fold.reply()


def message(**changes) -> bytes:
    """A whole message with some fields changed."""
    plain = {"id": "msg_1", "model": "m", "content": [{"type": "text", "text": "Four."}]}
    usage = {"input_tokens": 10, "output_tokens": 2}
    return msgspec.json.encode({**plain, "stop_reason": "end_turn", "usage": usage, **changes})


def test_a_plain_question_is_sent_with_the_limit_that_the_service_wants():
    assert sent() == {
        "model": "claude-haiku-4-5",
        "max_tokens": LIMIT,
        "messages": [{"role": "user", "content": "Hello, Claude"}],
    }


def test_every_setting_that_the_service_knows_is_sent():
    turns = (
        Message("system", "Be brief."),
        Message("user", "2+2?"),
        Message("assistant", "4"),
        Message("system", "Be kind."),
        Message("user", "3+3?"),
    )
    sampling = Sampling(
        temperature=0.0, top_p=0.9, top_k=40, max_tokens=10, stop=("\n\n", "END"), effort="low"
    )
    assert sent(True, turns, sampling=sampling, schema=SCHEMA) == {
        "model": "claude-haiku-4-5",
        "max_tokens": 10,
        "system": "Be brief.\n\nBe kind.",
        "messages": [
            {"role": "user", "content": "2+2?"},
            {"role": "assistant", "content": "4"},
            {"role": "user", "content": "3+3?"},
        ],
        "temperature": 0.0,
        "top_p": 0.9,
        "top_k": 40,
        "stop_sequences": ["\n\n", "END"],
        "output_config": {
            "effort": "low",
            "format": {
                "type": "json_schema",
                "schema": {
                    "type": "object",
                    "properties": {
                        "age": {"type": "integer", "description": "In years. (minimum: 0)"}
                    },
                    "required": ["age"],
                    "additionalProperties": False,
                },
            },
        },
        "stream": True,
    }


@pytest.mark.parametrize(
    ("begun", "left"),
    [("The answer is (", ["The answer is ("]), ("Well, \n", ["Well,"]), (" \n", [])],
)
def test_a_beginning_is_sent_without_the_white_space_at_its_end(begun, left):
    body = sent(messages=(*HELLO, Message("assistant", begun)))
    assert [turn["content"] for turn in body["messages"]] == ["Hello, Claude", *left]


@pytest.mark.parametrize(
    "about",
    [
        {"sampling": Sampling(seed=7)},
        {"sampling": Sampling(presence_penalty=0.5)},
        {"sampling": Sampling(frequency_penalty=0.5)},
        {"logprobs": 0},
    ],
)
def test_what_the_service_has_no_word_for_is_refused_before_it_is_sent(about):
    with pytest.raises(Refused, match="anthropic has no"):
        WIRE._speakable(Request("m", HELLO, **about))


def test_the_key_and_the_version_are_sent_as_headers(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-canary")
    wire = Anthropic("claude-haiku-4-5")
    out = wire._outgoing(wire._way(), Request("m", HELLO), False)
    assert out.url == "https://api.anthropic.com/v1/messages"
    assert out.headers == {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        "x-api-key": "sk-ant-canary",
    }
    newer = Anthropic("m", headers={"anthropic-version": "2026-10-21"})
    assert newer._way().headers["anthropic-version"] == "2026-10-21"


def test_it_is_named_by_its_model():
    assert provider("anthropic:claude-haiku-4-5") == WIRE


def test_a_schema_keeps_to_what_the_service_takes():
    schema = {
        "$defs": {"minimum": {"type": "string", "minLength": 2, "pattern": "^a"}},
        "type": "object",
        "properties": {
            "maximum": {"type": "array", "items": {"$ref": "#/$defs/minimum"}, "minItems": 1},
            "pair": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            "either": {"oneOf": [{"type": "null"}, {"type": "object", "properties": {}}]},
            "open": {"type": "object", "additionalProperties": {"type": "number"}},
        },
    }
    assert fitted(schema) == {
        "$defs": {"minimum": {"type": "string", "pattern": "^a", "description": "(minLength: 2)"}},
        "type": "object",
        "properties": {
            "maximum": {"type": "array", "items": {"$ref": "#/$defs/minimum"}, "minItems": 1},
            "pair": {
                "type": "array",
                "items": {"type": "number"},
                "description": "(minItems: 2, maxItems: 2)",
            },
            "either": {
                "anyOf": [
                    {"type": "null"},
                    {"type": "object", "properties": {}, "additionalProperties": False},
                ]
            },
            "open": {"type": "object", "additionalProperties": {"type": "number"}},
        },
        "additionalProperties": False,
    }
    assert fitted(fitted(schema)) == fitted(schema)


def test_a_whole_message_is_read():
    assert WIRE.parse(WHOLE) == REPLY


def test_a_stream_gives_the_same_reply_as_the_whole():
    assert streamed(STREAM) == (REPLY.text, REPLY)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12), st.booleans())
def test_however_a_stream_is_cut_the_reply_is_the_same(cuts, windows):
    stream = STREAM.replace(b"\n", b"\r\n") if windows else STREAM
    ends = sorted({0, len(stream), *cuts})
    chunks = [stream[begin:end] for begin, end in pairwise(ends)]
    assert streamed(*chunks) == (REPLY.text, REPLY)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "until"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refused"),
        ("tool_use", "tool"),
        ("pause_turn", "pause_turn"),
        (None, "stop"),
    ],
)
def test_why_it_stopped_is_told_in_our_words(reason, finish):
    assert WIRE.parse(message(stop_reason=reason)).finish == finish


def test_a_refusal_without_a_word_is_an_error_that_says_why():
    details = {"type": "refusal", "category": "cyber", "explanation": "It looks like malware."}
    with pytest.raises(Filtered, match=r"refused the request: It looks like malware\.") as whole:
        WIRE.parse(message(content=[], stop_reason="refusal", stop_details=details))
    assert whole.value.billed
    start = event("message_start", message={"id": "msg_1", "content": []})
    delta = {"stop_reason": "refusal", "stop_details": details}
    with pytest.raises(Filtered, match=r"It looks like malware\."):
        streamed(start, event("message_delta", delta=delta), event("message_stop"))


def test_only_blocks_of_text_and_thought_are_read():
    blocks = [
        {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix"},
        {"type": "text", "text": "I look it up.", "citations": None},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"text": "x"}},
    ]
    reply = WIRE.parse(message(content=blocks, stop_reason="tool_use"))
    assert (reply.text, reply.finish, reply.reasoning) == ("I look it up.", "tool", "")


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ({}, (None, 0, 0, None, 0)),
        ({"input": "10", "output": -2}, (None, 0, 0, None, 0)),
        ({"input": 1.5, "output": True}, (None, 0, 0, None, 0)),
        ({"input": 10, "output": 0}, (10, 0, 0, 0, 0)),
        ({"input": 0, "cache_read_input": 9, "output": 2}, (9, 9, 0, 2, 0)),
        ({"input": 10, "cache_read_input": -9, "output": 2}, (None, 0, 0, 2, 0)),
        ({"input": 10, "cache_creation_input": "5", "output": 2}, (None, 0, 0, 2, 0)),
    ],
)
def test_odd_usage_is_unknown_rather_than_wrong(said, counts):
    usage = {f"{name}_tokens": value for name, value in said.items()}
    start = event("message_start", message={"id": "msg_1", "model": "m", "content": []})
    start += event("content_block_delta", delta={"type": "text_delta", "text": "Four."})
    end = event("message_delta", delta={"stop_reason": "end_turn"}, usage=usage)
    whole = WIRE.parse(message(usage=usage))
    assert whole == streamed(start, end, event("message_stop"))[1]
    assert counts == (
        whole.tokens_in,
        whole.tokens_cached,
        whole.tokens_written,
        whole.tokens_out,
        whole.tokens_reasoning,
    )


def test_the_output_that_a_stream_begins_with_is_not_taken_for_its_end():
    usage = {"input_tokens": 10, "output_tokens": 1}
    start = event("message_start", message={"id": "msg_1", "content": [], "usage": usage})
    end = event("message_delta", delta={"stop_reason": "end_turn"})
    reply = streamed(start, end, event("message_stop"))[1]
    assert (reply.tokens_in, reply.tokens_out) == (10, None)


@pytest.mark.parametrize("last", ["message_start", "ping", "content_block_stop"])
def test_a_stream_that_ends_before_it_says_why_it_stopped_is_no_reply(last):
    end = STREAM.index(b"\n\n", STREAM.rindex(f"event: {last}".encode())) + 2
    with pytest.raises(Unreachable, match="ended before") as early:
        streamed(STREAM[:end])
    assert early.value.billed


def test_a_stream_that_says_why_it_stopped_is_whole_without_its_last_event():
    assert streamed(STREAM[: STREAM.index(b"event: message_stop")])[1] == REPLY


@pytest.mark.parametrize(
    ("kind", "words", "error", "status"),
    [
        ("overloaded_error", "Overloaded", Unreachable, 529),
        ("api_error", "Internal server error", Unreachable, 500),
        ("rate_limit_error", "This request would exceed your limit", RateLimited, 429),
        ("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", TooLong, 400),
        ("invalid_request_error", "messages: at least one is required", Refused, 400),
        ("brand_new_error", "Something else", Unreachable, 0),
    ],
)
def test_an_error_in_a_stream_is_one_of_ours_with_the_services_words(kind, words, error, status):
    told = event("error", error={"type": kind, "message": words}, request_id="req_1")
    begun = STREAM[: STREAM.index(b"event: message_delta")]
    with pytest.raises(ModelError, match=words) as late:
        streamed(begun, told)
    assert (type(late.value), late.value.status, late.value.billed) == (error, status, True)
    with pytest.raises(ModelError, match=words) as early:
        streamed(told)
    assert (type(early.value), early.value.billed) == (error, False)
    with pytest.raises(ModelError, match=words) as whole:
        WIRE.parse(told.partition(b"data: ")[2])
    assert type(whole.value) is error


@pytest.mark.parametrize("body", [b"{}", b'{"id": "msg_1", "type": "message"}'])
def test_a_message_without_content_is_unreadable(body):
    with pytest.raises(Unreadable, match="has no content"):
        WIRE.parse(body)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"content": "text"}', WHOLE[:-9]])
def test_a_body_of_another_shape_is_a_decoding_error(body):
    with pytest.raises(msgspec.DecodeError):
        WIRE.parse(body)
