"""What services say when they do not answer becomes one of our errors, their words kept."""

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core import errors
from onefold.core.errors import (
    Filtered,
    ModelError,
    NoCredit,
    NoSuchModel,
    RateLimited,
    Refused,
    TimedOut,
    TooLong,
    Unreachable,
    WrongKey,
)
from onefold.providers.http.failures import (
    SHOWN,
    Rejected,
    failure,
    inside,
    shown,
    spoken,
    told,
    wait,
)

CASES = json.loads((Path(__file__).parent / "failures.json").read_text("utf-8"))
QUOTA = "You exceeded your current quota, please check your plan and billing details."


def rejected(status, body, **headers):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return failure(Rejected(status, headers, data), "m")


@pytest.mark.parametrize("case", [pytest.param(case, id=case["from"]) for case in CASES])
def test_a_services_own_words_become_the_right_error(case):
    status, kind = case["status"], getattr(errors, case["error"])
    error = rejected(status, case["body"])
    assert type(error) is kind
    assert case["words"] in str(error)
    assert str(error).startswith("m: ")
    assert f"HTTP {status}" in str(error)
    assert (error.status, error.model) == (status, "m")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (401, WrongKey),
        (402, NoCredit),
        (403, WrongKey),
        (404, NoSuchModel),
        (405, Refused),
        (408, TimedOut),
        (409, Unreachable),
        (413, Refused),
        (418, Refused),
        (422, Refused),
        (425, Unreachable),
        (429, RateLimited),
        (500, Unreachable),
        (502, Unreachable),
        (503, Unreachable),
        (504, TimedOut),
        (520, Unreachable),
        (529, Unreachable),
    ],
)
@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b"[]", b"7", b"\xff\xfe", b'{"error": null}']
)
def test_a_status_says_enough_where_the_body_says_nothing(status, kind, body):
    error = rejected(status, body)
    assert type(error) is kind
    assert f"HTTP {status}" in str(error)


@pytest.mark.parametrize("kind", [RateLimited, Unreachable, TimedOut])
def test_only_what_may_pass_is_retryable(kind):
    again = {type(rejected(status, b"")) for status in (408, 409, 425, 429, 500, 503, 504, 529)}
    assert kind in again
    never = [rejected(status, b"") for status in (400, 401, 402, 403, 404, 405, 413, 422)]
    assert all(error.retryable for error in map(rejected, (429, 500, 408), (b"",) * 3))
    assert not any(error.retryable for error in never)


def test_a_page_of_html_is_told_as_its_words():
    page = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<hr>nginx/1.25</html>"
    error = rejected(502, page)
    assert type(error) is Unreachable
    assert "502 Bad Gateway nginx/1.25" in str(error)
    assert "<" not in str(error)


def test_a_long_message_is_cut():
    error = shown(rejected(400, {"error": {"message": "x" * 10_000, "code": "odd"}}), "m", ())
    assert "… x" in str(error)
    assert str(error).endswith("(HTTP 400 odd)")
    assert len(str(error)) < SHOWN + 100


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_names_its_host_only(status):
    error = rejected(status, b"", location="https://user:secret@evil.example:8443/v1?key=abc")
    assert type(error) is Refused
    assert "evil.example:8443" in str(error)
    assert "secret" not in str(error)
    assert "abc" not in str(error)
    assert type(rejected(status, b"")) is Refused


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("invalid_request_error", "bad field", Refused),
        ("authentication_error", "who?", WrongKey),
        ("not_found_error", "model: x", NoSuchModel),
        ("timeout_error", "too slow", TimedOut),
        ("overloaded_error", "Overloaded", Unreachable),
        ("api_error", "Internal server error", Unreachable),
        ("server_error", "The model produced an error", Unreachable),
        ("rate_limit_error", "slow down", RateLimited),
        ("rate_limit_exceeded", "slow down", RateLimited),
        ("RESOURCE_EXHAUSTED", "Resource exhausted", RateLimited),
        ("insufficient_quota", QUOTA, NoCredit),
        ("context_length_exceeded", "Your input exceeds the context window", TooLong),
        ("content_filter", "stopped", Filtered),
        ("", "model 'x' not found", NoSuchModel),
        ("", "llama runner process has terminated: exit status 2", Unreachable),
    ],
)
def test_an_error_inside_a_reply_is_known_by_its_code(code, message, kind):
    error = told(0, code, message, "m")
    assert type(error) is kind
    assert message in str(error)
    assert "in the reply" in str(error)
    assert error.billed


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        ({"code": 429, "message": "Rate limited"}, RateLimited, 429),
        ({"code": "429", "message": "Rate limited"}, RateLimited, 429),
        ({"code": 402, "message": "Payment required"}, NoCredit, 402),
        ({"code": 400, "message": "bad field"}, Refused, 400),
        ({"code": 400, "message": "too many tokens"}, TooLong, 400),
        ({"code": 401, "message": "who?"}, WrongKey, 401),
        ({"code": 502, "message": "x"}, Unreachable, 502),
        ({"code": "BadRequest", "status": 422, "message": "bad field"}, Refused, 422),
        ({"type": "overloaded_error", "message": "x"}, Unreachable, 529),
        ({"type": "invalid_request_error", "message": "x"}, Refused, 400),
        ({"code": 200, "message": "x"}, Unreachable, 0),
        ({"code": True, "message": "x"}, Unreachable, 0),
        ({"code": [429], "message": "x"}, Unreachable, 0),
        ("model 'x' not found", NoSuchModel, 0),
        (7, Unreachable, 0),
    ],
)
def test_an_error_that_came_as_a_success_has_the_status_that_it_says_itself(error, kind, status):
    made = inside(error, "m")
    assert (type(made), made.status, made.billed) == (kind, status, False)
    assert inside(error, "m", begun=True).billed


