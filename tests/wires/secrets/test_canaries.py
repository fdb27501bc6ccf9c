"""Keys planted where keys may lie show up nowhere, though the service quotes them in its errors."""

from __future__ import annotations

import asyncio
import io
import logging
import traceback
from pathlib import Path
from typing import Any

import msgspec
import pytest
from exchange import Reply
from faults import Fault
from members import WIRES, entry
from msgspec.structs import replace
from script import Script
from service import Service, serving
from typer.testing import CliRunner

import onefold as of
from onefold.cli.app import app
from onefold.providers.http.transport import Outgoing, aiohttp_transport

CANARIES = {
    "CANARY_KEY": "sk-canary-envir-0123456789abcdef",
    "CANARY_FILE": "sk-canary-afile-0123456789abcdef",
    "CANARY_HEADER": "sk-canary-ahead-0123456789abcdef",
}
TELLING = 15  # characters by which each is known


class Tattle(Fault, frozen=True):
    """A failure that quotes every header of the call, in one place or another.

    how: error (the wire's own), deep (at the end of a long one), page (HTML), nonsense (a body
    that is no reply), inside (an error in a stream, or with status 200); deep nonsense or inside.
    """

    how: str

    def bend(self, reply, wire, call):
        quoted = " ".join(call.headers.values())
        json = {"Content-Type": "application/json"}
        if self.how in ("error", "deep"):
            blanks = "x" * (480 - quoted.find("sk-canary")) if self.how == "deep" else ""
            body = wire.error(400, f"{blanks}{quoted}")
            return Reply(400, {**json, "X-Quoted": quoted}, (msgspec.json.encode(body),))
        if self.how == "page":
            return Reply(502, {"Content-Type": "text/html"}, (f"<p>{quoted}</p>".encode(),))
        if self.how in ("inside", "deep inside"):
            quoted = "x" * (480 - quoted.find("sk-canary")) * (self.how != "inside") + quoted
            if reply.streamed:
                return replace(reply, chunks=(*reply.chunks[:1], wire.error_event(500, quoted)))
            return Reply(200, json, (msgspec.json.encode(wire.error(500, quoted)),))
        blanks = "x" * (100 - quoted.find("sk-canary")) if self.how == "deep nonsense" else ""
        return Reply(200, json, (f"{blanks}{quoted}".encode(),))


HOWS = ("error", "deep", "page", "nonsense", "deep nonsense", "inside", "deep inside")


@pytest.fixture
def planted(monkeypatch, tmp_path) -> Path:
    """Keys in the environment and in a file of a folder that is given."""
    for name, canary in CANARIES.items():
        monkeypatch.setenv(name, canary)
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "key").write_text(CANARIES["CANARY_FILE"] + "\n", encoding="utf-8")
    return folder


def models(url: str, wire: str, planted: Path) -> dict[str, Any]:
    """A model with a key from the environment, one with a key from a file, headers in both."""
    about: dict[str, Any] = {"headers": {"X-Gate-Token": "env:CANARY_HEADER"}, "retry": None}
    return {
        "one": entry(url, wire, key="env:CANARY_KEY", **about),
        "two": entry(url, wire, key=f"file:{planted / 'key'}", **about),
    }


def clean(*shown: object) -> None:
    """No canary, nor the beginning of one, is in what was shown."""
    for one in shown:
        text = one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one)
        for canary in CANARIES.values():
            place = text.find(canary[:TELLING])
            assert place < 0, f"shown: {text[max(0, place - 200) : place + 100]}"


def shown(error: BaseException | None) -> list[str]:
    """Everything that an error shows, and those behind it."""
    found = [repr(getattr(error, "__dict__", ""))]
    while error is not None:
        found += [str(error), repr(error)]
        found += traceback.format_exception(error)
        error = error.__cause__ or error.__context__
    return found


def held(folder: Path) -> list[bytes]:
    """The bytes of all files below a folder."""
    return [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]


async def drained(stream: of.Stream) -> None:
    """Hear a stream to its end."""
    async for event in stream:
        clean(event)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("how", HOWS)
