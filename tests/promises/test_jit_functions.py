"""Jit functions are operators: what they take, give, cost and read; how their calls are asked."""

import asyncio
import threading

import pytest
from tellers import Teller, exactly, slow, told

import onefold as of
from onefold import Answer, ConfigError, Panel, Query
from onefold.core.spec import build, dump
from onefold.promises.function import JitFunction, jit
from onefold.promises.mapping import vmap


@jit
def best_of_two(question):
    a = slow("small", 1)(question)
    b = slow("large", 2)(question)
    return slow("judge", 3)(question, a, b)


@jit
async def best_awaited(question):
    a = slow("small", 1)(question)
    b = slow("large", 2)(question)
    return await slow("judge", 3)(question, a, b)


def test_calls_run_side_by_side_and_their_promises_are_drafts(monkeypatch):
    answer = exactly(best_of_two("Why?"), monkeypatch)
    assert answer.text == "judge says"
    assert [draft.text for draft in answer.drafts] == ["small says", "large says"]
    assert [draft.source for draft in answer.drafts] == ["small", "large"]
    assert answer.seconds == 5
    assert answer.usage.calls == 3


def test_a_function_may_be_async_and_wait_for_one_promise_or_for_several(instantly):
    @jit
    async def chosen(question):
        a, b = slow("a", 1)(question), slow("b", 9, "yes")(question)
        if (await a).text == "a says":
            b = slow("c", 2)(question, a)
        return await asyncio.gather(a, b)

    assert instantly(best_awaited("Why?")).seconds == 5
    answer = instantly(chosen("Why?"))
    assert answer.value == ["a says", "c says"]
    assert answer.seconds == 9  # what was started is not dropped in silence


def test_it_blocks_in_scripts_in_threads_and_inside_a_running_loop():
    async def notebook():
        return best_of_ask("x").text

    @jit
    def quick(question):
        return slow("a")(question)

    best_of_ask = quick.ask
    assert quick.ask("x").text == asyncio.run(notebook()) == "a says"
    said = []
    thread = threading.Thread(target=lambda: said.append(quick.ask("x").text))
    thread.start()
    thread.join()
    assert said == ["a says"]


def test_it_is_an_operator_like_any_other(instantly):
    @jit
    async def twice(question):
        return slow("b", 1)(question, slow("a", 1)(question))

    panel = Panel([twice, slow("c", 1, "b says")])
    answer = instantly(panel("?"))
    assert (answer.text, answer.agreement, answer.seconds) == ("b says", 1.0, 2)
    assert [draft.source for draft in answer.drafts] == ["twice", "c"]
    assert answer.usage.calls == 3
    assert instantly((twice >> slow("d"))("?")).drafts[0].text == "b says"
    assert build("twice") is twice
    assert build(dump(panel)) == panel
    assert of.plan(twice, "?").assumption


def test_a_name_that_another_operator_has_is_no_hindrance():
    @jit
    def best(question):
        return slow("a")(question)

    assert best.ask("?").text == "a says"
    with pytest.raises(ConfigError, match="no registered name"):
        dump(best)


def test_its_events_are_the_drafts_as_they_come_and_then_the_answer(instantly):
    async def listened():
        return [(event.kind, event.source) async for event in best_awaited.stream("?")]

    assert instantly(listened()) == [
        ("draft", "small"),
        ("draft", "large"),
        ("draft", "judge"),
        ("answer", "judge"),
    ]


def test_every_call_counts_once_whatever_is_nested_in_it(instantly):
    @jit
    async def outer(question):
        return [best_awaited(question), best_awaited(question), slow("d", 1)(question)]

    seen = []
    with of.Session(listeners=[lambda phase, span, *_: seen.append((phase, span.verb))]) as session:
        answer = instantly(outer("?"))
    assert answer.usage.calls == sum(s.calls for s in session.usage().values()) == 7
    assert seen.count(("stop", "complete")) == 7
    assert answer.seconds == 5


