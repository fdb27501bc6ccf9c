"""The one call of everything that answers, and what it does on the way."""

import pytest

import onefold as of
from onefold.runtime.clock import instantly
from onefold.verbs import label


def model(name, text="yes", **more):
    return of.Model(name, provider=of.Fake((text,), **more))


def test_calling_asking_and_streaming_give_the_same_answer():
    panel = of.Panel([model("a"), model("b", "no"), model("c")])
    *_, last = panel.stream("q")
    called, asked = instantly(panel("q")), panel.ask("q")
    assert {called.text, asked.text, last.answer.text} == {"yes"}
    assert called.tally == asked.tally == last.answer.tally


def test_a_chain_hands_the_winner_alone_to_the_next():
    panel = of.Panel([model("a"), model("b", "no"), model("c")])
    seen = []

    @of.operator
    async def looks(query):
        seen.append([(draft.source, draft.text) for draft in query.drafts])
        return "done"

    answer = instantly((panel >> looks)("q"))
    assert seen == [[("panel", "yes")]]
    assert answer.text == "done"
    assert [draft.text for draft in answer.drafts] == ["yes"]
    assert answer.usage.calls == 3


def test_a_model_after_another_is_shown_its_draft():
    heard = []

    class Listens(of.Provider, name="test_verbs_listens"):
        async def complete(self, request):
            heard.append(request.messages[-1].content)
            return of.Reply("final")

    chain = model("first", "my draft") >> of.Model("second", provider=Listens())
    assert instantly(chain("the question")).text == "final"
    assert "the question" in heard[0]
    assert "my draft" in heard[0]
    assert "first" in heard[0]


def test_chains_flatten_so_that_grouping_does_not_matter():
    a, b, c = model("a"), model("b"), model("c")
    assert (a >> b) >> c == a >> (b >> c) == of.Chain((a, b, c))
    assert of.Model("fake:a") >> "fake:b" == of.Chain(("fake:a", "fake:b"))


def test_a_failing_step_ends_a_chain():
    asked = []

    @of.operator
    async def never(query):
        asked.append(query)

    with pytest.raises(of.Refused):
        instantly((model("a", error="Refused") >> never)("q"))
    assert asked == []


@pytest.mark.parametrize("confidence", [-0.1, 1.1, 95, float("nan")])
def test_a_confidence_that_is_no_share_is_an_error_and_never_clipped(confidence):
    @of.operator
    async def test_verbs_overconfident(query):
        return of.Answer("x", confidence=confidence)

    with pytest.raises(of.Unreadable, match="confidence"):
        instantly(test_verbs_overconfident("q"))


def test_an_answer_leaves_with_its_value_read_its_source_and_time():
    answer = instantly(model("m", " Yes ", seconds=(2.0,))(of.Query("q", reads="lowercase_trim")))
    assert (answer.value, answer.source, answer.seconds, answer.text) == ("yes", "m", 2.0, " Yes ")


def test_what_cannot_be_read_abstains():
    assert instantly(model("m", "  ")("q")).status == "abstained"


def test_a_value_that_an_operator_gives_is_not_read_again():
    @of.operator
    async def test_verbs_counts(query):
        return 4

    answer = instantly(test_verbs_counts(of.Query("q", reads=lambda _: "read")))
    assert (answer.value, answer.text) == (4, "4")


def test_a_reader_that_fails_is_an_error_of_the_call():
    def fails(text):
        raise ZeroDivisionError("reader")

    with pytest.raises(ZeroDivisionError):
        instantly(model("m")(of.Query("q", reads=fails)))


def test_an_operator_is_called_by_name_model_or_part():
    assert label(of.Named("me", "fake:a")) == "me"
    assert label(of.Model("fake:a")) == "fake:a"
    assert label(of.Panel(["fake:a"])) == "panel"


def test_an_unknown_model_deep_inside_is_found_before_anything_is_paid():
    called = []

    @of.operator
    async def counts(query):
        called.append(1)
        return "x"

    panel = of.Panel([counts, of.Within(of.Panel(["claude"]), 5)], vote=of.Model("gpt"))
    with (
        of.Session({"claude": "fake:x", "gpt-4o": "fake:x"}),
        pytest.raises(of.ConfigError, match=r"no model.* named 'gpt'; did you mean 'gpt-4o'"),
    ):
        instantly(panel("q"))
    assert called == []


def test_any_kind_of_question_that_is_none_is_refused_by_every_operator():
    for operator in (model("m"), of.Panel([model("m")]), model("a") >> model("b")):
        for wrong in ("", " ", None, 7):
            with pytest.raises(of.ConfigError):
                operator.ask(wrong)
