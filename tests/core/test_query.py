"""What may be asked, and what is refused before anything is called."""

import pytest

import onefold as of
from onefold.core.query import asked


def test_a_text_becomes_a_query():
    assert asked("why?") == of.Query("why?")


def test_a_query_stays_itself():
    query = of.Query("why?", id="7")
    assert asked(query) is query


@pytest.mark.parametrize("empty", ["", "  \n\t", of.Query(), of.Query(" "), of.Query(system="be")])
def test_an_empty_question_is_refused(empty):
    with pytest.raises(of.ConfigError, match="empty"):
        asked(empty)


@pytest.mark.parametrize("wrong", [None, 5, b"bytes", ["a"], of.Query(5)], ids=repr)
def test_what_is_no_question_is_refused_with_its_value(wrong):
    with pytest.raises(of.ConfigError):
        asked(wrong)


@pytest.mark.parametrize(
    "query",
    [
        of.Query(messages=(of.Message("user", "hi"),)),
        of.Query(inputs={"n": 1}),
        of.Query(drafts=(of.Answer("x"),)),
    ],
)
def test_messages_inputs_or_drafts_are_enough_to_ask(query):
    assert asked(query) is query


def test_a_role_that_nobody_knows_is_refused():
    with pytest.raises(of.ConfigError, match="robot"):
        of.Message("robot", "beep")


def test_the_prompt_is_the_text_or_the_last_thing_the_user_said():
    talk = (of.Message("user", "one"), of.Message("user", "two"), of.Message("assistant", "ok"))
    assert of.Query("text", messages=talk).prompt == "text"
    assert of.Query(messages=talk).prompt == "two"
    assert of.Query(messages=talk[2:]).prompt == ""


def test_but_changes_a_copy():
    query = of.Query("q", id="1")
    assert query.but(sample=3) == of.Query("q", id="1", sample=3)
    assert query.sample == 0


def test_a_reader_given_by_name_is_used_and_an_unknown_one_is_refused():
    shout = of.Model("shout", provider=of.Fake((" YES ",)))
    assert shout.ask(of.Query("q", reads="lowercase_trim")).value == "yes"
    with pytest.raises(of.ConfigError, match="lowercase_trim"):
        shout.ask(of.Query("q", reads="lowercase_trin"))


def test_a_reader_given_as_a_function_is_used():
    shout = of.Model("shout", provider=of.Fake(("12 apples",)))
    assert shout.ask(of.Query("q", reads=lambda text: int(text.split()[0]))).value == 12
