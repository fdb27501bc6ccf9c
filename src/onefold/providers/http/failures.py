"""What a service says when it does not answer, as one of our errors with its own words kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from time import time
from typing import Any
from urllib.parse import urlsplit

import msgspec

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
    Unreadable,
    WrongKey,
)
from onefold.providers.http.keys import scrubbed

SHOWN = 500  # characters of a service's own message
END = 60  # characters of its end, where we say the status
LONG = re.compile(
    r"context.{0,3}(length|window|size|limit)|prompt (is|was) too long|too many (input )?tokens"
    r"|token count.{0,40}exceeds|exceeds? the max\w* (number of|context)|input is too long",
    re.IGNORECASE,
)
LARGE = re.compile(r"request too large for", re.I)  # for the rate itself, so waiting never helps
FILTER = re.compile(
    r"content.?(filter|policy|management)|responsible.?ai|safety (system|filter|polic|check)"
    r"|moderation_blocked|\bflagged\b|usage polic|content exists risk",
    re.IGNORECASE,
)
CREDIT = re.compile(
    r"insufficient.?(quota|credit|balance|fund)|credit balance|exceeded your current quota"
    r"|billing_(hard_limit|error)|plans & billing|n.t have (any|enough) credits",
    re.IGNORECASE,
)
KEY = re.compile(
    r"api.?key (not|is not|was not)? ?(valid|invalid|found)|(invalid|incorrect).{0,9}api.?key",
    re.IGNORECASE,
)
MODEL = re.compile(
    r"model.{0,80}(not found|does not exist|not exist|unknown|not supported)"
    r"|invalid.?model\b|not a valid model",
    re.IGNORECASE,
)
BUSY = re.compile(r"overloaded|unavailable|server_error|internal|capacity", re.I)
STATUS = {  # what a type of error has for a status, where it comes alone
    "invalid_request_error": 400,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


class Rejected(Exception):
    """A reply that is no success: what a transport raises. `headers` are in lower case."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.headers = headers
        self.body = body


def failure(rejected: Rejected, who: str) -> ModelError:
    """The error that a service's status, headers and body mean."""
    status = rejected.status
    if 300 <= status < 400:
        host = urlsplit(rejected.headers.get("location", "")).netloc.rpartition("@")[2]
        where = f" to {host}" if host else ""
        return Refused(
            f"{who}: the service redirects{where} (HTTP {status}); keys do not follow redirects: "
            "set base_url to where it really is",
            model=who,
            status=status,
        )
    code, message = said(rejected.body)
    seconds = wait(rejected.headers, rejected.body)
    error = told(status, code, message, who, seconds)
    if isinstance(error, NoCredit) and status == 429 and seconds is not None:
        # a service that names a time means its rate, whatever else it says (Gemini's quota)
        return RateLimited(str(error), model=who, status=status, retry_after=seconds)
    return error


def inside(error: Any, who: str, begun: bool = False) -> ModelError:
    """The error in a body or a stream whose status was a success.

    begun: whether a part of the reply had come, which may be billed.
    """
    code, message = spoken({"error": error})
    status = STATUS.get(code, 0)
    for key in ("code", "status") if isinstance(error, Mapping) else ():
        value = error.get(key)
        if isinstance(value, int | str) and re.fullmatch(r"[45]\d\d", str(value)):
            status = int(value)
            break
    made = told(status, code, message, who)
    made.billed = begun
    return made


def told(
    status: int, code: str, message: str, who: str, retry_after: float | None = None
) -> ModelError:
    """The error for a status (0 inside a reply, which may be billed), a code and a message.

    Its words may be long, and quote a key: `shown` is for whoever raises it to a caller.
    """
    kind = kind_of(status or STATUS.get(code, 0), code, message)
    words = message or "no message"
    place = f"HTTP {status}" if status else "in the reply"
    about = f" {code}" if code not in message and code != str(status) else ""
    return kind(
        f"{who}: {words} ({place}{about})",
        model=who,
        status=status,
        retry_after=retry_after,
        billed=not status,
    )


def shown(error: ModelError, who: str, secrets: tuple[str, ...], own: str = "") -> ModelError:
    """The error named after its deployment, no key in its words, and then not too many of them.

    own: the service's name for the model, where the words begin with it.
    """
    words = scrubbed(str(error), *secrets).removeprefix(f"{own}: ")
    words = words if words.startswith(f"{who}: ") else f"{who}: {words}"
    if len(words) > SHOWN + 2 * END:
        words = f"{words[:SHOWN]} … {words[-END:]}"
    error.args = (words,)
    error.model = who
    return error


