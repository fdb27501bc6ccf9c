"""Chat completions: what each service is sent, what is read, whole and as a stream."""

import json
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.errors import (
    Filtered,
    RateLimited,
    Unreachable,
    Unreadable,
)
from onefold.core.query import Message
from onefold.delivery.provider import Reply, Request, Token
from onefold.providers.http.sse import Events
from onefold.providers.wires.services import (
    DeepSeek,
    Mistral,
    OpenAI,
    OpenRouter,
    Xai,
)

WIRE = OpenAI("gpt-4o-mini")
HELLO = (Message("system", "Be brief."), Message("user", "Hello!"))

WHOLE = {
    "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
    "object": "chat.completion",
    "created": 1741569952,
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hi there!", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 19,
        "completion_tokens": 10,
        "total_tokens": 29,
        "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 6},
    },
    "service_tier": "default",
}
REPLY = Reply(
    "Hi there!",
    19,
    8,
    10,
    tokens_reasoning=6,
    upstream=("gpt-4o-mini-2024-07-18", "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT"),
)


def read(choice, usage=None, wire=WIRE, **about):
    """The reply in a body with one choice."""
    body = {"id": "c1", "model": "m1", "choices": [choice], **about}
    return wire.parse(json.dumps(body if usage is None else {**body, "usage": usage}).encode())


def events(*chunks, done=True):
    """Chunks as the bytes of a stream."""
    said = b"".join(b"data: %s\n\n" % json.dumps(chunk).encode() for chunk in chunks)
    return said + (b"data: [DONE]\n\n" if done else b"")


def chunk(finish=None, logprobs=None, **delta):
    """A piece of a stream."""
    about = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
    return {"id": "c1", "model": "m1", "object": "chat.completion.chunk", "choices": [about]}


def usage(**counts):
    """The last piece of a stream, which has the counts and no choice."""
    return {"id": "c1", "model": "m1", "choices": [], "usage": counts}


def streamed(*pieces, wire=WIRE):
    """The text of a stream as it came, and the reply in the end."""
    framing, fold = Events(), wire.fold()
    found = [event for piece in pieces for event in framing.feed(piece)] + framing.end()
    text = "".join(fold.add(name, data) for name, data in found)
    return text, fold.reply()


def test_a_whole_completion_is_read():
    assert WIRE.parse(json.dumps(WHOLE).encode()) == REPLY


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "filtered"),
        ("tool_calls", "tool"),
        ("function_call", "tool"),
        (None, "stop"),
        ("model_length", "length"),
        ("max_tokens", "length"),
        ("eos", "stop"),
        ("eos_token", "stop"),
        ("stop_sequence", "until"),
        ("insufficient_system_resource", "insufficient_system_resource"),
    ],
)
def test_why_it_stopped_is_told_in_our_words(reason, finish):
    reply = read({"message": {"content": "x"}, "finish_reason": reason})
    assert (reply.text, reply.finish) == ("x", finish)


@pytest.mark.parametrize("where", ["stop_reason", "matched_stop"])
@pytest.mark.parametrize(
    ("at", "reason", "finish"),
    [
        ("\n", "stop", "until"),
        (2, "stop", "stop"),
        (None, "stop", "stop"),
        ("\n", "length", "length"),
    ],
)
def test_a_stop_text_where_it_ended_is_told_from_the_models_own_end(where, at, reason, finish):
    choice = {"message": {"content": "x"}, "finish_reason": reason, where: at}
    assert read(choice).finish == finish
    last = chunk(reason)
    last["choices"][0][where] = at
    assert streamed(events(chunk(content="x"), last))[1].finish == finish


def test_a_refusal_is_the_text_where_there_is_no_other():
    message = {"content": None, "refusal": "I can't help with that."}
    reply = read({"message": message, "finish_reason": "stop"})
    assert (reply.text, reply.finish) == ("I can't help with that.", "refused")
    pieces = [chunk(refusal="I can't "), chunk(refusal="help with that."), chunk("stop")]
    assert streamed(events(*pieces)) == (reply.text, reply)


def test_a_filtered_reply_without_text_is_an_error_that_may_be_billed():
    with pytest.raises(Filtered, match="content filter") as caught:
        read({"message": {"content": ""}, "finish_reason": "content_filter"})
    assert caught.value.billed
    with pytest.raises(Filtered):
        streamed(events(chunk(content=""), chunk("content_filter")))


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_thoughts_are_kept_apart_from_the_text(field):
    message = {"content": "4", field: "2+2 is 4."}
    whole = read({"message": message, "finish_reason": "stop"}, wire=DeepSeek("r"))
    assert (whole.text, whole.reasoning) == ("4", "2+2 is 4.")
    pieces = [chunk(**{field: "2+2 "}), chunk(**{field: "is 4."}), chunk(content="4")]
    text, reply = streamed(events(*pieces, chunk("stop")), wire=DeepSeek("r"))
    assert text == "4"
    assert reply == whole


