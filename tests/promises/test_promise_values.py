"""A promise's value: it waits for that one only, stands for its answer, and never lies."""

import asyncio
import threading

import pytest
from tellers import exactly, slow

import onefold as of
from onefold import Answer, ConfigError, OnefoldError, Query
from onefold.promises.function import jit


def within(check, **fields):
    """What a check says of the promise of an answer, inside a jit function."""
    said = []

    @of.operator
    def promised(query):
        return Answer(**fields)

    jit(lambda question: said.append(check(promised(question)))).ask("?")
    return said[0]


@pytest.mark.parametrize(
    ("check", "fields", "expected"),
    [
        (str, {"text": "four", "value": 4}, "four"),
        (lambda p: f"{p} {p:>6} {p!s}", {"text": "ab"}, "ab     ab ab"),
        (lambda p: f"{p:.1f}", {"text": "four", "value": 4}, "4.0"),
        (lambda p: (p.text, p.value, p.confidence), {"text": "x"}, ("x", "x", None)),
        (lambda p: p.answer.text, {"text": "x"}, "x"),
        (lambda p: p.but(text="y").text, {"text": "x"}, "y"),
        (lambda p: (p == 4, p != 4, p < 5, p <= 4), {"value": 4}, (True, False, True, True)),
        (lambda p: (p > 5, p >= 4), {"value": 4}, (False, True)),
        (lambda p: (bool(p), p == "no"), {"text": "no", "value": False}, (False, False)),
        (lambda p: (int(p), float(p), [7, 8, 9][p]), {"value": 2}, (2, 2.0, 9)),
        (lambda p: (len(p), list(p), p[0], 2 in p), {"value": [1, 2]}, (2, [1, 2], 1, True)),
        (lambda p: p["a"], {"value": {"a": 1}}, 1),
        (lambda p: (p in ["x"], p in {p}), {"text": "x"}, (True, True)),
        (lambda p: p == p, {"text": "x"}, True),
        (lambda p: p == Answer("z", "x"), {"text": "x"}, True),
        (lambda p: hasattr(p, "_repr_html_"), {"text": "x"}, False),
    ],
)  # fmt: skip
def test_it_stands_for_its_answer(check, fields, expected):
    assert within(check, **fields) == expected


def test_a_name_that_no_answer_has_is_an_attribute_error():
    with pytest.raises(AttributeError, match="txt"):
        within(lambda p: p.txt, text="x")


def test_using_one_waits_for_that_one_only(monkeypatch):
    moments = []

    @jit
    def two(question):
        a, b = slow("a", 1)(question), slow("b", 5)(question)
        before = (repr(a), repr(b))
        moments.append((before, a.text, repr(b)))
        return slow("c", 1)(question)

    answer = exactly(two("?"), monkeypatch)
    assert answer.seconds == 5
    ((before, said, after),) = moments
    assert before[0].startswith("<promise of a, called at test_promise_values.py:")
    assert before[0].endswith(", on its way>")
    assert said == "a says"
    assert after.endswith(", on its way>")


def test_loops_and_branches_on_values_just_work():
    count = slow("n", says="3", tokens=(1, 1))

    @jit
    def looping(question):
        many = count(Query("How many?", reads="number"))
        drafts = [slow(f"m{i}")(question) for i in range(int(many))]
        return slow("many" if many > 2 else "few")(question, *drafts)

    answer = looping.ask("?")
    assert answer.text == "many says"
    assert len(answer.drafts) == 3


def test_a_kept_promise_can_be_read_for_ever_and_from_anywhere():
    held = []

    @jit
    def leaking(question):
        held.append(slow("a")(question))
        return "done"

    leaking.ask("?")
    assert held[0].text == "a says"
    assert repr(held[0]).endswith("answered>")

    async def later():
        return (await held[0]).text, held[0].text

    assert asyncio.run(later()) == ("a says", "a says")


def test_a_promise_whose_run_ended_without_it_says_so():
    held = []

    @jit
    def failing(question):
        held.append(slow("never", 60)(question))
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        failing.ask("?")

    async def later():
        return await held[0]

    for use in (lambda: held[0].text, lambda: asyncio.run(later())):
        with pytest.raises(OnefoldError, match="failing ended before never had answered"):
            use()


def test_a_promise_of_another_run_is_refused():
    held = []

    @jit
    def first(question):
        held.append(slow("a")(question))

    @jit
    def second(question):
        return slow("b")(question, held[0])

    @jit
    def third(question):
        return [slow("b")(question, held[0].answer), held[0]]

    first.ask("?")
    with pytest.raises(ConfigError, match=r"<promise of a, .*> belongs to another run, of first"):
        second.ask("?")
    with pytest.raises(ConfigError, match="belongs to another run"):
        third.ask("?")


def test_a_promise_outside_jit_functions_is_no_draft_and_no_query():
    held = []
    jit(lambda question: held.append(slow("a")(question))).ask("?")
    with pytest.raises(ConfigError, match="a draft is an Answer, not <promise of a"):
        slow("b").ask(Query("?")) and asyncio.run(slow("b")("?", held[0]))
    with pytest.raises(ConfigError, match="a query is a text or a Query of a text, not <promise"):
        slow("b").ask(held[0])


def test_a_coroutine_is_told_to_await():
    @jit
    async def blocking(question):
        return slow("a", 1)(question).text

    with pytest.raises(ConfigError, match=r"a, called at .*: a coroutine cannot block for it"):
        blocking.ask("?")


def test_a_call_after_the_function_returned_is_refused():
    kept = []

    @jit
    def late(question):
        def more():
            yield slow("a")(question)

        kept.append(more)
        return more()

    @jit
    async def later(question):
        async def more():
            await asyncio.sleep(0.01)
            try:
                slow("b")(question)
            except ConfigError as error:
                kept.append(str(error))

        kept.append(asyncio.ensure_future(more()))
        return "done"

    async def both():
        await later("?")
        await kept[-1]

    with pytest.raises(ConfigError, match="late returned a generator"):
        late.ask("?")
    asyncio.run(both())
    assert kept[-1] == "later has returned: call b before it does"


def test_calls_may_come_from_several_threads_of_one_function():
    @jit
    async def threaded(question):
        def ask(number):
            return slow(f"m{number}")(question).text

        return await asyncio.gather(*(asyncio.to_thread(ask, number) for number in range(20)))

    answer = threaded.ask("?")
    assert answer.value == [f"m{number} says" for number in range(20)]
    assert answer.usage.calls == 20
    assert threading.active_count() < 200
