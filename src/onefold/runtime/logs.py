"""Spans as log records and as lines of JSON."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from onefold.core.errors import ConfigError, unknown
from onefold.runtime.trace import Phase, Span

FAULTS = 100  # faults that a listener keeps, the latest ones
ANSWERED_FROM = {"cached": "cache", "recalled": "journal"}  # notes of calls that were not made


class Logged:
    """A listener that writes a record for each model call and each question when it ends.

    level: of records of what went well or was cancelled; failures are warnings at least.
    content: also prompts, replies and the messages of errors, which may quote either.

    Records carry `onefold_verb`, `onefold_name`, `onefold_status`, `onefold_seconds`,
    `onefold_tokens_in`, `onefold_tokens_out`, `onefold_usd` (None where unknown), `onefold_calls`,
    `onefold_estimated`, `onefold_error` (the error's class) and `onefold_answered_from` (`cache` or
    `journal` for a call that was not made) for formatters and filters. What goes wrong in here is
    kept in `faults` and disturbs nobody.

    Raises:
        ConfigError: there is no such level.
    """

    wants_words = False  # nothing is streamed for its sake

    def __init__(
        self, logger: str = "onefold", level: str | int = "INFO", content: bool = False
    ) -> None:
        levels = logging.getLevelNamesMapping()
        if isinstance(level, str) and level not in levels:
            raise unknown("level", level, levels)
        self.logger = logging.getLogger(logger)
        self.level = levels[level] if isinstance(level, str) else level
        self.content = content
        self.faults: deque[Exception] = deque(maxlen=FAULTS)
        self._notes: dict[int, str] = {}

    def __call__(self, phase: Phase, span: Span, what: str, value: Any) -> None:
        try:
            if phase == "stop" and (span.verb == "complete" or span.parent is None):
                self._log(span, self._notes.pop(id(span), None))
            elif phase == "note" and what in ANSWERED_FROM:
                self._notes[id(span)] = ANSWERED_FROM[what]
        except Exception as error:
            self.faults.append(error)

    def _log(self, span: Span, place: str | None) -> None:
        level = max(self.level, logging.WARNING) if span.status == "failed" else self.level
        if not self.logger.isEnabledFor(level):
            return
        usage, error = span.usage, kind(span)
        about = {
            "onefold_verb": span.verb,
            "onefold_name": span.name,
            "onefold_status": span.status,
            "onefold_seconds": span.seconds,
            "onefold_tokens_in": usage.tokens_in,
            "onefold_tokens_out": usage.tokens_out,
            "onefold_usd": usage.usd,
            "onefold_calls": usage.calls,
            "onefold_estimated": usage.estimated,
            "onefold_error": error,
            "onefold_answered_from": place,
        }
        who = "model" if span.verb == "complete" else "question to"
        how = f"{span.status}, {error}" if error else span.status
        how = f"{how} from the {place}" if place else how
        said = f"{who} {span.name}: {how} · {span.seconds:.3f} s · {usage}"
        if self.content:
            words = {"asked": asked(span), "answered": answered(span), "because": because(span)}
            said += "".join(f" · {name} {text!r}" for name, text in words.items() if text)
        self.logger.log(level, "%s", said, extra=about)


class Line(Struct, frozen=True):
    """What `Lines` writes of a span; `msgspec.json.decode(line, type=Line)` reads it back.

    time: when it ended, UTC. seconds: how long it took, on the loop's clock.
    trace, span, parent: identifiers of the question, of this span and of the one above it; a
        question has no parent.
    tokens_in, tokens_out, usd, calls, estimated: own and of everything below it: add up lines of
        one verb only. `usd` is null where a price is unknown.
    error: the class of the error of what failed.
    answered_from: `cache` or `journal` for a call that was not made, whose `usage` was paid before.
    agreement: the winner's share of the vote, for a panel. score: in [0, 1], for a judge.
    prompt, text, message: what was asked, answered and told by the error, if content is on.
    """

    time: datetime
    trace: str
    span: str
    parent: str | None
    verb: str
    name: str
    status: str
    seconds: float
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float | None = 0.0
    calls: int = 0
    estimated: bool = False
    error: str | None = None
    answered_from: str | None = None
    agreement: float | None = None
    score: float | None = None
    prompt: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    message: str | UnsetType = UNSET


class Place:
    """Where a running span stands: its identifiers, and what answered instead of a model."""

    __slots__ = ("answered_from", "parent", "span", "trace")

    def __init__(self, above: Place | None) -> None:
        self.span = os.urandom(8).hex()
        self.trace: str = above.trace if above else os.urandom(16).hex()
        self.parent: str | None = above.span if above else None
        self.answered_from: str | None = None


class Lines:
    """A listener that appends a line of JSON (a `Line`) to a file for each span that ends.

    path: the file, made if need be; every line is handed to the system whole, so that threads and
        processes may share a file, and a process that is killed loses none that it told.
    content: also prompts, replies and the messages of errors, which may quote either.

    What goes wrong in here, a full disk for instance, is kept in `faults` and disturbs nobody.

    Raises:
        ConfigError: the file cannot be opened.
    """

    wants_words = False  # nothing is streamed for its sake

    def __init__(self, path: str | Path, content: bool = False) -> None:
        try:
            self.file = open(path, "ab", buffering=0)  # noqa: SIM115  # open until it is closed
        except OSError as error:
            raise ConfigError(f"{path} cannot be appended to: {error.strerror}") from None
        self.content = content
        self.faults: deque[Exception] = deque(maxlen=FAULTS)
        self._places: dict[int, Place] = {}
        self._torn = False

    def __call__(self, phase: Phase, span: Span, what: str, value: Any) -> None:
        try:
            if phase == "start":
                self._places[id(span)] = Place(self._places.get(id(span.parent)))
            elif phase == "stop":
                self._write(span)
            elif what in ANSWERED_FROM:
                self._places[id(span)].answered_from = ANSWERED_FROM[what]
        except Exception as error:
            self.faults.append(error)

    def close(self) -> None:
        """Close the file; spans that end later are told to nobody."""
        self.file.close()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _write(self, span: Span) -> None:
        place = self._places.pop(id(span), None) or Place(None)
        if span.parent is None:
            for lost in below(span):
                self._places.pop(id(lost), None)
        line = msgspec.json.encode(self._line(span, place)) + b"\n"
        if self._torn:
            line = b"\n" + line
        written = self.file.write(line)
        self._torn = written != len(line)
        if self._torn:
            raise OSError(f"only {written} of {len(line)} bytes could be written")

    def _line(self, span: Span, place: Place) -> Line:
        usage, answer = span.usage, span.answer
        return Line(
            datetime.now(UTC),
            place.trace,
            place.span,
            place.parent,
            span.verb,
            span.name,
            span.status,
            span.seconds,
            usage.tokens_in,
            usage.tokens_out,
            usage.usd,
            usage.calls,
            usage.estimated,
            kind(span),
            place.answered_from,
            agreement(answer),
            answer if span.verb == "score" else None,
            asked(span) if self.content else UNSET,
            answered(span) if self.content else UNSET,
            because(span) if self.content else UNSET,
        )


def below(span: Span) -> Iterator[Span]:
    """All spans below one."""
    waiting = list(span.children)
    while waiting:
        child = waiting.pop()
        waiting += child.children
        yield child


def kind(span: Span) -> str | None:
    """The class of the error of a span that failed; its message may quote prompts."""
    return type(span.error).__name__ if span.status == "failed" else None


def agreement(answer: Any) -> float | None:
    """The winner's share of the vote, None where nobody voted."""
    tally = getattr(answer, "tally", None)
    return None if tally is None else float(tally.agreement)


def asked(span: Span) -> str:
    """What was asked."""
    return encodable(getattr(span.query, "prompt", ""))


def answered(span: Span) -> str:
    """What was answered, in words."""
    return encodable(getattr(span.answer, "text", ""))


def because(span: Span) -> str:
    """What the error of a span that failed says."""
    return encodable(str(span.error)) if span.status == "failed" else ""


def encodable(text: str) -> str:
    """A text with half characters (lone surrogates), which no file can hold, replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
