"""The short ways in: ask, stream, start and plan from a text and a spelling."""

import asyncio
import threading
import time
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as Late
from typing import Any

import pytest

import onefold as of
from onefold import Fake, Message, Model, Query, Session
from onefold.core.errors import ConfigError, NoAnswer


class Echo(of.Provider, name="echo"):
    """Says what it was sent."""

    async def complete(self, request):
        said = "\n".join(f"{message.role}: {message.content}" for message in request.messages)
        return of.Reply(said, 1, 0, 1)


@pytest.fixture(autouse=True)
def session():
    with Session({"echo": "echo", "slow": Fake(("late",), seconds=(30.0,)), "m": "fake:a"}) as held:
        yield held


ECHO = Model("echo")


@pytest.mark.parametrize(
    "operator",
    ["fake:4", Model("fake:4"), {"model": "fake:4"}, {"panel": {"members": ["fake:4"]}}],
)
def test_an_operator_is_given_as_it_is_spelled(operator):
    assert of.ask("?", operator).text == "4"


def test_a_function_is_an_operator():
    assert of.ask("four", lambda query: query.text.upper()).text == "FOUR"


def test_reads_makes_the_value():
    assert of.ask("?", "fake:The answer is 4.", reads="number").value == 4.0
    assert of.ask("?", "fake:It is Yes.", reads=of.Boolean()).value in (True, "true", "yes")
    assert of.ask("?", "fake:4 or 5", reads={"number": {"mode": "first"}}).value == 4.0
    assert of.ask("?", "fake:no idea", reads="number").value is None


def test_an_unknown_reader_is_named_with_the_nearest():
    with pytest.raises(ConfigError, match=r"no reader named 'numbr'; did you mean 'number'"):
        of.ask("?", "fake:4", reads="numbr")


def test_system_labels_and_messages_reach_the_model():
    said = of.ask(
        "Yes?",
        ECHO,
        system="Be short.",
        labels=["yes", "no"],
        messages=[Message("user", "Hello."), Message("assistant", "Hi.")],
    ).text
    assert said == (
        "system: Be short.\nuser: Hello.\nassistant: Hi.\nuser: Yes?\n\nAnswer with one of: yes, no"
    )


def test_labels_are_several_texts_and_not_the_letters_of_one():
    with pytest.raises(ConfigError, match="labels"):
        of.ask("Yes?", ECHO, labels="yes")


def test_what_a_query_brings_stays_unless_it_is_given_anew():
    query = Query("4?", system="Old.", labels=("a", "b"), reads="number")
    said = of.ask(query, ECHO)
    assert said.text.startswith("system: Old.\nuser: 4?")
    assert said.value == 4.0
    assert of.ask(query, ECHO, system="New.").text.startswith("system: New.")
    assert of.ask(query, ECHO, reads="plain").value == said.text.strip()


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_an_empty_question_is_refused(text):
    for way in (of.ask, lambda *a: of.start(*a).result(5), lambda *a: list(of.stream(*a))):
        with pytest.raises(ConfigError, match="the query is empty: give it a text"):
            way(text, "fake:a")


@pytest.mark.parametrize("text", [None, 7, ["a"], b"bytes"])
def test_a_question_is_a_text_or_a_query(text):
    with pytest.raises(ConfigError, match="a query is a text or a Query"):
        of.ask(text, "fake:a")


def test_an_unknown_model_is_named_with_the_nearest():
    with pytest.raises(ConfigError, match=r"'ecko'.*did you mean 'echo'"):
        of.ask("?", "ecko")
    with pytest.raises(ConfigError, match=r"no provider named 'fak'; did you mean 'fake'"):
        of.ask("?", "fak:4")


def test_asking_works_inside_a_running_loop():
    async def inside():
        return of.ask("?", "fake:4").text

    assert asyncio.run(inside()) == "4"


def test_start_gives_a_future_and_leaves_the_caller_free():
    future = of.start("?", Model("m"))
    assert future.result(5).text == "a"
    assert future.done()


def test_started_questions_run_side_by_side():
    meeting = threading.Barrier(3, timeout=5)

    @of.operator
    def meets(query):
        meeting.wait()
        return "met"

    futures = [of.start("?", meets) for _ in range(3)]
    assert [f.result(5).text for f in futures] == ["met"] * 3


def test_a_future_can_be_cancelled_and_its_call_stops():
    ended = threading.Event()

    class Stuck(of.Provider, name="stuck"):
        async def complete(self, request):
            try:
                await asyncio.sleep(60)
            finally:
                ended.set()

    with Session({"stuck": "stuck"}):
        future = of.start("?", Model("stuck"))
        time.sleep(0.05)
        with pytest.raises((Late, TimeoutError)):
            future.result(0.01)
        assert future.cancel()
        assert ended.wait(5)
        with pytest.raises(CancelledError):
            future.result(5)


