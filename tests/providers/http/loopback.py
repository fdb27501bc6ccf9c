"""A server on this machine that speaks, byte by byte, the replies that it is given."""

import asyncio
from contextlib import asynccontextmanager

from onefold.providers.http.transport import Outgoing

SECRET = "canary-key-0123456789"


def answer(body=b"{}", status="200 OK", headers=(), length=None):
    """A reply as it goes over the wire."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {size}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def chunked(*chunks, headers=()):
    """A reply whose length nobody says."""
    lines = ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", *headers, "", ""]
    parts = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
    return "\r\n".join(lines).encode() + b"".join(parts) + b"0\r\n\r\n"


class Server:
    """Speaks the replies that it is given, one a request; None breaks the connection off."""

    def __init__(self, *replies, stay=False):
        self.replies = list(replies)
        self.stay = stay
        self.heads = []
        self.bodies = []
        self.connections = 0
        self.url = ""

    async def serve(self, reader, writer):
        """One connection."""
        self.connections += 1
        try:
            while self.replies:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:-2])
                self.heads.append({name.lower(): value for name, value in lines.items()})
                size = int(self.heads[-1]["content-length"])
                self.bodies.append(await reader.readexactly(size))
                reply = self.replies.pop(0)
                if reply is None:
                    break
                writer.write(reply)
                await writer.drain()
            if self.stay:
                await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def served(*replies, stay=False):
    """A server with these replies."""
    server = Server(*replies, stay=stay)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1/say"
    try:
        yield server
    finally:
        listening.close()


def outgoing(url, body=b'{"a":1}', stall=5.0, **headers):
    """A request ready to be sent."""
    return Outgoing(url, body, {"content-type": "application/json", **headers}, stall)


async def gathered(carrier, out):
    """All pieces of a stream."""
    return [piece async for piece in carrier.stream(out)]
