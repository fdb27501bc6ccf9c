"""Google's Gemini: what is sent, what is read, whole and as a stream."""

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
    Unreachable,
    Unreadable,
    WrongKey,
)
from onefold.core.query import Message
from onefold.delivery.deployment import provider
from onefold.delivery.provider import Reply, Request, Sampling, Token
from onefold.providers.http.sse import Events
from onefold.providers.wires.gemini import Gemini

WIRE = Gemini("gemini-2.5-flash")
HELLO = (Message("user", "What is 2+2?"),)
SCHEMA = {"type": "object", "properties": {"sum": {"type": "integer", "minimum": 0}}}
USAGE = {
    "promptTokenCount": 20,
    "cachedContentTokenCount": 16,
    "toolUsePromptTokenCount": 3,
    "candidatesTokenCount": 4,
    "thoughtsTokenCount": 30,
    "totalTokenCount": 57,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 20}],
}
NAMES = {"modelVersion": "gemini-2.5-flash", "responseId": "Il0taoSYJ5Cez7IP"}


def chosen(*steps: tuple[str, float]) -> dict:
    """Tokens with their log-probabilities, and what else was likely at the first."""
    tokens = [{"token": token, "tokenId": 7, "logProbability": number} for token, number in steps]
    other = {"token": "Four", "tokenId": 8, "logProbability": -2.5}
    return {"chosenCandidates": tokens, "topCandidates": [{"candidates": [tokens[0], other]}]}


def response(*parts: dict, usage: object = USAGE, finish: str | None = "STOP", **about) -> dict:
    """A response, or one of a stream where it does not say why it ended."""
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": 0, **about}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "usageMetadata": usage, **NAMES}


def events(*said: dict) -> bytes:
    """Responses as a stream."""
    return b"".join(b"data: " + msgspec.json.encode(one) + b"\r\n\r\n" for one in said)


def read(body: dict) -> Reply:
    """The reply in a whole response."""
    return WIRE.parse(msgspec.json.encode(body))


def sent(
    stream: bool = False, messages: tuple[Message, ...] = HELLO, wire: Gemini = WIRE, **about
) -> tuple[str, dict]:
    """The path and the body that a request becomes."""
    path, body = wire.request(Request("m", messages, **about), stream)
    return path, msgspec.json.decode(msgspec.json.encode(body))


def streamed(*chunks: bytes) -> tuple[str, Reply]:
    """The pieces of a stream's text, put together, and its reply."""
    parser, fold, text = Events(), WIRE.fold(), ""
    for chunk in chunks:
        text += "".join(fold.add(*event) for event in parser.feed(chunk))
    text += "".join(fold.add(*event) for event in parser.end())
    return text, fold.reply()


THOUGHT = {"text": "Add them.", "thought": True}
WHOLE = response(
    THOUGHT,
    {"text": "Vier – "},
    {"text": "4.", "thoughtSignature": "EjQKMgEM"},
    avgLogprobs=-0.2,
    logprobsResult=chosen(("Vier – ", -0.5), ("4.", -0.25)),
    safetyRatings=[{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}],
)
EARLY = {"promptTokenCount": 20, "totalTokenCount": 20}
PIECES = (
    response(THOUGHT, usage=EARLY, finish=None),
    response(
        {"text": "Vier – "},
        usage=EARLY,
        finish=None,
        logprobsResult=chosen(("Vier – ", -0.5)),
    ),
    response(
        {"text": "4."},
        finish=None,
        logprobsResult={"chosenCandidates": [{"token": "4.", "logProbability": -0.25}]},
    ),
    response({"text": ""}),
)
STREAM = events(*PIECES)
REPLY = Reply(
    "Vier – 4.",
    tokens_in=23,
    tokens_cached=16,
    tokens_out=34,
    finish="stop",
    tokens_reasoning=30,
    tokens=(Token("Vier – ", -0.5, {"Vier – ": -0.5, "Four": -2.5}), Token("4.", -0.25)),
    reasoning="Add them.",
    upstream=("gemini-2.5-flash", "Il0taoSYJ5Cez7IP"),
)


def test_a_plain_question_is_sent():
    assert sent() == (
        "/v1beta/models/gemini-2.5-flash:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": "What is 2+2?"}]}]},
    )


