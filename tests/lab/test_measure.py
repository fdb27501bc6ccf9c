"""Numbers of a run: worked out by hand with numpy, and nothing breaks where there is nothing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold import Answer, Failure, Outcome, Usage, by_member, statistics
from onefold.core.tally import wilson
from onefold.lab.measure import right


def leaf(source="m", value="a", usd=0.0, seconds=1.0, error=None, tokens=(0, 0)):
    failure = Failure(error, "…") if error else None
    usage = Usage(tokens[0], 0, tokens[1], usd, 1)
    return Answer(value or "", value, source, usage=usage, seconds=seconds, error=failure)


def outcome(name, answer, correct=None, expected=None):
    return Outcome(name, f"prompt {name}", answer, expected, correct)


def panelled(*drafts, rule="majority"):
    """What a panel of those drafts would answer."""
    replies = [d for d in drafts if d.error is None]
    vote = of.build(rule)
    if not replies:
        return Answer(source="panel", drafts=drafts, error=Failure("NoAnswer", "…"))
    tally = vote.count(replies)
    usage = sum((d.usage for d in drafts), Usage())
    seconds = max(d.seconds for d in drafts)
    return Answer(tally.winner, tally.winner, "panel", tally=tally, drafts=drafts, usage=usage,
                  seconds=seconds)  # fmt: skip


times = st.floats(0, 1e4)


@given(st.lists(times, min_size=1, max_size=60))
def test_percentiles_interpolate_linearly_as_crucible_and_numpy_do(seconds):
    got = statistics(outcome(str(i), leaf(seconds=s)) for i, s in enumerate(seconds))

    def crucible(p):
        ordered = sorted(seconds)
        place = p / 100 * (len(ordered) - 1)
        low, high = math.floor(place), math.ceil(place)
        return ordered[low] + (place - low) * (ordered[high] - ordered[low])

    for p, value in ((50, got.seconds_p50), (95, got.seconds_p95), (99, got.seconds_p99)):
        assert value == pytest.approx(np.percentile(seconds, p))
        assert value == pytest.approx(crucible(p), abs=1e-9)
    assert got.seconds_mean == pytest.approx(np.mean(seconds))


def test_a_run_in_numbers_by_hand():
    outcomes = [
        outcome("1", panelled(leaf("a", "x", 0.1), leaf("b", "x", 0.2)), True, "x"),
        outcome("2", panelled(leaf("a", "x", 0.1), leaf("b", "y", 0.2)), False, "y"),
        outcome("3", panelled(leaf("a", None, 0.1), leaf("b", "y", 0.2, seconds=3.0))),
        outcome("4", panelled(leaf("a", "", 0.0, error="Refused")), False, "x"),
    ]
    got = statistics(outcomes)
    assert (got.questions, got.answered, got.failed) == (4, 3, 1)
    assert got.success == 0.75
    assert got.accuracy == pytest.approx(1 / 3)
    assert got.interval == wilson(1 / 3, 3)
    assert got.agreement == pytest.approx(np.mean([1.0, 0.5, 0.5]))
    assert got.abstentions == pytest.approx(1 / 6)
    assert got.seconds_mean == pytest.approx(np.mean([1, 1, 3]))
    assert got.usage.usd == pytest.approx(0.9)
    assert got.usd_per_question == pytest.approx(0.9 / 4)
    assert got.usd_per_correct == pytest.approx(0.9)


def test_an_empty_run_is_all_zero_and_nothing_divides_by_it():
    got = statistics([])
    assert (got.questions, got.success, got.agreement, got.abstentions) == (0, 0, 0, 0)
    assert (got.seconds_p50, got.seconds_p99, got.usage) == (0, 0, Usage())
    assert (got.accuracy, got.interval, got.usd_per_correct) == (None, None, None)
    assert by_member([]) == []
    assert "Total Predictions: 0" in of.report(got)


def test_a_run_of_failures_only_has_no_times_and_no_agreement():
    failed = [outcome(str(i), leaf(error="Refused"), False, "x") for i in range(3)]
    got = statistics(failed)
    assert (got.success, got.accuracy, got.agreement, got.seconds_p99) == (0, 0, 0, 0)
    assert got.usd_per_correct is None


def test_an_unknown_price_makes_the_sums_unknown_never_free():
    got = statistics(
        [outcome("1", leaf(usd=0.1), True, "a"), outcome("2", leaf(usd=None), True, "a")]
    )
    assert got.usage.usd is None
    assert got.usd_per_question is None
    assert got.usd_per_correct is None
    assert "unknown" in of.report(got)


def test_free_models_cost_nothing_a_correct_answer():
    got = statistics([outcome("1", leaf(usd=0.0), True, "a")])
    assert (got.usd_per_question, got.usd_per_correct) == (0.0, 0.0)


def test_without_right_answers_there_is_no_cost_of_one():
    assert statistics([outcome("1", leaf(usd=0.5), False, "b")]).usd_per_correct is None


def test_members_are_counted_by_what_became_of_their_drafts():
    first = panelled(leaf("a", "x", 0.1, tokens=(3, 2)), leaf("b", "y"), leaf("c", "x"))
    second = panelled(leaf("a", None, 0.1, 3.0), leaf("b", "y"), leaf("c", error="Cancelled"))
    third = panelled(leaf("a", "z", 0.1), leaf("b", error="Refused"), leaf("c", "z"))
    outcomes = [
        outcome("1", first, True, "x"),
        outcome("2", second, True, "y"),
        outcome("3", third, False, "q"),
    ]
    a, b, c = by_member(outcomes, lambda o: o.expected)
    assert (a.member, a.asked, a.answered, a.abstained, a.failed, a.cancelled) == (
        "a",
        3,
        2,
        1,
        0,
        0,
    )
    assert (b.asked, b.answered, b.failed) == (3, 2, 1)
    assert (c.answered, c.cancelled) == (2, 1)
    assert a.accuracy == pytest.approx(1 / 3)
    assert b.accuracy == pytest.approx(1 / 2)
    assert (a.with_winner, b.with_winner, c.with_winner) == (1.0, 0.5, 1.0)
    assert (a.tokens_in, a.tokens_out) == (3, 2)
    assert a.usd == pytest.approx(0.3)
    assert a.seconds_mean == pytest.approx(5 / 3)


def test_pivotal_counts_questions_that_another_would_have_won_without_the_member():
    outcomes = [
        outcome("1", panelled(leaf("a", "y"), leaf("b", "x"), leaf("c", "x"))),
        outcome("2", panelled(leaf("a", "y"), leaf("b", "x"), leaf("c", "z"))),
        outcome("3", panelled(leaf("a", "x"), leaf("b", "x"), leaf("c", "x"))),
    ]
    pivotal = {m.member: m.pivotal for m in by_member(outcomes)}
    by_hand = {
        name: sum(name in (o.answer.tally.pivotal) for o in outcomes) for name in ("a", "b", "c")
    }
    assert pivotal == by_hand == {"a": 1, "b": 1, "c": 1}


def test_members_are_not_invented_for_questions_nobody_was_asked():
    done = of.run(of.Panel(["fake:a", "fake:b"]), ["q", "", "r"])
    assert [m.member for m in by_member(done)] == ["fake:a", "fake:b"]
    assert [m.asked for m in by_member(done)] == [2, 2]


def test_a_single_model_is_its_own_member_also_where_it_failed():
    broken = of.Model("broken", provider=of.Fake(error="Refused"))
    (row,) = by_member(of.run(broken, ["q", "r"]))
    assert (row.member, row.asked, row.failed) == ("broken", 2, 2)
    (row,) = by_member(of.run(of.Model("fake:a"), ["q", "r"]))
    assert (row.member, row.answered) == ("fake:a", 2)


@pytest.mark.parametrize(
    ("value", "expected", "same"),
    [
        (4.0, 4, True),
        ("4", 4.0, True),
        (0.1 + 0.2, 0.3, True),
        (1e9, 1e9 + 0.5, True),
        (0.0, 1e-12, True),
        (1.0, 1.001, False),
        (True, "true", True),
        (["a", 1.0], ["a", 1], True),
        (None, None, False),
        (None, "x", False),
        ("x", None, False),
    ],
)
def test_right_is_the_same_spelling_or_the_same_number(value, expected, same):
    assert right(value, expected) is same
