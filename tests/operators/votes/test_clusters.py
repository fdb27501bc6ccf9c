"""The vote over meanings: whatever says two answers mean the same, and whatever then counts."""

import asyncio
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.core.spec import build, dump
from onefold.judges.same import Entails, SameNumber
from onefold.operators.votes.clusters import Clustered, semantic_entropy


class Alike(of.Judge, name="test_alike"):
    """Same first letter; remembers what it was asked, fails where `broken` takes part."""

    asked: list = []
    broken: str = ""

    async def score(self, query, answer):
        (other,) = query.drafts
        self.asked.append((answer.value, other.value))
        if self.broken in (answer.value, other.value):
            raise of.Unreadable("cannot say")
        return float(answer.value[0] == other.value[0])


class Neighbours(of.Judge, name="test_neighbours"):
    """Numbers at most 1 apart: alike, but not transitive."""

    async def score(self, query, answer):
        return float(abs(answer.value - query.drafts[0].value) <= 1)


def drafts(*values):
    return tuple(of.Answer(f"says {v}", v, f"m{i}") for i, v in enumerate(values))


def vote(rule, *given):
    return asyncio.run(rule(of.Query("q", drafts=given)))


def test_drafts_that_mean_the_same_win_together_in_their_commonest_words():
    answer = vote(Clustered(Alike()), *drafts("ba", "ax", "ay", "ay", "bb"))
    assert (answer.text, answer.value, answer.source) == ("says ay", "ay", "m2")
    assert answer.votes == {"ba": 2.0, "ay": 3.0}
    assert answer.confidence == answer.agreement == 0.6
    assert answer.probs == {"ay": 0.6, "ba": 0.4}
    assert [draft.value for draft in answer.drafts] == ["ba", "ax", "ay", "ay", "bb"]


def test_the_entropy_of_meanings_is_told():
    answer = vote(Clustered(Alike()), *drafts("ax", "ay", "bx", "by"))
    assert semantic_entropy(answer) == pytest.approx(log(2))
    assert "majority of meanings, semantic entropy 0.693" in answer.explain()
    assert semantic_entropy(vote(Clustered(Alike()), *drafts("ax", "ay"))) == 0
    with pytest.raises(of.ConfigError, match="vote: clustered"):
        semantic_entropy(of.Answer("a"))


def test_drafts_that_read_the_same_are_never_compared():
    alike = Alike()
    vote(Clustered(alike), *drafts("a", "a", "b", "a", "b", None))
    assert alike.asked == [("b", "a")]


def test_abstentions_stay_abstentions():
    answer = vote(Clustered(Alike()), *drafts("ax", None, "ay", None))
    assert (answer.agreement, answer.probs) == (0.5, {"ax": 1.0})
    assert answer.tally.abstained == ("m1", "m3")


def test_a_comparison_that_fails_means_different_and_is_told():
    answer = vote(Clustered(Alike(broken="ax")), *drafts("ax", "ay", "az"))
    assert answer.probs == {"ax": pytest.approx(1 / 3), "ay": pytest.approx(2 / 3)}
    assert "1 comparisons failed" in answer.explain() or "2 comparisons failed" in answer.explain()


def test_leaders_keep_a_chain_of_neighbours_apart_and_closure_joins_it():
    given = drafts(1, 2, 3, 4)
    assert vote(Clustered(Neighbours()), *given).votes == {"1": 2, "3": 2}
    assert vote(Clustered(Neighbours(), linkage="closure"), *given).votes == {"1": 4}


def test_any_vote_may_decide_between_meanings():
    given = tuple(
        of.Answer(f"says {v}", v, f"m{i}", c)
        for i, (v, c) in enumerate([("ax", 0.3), ("ay", 0.3), ("b", 0.9)])
    )
    assert vote(Clustered(Alike(), "weighted"), *given).value == "b"
    assert vote(Clustered(Alike(), of.Weighted({"m1": 3})), *given).value == "ax"
    with pytest.raises(of.NoAnswer, match="no unanimity: 2 answers"):
        vote(Clustered(Alike(), "unanimous"), *given)
    assert vote(Clustered(Alike(), "unanimous"), *given[:2]).agreement == 1.0
    written = vote(Clustered(Alike(), "fake:something else"), *given)
    assert (written.text, written.tally) == ("something else", None)
    assert written.probs == {"ax": pytest.approx(2 / 3), "b": pytest.approx(1 / 3)}


def test_numbers_within_a_tolerance_meet_in_a_panel():
    members = ["fake:about 3.14", "fake:3.1416", "fake:2.7"]
    panel = of.Panel(members, vote=Clustered(SameNumber(0.01)), reads="number")
    answer = panel.ask("What is pi?")
    assert (answer.value, answer.text, answer.agreement) == (3.14, "about 3.14", 2 / 3)
    assert build(dump(panel)) == panel


@pytest.mark.parametrize("given", [(), drafts(None, None)])
def test_without_anything_read_there_is_no_answer(given):
    with pytest.raises(of.NoAnswer):
        vote(Clustered(Alike()), *given)


def test_the_calls_of_an_entailment_are_counted_and_run_side_by_side(instantly):
    members = ["fake:a", "fake:b", "fake:c"]
    slow = of.Model("slow", provider=of.Fake(("no verdict",), seconds=(1.0,)))
    answer = instantly(of.Panel(members, vote=Clustered(Entails(slow)))("?"))
    assert (answer.usage.calls, answer.seconds) == (3 + 2 * 3, 2.0)
    assert "3 comparisons failed" in answer.explain()
    closed = of.Panel(members, vote=Clustered(Entails(slow), linkage="closure"))
    assert instantly(closed("?")).seconds == 1.0


VALUES = st.lists(st.sampled_from(["a", "aa", "ab", "b", "ba", "c", None]), min_size=1, max_size=9)


@given(VALUES.filter(any), st.sampled_from(["leader", "closure"]))
def test_where_sameness_is_transitive_both_linkages_group_by_it(values, linkage):
    answer = vote(Clustered(Alike(), linkage=linkage), *drafts(*values))
    letters = [value[0] for value in values if value]
    assert {key[0]: share for key, share in answer.probs.items()} == pytest.approx(
        {letter: letters.count(letter) / len(letters) for letter in letters}
    )
    assert 0 <= semantic_entropy(answer) <= log(max(2, len(letters)))


def test_it_tells_a_plan_whom_it_would_ask():
    part = Clustered(Entails("fake:a"))
    asks = part._asks(of.Query("q", drafts=drafts("a", "b", "c", "d")))
    assert [(held.name_of_part, times) for held, _, times in asks] == [
        ("entails", (0.0, 6.0, 6.0)),
        ("majority", (1.0, 1.0, 1.0)),
    ]
    ((_, _, times),) = part.alike._asks(asks[0][1])
    assert times == (0.0, 2.0, 2.0)
