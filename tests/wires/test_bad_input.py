"""Bad and hostile input over real HTTP: typed errors that keep the service's words and no key."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest
from exchange import Call, Reply
from faults import ErrorInside, Fault, Huge, Lie, NoCredit, Raw, Redirect, Status, TruncatedBody
from members import OPEN, WIRES, entry
from msgspec.structs import replace
from script import Script
from service import Service

import onefold as of

KEY = "sk-canary-5f1e7a"


async def met(
    script: Script, wire: str, text="Hello?", operator="a", **about
) -> tuple[of.Answer | of.OnefoldError, list[Call]]:
    """What came of a question to a service on one wire, and the calls that it saw."""
    async with Service(script) as service:
        with of.Session({"a": entry(service.url, wire, **about)}):
            try:
                found = await of.build(operator)(text)
            except of.OnefoldError as error:
                found = error
        return found, service.calls


def meet(script: Script, wire: str, text="Hello?", operator="a", **about):
    """The same, in a loop of its own."""
    return asyncio.run(met(script, wire, text, operator, **about))


async def answered(text: str, streamed: bool) -> of.Answer:
    """The answer, whole or at the end of a stream."""
    if not streamed:
        return await of.Model("a")(text)
    return [event async for event in of.Model("a").stream(text)][-1].answer


def open_script(**about) -> Script:
    """A service that asks for no key."""
    return Script(keyless=OPEN, **about)


WORDS = {
    of.WrongKey: "API key|x-api-key|unauthorized",
    of.NoSuchModel: "no-such-model",
    of.TooLong: "8192|context window|context length",
    of.NoCredit: "quota|credit|billing|limit",
}


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("kind", "script", "text", "about"),
    [
        (of.WrongKey, Script(), "Hello?", {"key": "env:ONEFOLD_TEST_KEY"}),
        (of.NoSuchModel, open_script(), "Hello?", {"model": "no-such-model"}),
        (of.TooLong, open_script(), "OVERFLOW", {}),
        (of.NoCredit, open_script(faults=lambda _: NoCredit()), "Hello?", {}),
    ],
)
def test_each_refusal_has_its_type_and_the_services_own_words(
    wire, kind, script, text, about, monkeypatch
):
    monkeypatch.setenv("ONEFOLD_TEST_KEY", "wrong")
    error, calls = meet(script, wire, text, **about)
    assert type(error) is kind
    assert error.status == calls[0].status >= 400
    assert error.model == "a"
    assert str(error).startswith("a: ")
    assert any(word in str(error) for word in WORDS[kind].split("|")), str(error)
    assert len(calls) == 1


@pytest.mark.parametrize("wire", [wire for wire in WIRES if wire != "ollama"])
def test_a_call_without_a_key_says_how_to_give_one(wire):
    error, calls = meet(Script(), wire)
    assert type(error) is of.WrongKey
    assert "say key: env:NAME or key: file:PATH" in str(error)
    assert calls[0].key is None


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("value", [None, "", "  \n"])
def test_a_key_that_is_not_there_stops_before_anything_is_sent(wire, value, monkeypatch):
    if value is not None:
        monkeypatch.setenv("ONEFOLD_TEST_KEY", value)
    error, calls = meet(Script(), wire, key="env:ONEFOLD_TEST_KEY")
    assert isinstance(error, of.ConfigError)
    assert "ONEFOLD_TEST_KEY" in str(error)
    assert calls == []


@pytest.mark.parametrize("wire", [wire for wire in WIRES if wire != "ollama"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_filtered_prompt_is_an_error_and_a_filtered_reply_keeps_its_words(wire, streamed):
    async def ask(text):
        async with Service(open_script()) as service:
            with of.Session({"a": entry(service.url, wire)}):
                return await answered(text, streamed)

    with pytest.raises(of.Filtered) as told:
        asyncio.run(ask("FORBIDDEN"))
    assert told.value.model == "a"
    answer = asyncio.run(ask("FORBIDDEN REPLY, but begun"))
    assert answer.text == "echo:"
    assert answer.finish in ("filtered", "refused")


@pytest.mark.parametrize("wire", ["chat", "responses", "anthropic"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_model_that_declines_says_so_whole_and_streamed(wire, streamed):
    async def ask():
        async with Service(open_script(refusal="I will not.")) as service:
            with of.Session({"a": entry(service.url, wire)}):
                return await answered("Well?", streamed)

    answer = asyncio.run(ask())
    assert (answer.text, answer.finish) == ("I will not.", "refused")


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("how", ["negative", "absurd", "strings", "null", "missing"])
def test_usage_that_cannot_be_is_estimated_and_marked(wire, how):
    answer, _ = meet(open_script(faults=[Lie(how)]), wire, "one two three")
    assert answer.text == "echo: one two three"
    assert answer.usage.estimated
    assert 0 < answer.usage.tokens < 100
    assert 0 < answer.usage.usd < 0.001


class Length(Fault, frozen=True):
    """Content-Length is another than the body's, by so many bytes."""

    by: int

    def bend(self, reply, wire, call):
        size = sum(map(len, reply.chunks))
        return replace(reply, length=size + self.by, ending="close")


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("by", [-20, 20])
def test_a_service_that_lies_about_length_is_not_believed(wire, by):
    error, calls = meet(open_script(faults=lambda _: Length(by)), wire, retry=None)
    assert type(error) in (of.Unreachable, of.Unreadable)
    assert error.billed
    assert len(calls) == 1


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_key_never_follows_a_redirect(wire, code, streamed, monkeypatch):
    monkeypatch.setenv("ONEFOLD_TEST_KEY", KEY)

    async def main():
        async with Service(open_script()) as other:
            away = Redirect(other.url.replace("//", f"//user:{KEY}@"), code)
            async with Service(Script(faults=lambda _: away)) as service:
                models = {"a": entry(service.url, wire, key="env:ONEFOLD_TEST_KEY")}
                with of.Session(models), pytest.raises(of.Refused, match="base_url") as told:
                    await answered("Where?", streamed)
                assert f"127.0.0.1:{other.port}" in str(told.value)
                assert KEY not in str(told.value)
                assert len(service.calls) == 1
            assert other.connections == 0

    asyncio.run(main())


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    "url",
    [
        f"http://user:{KEY}@127.0.0.1:9",
        f"http://{KEY}@127.0.0.1:9",
        f"http://127.0.0.1:9/v1?key={KEY}",
        f"http://127.0.0.1:9/v1#{KEY}",
        "ftp://127.0.0.1/v1",
        "http://",
        "http://127.0.0.1:99999",
        "127.0.0.1:9 \r\nX-Evil: 1",
    ],
)
def test_an_address_that_hides_something_is_refused_and_not_shown(wire, url):
    with pytest.raises(of.ConfigError, match="base_url") as told:
        of.Session({"a": entry(url, wire)})
    assert KEY not in str(told.value)


