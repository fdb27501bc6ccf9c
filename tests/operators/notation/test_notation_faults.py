"""Every mistake in a line is one error that points at its column."""

import pytest

from onefold import ConfigError
from onefold.operators.notation.meaning import notation

FAULTS = {
    "": (1, "expected E@provider:model"),
    "->": (1, "found '->'"),
    "E@fake:a ->": (12, "found the end"),
    "E@fake:a) -> M": (9, "found ')', which closes nothing"),
    "(E@fake:a -> M": (15, "the ')' of the '(' in column 1"),
    "E@fake:a]": (9, "expected '->', ',' or ';', found ']'"),
    "E@fake:a E@fake:b": (10, "found 'E@fake'"),
    "E": (1, "E needs model: write E@provider:model"),
    "E@": (3, "expected a model (provider:model), $component or '('"),
    "J -> M": (1, "J needs operator: write J@provider:model"),
    "E(temp=1)@fake:a": (1, "the parameters of E stand behind its model"),
    "M@fake:a": (3, "M stands on no operator"),
    "3E@fake:a": (10, "3 answers, and nothing makes one of them"),
    "E@fake:a, E@fake:b": (19, "2 answers"),
    "0E@fake:a": (1, "a count is 1 or more"),
    "999999E@fake:a -> M": (7, "a count is at most"),
    "9999(9999(2E@fake:a -> M) -> M) -> M": (1, "more than 100000 parts"),
    "3E!a@fake:a -> M": (2, "several cannot all be named 'a'"),
    "E!a@fake:a, E!a@fake:b -> M": (1, "two members named 'a'"),
    "2E@fake:a -> majorty": (14, "did you mean 'majority'?"),
    "openai/gpt-4o -> M": (1, "'openai/gpt-4o' names no operator; a model is provider:model"),
    "E@fake:a(temprature=1)": (10, "did you mean 'temperature'?"),
    "E@fake:a(seed=1, temperature=x)": (18, "temperature: 'x' does not fit"),
    "E@fake:a(temp=1, temp=2)": (18, "'temp' stands twice"),
    "E@fake:a(temp=1, temperature=2)": (18, "'temperature' stands twice"),
    "E@fake:a(temp)": (14, "expected '='"),
    "E@fake:a(temp=)": (15, "expected a value"),
    "E@fake:a(temp=1": (16, "expected ')' or ','"),
    "E@fake:a(0.7)": (10, "expected a parameter"),
    "E@fake:a(until=[a, b)": (21, "expected ']' or ','"),
    "E@fake:a(schema={a b})": (20, "expected ':'"),
    "E@fake:a(schema={a: 1, a: 2})": (24, "'a' stands twice"),
    'E@fake:a(system="no end)': (17, "has no closing quote"),
    'E@fake:a(system="\\x")': (17, "no such escape"),
    "(E@fake:a)(stop=first)": (1, "parameters behind ')' are those of a panel or a graph"),
    "(2E@fake:a -> M)(vote=best)": (18, "no parameter of panel named 'vote'"),
    "(2E@fake:a -> M)(quorum=9)": (18, "quorum 9 cannot be met"),
    "$x -> M": (1, "no component named '$x'"),
    "$x = E@fake:a": (1, "components alone answer nothing"),
    "$x = E@fake:a; $x = E@fake:b; $x": (16, "two flows named '$x'"),
    "$x = 2E@fake:a; J@$x": (19, "$x is 2 operators, not one"),
    "$x = $x -> M; $x": (6, "no component named '$x'"),
    "a = E@fake:a; a = E@fake:b": (15, "two flows named 'a'"),
    "a = E@fake:a; b = E@fake:b": (1, "2 nodes lead nowhere: a, b"),
    "a = b -> E@fake:a; b = a -> M": (1, "a -> b -> a"),
    "a = E@fake:a; a, E@fake:b -> M": (15, "the answer of 'a' stands first in a flow"),
    "a = E@fake:a; E@fake:b, a -> M": (25, "the answer of 'a' stands first in a flow"),
    "a = E@fake:a; E@fake:b -> a": (27, "the answer of 'a' stands first in a flow"),
    "a = E@fake:a; b = a; b": (19, "'b' is but another name"),
    "a = E@fake:a; 2a -> M": (16, "'a' is an answer: write just its name"),
    "draft = E@fake:a; draf -> M": (19, "did you mean 'draft'?"),
    "E@fake:a; E@fake:b": (1, "only the last flow has no name"),
    "a(retrys=1) = E@fake:a": (3, "did you mean 'retries'?"),
    "query = E@fake:a; query -> M": (1, "no node can be named 'query'"),
    "(" * 60: (51, "nested too deeply"),
    "E@fake:a(schema={a: " + "[" * 60: (70, "nested too deeply"),
}


@pytest.mark.parametrize("line", FAULTS)
def test_a_mistake_is_shown_at_its_column(line):
    column, said = FAULTS[line]
    with pytest.raises(ConfigError) as raised:
        notation(line)
    first, shown, caret = str(raised.value).split("\n")
    assert first.startswith(f"notation, column {column}: ")
    assert said in first
    assert caret.index("^") == len(caret) - 1
    pointed = shown[len(caret) - 1 :]
    assert line[column - 1 :].startswith(pointed) or pointed.startswith(line[column - 1 :])


def test_a_mistake_in_a_long_text_is_shown_by_its_line():
    text = "a = E@fake:a;\nb = a ->\tE@fake:b(temperature=hot);\na, b -> M"
    with pytest.raises(ConfigError) as raised:
        notation(text)
    first, shown, caret = str(raised.value).split("\n")
    assert first.startswith("notation, line 2, column 19: temperature")
    assert shown == "  b = a -> E@fake:b(temperature=hot);"
    assert caret == " " * 20 + "^"


def test_a_long_line_is_shown_around_the_mistake():
    with pytest.raises(ConfigError) as raised:
        notation(", ".join(["E@fake:a"] * 100) + " -> K, " + ", ".join(["E@fake:a"] * 100))
    first, shown, caret = str(raised.value).split("\n")
    assert "column 1003" in first
    assert len(shown) < 80
    assert shown[len(caret) - 1] == "K"


def test_a_text_that_nobody_wrote_by_hand_is_refused():
    with pytest.raises(ConfigError, match="at most 1000000 characters"):
        notation("E" * 1_000_001)
