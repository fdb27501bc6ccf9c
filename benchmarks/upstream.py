"""A service on loopback that answers chat completions as fast as it can, and counts them.

python benchmarks/upstream.py prints its port. The first part of a path says how it behaves, in
pairs joined by commas: `/delay=2,fail=503/v1/chat/completions`. Standard library only.

delay: seconds until it answers. tail: share of slow calls; the others take `median` seconds,
lognormal with `sigma`, the slow ones `times` as long. fail: a status that it always answers.
write: `random` replies have one to max_tokens tokens. pace: seconds between a stream's events,
which otherwise come in one piece. keep: it remembers what it was asked.
`/count` tells what it was asked so far, `/reset` forgets it and seeds its luck again.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import socket
import sys
from random import Random

CONTENT = 64  # of 67 events: then come the finish, the usage and [DONE]
LENGTH = 700  # characters of a reply, so that its body has 1 kB
MOST = re.compile(rb'"max_(?:completion_)?tokens": ?(\d+)')
STREAM = re.compile(rb'"stream": ?true')
PROMPT = re.compile(rb'"content": ?"([^"]*)"')
HEAD = "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n"


def response(body: bytes, status: int = 200, kind: str = "application/json") -> bytes:
    """A whole HTTP response."""
    return HEAD.format(status, "OK" if status == 200 else "Error", kind, len(body)).encode() + body


def completion(tokens_out: int, text: str) -> bytes:
    """A chat completion as OpenAI writes it."""
    usage = {"prompt_tokens": 20, "completion_tokens": tokens_out, "total_tokens": 20 + tokens_out}
    message = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    said = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m"}
    return response(json.dumps({**said, "choices": [choice], "usage": usage}).encode())


def events() -> list[bytes]:
    """The 67 events of a stream."""
    said = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def event(delta: dict[str, str], finish: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return b"data: " + json.dumps({**said, "choices": [choice]}).encode() + b"\n\n"

    pieces = [event({"content": f"word{i} and "}, None) for i in range(CONTENT)]
    usage = {"prompt_tokens": 20, "completion_tokens": CONTENT, "total_tokens": 20 + CONTENT}
    told = json.dumps({**said, "choices": [], "usage": usage}).encode()
    return [*pieces, event({}, "stop"), b"data: " + told + b"\n\n", b"data: [DONE]\n\n"]


def chunked(piece: bytes) -> bytes:
    """A piece of a body of unknown length."""
    return f"{len(piece):x}\r\n".encode() + piece + b"\r\n"


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
EVENTS = [chunked(event) for event in events()]
WHOLE = STREAM_HEAD + b"".join(EVENTS) + b"0\r\n\r\n"
REPLY = completion(128, "x" * LENGTH)
FAILURE = json.dumps({"error": {"message": "down", "type": "server_error", "code": None}}).encode()


class Upstream:
    """What the service knows: how it was told to behave, and what it was asked."""

    def __init__(self) -> None:
        self.behaviours: dict[bytes, dict[str, str]] = {}
        self.reset()

    def reset(self, seed: int = 20261121) -> None:
        """Forget what was asked."""
        self.random = Random(seed)
        self.requests = self.tokens_in = self.tokens_out = self.inside = self.most = 0
        self.asked: dict[str, int] = {}
        self.answered: dict[str, int] = {}

    def behaviour(self, path: bytes) -> dict[str, str]:
        """How a path is answered."""
        found = self.behaviours.get(path)
        if found is None:
            words = path.split(b"/")[1].decode().split(",")
            found = dict(word.partition("=")[::2] for word in words)
            self.behaviours[path] = found
        return found

    def seconds(self, behaviour: dict[str, str]) -> float:
        """How long the next reply takes."""
        if "median" not in behaviour:
            return float(behaviour.get("delay", 0))
        drawn = self.random.lognormvariate(0, float(behaviour.get("sigma", 0.3)))
        slow = self.random.random() < float(behaviour.get("tail", 0))
        times = float(behaviour.get("times", 10)) if slow else 1.0
        return float(behaviour["median"]) * drawn * times

    def told(self) -> bytes:
        """What it was asked so far."""
        names = ("requests", "tokens_in", "tokens_out", "inside", "most", "asked", "answered")
        return response(json.dumps({name: getattr(self, name) for name in names}).encode())


class Connection(asyncio.Protocol):
    """One connection: requests one after the other, as HTTP/1.1 clients send them."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        data = self.rest + data if self.rest else data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            head = data[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(data) < end + 4 + length:
                break
            self.answer(data[:end].split(b" ", 2)[1], data[end + 4 : end + 4 + length])
            data = data[end + 4 + length :]
        self.rest = data

    def answer(self, path: bytes, body: bytes) -> None:
        """Answer one request, now or later."""
        upstream = self.upstream
        if path.startswith((b"/count", b"/reset")):
            if path.startswith(b"/reset"):
                upstream.reset(int(path[7:] or 20261121))
            self.transport.write(upstream.told())
            return
        behaviour = upstream.behaviour(path)
        upstream.requests += 1
        upstream.inside += 1
        upstream.most = max(upstream.most, upstream.inside)
        prompt = ""
        if "keep" in behaviour:
            prompt = PROMPT.findall(body)[-1].decode()
            upstream.asked[prompt] = upstream.asked.get(prompt, 0) + 1
        seconds = upstream.seconds(behaviour)
        if seconds:
            loop = asyncio.get_running_loop()
            loop.call_later(seconds, self.write, behaviour, body, prompt)
        else:
            self.write(behaviour, body, prompt)

    def write(self, behaviour: dict[str, str], body: bytes, prompt: str) -> None:
        """Write the reply, unless nobody waits for it any more."""
        upstream = self.upstream
        upstream.inside -= 1
        if "fail" in behaviour:
            self.transport.write(response(FAILURE, int(behaviour["fail"])))
            return
        if prompt:
            upstream.answered[prompt] = upstream.answered.get(prompt, 0) + 1
        if STREAM.search(body):
            self.stream(float(behaviour.get("pace", 0)))
            return
        reply, tokens_out = REPLY, 128
        if behaviour.get("write") == "random":
            found = MOST.search(body)
            tokens_out = upstream.random.randint(1, int(found[1]) if found else 4096)
            reply = completion(tokens_out, "x" * min(tokens_out, LENGTH))
        upstream.tokens_in += 20
        upstream.tokens_out += tokens_out
        self.transport.write(reply)

    def stream(self, pace: float, place: int = -1) -> None:
        """Write the events of a stream, at once or one by one."""
        if not pace:
            self.transport.write(WHOLE)
        elif place < len(EVENTS):
            self.transport.write(STREAM_HEAD if place < 0 else EVENTS[place])
            asyncio.get_running_loop().call_later(pace, self.stream, pace, place + 1)
        else:
            self.transport.write(b"0\r\n\r\n")


async def serve() -> None:
    """Serve until standard input ends."""
    upstream = Upstream()
    loop = asyncio.get_running_loop()
    listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
    server = await loop.create_server(lambda: Connection(upstream), sock=listening, backlog=4096)
    print(listening.getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    asyncio.run(serve())