def test_mistral_thinks_in_parts_of_the_content():
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "2+2 is 4."}]}
    content = [thinking, {"type": "text", "text": "The answer "}, {"type": "text", "text": "is 4."}]
    whole = read({"message": {"content": content}, "finish_reason": "stop"}, wire=Mistral("m"))
    assert (whole.text, whole.reasoning) == ("The answer is 4.", "2+2 is 4.")
    pieces = [chunk(content=[thinking]), chunk(content="The answer "), chunk(content="is 4.")]
    text, reply = streamed(events(*pieces, chunk("stop")), wire=Mistral("m"))
    assert text == "The answer is 4."
    assert reply == whole


def test_openrouter_says_what_it_cost_itself():
    counts = {"prompt_tokens": 194, "completion_tokens": 2, "cost": 0.00095}
    reply = read({"message": {"content": "x"}}, counts, OpenRouter("x/y"))
    assert (reply.usd, reply.tokens_in, reply.tokens_out) == (0.00095, 194, 2)
    text, reply = streamed(
        b": OPENROUTER PROCESSING\n\n", events(chunk("stop", content="x"), usage(**counts))
    )
    assert (text, reply.usd) == ("x", 0.00095)


def test_xai_counts_its_reasoning_apart():
    details = {"completion_tokens_details": {"reasoning_tokens": 94}}
    counts = {"prompt_tokens": 32, "completion_tokens": 9, **details}
    reply = read({"message": {"content": "x"}}, {**counts, "total_tokens": 135}, Xai("grok-4"))
    assert (reply.tokens_out, reply.tokens_reasoning) == (103, 94)
    within = {**counts, "completion_tokens": 103, "total_tokens": 135}
    assert read({"message": {"content": "x"}}, within).tokens_out == 103


def test_tokens_written_to_the_cache_are_counted():
    details = {"cached_tokens": 90, "cache_write_tokens": 100}
    counts = {"prompt_tokens": 194, "prompt_tokens_details": details}
    reply = read({"message": {"content": "x"}}, counts)
    assert (reply.tokens_cached, reply.tokens_written) == (90, 100)
    reply = read({"message": {"content": "x"}}, {**counts, "prompt_tokens": 120})
    assert (reply.tokens_cached, reply.tokens_written) == (90, 30)


def test_deepseek_counts_what_its_cache_held():
    counts = {"prompt_tokens": 10, "completion_tokens": 1, "prompt_cache_hit_tokens": 6}
    assert read({"message": {"content": "x"}}, counts, DeepSeek("x")).tokens_cached == 6


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, (None, 0, None, 0, None)),
        ({"prompt_tokens": "12", "completion_tokens": 3}, (None, 0, 3, 0, None)),
        ({"prompt_tokens": 12, "completion_tokens": -3}, (12, 0, None, 0, None)),
        ({"prompt_tokens": 1.5, "completion_tokens": True}, (None, 0, None, 0, None)),
        ({"prompt_tokens": 10**18, "completion_tokens": 0}, (None, 0, 0, 0, None)),
        (
            {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 99}},
            (5, 5, None, 0, None),
        ),
        (
            {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": "x"}},
            (5, 0, None, 0, None),
        ),
        ({"prompt_tokens": 5, "prompt_tokens_details": None, "cost": -1}, (5, 0, None, 0, None)),
        ({"prompt_tokens": 5, "cost": "free"}, (5, 0, None, 0, None)),
        ({"prompt_tokens": 5, "cost": 0}, (5, 0, None, 0, 0)),
        ({"prompt_tokens": 5, "cost": True}, (5, 0, None, 0, None)),
        ({"prompt_tokens": 5, "prompt_tokens_details": []}, (5, 0, None, 0, None)),
        ({"prompt_tokens": 5, "prompt_tokens_details": 7}, (5, 0, None, 0, None)),
        (
            {"completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 10**9}},
            (None, 0, 2, 2, None),
        ),
        ({"completion_tokens": 2, "completion_tokens_details": "no"}, (None, 0, 2, 0, None)),
        ([], (None, 0, None, 0, None)),
        ("none", (None, 0, None, 0, None)),
    ],
)
def test_counts_that_cannot_be_true_are_unknown(counts, expected):
    reply = read({"message": {"content": "x"}}, counts)
    told = (reply.tokens_in, reply.tokens_cached, reply.tokens_out, reply.tokens_reasoning)
    assert (*told, reply.usd) == expected
    _, folded = streamed(events(chunk("stop", content="x"), {"choices": [], "usage": counts}))
    assert folded == reply


