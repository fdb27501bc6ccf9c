"""The one HTTP transport: pooled connections, no redirects, no cookies, bounded bodies."""

from __future__ import annotations

import atexit
import zlib
from asyncio import AbstractEventLoop, get_running_loop, run_coroutine_threadsafe, timeout
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import suppress
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from msgspec import Struct

from onefold.core.errors import ConfigError, TimedOut, Unreachable, Unreadable
from onefold.providers.http.failures import Rejected
from onefold.runtime.trace import current

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

MOST = 64 * 2**20  # bytes that a reply may have
CONNECT = 10.0  # seconds that a connection may take
SHOWN = 65536  # bytes of a refusal that are read
PATIENCE = 5.0  # seconds that a refusal's words may take
USUAL = {"user-agent": "onefold", "accept": "*/*", "accept-encoding": "identity"}
KEPT = 60.0  # seconds that an idle connection is kept


class Outgoing(Struct, frozen=True):
    """A POST that is ready to be sent: JSON as bytes, headers with the key in them.

    Printed, it shows neither what is asked nor the headers' values.

    stall: seconds of silence after which a stream is given up.
    """

    url: str
    body: bytes
    headers: Mapping[str, str]
    stall: float = 60.0

    def __repr__(self) -> str:
        return f"Outgoing({self.url!r}, {len(self.body)} bytes, headers {sorted(self.headers)})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("url", self.url), ("headers", sorted(self.headers))]


class Transport(Protocol):
    """Carries a request there and bytes back; a status outside 200–299 is raised as Rejected."""

    async def send(self, out: Outgoing) -> bytes:
        """The whole body of a successful reply."""
        ...

    def stream(self, out: Outgoing) -> AsyncIterator[bytes]:
        """The body of a successful reply, piece by piece."""
        ...


class Aiohttp(Transport):
    """The transport on aiohttp, with one pool of connections for each event loop.

    Raises:
        Unreachable: no connection, or it broke. TimedOut: the stream fell silent.
        Unreadable: more than MOST bytes. ConfigError: no such URL.
    """

    def __init__(self) -> None:
        self.pools: dict[AbstractEventLoop, tuple[ClientSession, Any]] = {}
        self.headers: dict[int, tuple[Mapping[str, str], Any]] = {}
        atexit.register(self.close)

    async def send(self, out: Outgoing) -> bytes:
        client = self.pools.get(get_running_loop())
        session = client[0] if client is not None else await self._pool()
        caller = current.set(None)  # a connection keeps the context in which it was opened
        try:
            reply = await session.post(
                address(out.url),
                data=out.body,
                headers=self._headers(out.headers),
                allow_redirects=False,
                proxy=proxy(out.url),
            )
            if reply.status // 100 != 2:
                await rejected(reply)
            return await whole(reply)
        except (OSError, ValueError, zlib.error, session_errors()) as error:
            raise_from(error, out.url)
        finally:
            current.reset(caller)

    async def stream(self, out: Outgoing) -> AsyncIterator[bytes]:
        client = self.pools.get(get_running_loop())
        session = client[0] if client is not None else await self._pool()
        try:
            caller = current.set(None)
            try:
                reply = await session.post(
                    address(out.url),
                    data=out.body,
                    headers=self._headers(out.headers),
                    allow_redirects=False,
                    proxy=proxy(out.url),
                    timeout=silence(out.stall),
                )
            finally:
                current.reset(caller)
            try:
                if reply.status // 100 != 2:
                    await rejected(reply)
                async for piece in pieces(reply):
                    yield piece
            finally:
                reply.close() if not reply.content.at_eof() else reply.release()
        except (OSError, ValueError, zlib.error, session_errors()) as error:
            raise_from(error, out.url)

    def _headers(self, headers: Mapping[str, str]) -> Any:
        """Headers as aiohttp takes them fastest; a wire's are the same from call to call."""
        held = self.headers.get(id(headers))
        if held is None or held[0] is not headers:
            from multidict import CIMultiDict

            if len(self.headers) > 1000:
                self.headers.clear()
            held = self.headers[id(headers)] = (headers, CIMultiDict({**USUAL, **headers}))
        return held[1]

    async def _pool(self) -> ClientSession:
        """This loop's connections; closed with the loop, by its shutdown of generators."""
        for other in [loop for loop in self.pools if loop.is_closed()]:
            del self.pools[other]
        loop = get_running_loop()
        opened = self._open(loop)
        session = await anext(opened)
        self.pools[loop] = (session, opened)
        return session

    async def _open(self, loop: AbstractEventLoop) -> AsyncGenerator[ClientSession]:
        import aiohttp

        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT, ttl_dns_cache=60),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        try:
            yield session
        finally:
            if loop in self.pools and self.pools[loop][0] is session:
                del self.pools[loop]
            await session.close()

    def close(self) -> None:
        """Close the pools of loops that still run in other threads; called when Python ends."""
        for loop, (_, opened) in list(self.pools.items()):
            if loop.is_running():
                with suppress(Exception):
                    run_coroutine_threadsafe(opened.aclose(), loop).result(1.0)
        self.pools.clear()


