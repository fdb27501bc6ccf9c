"""Failures and cancelling: errors say the line of their call, and nothing runs on."""

import asyncio
import threading

import pytest
from tellers import exactly, slow

import onefold as of
from onefold import ConfigError, OnefoldError, Refused
from onefold.promises.function import jit

BROKEN = slow("broken", 1, error="Refused")


class Held(of.Operator, name="test_held"):
    """Never answers; keeps whether it was cancelled."""

    ended: list = []

    async def answer(self, query):
        try:
            await asyncio.sleep(1000)
        finally:
            self.ended.append("ended")


def notes(error):
    """What was noted on an error."""
    return "\n".join(getattr(error, "__notes__", ()))


def test_a_failure_says_where_its_call_was_made(monkeypatch):
    @jit
    def failing(question):
        a = BROKEN(question)  # this line
        b = slow("b", 1)(question)
        return slow("judge", 1)(question, a, b)

    with pytest.raises(Refused, match="broken was told to fail") as caught:
        exactly(failing("?"), monkeypatch)
    line = failing.call.__code__.co_firstlineno + 2
    assert notes(caught.value) == (
        f"broken was called at {__file__}:{line}: a = BROKEN(question)  # this line"
    )


def test_it_is_raised_where_its_value_is_used_and_can_be_caught_there(monkeypatch):
    @jit
    def catching(question):
        a = BROKEN(question)
        try:
            return a.text
        except Refused:
            return slow("instead")(question)

    @jit
    async def awaiting(question):
        try:
            return await BROKEN(question)
        except Refused:
            return slow("instead")(question)

    assert exactly(catching("?"), monkeypatch).text == "instead says"
    assert exactly(awaiting("?"), monkeypatch).text == "instead says"


def test_a_failure_that_nobody_looked_at_fails_the_function_as_it_would_in_plain_python(instantly):
    @jit
    async def careless(question):
        BROKEN(question)
        return slow("fine", 9)(question)

    @jit
    async def slower(question):
        BROKEN(question)
        await slow("fine", 9)(question)
        return "done"

    for careless_one, seconds in ((careless, 1), (slower, 9)):

        async def timed(operator=careless_one):
            with pytest.raises(Refused) as caught:
                await operator("?")
            assert "BROKEN(question)" in notes(caught.value)
            return asyncio.get_running_loop().time()

        assert instantly(timed()) == seconds


def test_the_first_failure_in_the_order_of_the_program_is_the_one_that_is_raised(instantly):
    @jit
    async def two(question):
        slow("first", 2, error="Refused")(question)
        slow("second", 1, error="TimedOut")(question)
        await slow("fine", 5)(question)

    with pytest.raises(Refused, match="first"):
        instantly(two("?"))


def test_what_still_runs_is_cancelled_when_the_function_raises():
    held = Held()

    @jit
    def raising(question):
        held(question)
        assert slow("a")(question).text
        raise ValueError("mine") from KeyError("cause")

    with pytest.raises(ValueError, match="mine") as caught:
        raising.ask("?")
    assert isinstance(caught.value.__cause__, KeyError)
    assert held.ended == ["ended"]


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_what_still_runs_is_cancelled_with_its_caller(kind):
    held, after, woken = Held(), [], threading.Event()

    @jit
    def plain(question):
        promise = held(question)
        try:
            after.append(promise.text)
        except Exception:
            after.append("swallowed")
        finally:
            woken.set()

    @jit
    async def awaited(question):
        try:
            after.append(await held(question))
        finally:
            woken.set()

    async def cancelled():
        task = asyncio.create_task((plain if kind == "plain" else awaited)("?"))
        while len(asyncio.all_tasks()) < 3:  # until the call is under way
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(asyncio.all_tasks())

    assert asyncio.run(cancelled()) == 1
    assert held.ended == ["ended"]
    assert woken.wait(5)
    assert after == []


def test_a_thread_that_nobody_waits_for_any_more_makes_no_further_call():
    here, go, told, asked = threading.Event(), threading.Event(), threading.Event(), []

    @of.operator
    def noted(query):
        asked.append(query.text)
        return "x"

    @jit
    def busy(question):
        here.set()
        go.wait(5)
        try:
            noted(question)
        except Exception:
            noted("again")
        finally:
            told.set()

    async def cancelled():
        task = asyncio.create_task(busy("?"))
        await asyncio.to_thread(here.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    go.set()
    assert told.wait(5)
    assert asked == []


def test_a_wrong_question_fails_on_its_own_line():
    @jit
    def wrong(question):
        return slow("a")(42)

    with pytest.raises(ConfigError, match="a query is a text or a Query of a text, not 42") as e:
        wrong.ask("?")
    assert any(frame.name == "wrong" for frame in e.traceback)


def test_a_model_that_nobody_knows_is_told_with_its_line():
    @jit
    def unknown(question):
        return of.Model("nobody")(question)

    with pytest.raises(ConfigError, match="nobody") as caught:
        unknown.ask("?")
    assert "unknown was called" not in notes(caught.value)


def test_one_that_cancels_itself_is_a_failure_and_nobody_hangs():
    @of.operator
    async def quitting(query):
        raise asyncio.CancelledError

    @jit
    def asking(question):
        return quitting(question).text

    with pytest.raises(OnefoldError, match="quitting cancelled itself"):
        asking.ask("?")


def test_functions_below_tell_every_line_on_the_way(instantly):
    @jit
    async def inner(question):
        return BROKEN(question)

    @jit
    async def outer(question):
        return inner(question)

    with pytest.raises(Refused) as caught:
        instantly(outer("?"))
    assert "broken was called at" in notes(caught.value)
    assert "inner was called at" in notes(caught.value)


def test_drafts_that_all_failed_are_no_drafts(instantly):
    from onefold.promises.mapping import vmap

    @jit
    async def judged(question):
        drafts = vmap(BROKEN, on_failure="keep")([question, question])
        return slow("judge")(question, *drafts)

    with pytest.raises(of.NoAnswer, match="all 2 drafts failed"):
        instantly(judged("?"))
