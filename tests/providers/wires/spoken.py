"""Wires of a service that speaks JSON texts, and what carries their requests in tests."""

import json

import msgspec

import onefold as of
from onefold.core.answer import Token
from onefold.core.errors import NoSuchModel
from onefold.delivery.provider import Reply, Request
from onefold.providers.http.transport import Outgoing, Transport
from onefold.providers.wires.wire import Service, Wire, ended_early
from onefold.runtime.clock import instantly

URL = "https://api.example.org/v1"
HELLO = (of.Message("user", "hello"),)
BEGUN = (*HELLO, of.Message("assistant", "one two"))
SECRET = "canary-key-0123456789"


class PlainFold:
    """Adds up events that are texts."""

    def __init__(self):
        self.said = []

    def add(self, event, data):
        if data == b"DONE":
            self.said.append("")
            return ""
        if data.startswith(b"!"):
            raise of.Unreachable(data.decode())
        text = msgspec.json.decode(data)
        self.said.append(text)
        return text

    def reply(self):
        if not self.said or self.said[-1]:
            raise ended_early()
        return Reply("".join(self.said), 1, 0, 1)


class Spoken(Wire, abstract=True):
    """A wire whose replies are JSON texts."""

    def request(self, request, stream):
        said = {"model": self.model, "said": [m.content for m in request.messages]}
        return "/say", {**said, "stream": True} if stream else said

    def parse(self, data):
        said = msgspec.json.decode(data)
        if isinstance(said, dict):
            raise NoSuchModel(f"{self.model}: {said['error']}")
        tokens = tuple(Token(part, -1.0) for part in said) if isinstance(said, list) else ()
        return Reply("".join(said), 1, 0, 1, tokens=tokens)

    def fold(self):
        return PlainFold()


def kind(name, **service):
    """A wire of a service; each has its own name."""

    class Made(Spoken, name=f"test_wire_{name}"):
        pass

    Made.service = Service(**service)
    return Made


Own = kind("own", url=URL, keys=("TEST_WIRE_KEY", "TEST_WIRE_OTHER"))
Local = kind("local", url="http://localhost:1234", variable="TEST_WIRE_HOST", port=4321)
Anywhere = kind("anywhere")
Header = kind("header", url=URL, keys=("TEST_WIRE_KEY",), header="x-key", fixed=(("x-v", "1"),))
Repeats = kind("repeats", url=URL, continues="trailing", repeats=True)
Lacks = kind("lacks", url=URL, lacks=frozenset({"top_k", "logprobs", "schema", "stop"}))


class Carries(Transport):
    """A transport that hands over what it is given, and keeps what was sent."""

    def __init__(self, *brings):
        self.brings = list(brings)
        self.sent: list[Outgoing] = []

    async def send(self, out):
        self.sent.append(out)
        brings = self.brings.pop(0)
        if isinstance(brings, Exception):
            raise brings
        return brings

    async def stream(self, out):
        self.sent.append(out)
        for chunk in self.brings.pop(0):
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk


def completed(wire, *brings, messages=HELLO, **about):
    """The reply, and what was sent for it."""
    carries = Carries(*brings)
    with of.Session(transport=carries):
        return instantly(wire.complete(Request("m", messages, **about))), carries.sent[0]


def streamed(wire, chunks, messages=HELLO):
    """The pieces of a stream, and the reply at its end."""

    async def main():
        return [piece async for piece in wire.stream(Request("m", messages))]

    with of.Session(transport=Carries(chunks)):
        *pieces, reply = instantly(main())
    return pieces, reply


def events(*texts):
    """A stream of texts, one event each."""
    return b"".join(b"data: " + json.dumps(text).encode() + b"\n\n" for text in texts)
