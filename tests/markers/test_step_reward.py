"""Process reward models: over HTTP on loopback, and by the words of a chat model."""

import asyncio
import json

import pytest
from aiohttp import web

import onefold as of
from onefold.core.answer import Token
from onefold.core.spec import build, dump
from onefold.judges.verifiers.process import Process
from onefold.markers.reward import StepReward
from onefold.verbs import Marker

QUERY = of.Query("3+4?", system="Be brief.")
STEPS = ("3+4=7", "Answer: 7")


def marks(marker, steps=STEPS):
    return asyncio.run(marker.mark(QUERY, steps))


def saying(text):
    """A model that says this, and remembers what it was asked."""
    seen = []

    def speak(request: of.Request):
        seen.append(request)
        return text

    return of.Model("prm", provider=speak), seen


def test_an_endpoint_marks_every_step_in_one_call():
    seen = []

    async def pooling(request):
        body = await request.json()
        seen.append(body)
        said = body["messages"][-1]["content"]
        rows = [[0.25, 0.75] for _ in range(said.count("<extra_0>"))]
        reply = {"data": [{"index": 0, "object": "pooling", "data": rows}], "usage": {}}
        return web.Response(text=json.dumps(reply), content_type="application/json")

    async def run():
        app = web.Application()
        app.router.add_post("/pooling", pooling)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        try:
            marker = StepReward(f"http://127.0.0.1:{port}/pooling")
            answer = of.Answer("3+4=7\nAnswer: 7", source="m")
            return await marker.mark(QUERY, STEPS), await Process(marker).score(QUERY, answer)
        finally:
            await runner.cleanup()

    found, score = asyncio.run(run())
    assert found == [0.75, 0.75]
    assert score == 0.75
    assert [turn["role"] for turn in seen[0]["messages"]] == ["system", "user", "assistant"]
    assert seen[0]["messages"][1]["content"] == "3+4?"
    assert len(seen) == 2


def test_the_numbers_of_each_convention_are_read():
    model, seen = saying("[0.9, 0.1, 0.2, 0.8]")
    assert marks(StepReward(model, "shepherd")) == [0.9, 0.2]
    assert seen[0].messages[-1].content == "Step 1: 3+4=7 ки\nStep 2: Answer: 7 ки"
    model, _ = saying("[-1.0, 0.0, 2.0]")
    assert marks(StepReward(model, "skywork", raw=True)) == pytest.approx([0.5, 0.880797])


@pytest.mark.parametrize(
    "said", ["fine", "[]", "[0.5]", "[1, 0, 3, -2]", '["a"]', "[null, 1]", "NaN"]
)
def test_a_reply_without_marks_is_unreadable_and_says_what_to_do(said):
    model, _ = saying(said)
    with pytest.raises(of.Unreadable, match=r"prm gave no marks as qwen does.*raw: true"):
        marks(StepReward(model))


def chat(*tops, seen=None):
    """A chat model whose first token has these likely alternatives, call by call."""
    turns = {}

    def speak(request: of.Request):
        if seen is not None:
            seen.append(request)
        top = tops[len(request.messages) // 2]
        turns[len(request.messages)] = top
        first = max(top, key=top.get) if top else "+"
        tokens = (Token(first, top[first], top),) if top else ()
        return of.Reply(first, tokens=tokens)

    return of.Model("prm", provider=speak, logprobs=5, max_tokens=1)


def test_a_chat_model_is_asked_once_a_step_for_its_next_word():
    seen = []
    model = chat({"+": -0.105, "-": -2.302}, {"-": -0.105, " +": -2.302}, seen=seen)
    assert marks(StepReward(model, "rlhflow")) == pytest.approx([0.9, 0.1], abs=1e-3)
    said = {tuple(m.content for m in each.messages) for each in seen}
    assert said == {("3+4? 3+4=7",), ("3+4? 3+4=7", "+", "Answer: 7")}
    assert {each.sampling.max_tokens for each in seen} == {1}


def test_a_word_that_is_not_among_the_likeliest_is_no_likelier_than_they():
    model = chat({"+": -0.01, "yes": -6.0}, {"-": -0.01, "no": -6.0})
    good, bad = marks(StepReward(model, "rlhflow"))
    assert good > 0.99
    assert bad < 0.01


@pytest.mark.parametrize("top", [{}, {"yes": -0.1, "no": -2.0}])
def test_a_chat_model_that_tells_no_log_probability_is_unreadable(top):
    with pytest.raises(of.Unreadable, match=r"no log-probability of '\+' or '-'.*logprobs: 5"):
        marks(StepReward(chat(top, top), "rlhflow"))


def test_a_plan_counts_its_calls_and_yaml_describes_it():
    panel = of.Panel(["fake:a"], judge=Process(StepReward("http://localhost:1/pooling")))
    assert of.plan(panel, "q").calls == 2
    part = StepReward("http://gpu:8000/pooling", "skywork", raw=True)
    assert build(dump(part), Marker) == part
    assert build({"step_reward": "http://gpu:8000/pooling"}, Marker).convention == "qwen"
    with pytest.raises(of.ConfigError):
        StepReward("fake:a", "gpt")