def test_no_key_shows_up_in_errors_logs_spans_journals_and_caches(
    wire, how, planted, tmp_path, caplog
):
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    caplog.set_level(logging.DEBUG)
    exporter, tracing = InMemorySpanExporter(), TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    files = tmp_path / "files"
    files.mkdir()

    async def main():
        async with Service(Script(faults=lambda _: Tattle(how))) as service:
            with of.Lines(files / "lines.jsonl", content=True) as lines:
                listeners = [
                    lines,
                    of.Logged(level="DEBUG", content=True),
                    of.OpenTelemetry(tracing, content=True),
                ]
                kept = {"journal": files / "journal.sqlite", "cache": files / "cache.sqlite"}
                known = models(service.url, wire, planted)
                with of.Session(known, listeners=listeners, **kept) as session:
                    for operator in ("one", "two", of.Panel(["one", "two"])):
                        with pytest.raises(of.OnefoldError) as told:
                            await of.build(operator)("Who is there?")
                        clean(*shown(told.value), *getattr(told.value, "drafts", ()))
                        with pytest.raises(of.OnefoldError) as told:
                            await drained(of.build(operator).stream("Who is there?"))
                        clean(*shown(told.value))
                    clean(repr(session), vars(session), session.usage())
                    clean(*held(files))
            sent = {call.key for call in service.calls}
            assert sent == {CANARIES["CANARY_KEY"], CANARIES["CANARY_FILE"]}
            assert all("x-gate-token" in call.headers for call in service.calls)

    asyncio.run(main(), debug=True)
    assert caplog.records
    clean(caplog.text, *(vars(record) for record in caplog.records))
    spans = exporter.get_finished_spans()
    assert spans
    clean(*(span.to_json() for span in spans))
    assert len(held(files)) >= 3
    clean(*held(files))


@pytest.mark.parametrize("wire", WIRES)
def test_no_key_shows_up_in_what_is_dumped_printed_or_reported(wire, planted, tmp_path):
    out = tmp_path / "run"
    faults = (fault for fault in [None, Tattle("error"), None, Tattle("nonsense")] * 10)
    with serving(Script(faults=faults)) as service:
        known = models(service.url, wire, planted)
        panel = of.Panel(["one", "two"], quorum=1)
        with of.Session(known, journal=tmp_path / "journal") as session:
            done = of.run(panel, ["a?", "b?", "c?"], out=out, concurrency=1)
            of.write_report(done, out)
            asked = panel.ask("Who is there?")
            for model in session.models.deployments.values():
                clean(repr(model), str(model), repr(model.provider), of.dump(model.provider))
                clean(repr(of.Model("own", provider=model.provider)))
                clean(of.dump(of.Model("own", provider=model.provider)))
                clean(model.identity)
            transport = aiohttp_transport()
            clean(repr(transport), repr(session), vars(session))
            clean(asked, asked.explain(), asked._repr_html_(), msgspec.json.encode(asked))
            clean(of.plan(panel, "Who is there?"))
    recipe = of.Recipe(panel, known)
    clean(recipe, recipe.dump())
    assert "env:CANARY_KEY" in recipe.dump()
    assert len(held(out)) >= 5
    clean(*held(out), *held(tmp_path / "run"), (tmp_path / "journal").read_bytes())


@pytest.mark.parametrize("wire", WIRES)
def test_no_key_shows_up_on_the_command_line(wire, planted, tmp_path):
    out, file, questions = tmp_path / "run", tmp_path / "recipe.yaml", tmp_path / "asked.jsonl"
    questions.write_text('{"prompt": "a?"}\n{"prompt": "b?"}\n', encoding="utf-8")
    faults = (fault for fault in [None, Tattle("error")] * 20)
    with serving(Script(faults=faults)) as service:
        operator = of.Panel(["one", "two"], quorum=1)
        text = of.Recipe(operator, models(service.url, wire, planted)).dump()
        file.write_text(text, encoding="utf-8")
        commands = [
            ["ask", "-c", str(file), "Who is there?", "--explain"],
            ["ask", "-c", str(file), "Who is there?", "--json"],
            ["ask", "-c", str(file), "Who is there?", "--stream"],
            ["plan", str(file), str(questions)],
            ["doctor", str(file)],
            ["run", str(file), str(questions), "--out", str(out)],
            ["show", str(out)],
        ]
        for command in commands:
            ran = CliRunner().invoke(app, command)
            clean(ran.output, *shown(ran.exception))
            assert ran.exit_code in (0, 1, 2), ran.output
        assert len(service.calls) >= 8
    clean(*held(out), file.read_text(encoding="utf-8"))


def test_no_key_shows_up_in_a_request_that_is_printed():
    canary = CANARIES["CANARY_KEY"]
    out = Outgoing("http://127.0.0.1:9/v1", b"{}", {"authorization": f"Bearer {canary}"})
    clean(repr(out), str(out))


def test_no_key_shows_up_in_the_context_of_a_failed_connection(planted):
    said = io.StringIO()

    async def main():
        asyncio.get_running_loop().set_debug(True)
        async with Service(Script()) as service:
            service.refusals = 10
            with of.Session(models(service.url, "chat", planted)):
                with pytest.raises(of.Unreachable) as told:
                    await of.Model("one")("Anyone?")
                traceback.print_exception(told.value, file=said)
        with of.Session(models(service.url, "chat", planted)):
            with pytest.raises(of.Unreachable) as told:
                await of.Model("two")("Anyone?")
            traceback.print_exception(told.value, file=said)

    asyncio.run(main())
    assert "Unreachable" in said.getvalue()
    clean(said.getvalue())
