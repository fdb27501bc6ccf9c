"""The fault matrix: what each misbehaviour of a service does to a call, on each wire.

`python tests/wires/test_faults.py` writes what it measures into the table of docs/faults.md, which
the tests compare with what they measure.
"""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Any

import pytest
from faults import (
    Comments,
    Crlf,
    Drip,
    EndsEarly,
    ErrorInside,
    Fault,
    Huge,
    Lie,
    NoCredit,
    NoEnd,
    Raw,
    Redirect,
    Refuse,
    Reset,
    SplitUtf8,
    Stall,
    StallHeaders,
    Status,
    TruncatedBody,
    TruncatedJson,
    WrongType,
)
from members import OPEN, WIRES, entry
from msgspec import Struct
from msgspec.structs import replace
from script import Script
from service import Service

import onefold as of
from onefold.providers.http import transport

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
WORDS = "the service's own words"
TEXT = "Größer als fünf und kleiner als zwölf, fürchte ich, könnte es schon längst gewesen sein."
ATTEMPTS = 3


class Twice(Fault, frozen=True):
    """The last event of a stream comes twice."""

    def bend(self, reply, wire, call):
        return (
            replace(reply, chunks=(*reply.chunks, *reply.chunks[-1:])) if reply.streamed else reply
        )


FAULTS: dict[str, Any] = {
    "connection reset before any byte": Refuse(),
    "connection reset in mid-body": Reset(),
    "connection closed in mid-body": TruncatedBody(),
    "no headers come": StallHeaders(30),
    "body stalls": Stall(30, after=6),
    "body drips": Drip(0.0002, 40),
    "body too large, length told": Huge(2),
    "body too large, length not told": Huge(2, told=False),
    "truncated JSON": TruncatedJson(),
    "HTML instead of JSON": WrongType(),
    "empty body": Raw(),
    "JSON of another shape": Raw(b'{"hello": "world"}'),
    "error inside a 200, or a stream": ErrorInside(0, message=WORDS),
    "error after the first words of a stream": ErrorInside(6, message=WORDS),
    "stream ends without its last event": NoEnd(),
    "stream ends before its first word": EndsEarly(0),
    "stream ends after its first words": EndsEarly(6),
    "last event comes twice": Twice(),
    "CR LF line ends": Crlf(),
    "CR line ends": Crlf(lone=True),
    "comments and pings": Comments(),
    "chunks that split characters": SplitUtf8(),
    "impossible token counts": Lie(),
    "no token counts": Lie("missing"),
    "out of credit": NoCredit(),
    "redirect to another host": Redirect("http://127.0.0.1:9"),
    **{f"{code}": Status(code, message=WORDS) for code in (400, 401, 403, 404)},
    **{f"{code}": Status(code, message=WORDS) for code in (408, 409, 413, 422, 425)},
    "429": Status(429, message=WORDS),
    "429, Retry-After 0.01 s": Status(429, retry_after=0.01, message=WORDS),
    "429, Retry-After an hour": Status(429, retry_after=3600, message=WORDS),
    **{f"{code}": Status(code, message=WORDS) for code in (500, 502, 503, 504, 529)},
    "503, Retry-After 0.01 s": Status(503, retry_after=0.01, message=WORDS),
}
STREAMED = ("stream ends", "last event", "error after", "CR", "comments")  # faults of streams alone


class Met(Struct, frozen=True):
    """What came of a call: `reply` or the error's class; attempts upstream; calls booked, how."""

    outcome: str
    attempts: int
    booked: str
    words: bool


async def met(wire: str, fault: Fault, streamed: bool, always: bool) -> Met:
    """What comes of one call to a service that misbehaves, always or once."""
    script = Script(
        keyless=OPEN, text=TEXT, pieces=16, faults=(lambda _: fault) if always else [fault]
    )
    short = isinstance(fault, Stall | StallHeaders)
    waits = {"stall": 0.2, "timeout": 0.4} if short else {"stall": 5.0, "timeout": 10.0}
    async with Service(script) as service:
        models = {"member": entry(service.url, wire, **waits)}
        with of.Session(models) as session:
            error = await asked(streamed)
            used = session.usage()["member"].used
        if error is not None:
            assert error.model == "member"
            assert str(error).startswith(("member: ", "member took")), str(error)
        outcome = "reply" if error is None else type(error).__name__
        held = ("an estimate" if used.estimated else "the usage told") if used.calls else "nothing"
        return Met(outcome, len(service.calls), held, WORDS in str(error or WORDS))


async def asked(streamed: bool) -> of.ModelError | None:
    """Ask once; words that come are the reply's, each once; returns what went wrong, if it did."""
    told = ""
    try:
        if not streamed:
            told = (await of.Model("member")("Who is there?")).text
        else:
            async for event in of.Model("member").stream("Who is there?"):
                told += event.text if event.kind == "token" else ""
    except of.ModelError as error:
        assert TEXT.startswith(told)
        return error
    assert told == TEXT
    return None


async def measured(fault: Any) -> dict[tuple[str, bool, bool], Met]:
    """What comes of a fault by wire, streamed or not, always or once."""
    cases = list(itertools.product(WIRES, (False, True), (False, True)))
    runs = (met(wire, fault, streamed, always) for wire, streamed, always in cases)
    return dict(zip(cases, await asyncio.gather(*runs), strict=True))


def phrase(found: dict[str, str]) -> str:
    """What most wires do, then those that do otherwise, by name."""
    groups: dict[str, list[str]] = {}
    for wire, value in found.items():
        groups.setdefault(value, []).append(wire)
    usual, *others = sorted(groups, key=lambda value: -len(groups[value]))
    but = "; ".join(f"{', '.join(groups[value])}: {value}" for value in others)
    return f"{usual} ({but})" if but else usual


def cell(name: str, found: dict[tuple[str, bool, bool], Met], always: bool, field: str) -> str:
    """One field, of whole replies and of streamed ones where they differ."""
    whole, streamed = (
        phrase({wire: str(getattr(found[wire, kind, always], field)) for wire in WIRES})
        for kind in (False, True)
    )
    if name.startswith(STREAMED):
        return streamed
    return whole if whole == streamed else f"{whole}; streamed: {streamed}"


def row(name: str, found: dict[tuple[str, bool, bool], Met]) -> str:
    """A fault's line of the table."""
    once = cell(name, found, False, "outcome")
    cells = (cell(name, found, True, field) for field in ("outcome", "attempts", "booked"))
    return f"| {' | '.join([name, once, *cells])} |"


def rows() -> dict[str, str]:
    """The lines of the table in the docs, by their faults."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    return {line.split("|")[1].strip(): line for line in lines[2:]}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_does_what_the_docs_say(name, monkeypatch):
    monkeypatch.setattr(transport, "MOST", 2**20)
    found = asyncio.run(measured(FAULTS[name]))
    assert row(name, found) == rows().get(name)
    if getattr(FAULTS[name], "message", "") == WORDS:
        assert all(one.words for one in found.values())


def test_the_docs_tell_of_every_fault_and_of_no_other():
    assert list(rows()) == list(FAULTS)


def write() -> None:
    """Measure all, and put the table into the docs."""
    transport.MOST = 2**20
    kept = PAGE.read_text(encoding="utf-8").splitlines()
    start = next(place for place, line in enumerate(kept) if line.startswith("|---")) + 1
    rest = [line for line in kept[start:] if line[:1] != "|"]
    table = [row(name, asyncio.run(measured(fault))) for name, fault in FAULTS.items()]
    PAGE.write_text("\n".join([*kept[:start], *table, *rest]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
