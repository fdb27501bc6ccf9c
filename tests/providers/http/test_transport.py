"""The one HTTP transport over loopback: what goes out, what comes back, how it goes wrong."""

import asyncio
import gzip
import socket
import zlib

import pytest
from loopback import SECRET, answer, chunked, gathered, outgoing, served

import onefold as of
from onefold.providers.http import transport
from onefold.providers.http.failures import Rejected
from onefold.providers.http.transport import Aiohttp, address, aiohttp_transport, proxy


async def both(reply, act, stay=False):
    """What `act` makes of a call to a server that replies so, whole and streamed."""
    carrier = Aiohttp()
    async with served(reply, stay=stay) as server:
        await act(carrier.send(outgoing(server.url)))
    async with served(reply, stay=stay) as server:
        await act(gathered(carrier, outgoing(server.url)))


def fails(reply, kind, match="", stay=False, billed=None):
    """Expect an error of a kind, whole and streamed."""

    async def act(work):
        with pytest.raises(kind, match=match) as told:
            await work
        if billed is not None:
            assert told.value.billed is billed

    asyncio.run(both(reply, act, stay))


def test_a_body_goes_out_as_it_is_and_comes_back_as_it_is():
    async def main():
        async with served(answer(b"\x00\xffbytes")) as server:
            assert await Aiohttp().send(outgoing(server.url, b"\x01\xfe")) == b"\x00\xffbytes"
        assert server.bodies == [b"\x01\xfe"]
        head = server.heads[0]
        assert head["content-type"] == "application/json"
        assert (head["user-agent"], head["accept"]) == ("onefold", "*/*")
        assert head["accept-encoding"] == "identity"

    asyncio.run(main())


def test_a_wire_s_own_headers_go_before_the_usual_ones():
    async def main():
        async with served(answer()) as server:
            await Aiohttp().send(outgoing(server.url, **{"user-agent": "mine", "x-key": SECRET}))
        assert (server.heads[0]["user-agent"], server.heads[0]["x-key"]) == ("mine", SECRET)

    asyncio.run(main())


def test_a_stream_comes_piece_by_piece():
    async def main():
        async with served(chunked(b"one ", b"two ", b"three")) as server:
            pieces = await gathered(Aiohttp(), outgoing(server.url))
        assert b"".join(pieces) == b"one two three"
        assert all(pieces)

    asyncio.run(main())


def test_a_body_whose_length_nobody_says_is_read_to_its_end():
    async def main():
        async with served(chunked(b"one ", b"two")) as server:
            assert await Aiohttp().send(outgoing(server.url)) == b"one two"

    asyncio.run(main())


@pytest.mark.parametrize("status", ["301 Moved", "307 Temporary", "308 Permanent"])
def test_redirects_are_not_followed_so_keys_do_not_travel(status):
    async def act(work):
        with pytest.raises(Rejected) as told:
            await work
        assert told.value.status == int(status[:3])
        assert told.value.headers["location"] == "http://127.0.0.1:1/elsewhere"

    headers = ["Location: http://127.0.0.1:1/elsewhere"]
    asyncio.run(both(answer(b"", status, headers), act))


@pytest.mark.parametrize("status", [400, 404, 429, 500, 529])
def test_what_is_no_success_is_rejected_with_its_status_headers_and_words(status):
    async def act(work):
        with pytest.raises(Rejected) as told:
            await work
        error = told.value
        assert (error.status, error.body) == (status, b'{"error": "no"}')
        assert error.headers["retry-after"] == "7"

    headers = ["Retry-After: 7"]
    asyncio.run(both(answer(b'{"error": "no"}', f"{status} No", headers), act))


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "206 Partial"])
def test_any_success_is_one(status):
    async def main():
        async with served(answer(b"yes", status)) as server:
            assert await Aiohttp().send(outgoing(server.url)) == b"yes"

    asyncio.run(main())


def test_a_long_refusal_is_read_so_far_and_no_further():
    async def act(work):
        with pytest.raises(Rejected) as told:
            await work
        assert transport.SHOWN <= len(told.value.body) < 4 * transport.SHOWN

    asyncio.run(both(answer(b"x" * 1_000_000, "500 No"), act))


def test_a_refusal_whose_words_break_off_is_still_one():
    async def act(work):
        with pytest.raises(Rejected) as told:
            await work
        assert (told.value.status, told.value.body) == (503, b"half")

    asyncio.run(both(answer(b"half", "503 No", length=100), act))


def test_a_refusal_whose_words_do_not_end_is_still_one(monkeypatch):
    monkeypatch.setattr(transport, "PATIENCE", 0.05)

    async def act(work):
        with pytest.raises(Rejected) as told:
            await work
        assert (told.value.status, told.value.body) == (503, b"half")

    asyncio.run(both(answer(b"half", "503 No", length=100), act, stay=True))


@pytest.mark.parametrize(
    ("how", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("identity", bytes),
        ("", bytes),
    ],
)
def test_a_body_that_is_packed_unasked_is_unpacked(how, pack):
    body = b"some words " * 1000

    async def act(work):
        found = await work
        assert (found if isinstance(found, bytes) else b"".join(found)) == body

    headers = [f"Content-Encoding: {how}"]
    asyncio.run(both(answer(pack(body), headers=headers), act))
    asyncio.run(both(chunked(pack(body)[:7], pack(body)[7:], headers=headers), act))


def test_a_body_that_is_packed_in_another_way_is_unreadable():
    fails(answer(b"x", headers=["Content-Encoding: br"]), of.Unreadable, "packed as 'br'", True)


