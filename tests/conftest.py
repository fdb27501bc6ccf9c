"""What every test may rely on: no network, fresh surroundings, seeded draws, time that jumps."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small matrices are slower on several threads
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import settings

from onefold.core import registry
from onefold.delivery import session
from onefold.runtime import clock

settings.register_profile("house", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("house")


class NetworkIsOff(RuntimeError):
    """A test tried to leave this machine."""


def allow(host: Any) -> None:
    """Let loopback pass.

    Raises:
        NetworkIsOff: the host is another one.
    """
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return
    try:
        near = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        near = None
    if near is None or not (near.is_loopback or near.is_unspecified):
        raise NetworkIsOff(f"tests do not leave this machine, and {name!r} is somewhere else")


def cut(patch: pytest.MonkeyPatch) -> None:
    """Close every way out of this process but loopback and Unix sockets."""
    resolve = socket.getaddrinfo

    def guarded(name: str) -> Callable[..., Any]:
        connect = getattr(socket.socket, name)

        def within(self: socket.socket, address: Any) -> Any:
            if self.family != getattr(socket, "AF_UNIX", None):
                allow(address[0])
            return connect(self, address)

        return within

    def resolved(host: Any, *rest: Any, **named: Any) -> Any:
        allow(host)
        return resolve(host, *rest, **named)

    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, guarded(name))
    patch.setattr(socket, "getaddrinfo", resolved)


@pytest.fixture(scope="session", autouse=True)
def network_off() -> Iterator[None]:
    """The whole suite runs with the network off but for loopback."""
    with pytest.MonkeyPatch.context() as patch:
        cut(patch)
        yield


@pytest.fixture(autouse=True)
def fresh_session() -> Iterator[None]:
    """Each test has a default session of its own, closed behind it."""
    session._own = None
    yield
    if session._own is not None:
        session._own.close()
    session._own = None


@pytest.fixture(autouse=True)
def own_parts() -> Iterator[None]:
    """Parts that a test registers are forgotten after it; those of the house stay."""
    before = {kind: set(held) for kind, held in registry.registry.items()}
    yield
    for kind, held in list(registry.registry.items()):
        for name in set(held) - before.get(kind, set()):
            if not registry.origin(held[name]).startswith("onefold."):
                del held[name]
        if not held and kind not in before:
            del registry.registry[kind]


@pytest.fixture
def instantly() -> Callable[..., Any]:
    """`instantly(coroutine)` runs it to its end in virtual time."""
    return clock.instantly
