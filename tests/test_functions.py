"""Functions as parts: any function, blocking or not, stands where a part is wanted."""

import asyncio
import threading
from contextvars import ContextVar

import pytest

import onefold as of
from onefold.core.registry import lookup
from onefold.core.spec import build
from onefold.functions import marker
from onefold.judges.verifiers.process import Process
from onefold.runtime.clock import instantly

colour: ContextVar[str] = ContextVar("colour", default="none")


def test_a_decorated_function_answers_and_is_known_by_its_name():
    @of.operator
    async def test_functions_four(query):
        return 2 + 2

    assert instantly(test_functions_four("q")).value == 4
    assert of.build("test_functions_four") == test_functions_four
    assert lookup(of.Operator, "test_functions_four") is test_functions_four


def test_a_blocking_function_runs_in_a_thread_with_the_caller_s_context():
    @of.operator
    def test_functions_where(query):
        return f"{threading.current_thread() is threading.main_thread()} {colour.get()}"

    async def main():
        colour.set("blue")
        return await test_functions_where("q")

    assert asyncio.run(main()).text == "False blue"


def test_blocking_functions_run_side_by_side():
    gate = threading.Barrier(8, timeout=20)

    @of.operator
    def test_functions_meets(query):
        gate.wait()
        return "met"

    assert of.Panel([test_functions_meets] * 8).ask("q").agreement == 1.0


def test_a_blocking_function_sees_the_session_it_was_called_in():
    @of.operator
    def test_functions_asks(query):
        return of.Model("only-here").ask(query).text

    with of.Session({"only-here": "fake:yes"}):
        assert test_functions_asks.ask("q").text == "yes"


def test_an_awaitable_object_is_awaited():
    class Says:
        async def __call__(self, query):
            return "async"

    class SaysBlocking:
        def __call__(self, query):
            return "blocking"

    panel = of.Panel([Says(), SaysBlocking()])
    assert sorted(d.text for d in instantly(panel("q")).drafts) == ["async", "blocking"]


def test_a_reader_takes_the_text_or_the_text_and_the_query():
    @of.reader
    def test_functions_first(text):
        return text[:1]

    @of.reader
    def test_functions_both(text, query):
        return text + query.text

    model = of.Model("m", provider=of.Fake(("abc",)))
    assert instantly(of.Read(model, test_functions_first)("q")).value == "a"
    assert instantly(of.Read(model, "test_functions_both")("q")).value == "abcq"


def test_a_judge_function_scores_blocking_or_not():
    @of.judge
    def test_functions_blocking(query, answer):
        return len(answer.text) / 10

    @of.judge
    async def test_functions_awaited(query, answer):
        return True

    for judge, score in ((test_functions_blocking, 0.3), (test_functions_awaited, 1.0)):
        panel = of.Panel([of.Model("m", provider=of.Fake(("abc",)))], judge=judge)
        assert instantly(panel("q")).drafts[0].confidence == score


def test_a_marker_function_marks_all_steps_at_once_blocking_or_not():
    @marker
    def test_functions_short(query, steps):
        return [len(step) < 4 or None for step in steps]

    @marker
    async def test_functions_later(query, steps):
        return [0.5**place for place, _ in enumerate(steps)]

    said = of.Answer("1+1\n2 apples\n=4")
    for which, score in ((test_functions_short, 1.0), (test_functions_later, 0.25)):
        assert instantly(Process(which).score(of.Query("q"), said)) == score
        judge = of.dump(Process(which))
        assert build(judge, of.Judge) == Process(which)


def test_a_marker_function_must_give_one_mark_a_step():
    one = marker(lambda *_: [1.0])
    with pytest.raises(of.Unreadable, match="1 marks for 2 steps"):
        instantly(Process(one).score(of.Query("q"), of.Answer("a\nb")))


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ({"b": 2.0, "a": 1.0}, ["b", "a"]),
        ({"b": 1.0, "a": 0.0}, ["b"]),
        (["c", "a"], ["c", "a"]),
        ("c", ["c"]),
        ({}, ["a", "b", "c"]),
        ([], ["a", "b", "c"]),
        (None, ["a", "b", "c"]),
    ],
    ids=repr,
)
def test_a_router_function_returns_weights_or_names_best_first(said, asked):
    @of.router
    def test_functions_routes(query):
        return said

    members = {name: of.Model("m", provider=of.Fake((name,))) for name in "abc"}
    answer = instantly(of.Panel(members, route=test_functions_routes, stagger=float("inf"))("q"))
    assert [draft.source for draft in answer.drafts] == asked


def test_a_stop_function_is_asked_with_the_race():
    seen = []

    @of.stop
    def test_functions_stops(race):
        seen.append((len(race.answers), race.out, race.usage.calls))
        return len(race.answers) == 2

    members = {name: of.Model("m", provider=of.Fake((name,))) for name in "abc"}
    instantly(of.Panel(members, stop=test_functions_stops, stagger=float("inf"))("q"))
    assert seen == [(1, ("b", "c"), 1), (2, ("c",), 2)]


def test_two_functions_cannot_share_a_name():
    def first():
        @of.operator
        def test_functions_twin(query):
            return 1

    def second():
        @of.operator
        def test_functions_twin(query):
            return 2

    first()
    first()
    with pytest.raises(of.ConfigError, match="two operators named 'test_functions_twin'"):
        second()


def test_a_function_that_fails_is_a_failed_member():
    def fails(query):
        raise KeyError("lost")

    answer = instantly(of.Panel([fails, "fake:x"], quorum=1)("q"))
    assert [draft.status for draft in answer.drafts] == ["failed", "answered"]
    assert answer.drafts[0].error == of.Failure("KeyError", "'lost'")


def test_a_decorated_lambda_has_no_name_and_is_never_taken_for_another_one():
    first, second = of.reader(lambda text: text[:1]), of.reader(lambda text: text[:2])
    panel = of.Panel(["fake:abc"], reads=first)
    assert panel.ask("?").value == "a"
    assert of.Panel(["fake:abc"], reads=second).ask("?").value == "ab"
    with pytest.raises(of.ConfigError, match="has no registered name"):
        of.dump(panel)