@pytest.mark.parametrize("wire", WIRES)
def test_control_characters_arrive_as_they_were_written(wire):
    text = "a\x00b\x01c\x1b[31md\x7fe\u2028f\u202eg\ufeffh\U0001f600"
    answer, calls = meet(open_script(), wire, text)
    assert answer.text == f"echo: {text}"
    assert len(calls) == 1


def halves() -> list:
    """Queries and models with half a character in each place where words may stand."""
    half = "half \ud83d"
    return [
        (of.Query(half), "a"),
        (of.Query("Hello?", system=half), "a"),
        (of.Query(messages=(of.Message("user", half),)), "a"),
        (of.Query("Hello?", labels=("yes", half)), "a"),
        (of.Query("Hello?", schema={"type": "object", "description": half}), "a"),
        (of.Query("Hello?"), of.Model("a", system=half)),
        (of.Query("Hello?"), of.Model("a", until=(half,))),
        (of.Query(half), of.Panel(["a", "a"])),
    ]


@pytest.mark.parametrize("place", range(len(halves())))
@pytest.mark.parametrize("wire", WIRES)
def test_half_a_character_is_refused_before_anything_is_sent(wire, place, tmp_path):
    query, operator = halves()[place]

    async def main():
        async with Service(open_script()) as service:
            for kept in ({}, {"cache": "memory"}, {"journal": tmp_path / "journal.sqlite"}):
                models = {"a": entry(service.url, wire)}
                with of.Session(models, budget=1.0, **kept) as session:
                    with pytest.raises(of.OnefoldError, match=r"half a character|has no stop"):
                        await of.build(operator)(query)
                    assert session.budget.spent == of.Usage()
            assert service.calls == []

    asyncio.run(main())


