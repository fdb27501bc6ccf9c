"""`vmap`: many queries, so many at once, with failures in their place."""

import asyncio

import pytest
from tellers import Teller, slow

import onefold as of
from onefold import Answer, ConfigError, Fake, Model, Query, Refused
from onefold.promises.function import jit
from onefold.promises.mapping import vmap


class Crowd(of.Operator, name="test_crowd"):
    """Takes a second; keeps how many were inside at once; fails for `bad`."""

    inside: list = []

    async def answer(self, query):
        self.inside.append(1)
        most = sum(self.inside)
        await asyncio.sleep(1)
        self.inside.append(-1)
        if query.text == "bad":
            raise Refused("bad is bad")
        return Answer(f"{query.text} {most}")


def test_answers_come_in_the_order_of_the_queries_and_only_so_many_run_at_once(instantly):
    async def timed():
        answers = await vmap(Crowd(), most_concurrent=3)(f"q{i}" for i in range(7))
        return [answer.text for answer in answers], asyncio.get_running_loop().time()

    texts, seconds = instantly(timed())
    assert [text.split()[0] for text in texts] == [f"q{i}" for i in range(7)]
    assert max(int(text.split()[1]) for text in texts) == 3
    assert seconds == 3


def test_failures_stay_in_their_place_where_they_are_kept(instantly):
    answers = instantly(vmap(Crowd(), on_failure="keep")(["a", "bad", "b"]))
    assert [answer.status for answer in answers] == ["answered", "failed", "answered"]
    assert answers[1].error.message == "bad is bad"


def test_else_the_first_failure_ends_everything(instantly):
    crowd = Crowd()

    async def timed():
        with pytest.raises(Refused):
            await vmap(crowd, most_concurrent=1)(["bad", "a", "b"])
        return asyncio.get_running_loop().time(), len(asyncio.all_tasks())

    assert instantly(timed()) == (1, 1)
    assert len(crowd.inside) == 2


def test_a_mistake_ends_everything_always(instantly):
    with pytest.raises(ConfigError, match="the query is empty"):
        instantly(vmap(Crowd(), on_failure="keep")(["a", ""]))
    with pytest.raises(ConfigError, match="nobody"):
        vmap("nobody", on_failure="keep").ask(["a"])


def test_a_function_is_mapped_as_under_jit_and_a_name_is_an_operator():
    def loud(question):
        return slow("a")(f"{question}?").text.upper()

    assert [answer.text for answer in vmap(loud).ask(["x", "y"])] == ["A SAYS", "A SAYS"]
    assert [answer.text for answer in vmap("fake:hi").ask(["x"])] == ["hi"]
    assert vmap("fake:hi").ask([]) == []


def test_more_columns_are_drafts():
    judge = Teller("judge")
    vmap(judge).ask(["x", "y"], [Answer("1"), Answer("2")], [Answer("3"), Answer("4")])
    assert sorted(judge.asked) == [("judge", "x", ("1", "3")), ("judge", "y", ("2", "4"))]
    with pytest.raises(ConfigError, match="do not pair up"):
        vmap(judge).ask(["x", "y"], [Answer("1")])


def test_inside_a_function_it_gives_promises_at_once(instantly):
    crowd = Crowd()

    @jit
    async def all_of_them(question):
        promises = vmap(crowd, most_concurrent=2)([f"{question}{i}" for i in range(4)])
        other = slow("b", 1)(question)
        answers = await promises
        assert [answer.text.split()[0] for answer in answers] == ["q0", "q1", "q2", "q3"]
        return slow("judge", 1)(question, *promises, other)

    answer = instantly(all_of_them("q"))
    assert answer.seconds == 3
    assert len(answer.drafts) == 5


def test_inside_a_function_failures_are_kept_too_and_blocking_blocks():
    @jit
    def several(question):
        kept = vmap(Model("m", provider=Fake(error="Refused")), on_failure="keep")
        return [kept([question])[0].status, vmap("fake:hi").ask([question])[0].text]

    assert several.ask("?").value == ["failed", "hi"]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: vmap("fake:a", most_concurrent=0), "most_concurrent=0: let at least one run"),
        (lambda: vmap("fake:a", on_failure="skip"), "on_failure='skip': say 'raise' or 'keep'"),
        (lambda: vmap(3), "3 is no operator"),
        (lambda: vmap("fake:a").ask("text"), r"write \[query\]"),
        (lambda: vmap("fake:a").ask(Query("text")), r"write \[query\]"),
    ],
)
def test_what_is_wrong_is_said(made, said):
    with pytest.raises(ConfigError, match=said):
        made()