def test_every_setting_that_the_service_knows_is_sent():
    turns = (
        Message("system", "Be brief."),
        Message("user", "2+2?"),
        Message("assistant", "4"),
        Message("system", "Be kind."),
        Message("user", "3+3?"),
    )
    sampling = Sampling(0.0, 0.9, 100, 0, ("\n\n", "END"), 40, 0.5, -0.5, "medium")
    assert sent(True, turns, sampling=sampling, schema=SCHEMA, logprobs=5) == (
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        {
            "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]},
            "contents": [
                {"role": "user", "parts": [{"text": "2+2?"}]},
                {"role": "model", "parts": [{"text": "4"}]},
                {"role": "user", "parts": [{"text": "3+3?"}]},
            ],
            "generationConfig": {
                "temperature": 0.0,
                "topP": 0.9,
                "topK": 40,
                "maxOutputTokens": 100,
                "seed": 0,
                "presencePenalty": 0.5,
                "frequencyPenalty": -0.5,
                "stopSequences": ["\n\n", "END"],
                "thinkingConfig": {"thinkingBudget": 8192},
                "responseLogprobs": True,
                "logprobs": 5,
                "responseMimeType": "application/json",
                "responseJsonSchema": SCHEMA,
            },
        },
    )


def test_log_probabilities_of_the_reply_alone_need_no_number():
    assert sent(logprobs=0)[1]["generationConfig"] == {"responseLogprobs": True}


def test_a_partial_answer_is_the_last_turn_of_the_model():
    body = sent(messages=(*HELLO, Message("assistant", "It is ")))[1]
    assert body["contents"][-1] == {"role": "model", "parts": [{"text": "It is "}]}


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        ("gemini-2.5-flash", "none", {"thinkingBudget": 0}),
        ("gemini-2.5-pro", "high", {"thinkingBudget": 24576}),
        ("gemini-2.5-pro", "xhigh", {"thinkingLevel": "XHIGH"}),
        ("gemini-3-flash-preview", "low", {"thinkingLevel": "LOW"}),
    ],
)
def test_effort_is_a_budget_or_a_level(model, effort, thinking):
    body = sent(wire=Gemini(model), sampling=Sampling(effort=effort))[1]
    assert body["generationConfig"] == {"thinkingConfig": thinking}


@pytest.mark.parametrize(
    ("model", "path"),
    [("tunedModels/mine", "tunedModels/mine"), ("odd?name#", "models/odd%3Fname%23")],
)
def test_a_models_name_is_a_part_of_the_path_and_no_more(model, path):
    assert sent(wire=Gemini(model))[0] == f"/v1beta/{path}:generateContent"


def test_the_first_key_that_is_set_is_sent_as_googles_header(monkeypatch):
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    monkeypatch.setenv("GOOGLE_API_KEY", "second-canary")
    wire = Gemini("gemini-2.5-flash")
    assert wire._way().headers["x-goog-api-key"] == "second-canary"
    monkeypatch.setenv("GEMINI_API_KEY", "first-canary")
    wire = Gemini("gemini-2.5-flash")
    out = wire._outgoing(wire._way(), Request("m", HELLO), True)
    assert out.headers["x-goog-api-key"] == "first-canary"
    assert out.url == (
        "https://generativelanguage.googleapis.com"
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    )


def test_it_is_named_by_its_model():
    assert provider("gemini:gemini-2.5-flash") == WIRE


def test_a_whole_response_is_read():
    assert read(WHOLE) == REPLY
    confident = WIRE._finished(REPLY, Request("m", HELLO, logprobs=1))
    assert confident.confidence == pytest.approx(0.6873, abs=1e-4)


def test_a_stream_gives_the_same_reply_as_the_whole():
    assert streamed(STREAM) == (REPLY.text, REPLY)


def test_an_end_that_is_said_twice_counts_once():
    assert streamed(events(*PIECES[:2], WHOLE, WHOLE)) == streamed(events(*PIECES[:2], WHOLE))


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_however_a_stream_is_cut_the_reply_is_the_same(cuts):
    chunks = [STREAM[begin:end] for begin, end in pairwise(sorted({0, len(STREAM), *cuts}))]
    assert streamed(*chunks) == (REPLY.text, REPLY)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "filtered"),
        ("RECITATION", "filtered"),
        ("SPII", "filtered"),
        ("MALFORMED_FUNCTION_CALL", "tool"),
        ("OTHER", "OTHER"),
        (None, "stop"),
    ],
)
def test_why_it_stopped_is_told_in_our_words(reason, finish):
    assert read(response({"text": "4"}, finish=reason)).finish == finish


def test_a_call_of_a_function_ends_for_a_tool():
    call = {"functionCall": {"name": "add", "args": {"a": 2, "b": 2}}}
    reply = read(response({"text": "I add."}, call))
    assert (reply.text, reply.finish) == ("I add.", "tool")


