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


class Keeps(of.Provider, name="test_model_keeps"):
    """Keeps what it was sent in a list that the test holds."""

    seen: list

    async def complete(self, request):
        self.seen.append(request)
        return of.Reply("x", 1, 0, 1)


def sent(query="q", **about):
    """The request that a model makes of a query."""
    keeps = Keeps([])
    instantly(of.Model("m", provider=keeps, **about)(query))
    return keeps.seen[0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 0.0),
        ("max_tokens", 9),
        ("top_p", 0.5),
        ("seed", -7),
        ("top_k", 40),
        ("presence_penalty", -2.0),
        ("frequency_penalty", 2.0),
        ("effort", "low"),
    ],
)
def test_each_setting_reaches_the_provider_and_no_other_does(field, value):
    sampling = sent(**{field: value}).sampling
    assert getattr(sampling, field) == value
    assert sampling == of.Sampling(**{field: value})


def test_stops_are_called_until_and_reach_the_provider():
    assert sent(until=["a", "b"]).sampling == of.Sampling(stop=("a", "b"))


def test_what_is_not_said_is_left_to_the_service():
    request = sent()
    assert request.sampling == of.Sampling()
    assert (request.schema, request.logprobs) == (None, None)


@pytest.mark.parametrize("logprobs", [0, 5, 20])
def test_log_probabilities_are_asked_for_with_their_alternatives(logprobs):
    assert sent(logprobs=logprobs).logprobs == logprobs


def test_the_query_s_schema_goes_before_the_model_s():
    own, asked = {"type": "object"}, {"type": "array"}
    assert sent(schema=own).schema == own
    assert sent(of.Query("q", schema=asked), schema=own).schema == asked
    assert sent(of.Query("q", schema={}), schema=own).schema == {}
    assert sent(of.Query("q", schema=asked)).schema == asked


def test_tokens_reasoning_finish_and_sample_are_in_the_answer():
    class Tells(of.Provider, name="test_model_tells"):
        async def complete(self, request):
            tokens = (of.Token("re", -0.1, {"bl": -2.0}), of.Token("d", -0.2))
            return of.Reply("red", 1, 0, 2, finish="length", tokens=tokens, reasoning="hm")

    answer = instantly(of.Model("m", provider=Tells())(of.Query("q", sample=3)))
    assert [token.text for token in answer.tokens] == ["re", "d"]
    assert (answer.reasoning, answer.finish) == ("hm", "length")
    assert (answer.model, answer.sample) == ("m", 3)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", -0.1),
        ("max_tokens", 0),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("top_k", 0),
        ("presence_penalty", 2.1),
        ("frequency_penalty", -2.1),
        ("logprobs", -1),
        ("logprobs", 21),
        ("until", "END"),
        ("schema", "json"),
        ("effort", 3),
    ],
)
def test_a_setting_out_of_its_range_is_refused_by_its_name(field, value):
    with pytest.raises(of.ConfigError, match=field):
        of.Model("m", **{field: value})


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"until": ("END",)},
        {"temperature": 0.0, "top_k": 3, "presence_penalty": 0.5, "frequency_penalty": -0.5},
        {"effort": "high", "logprobs": 0, "schema": {"type": "object", "properties": {}}},
        {"provider": of.Fake(("a",)), "system": "be brief"},
    ],
)
@pytest.mark.parametrize("name", ["m", "fake:a"])
def test_a_model_is_written_down_and_read_again(name, about):
    model = of.Model(name, **about)
    assert of.build(of.dump(model)) == model


def test_nothing_to_send_is_refused():
    talk = (of.Message("system", "be brief"), of.Message("assistant", "so"))
    with pytest.raises(of.ConfigError, match="nothing to send to m"):
        sent(of.Query(messages=talk))
    with pytest.raises(of.ConfigError, match="nothing to send to m"):
        sent(of.Query(inputs={"a": 1}))


def test_a_beginning_of_the_reply_stays_the_last_message():
    talk = (of.Message("user", "count"), of.Message("assistant", "one two"))
    request = sent(of.Query(messages=talk))
    assert request.begun == "one two"
    assert sent(of.Query("go on", messages=talk)).begun == ""
