"""Functions as models: what they take, what they may return, how they stream and fail."""

from __future__ import annotations

import asyncio
import functools
import threading
from contextvars import ContextVar

import pytest

import onefold as of
from onefold.core.answer import Token
from onefold.core.part import coerce
from onefold.core.registry import lookup
from onefold.functions import FunctionProvider, provider, replied

colour: ContextVar[str] = ContextVar("function_model_colour", default="none")
HELLO = of.Request("mine", (of.Message("system", "Be brief."), of.Message("user", "Hello")))


def shouts(prompt):
    """A model of this module's own."""
    return prompt.upper()


def completed(call, request=HELLO):
    """The reply of a function as a model."""
    return asyncio.run(FunctionProvider(call).complete(request))


def pieces(call, request=HELLO):
    """All that a function as a model streams."""

    async def gathered():
        return [piece async for piece in FunctionProvider(call).stream(request)]

    return asyncio.run(gathered())


@pytest.mark.parametrize("entry", [shouts, {"provider": shouts}], ids=["bare", "entry"])
def test_any_function_is_a_model_of_a_session(entry):
    with of.Session(models={"mine": entry}) as session:
        assert of.ask("hello", "mine").text == "HELLO"
        assert session.deployment("mine").price is None


def test_a_function_is_priced_like_any_model():
    entry = {"provider": shouts, "price": {"tokens_in": 0, "tokens_out": 0, "call": 0.25}}
    with of.Session(models={"mine": entry}, budget=0.3):
        assert of.ask("hello", "mine").usage.usd == 0.25
        with pytest.raises(of.BudgetExceeded):
            of.ask("again", "mine")


def test_a_function_of_unknown_price_is_refused_under_a_cap_in_dollars():
    with of.Session(models={"mine": shouts}, budget=1.0), pytest.raises(of.ConfigError):
        of.ask("hello", "mine")


def test_a_function_takes_the_text_of_all_messages_so_that_none_is_lost():
    assert completed(shouts).text == "BE BRIEF.\n\nHELLO"
    assert completed(lambda prompt, tail="!": prompt + tail).text == "Be brief.\n\nHello!"


def test_a_function_takes_the_whole_request_where_it_says_so():
    def by_name(request):
        return request.model

    def by_annotation(asked: of.Request):
        return asked.messages[0].content

    def by_text(asked: str):
        return asked

    class Holds:
        def __call__(self, asked: of.Request, more=1):
            return asked.messages[1].content

    assert completed(by_name).text == "mine"
    assert completed(by_annotation).text == "Be brief."
    assert completed(by_text).text == "Be brief.\n\nHello"
    assert completed(Holds()).text == "Hello"


def test_builtins_and_partial_functions_are_models_too():
    assert completed(len).text == str(len("Be brief.\n\nHello"))
    assert completed(functools.partial(str.replace, "xyz", "y")).text != ""


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("yes", of.Reply("yes")),
        ("", of.Reply("")),
        (4, of.Reply("4")),
        (of.Reply("yes", 1, 0, 2), of.Reply("yes", 1, 0, 2)),
        ({"response": "yes", "confidence": 0.7}, of.Reply("yes", confidence=0.7)),
        ({"text": "yes", "tokens_in": 3, "usd": 0.1}, of.Reply("yes", 3, usd=0.1)),
        ({"content": "a", "confidence": None, "more": 1}, of.Reply("a")),
        (
            {"text": "a", "tokens": [{"text": "a", "logprob": -0.5}]},
            of.Reply("a", tokens=(Token("a", -0.5),)),
        ),
        (of.Answer("yes", confidence=0.2), of.Reply("yes", confidence=0.2)),
    ],
    ids=repr,
)
def test_a_function_returns_a_text_a_reply_a_mapping_or_an_answer(said, reply):
    assert replied(said, "mine") == reply


@pytest.mark.parametrize(
    "said", [None, ["yes"], {"answer": "yes"}, pytest.param(object(), id="an object")], ids=str
)
def test_what_has_no_text_is_unreadable_and_never_an_empty_reply(said):
    with pytest.raises(of.Unreadable, match=r"mine: the function returned .* is no reply"):
        completed(lambda _: said)


def test_a_field_that_does_not_fit_is_unreadable():
    with pytest.raises(of.Unreadable, match=r"does not fit.*tokens_in"):
        completed(lambda _: {"text": "yes", "tokens_in": "many"})


def test_a_blocking_function_runs_in_a_thread_with_the_caller_s_context():
    def where(prompt):
        return f"{threading.current_thread() is threading.main_thread()} {colour.get()}"

    async def main():
        colour.set("blue")
        return await FunctionProvider(where).complete(HELLO)

    assert asyncio.run(main()).text == "False blue"