@pytest.mark.parametrize("body", [b'{"error":', b"[", b'[{"message":'])
@pytest.mark.parametrize("depth", [100, 5000])
def test_no_body_is_too_deep_to_be_told(body, depth):
    assert "HTTP 400" in str(rejected(400, body * depth + b"1"))
    closed = body * depth + b"1" + (b"]" if body == b"[" else b"}") * depth
    assert "HTTP 400" in str(rejected(400, closed))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"error": {"message": "a", "code": "b"}}, ("b", "a")),
        ({"error": {"message": "a", "code": None, "type": "b"}}, ("b", "a")),
        ({"error": {"message": "a", "code": 400, "status": "B"}}, ("B", "a")),
        ({"type": "error", "message": "a", "code": "b"}, ("b", "a")),
        ({"error": "a"}, ("", "a")),
        ({"error": "a", "code": "b"}, ("b", "a")),
        ({"error": "a", "code": 7}, ("", "a")),
        ({"error": '{"error": {"message": "a", "type": "b"}}'}, ("b", "a")),
        ({"error": 'it broke: {"error": "a"}'}, ("", "it broke: a")),
        ({"error": '{"error": "a"'}, ("", '{"error": "a"')),
        (
            {"error": {"message": '{"error": {"message": "a", "code": "c"}}', "code": "b"}},
            ("b", "a"),
        ),
        ({"error": {"message": "a", "metadata": {"raw": "b"}}}, ("", "a: b")),
        ({"error": {"message": "a", "metadata": {"raw": None}}}, ("", "a")),
        ({"error": {"message": "a", "metadata": "b"}}, ("", "a")),
        ({"detail": "a"}, ("", "a")),
        ({"message": "a"}, ("", "a")),
        ({"error": {}, "message": "a"}, ("", "a")),
        ({"error": {"message": {"x": 1}}}, ("", '{"x":1}')),
        ("a", ("", "a")),
        (None, ("", "")),
        (7, ("", "7")),
    ],
)
def test_every_shape_of_error_is_understood(data, expected):
    assert spoken(data) == expected


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda s: (
            st.dictionaries(
                st.sampled_from(["error", "message", "code", "type", "status", "detail"]), s
            )
            | st.lists(s)
        ),
    )
)
def test_no_body_is_too_odd_to_be_told(body):
    error = rejected(400, body)
    assert isinstance(error, ModelError)
    assert str(error).startswith("m: ")


@given(st.binary(max_size=200), st.integers(300, 599))
def test_no_bytes_are_too_odd_to_be_told(body, status):
    assert isinstance(rejected(status, body), ModelError)


RETRY_INFO = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "26.5s"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": " 2 "}, 2.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e999"}, None),
    ],
)
def test_seconds_to_wait_come_in_many_forms(headers, expected):
    assert wait(headers) == expected
    error = failure(Rejected(429, headers, b""), "m")
    assert error.retry_after == expected


def test_a_date_to_wait_for_becomes_seconds_from_now():
    then = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3500 < wait({"retry-after": then}) <= 3600


def test_a_date_without_a_zone_is_in_utc(monkeypatch):
    then = datetime.now(UTC) + timedelta(hours=1)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert 3500 < wait({"retry-after": f"{then:%a, %d %b %Y %H:%M:%S} -0000"}) <= 3600
    finally:
        monkeypatch.undo()
        time.tzset()


def test_googles_delay_stands_in_the_body():
    body = {"error": {"message": "Resource exhausted.", "details": [RETRY_INFO]}}
    assert rejected(429, body).retry_after == 26.5
    assert rejected(429, body, **{"retry-after": "3"}).retry_after == 3.0


@given(
    st.text(max_size=40) | st.from_regex(r"[A-Za-z]{0,3},? ?\d{1,5} [A-Za-z]{3} \d{1,9} .{0,12}")
)
def test_no_header_is_too_odd_to_be_read(value):
    seconds = wait({"retry-after": value})
    assert seconds is None or 0 <= seconds < float("inf")
