"""Ways to call a model, each as its users write it; run inside an environment of its own.

python benchmarks/peers/contenders.py NAME reads orders as JSON lines and prints what they took.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import time
from typing import Any

KEY = "no-secret"


class Aiohttp:
    """aiohttp and json, as a competent user writes it."""

    async def open(self, url: str, in_flight: int) -> None:
        """Connect to a base URL."""
        import aiohttp

        self.url = f"{url}/chat/completions"
        connector = aiohttp.TCPConnector(limit=0)
        headers = {"Authorization": f"Bearer {KEY}"}
        timeout = aiohttp.ClientTimeout(total=600)
        self.session = aiohttp.ClientSession(connector=connector, headers=headers, timeout=timeout)

    async def call(self, prompt: str) -> str:
        """The text of one reply."""
        body = {"model": "m", "messages": [{"role": "user", "content": prompt}]}
        async with self.session.post(self.url, json=body) as reply:
            reply.raise_for_status()
            data = await reply.json()
        return data["choices"][0]["message"]["content"]

    async def stream(self, prompt: str) -> str:
        """The text of one stream."""
        body = {
            "model": "m",
            "messages": [{"role": "user", "content": prompt}],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        pieces = []
        async with self.session.post(self.url, json=body) as reply:
            reply.raise_for_status()
            async for line in reply.content:
                if not line.startswith(b"data: ") or line == b"data: [DONE]\n":
                    continue
                choices = json.loads(line[6:])["choices"]
                if choices and choices[0]["delta"].get("content"):
                    pieces.append(choices[0]["delta"]["content"])
        return "".join(pieces)

    async def close(self) -> None:
        """Let go of connections."""
        await self.session.close()


class Msgspec(Aiohttp):
    """aiohttp and msgspec, with types for what is read."""

    async def open(self, url: str, in_flight: int) -> None:
        """Connect to a base URL."""
        import msgspec

        message = msgspec.defstruct("Message", [("content", str | None, None)])
        choice = msgspec.defstruct(
            "Choice", [("message", message | None, None), ("delta", message | None, None)]
        )
        reply = msgspec.defstruct("Reply", [("choices", list[choice])])
        self.encode = msgspec.json.Encoder().encode
        self.decode = msgspec.json.Decoder(reply).decode
        self.headers = {"Content-Type": "application/json"}
        await super().open(url, in_flight)

    async def call(self, prompt: str) -> str:
        body = self.encode({"model": "m", "messages": [{"role": "user", "content": prompt}]})
        async with self.session.post(self.url, data=body, headers=self.headers) as reply:
            reply.raise_for_status()
            data = await reply.read()
        return self.decode(data).choices[0].message.content

    async def stream(self, prompt: str) -> str:
        body = self.encode(
            {
                "model": "m",
                "messages": [{"role": "user", "content": prompt}],
                "stream": True,
                "stream_options": {"include_usage": True},
            }
        )
        pieces, rest = [], b""
        async with self.session.post(self.url, data=body, headers=self.headers) as reply:
            reply.raise_for_status()
            async for chunk in reply.content.iter_any():
                *found, rest = (rest + chunk).split(b"\n\n")
                for event in found:
                    if event == b"data: [DONE]":
                        continue
                    choices = self.decode(event[6:]).choices
                    if choices and choices[0].delta.content:
                        pieces.append(choices[0].delta.content)
        return "".join(pieces)


class Sdk:
    """The openai package."""

    async def open(self, url: str, in_flight: int) -> None:
        """Connect to a base URL."""
        from openai import AsyncOpenAI

        self.client = AsyncOpenAI(base_url=url, api_key=KEY)

    async def call(self, prompt: str) -> str:
        """The text of one reply."""
        reply = await self.client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": prompt}]
        )
        return reply.choices[0].message.content or ""

    async def stream(self, prompt: str) -> str:
        """The text of one stream."""
        pieces = await self.client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": prompt}],
            stream=True,
            stream_options={"include_usage": True},
        )
        return "".join([p.choices[0].delta.content or "" async for p in pieces if p.choices])

    async def close(self) -> None:
        """Let go of connections."""
        await self.client.close()


class Litellm:
    """litellm.acompletion."""

    async def open(self, url: str, in_flight: int) -> None:
        """Connect to a base URL."""
        import litellm

        litellm.suppress_debug_info = True
        self.about = {"model": "openai/m", "api_base": url, "api_key": KEY}
        self.complete: Any = litellm.acompletion

    async def call(self, prompt: str) -> str:
        """The text of one reply."""
        messages = [{"role": "user", "content": prompt}]
        reply = await self.complete(messages=messages, **self.about)
        return reply.choices[0].message.content or ""

    async def stream(self, prompt: str) -> str:
        """The text of one stream."""
        messages = [{"role": "user", "content": prompt}]
        options = {"stream": True, "stream_options": {"include_usage": True}}
        pieces = await self.complete(messages=messages, **options, **self.about)
        return "".join([p.choices[0].delta.content or "" async for p in pieces if p.choices])

    async def close(self) -> None:
        """It keeps its connections."""


class Router(Litellm):
    """litellm.Router with one deployment."""

    async def open(self, url: str, in_flight: int) -> None:
        """Connect to a base URL."""
        await super().open(url, in_flight)
        import litellm

        router = litellm.Router(model_list=[{"model_name": "m", "litellm_params": self.about}])
        self.about = {"model": "m"}
        self.complete = router.acompletion


def contender(name: str) -> Any:
    """A way to call by its name."""
    peers = {
        "aiohttp": Aiohttp, "msgspec": Msgspec, "openai": Sdk, "litellm": Litellm, "router": Router,
    }  # fmt: skip
    if name in peers:
        return peers[name]()
    from ours import Ours

    return Ours(*name.split("-"))


def resident() -> float:
    """KiB of memory this process holds now; Linux."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1024


async def calls(one: Any, what: str, count: int, in_flight: int, tag: str) -> dict[str, float]:
    """So many calls, so many of them at once; what they took."""
    call = getattr(one, what)
    left = iter(range(count))
    failed: list[str] = []

    async def worker() -> None:
        for number in left:
            try:
                text = await call(f"{tag} question {number}: what is the answer to it?")
                if len(text) < 300:
                    failed.append(f"only {len(text)} characters")
            except Exception as error:
                failed.append(repr(error)[:200])

    gc.collect()
    memory, peak = resident(), [0.0]

    async def watch() -> None:
        while True:
            peak[0] = max(peak[0], resident() - memory)
            await asyncio.sleep(0.1)

    watching = asyncio.create_task(watch())
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*[worker() for _ in range(min(in_flight, count))])
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    watching.cancel()
    return {
        "cpu": cpu, "wall": wall, "failed": len(failed), "why": failed[:1],
        "kib": peak[0], "grown": resident() - memory, "count": count,
    }  # fmt: skip


def main() -> None:
    """Carry out orders until there is none: {url, what, count, in_flight, warm}."""
    name = sys.argv[1]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with asyncio.Runner() as runner:
        for number, line in enumerate(sys.stdin):
            order = json.loads(line)
            one = contender(name)
            told: dict[str, float] = {}

            async def carry(order=order, one=one, number=number) -> dict[str, float]:
                in_flight, what = order["in_flight"], order["what"]
                await one.open(order["url"], in_flight)
                try:
                    warm = order.get("warm", 2 * in_flight)
                    if warm:
                        await calls(one, what, warm, in_flight, f"warm {number}")
                    return await calls(one, what, order["count"], in_flight, f"run {number}")
                finally:
                    await one.close()

            told = runner.run(carry())
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
