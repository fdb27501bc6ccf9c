"""Mixture of agents: each layer sees all answers of the one before, and nothing is a new part."""

import pytest

import onefold as of
from onefold import Fake, Model, Named, Panel, Within
from onefold.core.spec import build, dump
from onefold.operators.layers import blending, layers
from onefold.operators.votes.blend import Blend


class Layer(of.Provider, name="test_layer"):
    """Says its own word and how many answers it was shown; keeps what it was asked."""

    word: str
    prompts: list = []

    async def complete(self, request):
        self.prompts.append(request.prompt)
        shown = request.prompt.count("[end of answer ")
        return of.Reply(f"{self.word} of {shown}", 1, 0, 1)


def member(word):
    return Model(word, provider=Layer(word))


def test_every_layer_sees_all_answers_of_the_layer_before():
    last = member("last")
    first, second = [member("a"), member("b"), member("c")], [member("d"), member("e")]
    answer = layers([first, second], last).ask("Why?")
    assert answer.text == "last of 2"
    assert [m.provider.prompts for m in first] == [["Why?"]] * 3
    (seen,) = second[0].provider.prompts
    assert all(f"{word} of 0" in seen for word in "abc")
    (seen,) = last.provider.prompts
    assert all(f"{word} of 3" in seen for word in "de")
    assert "of 0" not in seen
    assert answer.usage.calls == 6


def test_layers_take_the_time_of_their_slowest_one_after_the_other(instantly):
    def slow(name, seconds):
        return Model(name, provider=Fake((name,), seconds=(seconds,)))

    moa = layers([[slow("a", 1), slow("b", 3)], [slow("c", 2), slow("d", 1)]], slow("e", 4))
    assert instantly(moa("?")).seconds == 3 + 2 + 4


def test_layers_are_panels_whose_vote_is_the_next_layer():
    moa = layers([["fake:a", "fake:b"], ["fake:c"]], "majority", reads="number")
    assert moa == Panel(
        ["fake:a", "fake:b"],
        vote=Panel([Blend("fake:c")], vote="majority", reads="number"),
        reads="number",
    )
    assert build(dump(moa)) == moa


def test_one_layer_is_a_panel_that_blends():
    assert layers([["fake:a", "fake:b"]], "fake:c") == Panel(
        ["fake:a", "fake:b"], vote=Blend("fake:c")
    )


def test_the_last_may_be_any_vote():
    assert layers([["fake:a", "fake:b", "fake:b"]], "majority").ask("?").text == "b"


def test_what_wraps_a_model_stays_around_it_and_its_name_stays():
    inner = Within("fake:a", 2.0)
    assert blending(Named("x", inner)) == Named("x", Within(Blend("fake:a"), 2.0))
    panel = Panel(["fake:a", "fake:b"])
    assert blending(panel) is panel
    moa = layers([["fake:p", "fake:q"], {"x": member("x"), "y": member("y")}], "majority")
    drafts = [event.source for event in moa.stream("?") if event.kind == "draft"]
    assert sorted(drafts) == ["fake:p", "fake:q", "x", "y"]


def test_where_a_writer_fails_the_best_draft_of_the_layer_before_takes_its_place():
    broken = Model("broken", provider=Fake(error="Unreachable"))
    last = member("last")
    answer = layers([[member("a"), broken, member("c")], [broken, member("d")]], last).ask("?")
    assert answer.text == "last of 2"
    (seen,) = last.provider.prompts
    assert "\na of 0\n" in seen
    assert "\nd of 2\n" in seen
    assert layers([["fake:a"], [broken]], broken).ask("?").text == "a"


def test_one_model_may_stand_in_every_place_and_draws_a_new_sample_in_each():
    model = Model("self", provider=Fake(("one", "two", "three")))
    answer = layers([[model] * 3], model).ask("?")
    assert [draft.text for draft in answer.drafts] == ["one", "two", "three"]


@pytest.mark.parametrize("members", [[], "fake:a", ()])
def test_layers_want_a_layer(members):
    with pytest.raises(of.ConfigError, match="at least one list of members"):
        layers(members, "fake:a")


def test_a_layer_has_no_vote_of_its_own():
    with pytest.raises(of.ConfigError, match="the vote of a layer is the next layer"):
        layers([["fake:a"]], "fake:b", vote="majority")
    with pytest.raises(of.ConfigError, match="the panel is empty"):
        layers([["fake:a"], []], "fake:b")