def test_the_callers_budget_and_deadline_hold(instantly):
    @jit
    async def many(question):
        return [await slow(f"m{i}", 1)(question) for i in range(5)]

    with pytest.raises(of.BudgetExceeded):
        instantly(of.Within(many, calls=3)("?"))
    with pytest.raises(of.TimedOut):
        instantly(of.Within(many, seconds=2.5)("?"))


def test_the_question_asked_again_is_the_whole_query_and_other_texts_are_their_own():
    ops = Teller("a")

    class Seen(of.Operator, name="test_seen"):
        queries: list = []

        async def answer(self, query):
            self.queries.append(query)
            return Answer("4")

    seen = Seen()

    @jit
    def asking(question):
        a = seen(question)
        return ops(f"{question} {a}", a)

    query = Query("2+2?", system="Be brief.", id="q1", labels=("4", "5"), sample=3, reads="number")
    asking.ask(query)
    assert seen.queries == [query.but(reads=seen.queries[0].reads)]
    (asked,) = ops.asked
    assert asked == ("a", "2+2? 4", ("4",))


def test_the_final_answer_is_read_as_the_query_says():
    @jit
    def counted(question):
        return slow("b", says="It is 4.")(f"Think: {question}")

    assert counted.ask(Query("2+2?", reads="number")).value == 4.0
    assert counted.ask("2+2?").value == "It is 4."


def test_parameters_are_the_question_the_named_inputs_and_the_drafts():
    seen = []

    @jit
    def several(question, topic, k=2, *drafts, depth=1):
        seen.append((question, topic, k, [draft.text for draft in drafts], depth))
        return "done"

    @jit
    def whole(query):
        seen.append(query)

    query = Query("Q", inputs={"topic": "tides", "depth": 3}, drafts=(Answer("d"),))
    assert several.ask(query).text == "done"
    assert several.ask(query.but(inputs={"topic": "x", "question": "raw", "k": 5})).text == "done"
    assert seen == [("Q", "tides", 2, ["d"], 3), ("raw", "x", 5, ["d"], 1)]
    whole.ask(query)
    assert seen[-1] == query
    with pytest.raises(ConfigError, match="wants 'topic'"):
        several.ask("Q")


def test_as_a_vote_it_hands_the_drafts_on_once_and_a_chain_drops_none():
    judge = Teller("judge")

    @jit
    def by_parameter(question, *drafts):
        return judge(question, *drafts)

    @jit
    def by_question(question):
        return judge(question)

    panel = Panel([slow("a"), slow("b")], vote=by_parameter)
    panel.ask("?")
    (slow("a") >> by_question).ask("?")
    assert judge.asked == [("judge", "?", ("a says", "b says")), ("judge", "?", ("a says",))]


@pytest.mark.parametrize(
    ("result", "text", "value"),
    [
        ("words", "words", "words"),
        (3, "3", 3),
        (None, "", None),
        ({"text": "t", "value": 1}, "t", 1),
        ({"label": 1}, "{'label': 1}", {"label": 1}),
        ([1, 2], "[1, 2]", [1, 2]),
        (Answer("x", 7), "x", 7),
    ],
)
def test_a_function_may_return_any_value(result, text, value):
    answer = jit(lambda _: result).ask("?")
    assert (answer.text, answer.value) == (text, value)


def test_promises_in_what_is_returned_are_kept():
    @jit
    def several(question):
        a, b = slow("a")(question), slow("b")(question)
        return {"first": a, "rest": [(b, 1)]}

    value = several.ask("?").value
    assert value["first"].text == "a says"
    assert value["rest"][0][0].text == "b says"


