"""A service on loopback that speaks every wire, tells what it saw, and misbehaves when told to."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from aiohttp import web
from dialects import Anthropic, Chat, Dialect, Embeddings, Gemini, Ollama, Responses
from exchange import Billed, Call, Reply
from script import Script

CHAT, EMBEDDINGS, RESPONSES = Chat(), Embeddings(), Responses()
ANTHROPIC, GEMINI, OLLAMA = Anthropic(), Gemini(), Ollama()
PATHS: dict[str, Dialect] = {
    "/v1/chat/completions": CHAT,
    "/v1/responses": RESPONSES,
    "/v1/embeddings": EMBEDDINGS,
    "/v1/messages": ANTHROPIC,
    "/api/chat": OLLAMA,
    "/api/embed": OLLAMA,
    "/api/tags": OLLAMA,
    "/api/version": OLLAMA,
    "/v1beta/models": GEMINI,
}
ENDS = {
    "/chat/completions": CHAT,
    "/responses": RESPONSES,
    "/embeddings": EMBEDDINGS,
    "/messages": ANTHROPIC,
    ":generateContent": GEMINI,
    ":streamGenerateContent": GEMINI,
}


def dialect(path: str, headers: Any) -> Dialect | None:
    """The wire that a path belongs to; `/v1/models` is OpenAI's, Anthropic's and Google's."""
    if found := PATHS.get(path):
        return found
    if path.endswith("/models"):
        other = ANTHROPIC if "anthropic-version" in headers else CHAT
        return GEMINI if "x-goog-api-key" in headers else other
    return next((wire for end, wire in ENDS.items() if path.endswith(end)), None)


class Slammed(asyncio.Protocol):
    """A connection that is reset as soon as it is made."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Reset it."""
        reset(transport)


def reset(transport: Any) -> None:
    """End a connection with RST, whatever is still unsent."""
    held = transport.get_extra_info("socket")
    held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class Service:
    """The server, running between `async with` and its end, on 127.0.0.1 and a free port.

    calls: every request in order. usage: what would be billed, for each reply that a model began.
    refusals: so many connections yet to come are reset as they are made.
    in_flight: requests that are being answered; most: the most there were at once.
    connections: made so far.
    """

    def __init__(self, script: Script | None = None) -> None:
        self.script = Script() if script is None else script
        self.calls: list[Call] = []
        self.usage: list[Billed] = []
        self.refusals = 0
        self.in_flight = self.most = self.connections = 0
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Service:
        self._server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        loop = asyncio.get_running_loop()
        self._door = await loop.create_server(self._connected, "127.0.0.1", 0, backlog=16384)
        self.port = self._door.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *raised: object) -> None:
        self._door.close()
        await self._server.shutdown(0.01)  # 0 would wait for idle connections
        await self._door.wait_closed()

    def _connected(self) -> asyncio.Protocol:
        """What speaks on a new connection."""
        self.connections += 1
        if self.refusals > 0:
            self.refusals -= 1
            return Slammed()
        return self._server()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        raw = await request.content.read()
        wire = dialect(request.path, request.headers)
        call = Call(
            "" if wire is None else wire.name,
            request.method,
            request.raw_path,
            request.headers,
            raw,
            read(raw),
            asyncio.get_running_loop().time(),
            len(self.calls) + 1,
        )
        self.calls.append(call)
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            return await self._answered(call, wire, request)
        except (asyncio.CancelledError, ConnectionError):
            call.cancelled = not call.done
            raise
        finally:
            call.done = True
            self.in_flight -= 1

    async def _answered(
        self, call: Call, wire: Dialect | None, request: web.BaseRequest
    ) -> web.StreamResponse:
        """Make the reply, let the faults bend it, send it."""
        if wire is None:
            reply = Reply(404, {"Content-Type": "text/plain"}, (b"404 page not found",))
        else:
            reply = wire.answer(call, self.script)
            for fault in self.script.fault(call):
                reply = fault.bend(reply, wire, call)
        if reply.billed is not None:
            self.usage.append(reply.billed)
        if wait := self.script.seconds(call) + reply.silence:
            await asyncio.sleep(wait)
        if reply.streamed or len(reply.chunks) > 1 or reply.ending != "whole":
            return await self._streamed(call, reply, request)
        call.status = reply.status
        response = web.Response(body=b"".join(reply.chunks), status=reply.status)
        response.headers.update(reply.headers)
        await response.prepare(request)
        await response.write_eof()
        call.done = True
        return response

    async def _streamed(
        self, call: Call, reply: Reply, request: web.BaseRequest
    ) -> web.StreamResponse:
        """Send a reply chunk by chunk, and end it as it says."""
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        transport = request.transport
        if reply.started:
            call.status = reply.status
            if reply.length is not None:
                response.content_length = reply.length
            elif not reply.streamed:
                response.content_length = sum(map(len, reply.chunks))
            await response.prepare(request)
            for index, chunk in enumerate(reply.chunks):
                wait = reply.pause.get(index, reply.pace)
                if wait:
                    await asyncio.sleep(wait)
                await response.write(chunk)
            if wait := reply.pause.get(len(reply.chunks)):
                await asyncio.sleep(wait)
        call.done = True
        if reply.ending == "whole":
            await response.write_eof()
        elif transport is not None:
            response.force_close()
            if reply.ending == "close":
                transport.close()
            else:
                await asyncio.sleep(0.01 if reply.started else 0)
                reset(transport)
        return response


def read(raw: bytes) -> dict[str, Any]:
    """A body as an object; {} where it is none."""
    if not raw:
        return {}
    try:
        found = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


@contextmanager
def serving(script: Script | None = None) -> Iterator[Service]:
    """A service in a thread and a loop of its own, for clients that block."""
    service = Service(script)
    ready, closing = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        async with service:
            loops.append(asyncio.get_running_loop())
            ready.set()
            await closing.wait()

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    if not ready.wait(10):
        raise RuntimeError("the service did not start")
    try:
        yield service
    finally:
        loops[0].call_soon_threadsafe(closing.set)
        thread.join(10)
