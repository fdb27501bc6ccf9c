"""A scoring endpoint on this machine that speaks the protocols of vLLM and TEI."""

import json
from contextlib import asynccontextmanager

from aiohttp import web

PATHS = ("classify", "pooling", "score", "predict", "rerank", "v1/rerank", "v2/rerank")


def scored(path, body, number):
    """What each protocol says where it gives this number; KeyError where the body does not fit."""
    usage = {"prompt_tokens": 12, "total_tokens": 12}
    about = {"id": "1", "object": "list", "model": body.get("model", "served"), "usage": usage}
    if path in ("classify", "pooling"):
        assert body["messages"][-1]["role"] == "assistant"
    if path == "classify":
        row = {"index": 0, "label": "good", "probs": [1 - number, number], "num_classes": 2}
        return {**about, "data": [row]}
    if path == "pooling":
        row = {"index": 0, "object": "pooling", "data": [[0.25], [number]]}
        return {**about, "data": [row]}
    if path == "score":
        assert isinstance(body["text_1"], str)
        assert isinstance(body["text_2"], str)
        return {**about, "data": [{"index": 0, "object": "score", "score": number}]}
    if path == "predict":
        assert len(body["inputs"]) == 2
        labels = {"good": number, "bad": 1 - number}
        return [{"score": share, "label": label} for label, share in labels.items()]
    if path == "rerank":
        return [{"index": place, "score": number} for place, _ in enumerate(body["texts"])]
    rows = [{"index": i, "relevance_score": number} for i, _ in enumerate(body["documents"])]
    return {**about, "results": rows}


class Endpoint:
    """Gives each request's number, and remembers what was asked."""

    def __init__(self, number):
        self.number = number
        self.asked = []
        self.keys = []
        self.failures = []
        self.url = ""

    async def answer(self, request):
        """One request."""
        body = await request.json()
        self.asked.append(body)
        self.keys.append(request.headers.get("authorization", ""))
        if self.failures:
            return web.json_response({"error": "overloaded"}, status=self.failures.pop(0))
        said = scored(request.path.strip("/"), body, self.number)
        return web.Response(text=json.dumps(said), content_type="application/json")


@asynccontextmanager
async def scoring(number=0.75):
    """An endpoint that gives this number under every path."""
    endpoint = Endpoint(number)
    app = web.Application()
    for path in PATHS:
        app.router.add_post(f"/{path}", endpoint.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    endpoint.url = f"http://127.0.0.1:{port}"
    try:
        yield endpoint
    finally:
        await runner.cleanup()
