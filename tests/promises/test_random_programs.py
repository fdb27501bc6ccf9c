"""Random programs: the answers, calls and failures of plain Python, in the time of its data."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tellers import Teller, exactly, failing, told

from onefold import Answer, Refused
from onefold.promises.captured import capture
from onefold.promises.function import jit

NAMES = ("a", "b", "c")
SECONDS = (0.5, 1.0, 3.0)

places = st.integers(0, 50)
call = st.tuples(st.just("call"), st.integers(0, 2), st.lists(places, max_size=3))
relay = st.tuples(st.just("relay"), st.integers(0, 2), places)
quote = st.tuples(st.just("quote"), st.integers(0, 2), places)
nested = st.tuples(st.just("nested"), st.integers(0, 2), places)
simple = st.one_of(call, relay, quote, nested)
several = st.lists(simple, max_size=2)
branch = st.tuples(st.just("if"), places, several, several)
loop = st.tuples(st.just("for"), st.integers(0, 3), several)
programs = st.lists(st.one_of(simple, branch, loop), min_size=1, max_size=8)


def run(program, question, ask, inner):
    """Carry a program out: `ask(k, query, *drafts)` is a call, `inner(k, query)` a nested one."""
    made = [ask(0, question)]

    def at(place):
        return made[place % len(made)]

    def step(statement):
        match statement:
            case "call", k, drafts:
                made.append(ask(k, question, *map(at, drafts)))
            case "relay", k, place:
                made.append(ask(k, at(place)))
            case "quote", k, place:
                made.append(ask(k, f"more than {at(place)}?"))
            case "nested", k, place:
                made.append(inner(k, at(place)))
            case "if", place, yes, no:
                for each in yes if int(at(place).text[-1], 16) % 2 else no:
                    step(each)
            case "for", count, inside:
                for _ in range(count):
                    for each in inside:
                        step(each)

    for statement in program:
        step(statement)
    return made


class Plain:
    """A program run by the rules: each call at once, and when it could have started and ended."""

    def __init__(self, fails=0):
        self.fails = fails
        self.calls = []
        self.now = 0.0
        self.last = 0.0

    def ask(self, k, query, *drafts):
        text = query if isinstance(query, str) else query._answer.text
        given = [d for d in (query, *drafts) if isinstance(d, Valued)]
        start = max([self.now, *(each.ready for each in given)])
        answers = tuple(draft._answer for draft in drafts)
        self.calls.append((NAMES[k], text, tuple(answer.text for answer in answers)))
        said = told(NAMES[k], text, answers)
        if failing(self.fails, said):
            raise Refused(said)
        self.last = max(self.last, start + SECONDS[k])
        return Valued(self, Answer(said), start + SECONDS[k])

    def inner(self, k, query):
        """The nested function: it asks, uses the text, and asks again."""
        outside, self.now = self.now, max(self.now, query.ready)
        try:
            first = self.ask(k, query._answer.text)
            return self.ask(0, f"{first}!")
        finally:
            self.now = outside


class Valued:
    """An answer with the time from which it is there; using it moves the program's clock."""

    def __init__(self, plain, answer, ready):
        self.plain = plain
        self._answer = answer
        self.ready = ready

    @property
    def text(self):
        self.plain.now = max(self.plain.now, self.ready)
        return self._answer.text

    def __str__(self):
        return self.text


def compiled(program, fails=0):
    """The program as a jit function over operators, and those."""
    ops = [Teller(n, s, fails) for n, s in zip(NAMES, SECONDS, strict=True)]

    def twice(k):
        @jit
        def inner(question):
            return ops[0](f"{ops[k](question)}!")

        return inner

    inners = [twice(k) for k in range(3)]

    @jit
    def whole(question):
        return run(
            program,
            question,
            lambda k, query, *drafts: ops[k](query, *drafts),
            lambda k, query: inners[k](query),
        )

    return whole, ops


@settings(max_examples=60)
@given(programs)
def test_answers_and_calls_are_those_of_plain_python_and_time_that_of_its_longest_chain(program):
    plain = Plain()
    expected = run(program, "why?", plain.ask, plain.inner)
    whole, ops = compiled(program)
    with pytest.MonkeyPatch.context() as patch, capture() as runs:
        answer = exactly(whole("why?"), patch)
    assert [draft.text for draft in answer.drafts] == [each._answer.text for each in expected]
    assert Counter(asked for op in ops for asked in op.asked) == Counter(plain.calls)
    assert answer.seconds == pytest.approx(max(plain.last, plain.now))
    assert runs[0].critical == pytest.approx(answer.seconds)
    assert runs[0].work == pytest.approx(sum(SECONDS[NAMES.index(n)] for n, _, _ in plain.calls))


@settings(max_examples=40)
@given(programs, st.integers(1, 40))
def test_a_program_fails_where_plain_python_fails_and_nothing_runs_on(program, fails):
    plain = Plain(fails)
    whole, _ = compiled(program, fails)

    async def tried():
        try:
            await whole("why?")
        except Refused:
            return True, len(asyncio.all_tasks())
        return False, len(asyncio.all_tasks())

    try:
        run(program, "why?", plain.ask, plain.inner)
        failed = False
    except Refused:
        failed = True
    with pytest.MonkeyPatch.context() as patch:
        assert exactly(tried(), patch) == (failed, 1)