def test_an_async_function_runs_on_the_loop_and_is_cancelled_there():
    cancelled = []

    async def waits(prompt):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(prompt)
            raise

    async def main():
        task = asyncio.ensure_future(FunctionProvider(waits).complete(HELLO))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert cancelled == ["Be brief.\n\nHello"]


def test_what_a_blocking_function_hands_on_unawaited_is_awaited():
    async def later(prompt):
        return prompt[:2]

    assert completed(lambda prompt: later(prompt)).text == "Be"


def test_a_failing_function_is_a_failed_model_that_names_it():
    def falls(prompt):
        raise KeyError("lost")

    with pytest.raises(of.ModelError, match=r"^mine: falls raised KeyError\('lost'\)$") as caught:
        completed(falls)
    assert (caught.value.model, caught.value.retryable) == ("mine", False)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_function_that_raises_stop_iteration_fails_and_never_hangs():
    with pytest.raises(of.ModelError, match="raised StopIteration"):
        completed(lambda _: next(iter(())))


def test_a_function_s_own_model_errors_keep_their_kind():
    def busy(prompt):
        raise of.RateLimited("later", retry_after=3.0)

    with pytest.raises(of.RateLimited) as caught:
        completed(busy)
    assert caught.value.retry_after == 3.0
    assert caught.value.__cause__ is None


def test_retries_of_a_function_are_its_entry_s():
    tries = []

    def first_fails(prompt):
        tries.append(prompt)
        if len(tries) == 1:
            raise of.Unreachable("gone")
        return "back"

    entry = {"provider": first_fails, "retry": {"attempts": 2, "base": 0.001}}
    with of.Session(models={"mine": entry}):
        assert of.ask("hello", "mine").text == "back"
    assert len(tries) == 2


def test_an_async_generator_streams_its_pieces():
    async def counts(prompt):
        for word in ("one ", "two ", "three"):
            yield word

    assert pieces(counts) == ["one ", "two ", "three", of.Reply("one two three")]
    assert completed(counts) == of.Reply("one two three")


def test_an_async_generator_may_end_with_what_it_used():
    async def counts(prompt):
        yield "one "
        yield "two"
        yield of.Reply(tokens_in=3, tokens_out=2)

    assert pieces(counts)[-1] == of.Reply("one two", 3, 0, 2)


def test_a_stream_reaches_listeners_piece_by_piece():
    async def counts(prompt):
        yield "one "
        yield "two"

    with of.Session(models={"mine": counts}):
        heard = [event.text for event in of.stream("count", "mine") if event.kind == "token"]
    assert heard == ["one ", "two"]


def test_a_stream_that_is_left_early_is_closed():
    closed = []

    async def endless(prompt):
        try:
            while True:
                yield "on "
        finally:
            closed.append(True)

    async def main():
        stream = FunctionProvider(endless).stream(HELLO)
        assert await anext(stream) == "on "
        await stream.aclose()

    asyncio.run(main())
    assert closed == [True]


def test_a_stream_that_fails_names_its_function():
    async def breaks(prompt):
        yield "so "
        raise ValueError("far")

    with pytest.raises(of.ModelError, match=r"breaks raised ValueError\('far'\)"):
        pieces(breaks)


def test_a_plain_function_streams_its_reply_at_once():
    assert pieces(lambda _: "all") == ["all", of.Reply("all")]


def test_a_plain_generator_is_refused_with_the_way_out():
    def counts(prompt):
        yield "one"

    with pytest.raises(of.ConfigError, match=r"counts is a generator: .* async def"):
        of.Session(models={"mine": counts})


def test_a_decorated_function_is_known_by_its_name_and_comes_back():
    @provider
    def test_function_echo(prompt):
        return prompt

    assert lookup(of.Provider, "test_function_echo") is test_function_echo
    assert of.dump(test_function_echo) == "test_function_echo\n"
    assert of.build("test_function_echo", of.Provider) is test_function_echo
    assert of.ask("hello", "test_function_echo").text == "hello"
    model = of.Model("anything", provider=test_function_echo)
    assert of.build(of.dump(model)) == model


def test_an_undecorated_function_cannot_be_written_down():
    part = coerce(of.Provider, shouts)
    assert isinstance(part, FunctionProvider)
    with pytest.raises(of.ConfigError, match="@provider"):
        of.dump(part)


def test_a_function_is_recognised_in_another_process_where_its_name_says_which_it_is(tmp_path):
    assert repr(FunctionProvider(shouts)) == f"FunctionProvider({__name__}.shouts)"
    first, second = (FunctionProvider(lambda _: "x") for _ in range(2))
    assert repr(first) != repr(second)


def test_a_journal_answers_for_a_function_that_was_asked_before(tmp_path):
    asked = []

    def remembers(prompt):
        asked.append(prompt)
        return "once"

    for _ in range(2):
        with of.Session(models={"mine": remembers}, journal=tmp_path / "calls.sqlite"):
            assert of.ask("hello", "mine").text == "once"
    assert asked == ["hello"]