@pytest.mark.parametrize("feedback", ["SAFETY", "PROHIBITED_CONTENT", "OTHER"])
def test_a_blocked_prompt_is_an_error(feedback):
    blocked = {"promptFeedback": {"blockReason": feedback}, "usageMetadata": EARLY, **NAMES}
    with pytest.raises(Filtered, match=rf"prompt was blocked \({feedback}\)"):
        read(blocked)
    with pytest.raises(Filtered, match=rf"prompt was blocked \({feedback}\)"):
        streamed(events(blocked))


def test_a_prompt_that_was_only_rated_is_answered():
    rated = {"safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}]}
    assert read({**WHOLE, "promptFeedback": rated}) == REPLY


def test_a_reply_blocked_before_its_first_word_is_an_error_and_later_is_cut_short():
    empty = response(finish="SAFETY", usage=EARLY, finishMessage="Not this.")
    empty["candidates"][0]["content"] = {"role": "model"}
    with pytest.raises(Filtered, match=r"reply was blocked \(SAFETY: Not this\.\)"):
        read(empty)
    with pytest.raises(Filtered, match=r"reply was blocked \(SAFETY: Not this\.\)") as blocked:
        streamed(events(PIECES[0], empty))
    assert blocked.value.billed
    text, reply = streamed(events(*PIECES[:2], empty))
    assert (text, reply.text, reply.finish) == ("Vier – ", "Vier – ", "filtered")


@pytest.mark.parametrize(
    ("text", "said", "counts"),
    [
        ("4", None, (None, 0, None, 0)),
        ("4", {}, (None, 0, None, 0)),
        ("4", {"prompt": "9", "candidates": -1}, (None, 0, None, 0)),
        ("4", {"prompt": 9}, (9, 0, None, 0)),
        ("", {"prompt": 9}, (9, 0, 0, 0)),
        ("", {"prompt": 9, "thoughts": 50}, (9, 0, 50, 50)),
        ("4", {"prompt": 9, "cachedContent": 12, "candidates": 1}, (9, 9, 1, 0)),
        ("4", {"prompt": 9, "candidates": 1, "thoughts": "50"}, (9, 0, None, 0)),
        ("4", {"prompt": 9, "toolUsePrompt": -3, "candidates": 1}, (None, 0, 1, 0)),
    ],
)
def test_odd_usage_is_unknown_rather_than_wrong(text, said, counts):
    usage = said and {f"{name}TokenCount": value for name, value in said.items()}
    body = response({"text": text}, usage=usage)
    reply = read(body)
    assert reply == streamed(events(body))[1]
    told = (reply.tokens_in, reply.tokens_cached, reply.tokens_out, reply.tokens_reasoning)
    assert told == counts


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_stream_that_ends_before_it_says_why_it_stopped_is_no_reply(count):
    with pytest.raises(Unreachable, match="ended before") as early:
        streamed(events(*PIECES[:count]))
    assert early.value.billed


def test_log_probabilities_that_are_zero_may_be_left_out():
    result = {"chosenCandidates": [{"token": "4"}], "logProbabilitySum": 0}
    reply = read(response({"text": "4"}, logprobsResult=result))
    assert reply.tokens == (Token("4", 0.0),)


@pytest.mark.parametrize(
    ("status", "name", "words", "error"),
    [
        (503, "UNAVAILABLE", "The model is overloaded.", Unreachable),
        (500, "INTERNAL", "An internal error has occurred.", Unreachable),
        (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted.", RateLimited),
        (400, "INVALID_ARGUMENT", "API key not valid.", WrongKey),
        (400, "INVALID_ARGUMENT", "Invalid value at 'contents'.", Refused),
        (0, "BRAND_NEW", "Something else.", Unreachable),
    ],
)
def test_an_error_in_a_stream_is_one_of_ours_with_the_services_words(status, name, words, error):
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "12.5s"}
    about = {"code": status, "message": words, "status": name, "details": [retry]}
    with pytest.raises(ModelError, match=words) as late:
        streamed(events(*PIECES[:2], {"error": about}))
    assert (type(late.value), late.value.status, late.value.billed) == (error, status, True)
    assert late.value.retry_after == 12.5
    with pytest.raises(ModelError, match=words) as whole:
        read({"error": about})
    assert (type(whole.value), whole.value.billed) == (error, False)


@pytest.mark.parametrize("body", [{}, {"candidates": []}, {"usageMetadata": USAGE}])
def test_a_response_without_candidates_is_unreadable(body):
    with pytest.raises(Unreadable, match="has no candidates"):
        read(body)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"candidates": "4"}', STREAM])
def test_a_body_of_another_shape_is_a_decoding_error(body):
    with pytest.raises(msgspec.DecodeError):
        WIRE.parse(body)