def test_half_a_character_in_a_reply_harms_no_file(tmp_path):
    body = b'{"choices":[{"message":{"content":"half \\ud83d!"},"finish_reason":"stop"}]}'

    async def main():
        async with Service(open_script(faults=[Raw(body)])) as service:
            kept = {"cache": tmp_path / "cache", "journal": tmp_path / "journal"}
            with of.Session({"a": entry(service.url, retry=None)}, **kept):
                try:
                    found = (await of.Model("a")("Hello?")).text
                except of.Unreadable as error:
                    found = str(error)
            found.encode()

    asyncio.run(main())


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("end", ["\r\nX-Evil: 1", "\n", "\x00", "é", "\r"])
def test_no_key_brings_a_header_of_its_own(wire, end, tmp_path, monkeypatch):
    (tmp_path / "key").write_text(f"{KEY}{end}more", encoding="utf-8", newline="")
    places = [f"file:{tmp_path / 'key'}"]
    if end != "\x00":  # which no environment holds
        monkeypatch.setenv("ONEFOLD_TEST_KEY", f"{KEY}{end}more")
        places.append("env:ONEFOLD_TEST_KEY")
    for key in places:
        error, calls = meet(open_script(), wire, key=key)
        assert isinstance(error, of.ConfigError)
        assert KEY not in str(error)
        assert calls == []


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Mine": "a\r\nX-Evil: 1"},
        {"X-Mine\r\nX-Evil": "1"},
        {"X Mine": "1"},
        {"X-Mine": "\x00"},
        {"": "1"},
    ],
)
def test_no_header_of_a_configuration_brings_another(wire, headers):
    async def main():
        async with Service(open_script()) as service:
            with pytest.raises(of.ConfigError, match="header"):
                of.Session({"a": entry(service.url, wire, headers=headers)})
            assert service.calls == []

    asyncio.run(main())


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("end", ["\n", "\r\n", " \n\n", ""])
def test_a_key_file_may_end_in_a_line_end(wire, end, tmp_path):
    (tmp_path / "key").write_text(f"{KEY}{end}", encoding="utf-8", newline="")
    answer, calls = meet(Script(), wire, key=f"file:{tmp_path / 'key'}")
    assert answer.text == "echo: Hello?"
    assert calls[0].key == KEY


@pytest.mark.parametrize("told", [True, False])
def test_a_huge_reply_is_cut_off(told):
    error, calls = meet(open_script(faults=lambda _: Huge(66, told)), "chat")
    assert type(error) is of.Unreadable
    assert "64 MiB" in str(error)
    assert "a" in (error.model,)
    assert len(calls) == 1


@pytest.mark.parametrize("wire", WIRES)
def test_a_huge_error_is_told_in_few_words(wire):
    page = b"<html>" + b"<p>no</p>" * 200_000
    error, _ = meet(open_script(faults=lambda _: Raw(page, "text/html", 400)), wire)
    assert type(error) is of.Refused
    assert len(str(error)) < 700


class Packed(Fault, frozen=True):
    """The reply is compressed, though nobody asked for it, after so many megabytes of blanks."""

    coding: str
    megabytes: int

    def bend(self, reply, wire, call):
        pack = gzip.compress if self.coding == "gzip" else zlib.compress
        body = pack(b" " * (self.megabytes << 20) + b"".join(reply.chunks), 1)
        return Reply(200, {**reply.headers, "Content-Encoding": self.coding}, (body,))


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("megabytes", [0, 66])
def test_a_compressed_reply_is_not_unpacked_without_bound(coding, megabytes):
    found, calls = meet(open_script(faults=lambda _: Packed(coding, megabytes)), "chat")
    assert len(calls) == 1
    if megabytes or isinstance(found, of.OnefoldError):
        assert type(found) is of.Unreadable
    else:
        assert found.text == "echo: Hello?"


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    "fault", [Status(418, message="I am a teapot"), ErrorInside(message="no, thanks")]
)
def test_what_a_service_says_of_its_failure_is_kept(wire, fault):
    error, _ = meet(open_script(faults=lambda _: fault), wire, retry=None)
    assert isinstance(error, of.ModelError)
    assert fault.message in str(error)
    assert str(error).startswith("a: ")


def test_a_body_cut_in_the_middle_is_tried_again():
    answer, calls = meet(open_script(faults=[TruncatedBody()]), "chat")
    assert answer.text == "echo: Hello?"
    assert len(calls) == 2
