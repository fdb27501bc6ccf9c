"""One model as an operator: what it is sent, and what it says."""

import pytest

import onefold as of
from onefold.operators.model import rendered
from onefold.runtime.clock import instantly


def contents(query, system=""):
    return [(message.role, message.content) for message in rendered(query, system)]


def test_a_text_is_sent_as_what_the_user_says():
    assert contents(of.Query("hi")) == [("user", "hi")]


def test_both_systems_are_sent_the_model_s_own_first():
    sent = contents(of.Query("hi", system="the query's"), "the model's")
    assert sent == [("system", "the model's\n\nthe query's"), ("user", "hi")]


def test_a_conversation_is_sent_before_the_text():
    talk = (of.Message("user", "one"), of.Message("assistant", "two"))
    assert contents(of.Query("three", messages=talk)) == [
        ("user", "one"),
        ("assistant", "two"),
        ("user", "three"),
    ]
    assert contents(of.Query(messages=talk[:1])) == [("user", "one")]


def test_labels_are_named():
    assert "red, blue" in contents(of.Query("colour?", labels=("red", "blue")))[-1][1]


@pytest.mark.parametrize(
    "query",
    [of.Query("why?"), of.Query(messages=(of.Message("system", "s"), of.Message("user", "why?")))],
)
def test_drafts_are_shown_with_their_source_beside_the_question(query):
    sent = contents(
        query.but(drafts=(of.Answer("because", source="a"), of.Answer("so", source="b")))
    )
    last = sent[-1]
    assert last[0] == "user"
    for words in ("because", "so", "(a)", "(b)"):
        assert words in last[1]
    assert sum("why?" in content for _, content in sent) == 1


def test_labels_are_named_even_where_drafts_are_shown_in_a_conversation():
    query = of.Query(messages=(of.Message("user", "colour?"),), labels=("red", "blue"))
    sent = contents(query.but(drafts=(of.Answer("red", source="a"),)))
    assert "red, blue" in sent[-1][1]


def test_sampling_reaches_the_provider():
    seen = []

    class Looks(of.Provider, name="test_model_looks"):
        async def complete(self, request):
            seen.append(request)
            return of.Reply("x")

    operator = of.Model("m", 0.5, 9, 0.9, 7, ("END",), "be brief", Looks())
    instantly(operator(of.Query("q", id="row 1", sample=3, labels=("x",))))
    (request,) = seen
    assert request.sampling == of.Sampling(0.5, 0.9, 9, 7, ("END",))
    assert (request.query_id, request.sample, request.labels) == ("row 1", 3, ("x",))


def test_what_the_reply_states_is_in_the_answer():
    class States(of.Provider, name="test_model_states"):
        async def complete(self, request):
            return of.Reply("red", 1, 0, 1, 0.9, {"red": 0.9, "blue": 0.1})

    answer = instantly(of.Model("m", provider=States())("q"))
    assert (answer.confidence, answer.probs) == (0.9, {"red": 0.9, "blue": 0.1})


def test_a_model_needs_a_name():
    for empty in ("", "  "):
        with pytest.raises(of.ConfigError, match="needs a name"):
            of.Model(empty)