def test_promises_in_queries_are_kept_before_the_call():
    class Seen(of.Operator, name="test_seen_two"):
        queries: list = []

        async def answer(self, query):
            self.queries.append(query)
            return Answer("ok")

    seen = Seen()

    @jit
    def asking(question):
        a, b = slow("a")(question), slow("b")(question)
        seen(Query("text", drafts=(a,), inputs={"d": b, "many": [a, b], "n": 1}))
        seen(Query(a, system=b, messages=(of.Message("user", a),)))
        return seen(a, b)

    asking.ask("?")
    first, second, third = sorted(seen.queries, key=lambda query: query.text, reverse=True)
    assert [draft.text for draft in first.drafts] == ["a says"]
    assert first.inputs["d"].text == "b says"
    assert [draft.text for draft in first.inputs["many"]] == ["a says", "b says"]
    queries = [second, third]
    assert [query.text for query in queries] == ["a says", "a says"]
    (with_system,) = [query for query in queries if query.system]
    assert with_system.system == "b says"
    assert with_system.messages[0].content == "a says"
    (with_draft,) = [query for query in queries if query.drafts]
    assert [draft.text for draft in with_draft.drafts] == ["b says"]


def test_functions_call_themselves_side_by_side(monkeypatch):
    leaf = slow("leaf", 1)

    @jit
    def tree(question):
        if len(question) == 1:
            return leaf(question)
        half = len(question) // 2
        left, right = tree(question[:half]), tree(question[half:])
        return leaf(f"{left} {right}")

    answer = exactly(tree("abcdefgh"), monkeypatch)
    assert answer.seconds == 4
    assert answer.usage.calls == 15


def test_operators_below_are_called_as_ever():
    @of.operator
    async def below(query):
        first = await slow("a")(query)
        assert isinstance(first, Answer)
        return first.text + "!"

    @of.operator
    def blocking(query):
        return slow("b").ask(query).text + "!"

    @jit
    def above(question):
        return [below(question), blocking(question), slow("c").ask(question).text]

    assert [draft if isinstance(draft, str) else draft.text for draft in above.ask("?").value] == [
        "a says!",
        "b says!",
        "c says",
    ]


def test_plain_awaiting_takes_drafts_too():
    judge = Teller("judge")
    answer = asyncio.run(judge("?", Answer("x"), Answer("y")))
    assert judge.asked == [("judge", "?", ("x", "y"))]
    assert answer.text == told("judge", "?", (Answer("x"), Answer("y")))
    assert [draft.text for draft in answer.drafts] == ["x", "y"]
    lost = of.Failure("Refused", "no")
    kept = asyncio.run(judge("?", Answer("x"), Answer(source="m", error=lost)))
    assert judge.asked[-1] == ("judge", "?", ("x",))
    assert [draft.status for draft in kept.drafts] == ["abstained", "failed"]
    with pytest.raises(of.NoAnswer, match="all 1 drafts failed: m: no"):
        asyncio.run(judge("?", Answer(source="m", error=lost)))
    with pytest.raises(ConfigError, match="a draft is an Answer, not 'x'"):
        asyncio.run(judge("?", "x"))


def test_context_of_the_line_that_calls_holds_for_the_call():
    @jit
    def with_session(question):
        with of.Session({"here": "fake:inner"}):
            return [of.Model("here").ask(question).text]

    assert with_session.ask("?").value == ["inner"]


def test_vmap_and_nested_functions_share_the_trace():
    spans = []
    with of.Session(listeners=[lambda _, span, *__: spans.append(span)]):
        jit(lambda q: vmap(best_of_two)([q, q + q])).ask("?")
    (root,) = {id(span): span for span in spans if span.parent is None}.values()
    assert root.usage.calls == 6
    assert [child.name for child in root.children] == ["best_of_two", "best_of_two#2"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (3, "jit takes a function, not 3"),
        (of.Model("fake:a"), "is an operator already"),
        ((lambda: (yield)), "is a generator"),
    ],
)
def test_what_is_no_function_is_refused(wrong, said):
    with pytest.raises(ConfigError, match=said):
        jit(wrong)


def test_its_class_is_a_part():
    part = JitFunction(best_of_two.call, "best_of_two")
    assert part == best_of_two
    assert hash(part) == hash(best_of_two)