@cache
def aiohttp_transport() -> Aiohttp:
    """The process's own transport."""
    return Aiohttp()


@lru_cache(4096)
def address(url: str) -> Any:
    """A URL, taken apart once."""
    from yarl import URL

    return URL(url, encoded=True)


@lru_cache(4096)
def proxy(url: str) -> str | None:
    """The proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY say for an address; None is direct."""
    from urllib.request import getproxies, proxy_bypass

    parts = address(url)
    if parts.host in ("localhost", "127.0.0.1", "::1") or proxy_bypass(parts.authority):
        return None
    return getproxies().get(parts.scheme)


@lru_cache(64)
def silence(seconds: float) -> Any:
    """A time-out for silence alone; what bounds the whole call is the corridor's deadline."""
    import aiohttp

    return aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=seconds)


@cache
def session_errors() -> type[Exception]:
    """What aiohttp raises."""
    import aiohttp

    return aiohttp.ClientError


async def rejected(reply: ClientResponse) -> NoReturn:
    """Raise a reply that is no success, with what its body says."""
    headers = {name.lower(): value for name, value in reply.headers.items()}
    body = b""
    try:
        async with timeout(PATIENCE):
            while len(body) < SHOWN and (piece := await reply.content.read(SHOWN)):
                body += piece
    except (OSError, session_errors()):
        pass  # what came of its words will do
    finally:
        reply.close() if not reply.content.at_eof() else reply.release()
    raise Rejected(reply.status, headers, body)


async def whole(reply: ClientResponse) -> bytes:
    """The body of a reply, not longer than MOST."""
    if reply.content_length is not None and reply.content_length <= MOST and not packed(reply):
        return await reply.read()
    try:
        return b"".join([piece async for piece in pieces(reply)])
    finally:
        reply.close() if not reply.content.at_eof() else reply.release()


async def pieces(reply: ClientResponse) -> AsyncIterator[bytes]:
    """The body of a reply as it comes, not longer than MOST, unpacked where it is packed."""
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32) if packed(reply) else None
    size = 0
    async for piece in reply.content.iter_any():
        if unpack is not None:
            piece = unpack.decompress(piece, MOST - size + 1)
        size += len(piece)
        if size > MOST:
            raise too_big()
        if piece:
            yield piece


def packed(reply: ClientResponse) -> bool:
    """Whether a body is packed although nobody asked for it.

    Raises:
        Unreadable: in a way that is not known here.
    """
    how = reply.headers.get("Content-Encoding", "identity").lower()
    if how in ("identity", ""):
        return False
    if how not in ("gzip", "x-gzip", "deflate"):
        raise Unreadable(f"the reply is packed as {how!r}, for which nobody asked", billed=True)
    return True


def too_big() -> Unreadable:
    """The error for a reply that does not end."""
    return Unreadable(f"the reply is longer than {MOST >> 20} MiB and was cut off", billed=True)


def raise_from(error: Exception, url: str) -> NoReturn:
    """Raise what went wrong on the way, in our words, the host named and the path left out."""
    import aiohttp

    host = address(url).authority.rpartition("@")[2]
    if isinstance(error, zlib.error):
        raise Unreadable(f"{host}'s reply cannot be unpacked: {error}", billed=True) from None
    if isinstance(error, aiohttp.SocketTimeoutError):
        raise TimedOut(f"{host} fell silent in the middle of its reply", billed=True) from None
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        raise Unreachable(f"{host} does not accept a connection in {CONNECT:g} s") from None
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = error.os_error.strerror or str(error.os_error)
        raise Unreachable(f"cannot connect to {host}: {reason}") from None
    if isinstance(error, aiohttp.InvalidURL | UnicodeError):
        raise ConfigError(f"base_url: {host or 'it'} is no address that can be called") from None
    raise Unreachable(f"{host} broke off its reply: {broken(error)}", billed=True) from None


def broken(error: Exception) -> str:
    """Why a connection broke, in few words."""
    return (str(error) or type(error).__name__).split("\n")[0][:200]
