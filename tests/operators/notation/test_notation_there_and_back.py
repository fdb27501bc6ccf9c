"""One line, an operator, YAML: each comes back from the others."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sayable import operators

from onefold import Blend, Chain, ConfigError, Model, Named, Panel
from onefold.core.spec import build, dump
from onefold.functions import operator
from onefold.operators.notation.meaning import notation
from onefold.operators.notation.writing import noted

MARKS = ["->", ",", ";", "(", ")", "@", "!", "$", "=", "[", "]", "{", "}", ":", '"', "\n", "-"]
PIECES = [*MARKS, "E", "J", "M", "V", "a", "best", "3", "0.5", "E@fake:x", "temp=1", "a = ", " "]


@given(operators)
def test_an_operator_comes_back_from_its_line_and_from_yaml(operator):
    line = noted(operator)
    assert len(line.splitlines()) == 1
    assert notation(line) == operator
    assert noted(notation(line)) == line
    assert build(dump(operator)) == operator


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=30))
@example("3E@fake:a -> ((((")
@example('E@"\\ud800"')
@example("E@fake:x(a=-)")
@example("E@fake:x(temp=1e999)")
def test_any_text_is_an_operator_or_one_clear_error(text):
    try:
        made = notation(text)
    except ConfigError as error:
        first, *shown = str(error).split("\n")
        assert first.startswith("notation, ")
        assert shown[-1].strip() == "^"
        assert len(shown[-1]) <= len(shown[0]) + 1
    else:
        assert notation(noted(made)) == made


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("fake:a", "E@fake:a"),
        (" 3 fake:a ( temp = 1 )->1J @ fake:b ", "3E@fake:a(temperature=1.0) -> J@fake:b"),
        ("E@fake:a, E@fake:a -> majority", "2E@fake:a -> M"),
        ("((E@fake:a)) -> (M)", "E@fake:a -> M"),
        ("(2E@fake:a -> M)()", "2E@fake:a -> M"),
        ("2E@fake:a -> (2E@fake:b -> M)", "2E@fake:a -> 2E@fake:b -> M"),
        ("$x = E@fake:a; $x, 2$x -> best(ties=first)", "3E@fake:a -> best"),
        ("answer = E@fake:a; b = answer -> M; b", "answer = E@fake:a; b = answer -> M; b"),
        ("a = E@fake:a;\nanswer = a -> M;", "a = E@fake:a; a -> M"),
    ],
)
def test_what_can_be_said_in_several_ways_is_written_in_one(text, line):
    assert noted(notation(text)) == line
    assert noted(notation(line)) == line


def test_what_does_not_read_back_from_stages_is_written_by_its_name():
    single = Panel(["fake:a"])
    assert noted(single) == "panel(members=[fake:a])"
    assert noted(Chain((Model("fake:a"),))) == "chain(steps=[fake:a])"
    assert noted(Named("x", Named("y", "fake:a"))) == "(E!y@fake:a)!x"
    assert noted(Blend(Blend("fake:a"))) == "J@(J@fake:a)"


def test_a_function_is_written_by_its_registered_name():
    @operator
    def shorten(query):
        return query.drafts[0].text[:3]

    line = "E@fake:abcdef -> shorten"
    assert noted(notation(line)) == line
    assert notation(line).ask("?").text == "abc"


def test_a_function_without_a_name_cannot_be_written():
    with pytest.raises(ConfigError, match="no registered name"):
        noted(Panel(["fake:a", operator(lambda _: "b")]))