def test_log_probabilities_become_tokens_and_a_confidence():
    content = [
        {
            "token": "4",
            "logprob": -0.1,
            "bytes": [52],
            "top_logprobs": [{"token": "5", "logprob": -3}],
        },
        {"token": "2", "logprob": -0.3, "bytes": [50], "top_logprobs": []},
    ]
    tokens = (Token("4", -0.1, {"5": -3.0}), Token("2", -0.3))
    choice = {"message": {"content": "42"}, "finish_reason": "stop"}
    whole = read({**choice, "logprobs": {"content": content}})
    assert whole.tokens == tokens
    assert WIRE._finished(whole, Request("m", HELLO)).confidence == pytest.approx(0.8187, abs=1e-4)
    pieces = [
        chunk(content="4", logprobs={"content": content[:1]}),
        chunk(content="2", logprobs={"content": content[1:]}),
    ]
    assert streamed(events(*pieces, chunk("stop")))[1] == whole


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([{"token": "4", "logprob": -0.1, "top_logprobs": None}], (Token("4", -0.1),)),
        ([{"token": "4", "logprob": -0.1, "top_logprobs": [{"token": "5"}]}], (Token("4", -0.1),)),
        ([{"token": "4", "logprob": None}, {"token": "2", "logprob": -1}], (Token("2", -1.0),)),
        (None, ()),
    ],
)
def test_a_log_probability_that_is_none_costs_no_reply(content, expected):
    choice = {"message": {"content": "42"}, "finish_reason": "stop"}
    whole = read({**choice, "logprobs": {"content": content}})
    assert (whole.text, whole.tokens) == ("42", expected)
    pieces = [chunk(content="42", logprobs={"content": content}), chunk("stop")]
    assert streamed(events(*pieces))[1] == whole
    assert read({**choice, "logprobs": [-0.1]}).tokens == ()


def test_what_is_null_in_place_of_a_message_is_an_empty_one():
    assert read({"message": None, "finish_reason": "length"}).finish == "length"
    empty = {"choices": [{"index": 0, "delta": None}]}
    assert streamed(events(empty, chunk(content="a"), chunk("stop")))[0] == "a"


STREAM = events(
    chunk(role="assistant", content=""),
    chunk(content="Héllo"),
    chunk(content=" 日本"),
    chunk(content="\U0001f600!"),
    chunk("stop"),
    usage(prompt_tokens=9, completion_tokens=4, prompt_tokens_details={"cached_tokens": 2}),
)
FOLDED = Reply("Héllo 日本\U0001f600!", 9, 2, 4, upstream=("m1", "c1"))


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_however_a_stream_is_cut_the_reply_is_the_same(cuts):
    places = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[a:b] for a, b in pairwise(places)]
    assert streamed(*pieces) == (FOLDED.text, FOLDED)


def test_a_stream_is_read_as_the_whole_would_be():
    counts = {
        "prompt_tokens": 9,
        "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 2},
    }
    assert read({"message": {"content": FOLDED.text}, "finish_reason": "stop"}, counts) == FOLDED


def test_the_first_and_last_chunks_of_azure_have_no_text():
    filters = {"choices": [], "prompt_filter_results": [{"prompt_index": 0}], "id": "", "model": ""}
    late = {
        "choices": [{"index": 0, "content_filter_offsets": {"start": 1}, "finish_reason": None}]
    }
    text, reply = streamed(events(filters, chunk(content="x"), chunk("stop"), late))
    assert (text, reply.text, reply.finish) == ("x", "x", "stop")


@pytest.mark.parametrize("count", range(5))
def test_a_stream_that_ends_before_it_says_why_it_stopped_is_no_reply(count):
    pieces = [
        chunk(role="assistant"),
        chunk(content="a"),
        chunk(content="b"),
        usage(prompt_tokens=1),
    ]
    with pytest.raises(Unreachable, match="ended before") as caught:
        streamed(events(*pieces[:count], done=False))
    assert caught.value.billed


def test_a_stream_that_says_that_it_is_done_has_ended():
    text, reply = streamed(events(chunk(content="a")))
    assert (text, reply.text, reply.finish) == ("a", "a", "stop")


def test_an_error_in_a_stream_has_the_services_words():
    error = {"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}
    with pytest.raises(RateLimited, match="Rate limit reached") as caught:
        streamed(events(chunk(content="a"), error))
    assert caught.value.billed
    with pytest.raises(RateLimited, match="Rate limit reached") as caught:
        streamed(events(error))
    assert not caught.value.billed
    failed = {**chunk("error", content=""), "error": {"code": "server_error", "message": "gone"}}
    with pytest.raises(Unreachable, match="gone"):
        streamed(events(chunk(content="a"), failed))


def test_an_error_that_comes_as_a_success_is_one_all_the_same():
    with pytest.raises(Unreachable, match="Provider overloaded"):
        OpenRouter("x").parse(b'{"error": {"message": "Provider overloaded", "code": 502}}')


@pytest.mark.parametrize("body", [b"{}", b'{"choices": []}', b'{"choices": null}'])
def test_a_completion_without_choices_is_unreadable(body):
    with pytest.raises(Unreadable, match="no choices") as caught:
        WIRE.parse(body)
    assert caught.value.billed


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"choices": 7}', b'{"choices": [', b"\xff"]
)
def test_a_body_of_another_shape_is_a_decoding_error(body):
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        WIRE.parse(body)
    if body:
        with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
            WIRE.fold().add("", body)