def test_a_body_that_is_not_packed_as_it_says_is_unreadable():
    reply = answer(b"plain", headers=["Content-Encoding: gzip"])
    fails(reply, of.Unreadable, "cannot be unpacked", billed=True)


@pytest.mark.parametrize("told", [True, False])
def test_a_reply_is_cut_off_where_it_is_too_long(monkeypatch, told):
    monkeypatch.setattr(transport, "MOST", 1 << 20)
    body = b"x" * ((1 << 20) + 1)
    reply = answer(body) if told else chunked(body[: 1 << 19], body[1 << 19 :])
    fails(reply, of.Unreadable, "longer than 1 MiB", billed=True)


def test_a_reply_of_exactly_that_length_passes(monkeypatch):
    monkeypatch.setattr(transport, "MOST", 1 << 20)

    async def act(work):
        found = await work
        assert len(found if isinstance(found, bytes) else b"".join(found)) == 1 << 20

    asyncio.run(both(answer(b"x" * (1 << 20)), act))
    asyncio.run(both(chunked(b"x" * (1 << 20)), act))


def test_a_small_package_that_grows_without_end_is_cut_off_before_it_is_unpacked(monkeypatch):
    monkeypatch.setattr(transport, "MOST", 1 << 20)
    bomb = gzip.compress(b"\0" * (64 << 20))
    fails(answer(bomb, headers=["Content-Encoding: gzip"]), of.Unreadable, "longer than 1 MiB")


@pytest.mark.parametrize(
    "reply",
    [
        None,
        answer(b"half", length=100),
        chunked(b"one")[:-7],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"no http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    ],
)
def test_a_reply_that_breaks_off_is_unreachable_and_may_be_billed(reply):
    fails(reply, of.Unreachable, r"127\.0\.0\.1:\d+ broke off", billed=True)


def test_nobody_there_is_unreachable_and_not_billed():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"

    async def main():
        for work in (Aiohttp().send(outgoing(url)), gathered(Aiohttp(), outgoing(url))):
            with pytest.raises(of.Unreachable, match=r"cannot connect to 127.0.0.1:\d+") as told:
                await work
            assert not told.value.billed

    asyncio.run(main())


def test_a_stream_that_falls_silent_is_given_up():
    async def main():
        half = chunked(b"one")[:-5]
        async with served(half, stay=True) as server:
            pieces = Aiohttp().stream(outgoing(server.url, stall=0.05))
            assert await anext(pieces) == b"one"
            with pytest.raises(of.TimedOut, match="fell silent") as told:
                await anext(pieces)
            assert told.value.billed

    asyncio.run(main())


@pytest.mark.parametrize("url", ["http://", "http:///v1"])
def test_what_is_no_url_is_the_configuration_s_to_mend(url):
    async def main():
        for work in (Aiohttp().send(outgoing(url)), gathered(Aiohttp(), outgoing(url))):
            with pytest.raises(of.ConfigError, match="base_url"):
                await work

    asyncio.run(main())


def test_a_connection_that_takes_too_long_is_unreachable_and_a_broken_one_billed():
    import aiohttp

    url = "http://user:secret@host:9/v1/path"
    cases = [
        (aiohttp.ConnectionTimeoutError(), of.Unreachable, "host:9 does not accept", False),
        (aiohttp.SocketTimeoutError(), of.TimedOut, "host:9 fell silent", True),
        (aiohttp.ServerDisconnectedError(), of.Unreachable, "host:9 broke off", True),
        (ConnectionResetError("reset"), of.Unreachable, "host:9 broke off .*: reset", True),
        (OSError(), of.Unreachable, "broke off its reply: OSError", True),
        (ValueError("chunk too big"), of.Unreachable, "broke off its reply: chunk", True),
        (aiohttp.InvalidURL("x"), of.ConfigError, "base_url: host:9", None),
    ]
    for error, kind, words, billed in cases:
        with pytest.raises(kind, match=words) as told:
            transport.raise_from(error, url)
        assert "secret" not in str(told.value)
        assert "path" not in str(told.value)
        if billed is not None:
            assert told.value.billed is billed


def test_a_host_that_no_name_can_be_is_the_configuration_s_to_mend():
    url = "http://a..b/v1"
    with pytest.raises(UnicodeError) as found:
        "a..b".encode("idna")  # as a look-up of its address does
    with pytest.raises(of.ConfigError, match=r"base_url: a\.\.b"):
        transport.raise_from(found.value, url)


def test_a_request_that_is_printed_shows_neither_words_nor_keys():
    out = outgoing("https://host/v1", b"my question", authorization=f"Bearer {SECRET}")
    for shown in (repr(out), str(out), repr(list(out.__rich_repr__()))):
        assert SECRET not in shown
        assert "my question" not in shown
        assert "https://host/v1" in shown
        assert "authorization" in shown


def test_the_process_s_transport_is_one():
    assert aiohttp_transport() is aiohttp_transport()


def test_a_url_is_taken_as_it_is_written():
    assert str(address("http://host/v1beta/models/a%2Fb:gen?alt=sse")).endswith("a%2Fb:gen?alt=sse")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://api.example.org/v1", "http://proxy:1"),
        ("https://api.example.org/v1", "http://proxy:2"),
        ("https://inside.example.org/v1", None),
        ("http://localhost:8000", None),
        ("http://127.0.0.1:8000", None),
        ("http://[::1]:8000", None),
    ],
)
def test_proxies_are_those_of_the_environment(monkeypatch, url, found):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:2")
    monkeypatch.setenv("NO_PROXY", "inside.example.org")
    proxy.cache_clear()
    assert proxy(url) == found
    proxy.cache_clear()