def test_a_failure_is_raised_by_the_future():
    broken = Model("broken", provider=Fake(error="Refused"))
    with pytest.raises(NoAnswer, match="Refused"):
        of.start("?", of.Panel([broken])).result(5)


def test_start_sees_the_session_that_it_was_called_in():
    with Session({"m": "fake:inner"}):
        future = of.start("?", Model("m"))
    assert future.result(5).text == "inner"


def test_stream_brings_words_drafts_and_the_answer():
    panel = of.Panel(["fake:a", "fake:b", "fake:a"])
    events = list(of.stream("?", panel))
    assert [e.kind for e in events] == ["draft"] * 3 + ["answer"]
    assert events[-2].votes == {"a": 2, "b": 1} or sum(events[-2].votes.values()) == 3
    assert events[-1].answer.text == "a"
    assert [e.text for e in of.stream("?", "fake:one two") if e.kind == "token"] == ["one ", "two"]


class Calls(list):
    """Requests that a model saw, spelled alike whatever it holds."""

    def __repr__(self):
        return "Calls()"


class Embeds(of.Provider, name="test_asking_embeds"):
    """Gives each text as many numbers as `size` says, the first its length."""

    size: int
    calls: Any

    async def complete(self, request):
        self.calls.append(request)
        texts = [message.content for message in request.messages]
        vectors = tuple((float(len(text)), 1.0)[: self.size] for text in texts)
        return of.Reply("", len(texts), 0, 0, vectors=vectors if self.size else vectors[1:])


def embedding(size=2, **about):
    """A session with a model that embeds, and the calls made to it."""
    model = {"provider": Embeds(size, Calls()), "price": {"tokens_in": 1e6, "tokens_out": 0}}
    held = Session({"e": model}, **about)
    return held, held.deployment("e").provider.calls


def test_texts_become_vectors_in_one_call_in_their_order():
    held, calls = embedding()
    with held:
        assert of.embed(["a", "bcd", ""], "e") == [(1.0, 1.0), (3.0, 1.0), (0.0, 1.0)]
        assert of.embed((text for text in "xy"), Model("e")) == [(1.0, 1.0)] * 2
    assert [[m.content for m in call.messages] for call in calls] == [["a", "bcd", ""], ["x", "y"]]
    assert held.usage()["e"].calls == 2


def test_embeddings_may_be_awaited_and_told_of():
    heard = []

    def listener(phase, span, what, value):
        heard.append((phase, span.verb, span.name, span.usage.usd if phase == "stop" else None))

    held, _ = embedding(listeners=[listener])

    async def main():
        return await of.aembed(["a", "b"], "e")

    with held:
        assert asyncio.run(main()) == [(1.0, 1.0)] * 2
    assert heard[0] == ("start", "answer", "e", None)
    assert heard[-1] == ("stop", "answer", "e", 2.0)


def test_embeddings_are_kept_counted_and_paid_as_any_call(tmp_path):
    for path in (None, tmp_path / "paid.db"):
        held, calls = embedding(journal=path, budget=of.Budget(calls=1), cache="memory")
        with held:
            for _ in range(3):
                assert of.embed(["a"], "e") == [(1.0, 1.0)]
            with pytest.raises(of.BudgetExceeded):
                of.embed(["b"], "e")
        assert len(calls) == 1
    held, calls = embedding(journal=tmp_path / "paid.db")
    with held:
        assert of.embed(["a"], "e") == [(1.0, 1.0)]
    assert calls == []


def test_a_model_that_brings_its_own_provider_embeds_without_a_session():
    assert of.embed(["abc"], Model("own", provider=Embeds(2, Calls()))) == [(3.0, 1.0)]


@pytest.mark.parametrize(
    ("texts", "model", "words"),
    [
        ("abc", "e", r"a list of texts, not 'abc': write \[text\]"),
        ([], "e", "nothing to embed"),
        (["a"], {"panel": ["e"]}, "is no single model"),
        (["a"], "nowhere", "no model or operator named 'nowhere'"),
    ],
)
def test_what_cannot_be_embedded_is_refused(texts, model, words):
    held, calls = embedding()
    with held, pytest.raises(ConfigError, match=words):
        of.embed(texts, model)
    assert calls == []


def test_another_number_of_vectors_is_unreadable():
    held, _ = embedding(size=0)
    with held:
        with pytest.raises(of.Unreadable, match="e gave 1 embeddings for 2 texts") as told:
            of.embed(["a", "b"], "e")
        assert told.value.model == "e"
        with pytest.raises(of.Unreadable, match=r"fake:a gave 0.*a model that embeds"):
            of.embed(["a"], "fake:a")


def test_a_plan_is_made_from_a_spelling_too():
    assert of.plan("fake:a", iter(["?", "!"])).queries == 2
    with pytest.raises(ConfigError, match="no provider named 'fak'"):
        of.plan("fak:a", "?")
