"""Services that tests of wires talk to, and the official SDKs as their clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from script import Script
from service import Service, serving


@pytest.fixture
def serve() -> Iterator[Callable[..., Service]]:
    """`serve(text=…)` runs a service by that script in a thread until the test is over."""
    with ExitStack() as stack:

        def started(**traits: Any) -> Service:
            return stack.enter_context(serving(Script(**traits)))

        yield started


@pytest.fixture
def clients() -> Iterator[Callable[..., Any]]:
    """`clients("openai", service)` is that SDK's client, which tries once and asks nobody else."""
    with ExitStack() as stack:

        def made(kind: str, service: Service, key: str = "right") -> Any:
            about: dict[str, Any] = {"api_key": key, "max_retries": 0}
            if kind == "openai":
                sdk = pytest.importorskip("openai")
                http = stack.enter_context(sdk.DefaultHttpxClient(trust_env=False))
                return sdk.OpenAI(base_url=f"{service.url}/v1", http_client=http, **about)
            if kind == "anthropic":
                sdk = pytest.importorskip("anthropic")
                http = stack.enter_context(sdk.DefaultHttpxClient(trust_env=False))
                return sdk.Anthropic(base_url=service.url, http_client=http, **about)
            if kind == "gemini":
                once = {"retry_options": {"attempts": 1}, "client_args": {"trust_env": False}}
                sdk = pytest.importorskip("google.genai")
                client = sdk.Client(api_key=key, http_options={"base_url": service.url, **once})
                stack.callback(client.close)
                return client
            headers = {"Authorization": f"Bearer {key}"}
            sdk = pytest.importorskip("ollama")
            host = sdk.Client(host=service.url, trust_env=False, headers=headers)
            return stack.enter_context(host)

        yield made
