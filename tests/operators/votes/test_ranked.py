"""The vote that ranks: candidates rather than drafts, few comparisons, judges that fail."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.core.spec import build, dump
from onefold.judges.pairs import Pairs
from onefold.operators.votes.ranked import Ranked


class Compares(of.Judge, name="test_compares"):
    """Prefers the larger value, remembers what it was asked, fails where `broken` takes part."""

    asked: list = []
    broken: str = ""

    compares = True

    async def score(self, query, answer):
        (rival,) = query.drafts
        self.asked.append((answer.value, rival.value))
        if self.broken in (answer.value, rival.value):
            raise of.Unreadable("cannot say")
        return 0.5 + (answer.value > rival.value) / 2 - (answer.value < rival.value) / 2


def judge(call):
    return of.judge(call)


def liking(scores):
    """What a judge scores each value."""

    def score(query, answer):
        return scores[answer.value]

    return score


def drafts(*values, confidences=()):
    stated = [*confidences, *[None] * len(values)]
    return tuple(
        of.Answer(f"says {value}", value, f"m{i}", stated[i]) for i, value in enumerate(values)
    )


def vote(rule, *given):
    return asyncio.run(rule(of.Query("q", drafts=given)))


RULES = ["borda", "copeland", "ranked_pairs", "approval"]


@pytest.mark.parametrize("rule", RULES[:3])
def test_the_best_candidate_wins_however_few_drafts_say_it(rule):
    answer = vote(Ranked([Compares()], rule), *drafts("b", "a", "c", "a", "b"))
    assert (answer.text, answer.value, answer.source) == ("says c", "c", "m2")
    assert answer.votes["c"] == answer.confidence == 1.0
    assert f"ranked by {rule}" in answer.explain()


def test_candidates_are_compared_once_each_however_many_drafts_say_them():
    compare = Compares()
    vote(Ranked([compare]), *drafts("b", "a", "c", "a", "b"))
    assert len(compare.asked) == 3
    assert {frozenset(pair) for pair in compare.asked} == {
        frozenset("ab"), frozenset("ac"), frozenset("bc")
    }  # fmt: skip


def test_drafts_that_all_say_the_same_need_no_judge():
    compare = Compares()
    answer = vote(Ranked([compare]), *drafts("a", "a", None))
    assert (answer.text, answer.confidence, compare.asked) == ("says a", 1.0, [])
    assert answer.tally.abstained == ("m2",)


def test_a_candidate_speaks_in_the_words_of_its_most_confident_draft():
    answer = vote(Ranked([Compares()]), *drafts("b", "b", "a", confidences=(0.2, 0.9)))
    assert answer.source == "m1"


def test_judges_that_score_alone_are_asked_once_a_candidate_and_rank_by_it():
    seen = []

    @judge
    def length(query, answer):
        seen.append((answer.value, len(query.drafts)))
        return {"a": 0.2, "b": 0.9, "c": 0.5}[answer.value]

    answer = vote(Ranked([length]), *drafts("a", "b", "c", "a"))
    assert answer.votes == {"a": 0.0, "b": 1.0, "c": 0.5}
    assert sorted(seen) == [("a", 4), ("b", 4), ("c", 4)]


def test_several_judges_are_voters_of_one_election():
    likes = [{"a": 0.9, "b": 0.8, "c": 0.1}, {"a": 0.1, "b": 0.8, "c": 0.2}]
    judges = [judge(liking(like)) for like in likes]
    given = drafts("a", "b", "c")
    assert vote(Ranked(judges), *given).votes == {"a": 0.5, "b": 0.75, "c": 0.25}
    answer = vote(Ranked([*judges, Compares()], "copeland"), *given)
    assert answer.value == "b"
    approved = vote(Ranked(judges, "approval", at=0.7), *given)
    assert approved.votes == {"a": 0.5, "b": 1.0, "c": 0.0}


def test_equals_go_by_how_many_drafts_say_so_then_by_who_said_it_first():
    tie = judge(lambda *_: 0.5)
    answer = vote(Ranked([tie]), *drafts("a", "b", "c", "b"))
    assert (answer.value, answer.tally.winner) == ("b", "b")
    assert answer.confidence == 0.5
    assert vote(Ranked([tie]), *drafts("c", "b", "a")).value == "c"
    assert vote(Ranked([tie], "approval", at=0.9), *drafts("a", "b", "b")).value == "b"


@pytest.mark.parametrize("count", range(2, 12))
@pytest.mark.parametrize("most", [1, 2, 3, 5, 7, 10, 30, 100])
def test_never_more_pairs_are_compared_than_allowed_and_the_best_of_them_wins(count, most):
    compare = Compares()
    values = [f"{i:02}" for i in range(count)]
    answer = vote(Ranked([compare], most=most), *drafts(*values))
    assert len(compare.asked) <= min(most, count * (count - 1) // 2)
    assert len({frozenset(pair) for pair in compare.asked}) == len(compare.asked)
    assert answer.value == values[min(count, most + 1) - 1]
    if most >= count * (count - 1) // 2:
        assert len(compare.asked) == count * (count - 1) // 2


def test_where_few_pairs_may_be_compared_the_rarest_candidates_are_left_out():
    answer = vote(Ranked([Compares()], most=1), *drafts("z", "a", "b", "b", "a"))
    assert answer.votes == {"z": 0.0, "a": 0.0, "b": 1.0}


def test_a_comparison_that_fails_is_left_out_and_told():
    answer = vote(Ranked([Compares(broken="c")]), *drafts("a", "b", "c"))
    assert answer.votes == {"a": 0.0, "b": 1.0, "c": 0.5}
    assert "2 judgements failed" in answer.explain()


@pytest.mark.parametrize("broken", [Compares(broken="a"), judge(lambda *_: float("nan"))])
def test_judges_that_can_say_nothing_are_no_answer(broken):
    with pytest.raises(of.Unreadable, match="no judge could rank the drafts"):
        vote(Ranked([broken]), *drafts("a", "b"))
    panel = of.Panel(["fake:a", "fake:b"], vote=Ranked([broken]))
    with pytest.raises(of.NoAnswer, match="no judge could rank") as caught:
        panel.ask("?")
    assert len(caught.value.drafts) == 2


@pytest.mark.parametrize("given", [(), drafts(None, None)])
def test_without_candidates_there_is_no_answer(given):
    with pytest.raises(of.NoAnswer, match="nothing to rank"):
        vote(Ranked([Compares()]), *given)


def test_it_wants_a_judge_and_at_least_one_comparison():
    with pytest.raises(of.ConfigError, match="ranked needs a judge"):
        Ranked([])
    with pytest.raises(of.ConfigError, match="most"):
        Ranked([Compares()], most=0)
    with pytest.raises(of.ConfigError, match="rule"):
        Ranked([Compares()], "plurality")


def test_comparisons_run_side_by_side(instantly):
    slow = of.Model("slow", provider=of.Fake(("no verdict",), seconds=(2.0,)))
    panel = of.Panel(["fake:a", "fake:b", "fake:c"], vote=Ranked([Pairs(slow), Compares()]))
    answer = instantly(panel("?"))
    assert (answer.value, answer.seconds, answer.usage.calls) == ("c", 2.0, 3 + 6)
    assert "3 judgements failed" in answer.explain()


@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=7), st.sampled_from(RULES))
def test_the_tally_and_the_answer_name_the_same_winner(values, rule):
    odd = judge(liking({"a": 0.5, "b": 0.0, "c": 0.0, "d": 0.5, "e": 1.0}))
    answer = vote(Ranked([odd, Compares()], rule), *drafts(*values))
    assert answer.tally.winner == answer.value
    assert 0 <= answer.confidence <= 1
    assert len(answer.tally.ballots) == len(values)


def test_it_comes_back_from_its_description():
    part = Ranked([Pairs("openai:gpt-4o-mini"), Pairs("fake:a", swap=False)], "copeland", most=5)
    assert build(dump(part), of.Operator) == part


def test_it_tells_a_plan_whom_it_would_ask():
    part = Ranked([Pairs("fake:a"), judge(lambda *_: 1.0)], most=4)
    (pairs, few, often), (_, _, alone) = part._asks(of.Query("q", drafts=drafts(*"abcd")))
    assert (often, alone) == ((0.0, 4.0, 4.0), (0.0, 4.0, 4.0))
    ((_, asked, times),) = pairs._asks(few)
    assert times == (0.0, 2.0, 2.0)
    assert "says a" in asked.text
    assert not any(max(times) for _, _, times in part._asks(of.Query("q", drafts=drafts("a"))))
