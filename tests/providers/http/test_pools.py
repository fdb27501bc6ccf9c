"""Connections of the one HTTP transport: kept, shared by a loop's calls, closed with the loop."""

import asyncio
import threading

import pytest
from loopback import answer, chunked, gathered, outgoing, served

from onefold.providers.http.failures import Rejected
from onefold.providers.http.transport import Aiohttp


def test_connections_are_used_again_and_cookies_are_not_kept():
    async def main():
        carrier = Aiohttp()
        cookie = answer(headers=["Set-Cookie: session=1"])
        async with served(cookie, cookie, answer(b"", "429 Slow"), chunked(b"x"), answer()) as it:
            for _ in range(2):
                await carrier.send(outgoing(it.url))
            with pytest.raises(Rejected):
                await carrier.send(outgoing(it.url))
            await gathered(carrier, outgoing(it.url))
            await carrier.send(outgoing(it.url))
        assert it.connections == 1
        assert all("cookie" not in head for head in it.heads)

    asyncio.run(main())


def test_leaving_a_stream_early_closes_its_connection():
    async def main():
        carrier = Aiohttp()
        async with served(chunked(b"one", b"two")[:-5], answer(), stay=True) as server:
            pieces = carrier.stream(outgoing(server.url))
            assert (await anext(pieces)).startswith(b"one")
            await pieces.aclose()
            (session, _) = carrier.pools[asyncio.get_running_loop()]
            assert not session.connector._acquired

    asyncio.run(main())


def test_each_loop_has_its_connections_and_closes_them_with_itself():
    carrier = Aiohttp()

    async def main():
        async with served(answer(), answer()) as server:
            for _ in range(2):
                await carrier.send(outgoing(server.url))
        (session, _) = carrier.pools[asyncio.get_running_loop()]
        return session

    first, second = asyncio.run(main()), asyncio.run(main())
    assert first is not second
    assert first.closed
    assert second.closed
    assert carrier.pools == {}


def test_calls_that_begin_at_once_share_the_connections_of_their_loop():
    async def main():
        carrier = Aiohttp()
        async with served(*[answer()] * 5) as server:
            await asyncio.gather(*(carrier.send(outgoing(server.url)) for _ in range(5)))
        assert len(carrier.pools) == 1

    asyncio.run(main())


def test_pools_of_loops_that_died_without_a_word_are_forgotten():
    carrier = Aiohttp()
    loop = asyncio.new_event_loop()
    session = loop.run_until_complete(carrier._pool())
    loop.run_until_complete(session.close())
    loop.close()

    async def main():
        await carrier._pool()
        return list(carrier.pools)

    assert loop in carrier.pools
    assert loop not in asyncio.run(main())


def test_closing_closes_the_connections_of_loops_in_other_threads():
    carrier, loop = Aiohttp(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    session = asyncio.run_coroutine_threadsafe(carrier._pool(), loop).result(5)
    carrier.close()
    assert session.closed
    assert carrier.pools == {}
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


def test_headers_are_made_once_for_a_wire_and_forgotten_in_time():
    carrier = Aiohttp()
    kept = [{"x": str(number)} for number in range(1500)]
    for headers in kept:
        made = carrier._headers(headers)
        assert made["X"] == headers["x"]
        assert carrier._headers(headers) is made
    assert len(carrier.headers) <= 1001
