"""The vote of EMAFusion: who survives, and what happens to one, several or none."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.core.spec import build, dump
from onefold.operators.votes.blend import Blend
from onefold.operators.votes.fusion import Fusion
from onefold.operators.votes.ranked import Ranked


def drafts(*said):
    return tuple(
        of.Answer(str(value), value, f"m{i}", stated) for i, (value, stated) in enumerate(said)
    )


def vote(rule, *given):
    return asyncio.run(rule(of.Query("q", drafts=given)))


def test_one_survivor_is_the_answer():
    answer = vote(Fusion("fake:not asked", 0.7), *drafts(("a", 0.9), ("b", 0.6), ("b", 0.6)))
    assert (answer.text, answer.confidence) == ("a", 0.9)
    assert "fusion, 1 of 3 drafts at 0.7 or more: the best" in answer.explain()


def test_without_survivors_the_most_confident_draft_is():
    answer = vote(Fusion("fake:not asked", 0.95), *drafts(("a", 0.2), ("b", 0.9), ("a", 0.8)))
    assert answer.text == "b"
    assert "0 of 3" in answer.explain()


def test_several_survivors_are_voted_on_and_nobody_else_is():
    given = drafts(("a", 0.8), ("b", 0.7), ("b", 0.7), ("c", 0.1), ("c", 0.1), ("c", 0.1))
    answer = vote(Fusion("majority", 0.7), *given)
    assert (answer.text, answer.votes) == ("b", {"a": 1, "b": 2})
    assert answer.drafts == given
    assert "majority, 3 of 6 drafts at 0.7 or more" in answer.explain()


LONGEST = of.judge(lambda _, answer: len(answer.text) / 20)


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ("best", "a"),
        ("weighted", "b"),
        (Ranked([LONGEST]), "ccc"),
        (Blend("fake:all of it"), "all of it"),
    ],
)
def test_survivors_are_ranked_counted_or_blended(mode, wanted):
    given = drafts(("a", 0.9), ("b", 0.7), ("b", 0.7), ("ccc", 0.7), ("dddddd", 0.1))
    assert vote(Fusion(mode, 0.7), *given).text == wanted


def test_a_draft_that_cannot_be_read_or_states_nothing_does_not_survive():
    given = drafts((None, 1.0), ("a", None), ("b", 0.6), ("c", 0.5))
    assert vote(Fusion("fake:not asked", 0.6), *given).text == "b"
    assert vote(Fusion("majority", 0.0), *drafts(("a", 0.0), ("a", 0.0), ("b", 0.1))).text == "a"


def test_where_nobody_states_a_confidence_the_vote_has_all():
    answer = vote(Fusion(), *drafts(("a", None), ("b", None), ("b", None)))
    assert answer.text == "b"
    assert "no draft states a confidence" in answer.explain()


@pytest.mark.parametrize("given", [(), drafts((None, 0.9))])
def test_without_drafts_that_can_be_read_there_is_no_answer(given):
    with pytest.raises(of.NoAnswer):
        vote(Fusion(), *given)


def test_a_judge_in_the_panel_decides_who_survives():
    panel = of.Panel(
        ["fake:a long one", "fake:tiny", "fake:a longer one"],
        judge=LONGEST,
        vote=Fusion(Blend("fake:both"), 0.4),
    )
    answer = panel.ask("?")
    assert (answer.text, answer.usage.calls) == ("both", 4)
    assert len(answer.drafts) == 3


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 1)), min_size=1, max_size=6),
    st.floats(0, 1),
)
def test_the_winner_is_a_survivor_wherever_there_is_one(said, at):
    answer = vote(Fusion("majority", at), *drafts(*said))
    sure = {value for value, stated in said if stated >= at}
    assert answer.value in sure or not sure


def test_it_comes_back_from_its_description():
    part = Fusion(Blend("openai:gpt-4o-mini"), 0.8)
    assert build(dump(part), of.Operator) == part
    assert Fusion() == Fusion("weighted")
    assert part._asks(of.Query("q")) == [(part.vote, of.Query("q"), (0.0, 1.0, 1.0))]