def kind_of(status: int, code: str, message: str) -> type[ModelError]:
    """Which of our errors it is: by what the service says, else by its status."""
    text = f"{code} {message}"
    if LARGE.search(text) or (status in (0, 400, 413, 422, 500) and LONG.search(text)):
        return TooLong
    if status in (0, 400, 402, 403, 413, 422, 429):
        if CREDIT.search(text) or status == 402:
            return NoCredit
        if status != 429 and FILTER.search(text):
            return Filtered
        if status != 429 and KEY.search(text):
            return WrongKey
        if status in (0, 400, 422) and MODEL.search(text):
            return NoSuchModel
    if status in (401, 403):
        return WrongKey
    if status == 404:
        return NoSuchModel
    if status in (408, 504):
        return TimedOut
    if status == 429 or "rate_limit" in code or "RESOURCE_EXHAUSTED" in code:
        return RateLimited
    if status >= 500 or status in (409, 425) or (status == 0 and BUSY.search(text)):
        return Unreachable
    return Refused if status >= 400 else Unreachable


def said(body: bytes) -> tuple[str, str]:
    """A service's code and message, from whichever shape its error has, else the text itself."""
    if body.startswith(b"data:"):  # an error told as the first event of a stream
        body = body[5:].partition(b"\n")[0]
    try:
        data: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = re.sub(r"<[^>]*>|\s+", " ", body[:4096].decode("utf-8", "replace"))
        return "", " ".join(text.split())
    if isinstance(data, list) and data:
        data = data[0]
    return spoken(data)


def spoken(data: Any) -> tuple[str, str]:
    """The code and the message in an error that is already decoded."""
    if not isinstance(data, Mapping):
        return "", str(data or "")
    error = data.get("error", data)
    if not isinstance(error, Mapping):
        code, message = within(str(error or ""))
        own = data.get("code")
        return own if isinstance(own, str) and own else code, message
    words = (error.get(key) for key in ("message", "detail", "msg", "error"))
    found = next((word for word in words if word), data.get("detail") or data.get("message"))
    codes = (error.get(key) for key in ("code", "type", "status"))
    code = next((c for c in codes if isinstance(c, str) and c), "")
    if isinstance(found, str):
        inner, message = within(found)
        code = code or inner
    else:
        message = "" if found is None else msgspec.json.encode(found).decode()
    about = error.get("metadata")
    raw = about.get("raw") if isinstance(about, Mapping) else None
    if isinstance(raw, str) and raw:  # OpenRouter: what the provider behind it said
        message = f"{message}: {within(raw)[1]}"
    return code, message


def within(message: str) -> tuple[str, str]:
    """The code and the words of a message, where another service's error may stand as JSON."""
    before, found, _ = message.partition('{"error"')
    if found:
        with suppress(msgspec.DecodeError, UnicodeError, RecursionError):
            code, words = spoken(msgspec.json.decode(message[len(before) :]))
            return code, before + words
    return "", message


def wait(headers: Mapping[str, str], body: bytes = b"") -> float | None:
    """Seconds that a service asks to wait (RFC 9110, 10.2.3; `retry-after-ms`; Google's delay)."""
    milliseconds = number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    after = headers.get("retry-after")
    if after is None:
        found = re.search(rb'"retryDelay"\s*:\s*"([0-9.]+)s"', body[:65536])
        return number(found[1].decode()) if found else None
    seconds = number(after)
    if seconds is not None:
        return seconds
    try:
        then = parsedate_to_datetime(after)
        then = then if then.tzinfo else then.replace(tzinfo=UTC)  # «-0000» is in UTC as well
        return max(0.0, then.timestamp() - time())
    except (ValueError, OverflowError):
        return None


def number(text: str | None) -> float | None:
    """A finite number that is not negative, else None."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def unreadable(who: str, data: bytes, why: object = "") -> Unreadable:
    """The error for a reply that is no such reply: what it begins with, and what is wrong."""
    shown = " ".join(data[:120].decode("utf-8", "replace").split())
    reason = f": {why}" if why else ""
    return Unreadable(f"{who}: the reply makes no sense{reason}; it begins {shown!r}", model=who)
