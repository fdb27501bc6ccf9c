"""When it is enough: exact probabilities, plain rules, and stopping that never changes a winner."""

from math import isclose

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import onefold as of
from onefold.core.answer import failed
from onefold.core.errors import NoAnswer, Refused
from onefold.core.usage import Usage
from onefold.runtime.clock import instantly
from onefold.stops.agreement import lead_beta, lead_dirichlet


def said(value, source="m", confidence=None):
    return of.Answer(str(value or ""), value, source, confidence)


def race(*values, out=(), **more):
    """A race in which these values came; an exception is a failed member."""
    answers = tuple(
        failed(f"m{i}", value) if isinstance(value, Exception) else said(value, f"m{i}")
        for i, value in enumerate(values)
    )
    return of.Race(answers, tuple(out), **more)


@pytest.mark.parametrize(
    ("top", "second", "probability"),
    [
        (0, 0, 0.5),
        (3, 0, 0.9375),
        (4, 0, 0.96875),
        (6, 1, 0.96484375),
        (8, 2, 0.96728515625),
        (5, 5, 0.5),
    ],
)
def test_the_beta_rule_is_exact(top, second, probability):
    assert lead_beta(top, second) == probability


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_beta_rule_is_symmetric_and_grows_with_the_lead(top, second):
    assert isclose(lead_beta(top, second) + lead_beta(second, top), 1.0)
    assert lead_beta(top + 1, second) > lead_beta(top, second) - 1e-15


@pytest.mark.parametrize("counts", [(1, 1), (2, 2, 2), (0, 0, 0, 0), (3, 3, 3, 3, 3)])
def test_equal_counts_are_equally_likely_to_lead(counts):
    assert isclose(lead_dirichlet(counts), 1 / len(counts))


@pytest.mark.parametrize("counts", [(3, 1), (4, 2, 1), (5, 4, 4, 1), (2, 1, 1, 1, 1), (9, 0, 0)])
def test_the_dirichlet_rule_agrees_with_a_monte_carlo(counts):
    draws = np.random.default_rng(7).dirichlet(np.array(counts) + 1.0, 200_000)
    share = float(np.mean(draws.argmax(axis=1) == 0))
    assert lead_dirichlet(counts) == pytest.approx(share, abs=5e-3)


@given(st.integers(0, 30), st.integers(0, 30))
def test_with_two_answers_both_rules_are_the_same(top, second):
    assert isclose(lead_dirichlet((top, second)), lead_beta(top, second), rel_tol=1e-9)


def test_a_single_answer_competes_with_one_that_nobody_gave():
    assert lead_dirichlet((4,)) == lead_dirichlet((4, 0)) == 0.96875


@pytest.mark.parametrize("prior", ["beta", "dirichlet"])
def test_certified_stops_at_the_probability_and_not_before(prior):
    stop = of.Certified(0.95, prior)
    assert not stop.enough(race("a", "a", "a"))
    assert stop.enough(race("a", "a", "a", "a"))
    assert not stop.enough(race("a", "a", "a", "b"))
    assert not stop.enough(race())
    assert not stop.enough(race(None, None, None, None, None))


def test_certified_counts_only_what_was_read():
    noise = (None, Refused("x"), None)
    assert of.Certified().enough(race("a", *noise, "a", "a", "a"))


def test_never_is_never_enough():
    assert not of.Never().enough(race("a", "a", "a"))


def test_first_wants_so_many_answers_that_can_be_read():
    assert not of.First().enough(race(None, Refused("x")))
    assert of.First().enough(race(None, "a"))
    assert not of.First(2).enough(race("a", None))
    assert of.First(2).enough(race("a", "b"))


def test_agree_counts_abstentions_but_no_failures():
    assert of.Agree(0.6).enough(race("a", "a", "b"))
    assert not of.Agree(0.7).enough(race("a", "a", None))
    assert of.Agree(0.7).enough(race("a", "a", Refused("x")))
    assert of.Agree(0.7).enough(race(*["a"] * 7, *["b"] * 3)), "a share of exactly 0.7"


def test_agree_wants_its_least_replies_and_no_tie():
    assert not of.Agree().enough(race("a"))
    assert of.Agree(least=1).enough(race("a"))
    assert not of.Agree(0.5).enough(race("a", "b"))
    assert not of.Agree(0.0).enough(race(None, None))


def test_agree_meets_numbers_however_they_are_written():
    assert of.Agree(1.0).enough(race(4, 4.0))


def test_sure_looks_at_stated_confidence_of_what_was_read():
    sure = of.Race((said("a", "x", 0.89), said("b", "y")))
    assert not of.Sure(0.9).enough(sure)
    assert of.Sure(0.89).enough(sure)
    assert not of.Sure(0.5, least=3).enough(sure)
    assert not of.Sure(0.5).enough(of.Race((of.Answer("?", None, "x", 0.99),)))
    assert of.Sure(0.0).enough(of.Race((said("a"),)))


def test_spent_looks_at_each_cap_it_is_given():
    used = Usage(60, 0, 40, 0.5, 3)
    for stop, enough in [
        (of.Spent(usd=0.5), True),
        (of.Spent(usd=0.51), False),
        (of.Spent(tokens=100), True),
        (of.Spent(tokens=101), False),
        (of.Spent(calls=3), True),
        (of.Spent(calls=4), False),
        (of.Spent(seconds=2.0), True),
        (of.Spent(seconds=2.5), False),
        (of.Spent(usd=9, calls=3), True),
    ]:
        assert stop.enough(race("a", usage=used, seconds=2.0)) is enough


def test_an_unknown_price_counts_as_spent():
    assert of.Spent(usd=100).enough(race("a", usage=Usage(usd=None)))
    assert not of.Spent(calls=9).enough(race("a", usage=Usage(usd=None)))


def test_any_of_wants_one_and_all_of_wants_all():
    both = race("a", "a")
    assert of.AnyOf(["never", "first"]).enough(both)
    assert not of.AllOf(["never", "first"]).enough(both)
    assert of.AllOf([{"first": 2}, {"agree": 1.0}]).enough(both)
    assert of.Panel(["fake:a"], stop=["never", "first"]).stop == of.AnyOf((of.Never(), of.First()))


def test_a_stop_of_one_s_own_is_asked_like_any_other():
    @of.stop
    def test_stops_two(race):
        return len(race.answers) >= 2

    panel = of.Panel(["fake:a"] * 5, stop="test_stops_two", stagger=float("inf"))
    assert instantly(panel("q")).usage.calls == 2


def test_the_race_knows_total_and_replies():
    r = race("a", None, Refused("x"), out=("y", "z"))
    assert r.total == 5
    assert len(r.replies) == 2


def test_decided_waits_for_everyone_where_the_vote_cannot_count():
    r = race("a", "a", "a", vote=of.Model("fake:x"))
    assert not of.Decided().enough(r)


@pytest.mark.parametrize(
    ("votes", "out", "enough"),
    [
        (["a", "a", "a"], 2, True),
        (["a", "a"], 2, False),
        (["a", "a", "b"], 1, False),
        (["a", "a", "a", "b"], 1, True),
        (["a", None], 1, False),
        ([None, None], 1, False),
        ([None], 0, True),
    ],
)
def test_decided_is_enough_once_the_rest_cannot_change_the_winner(votes, out, enough):
    r = race(*votes, out=[f"o{i}" for i in range(out)], vote=of.Majority())
    assert of.Decided().enough(r) is enough


values = st.sampled_from(["a", "b", "c", None, "fail"])
shares = st.sampled_from([None, 0.0, 0.1, 0.3, 0.5, 0.9, 1.0])
policies = st.sampled_from(["count", "ignore"])
ties = st.sampled_from(["first", "confident", "smallest", "cheapest"])
leasts = st.sampled_from([0.0, 0.0, 0.3, 0.5, 0.51, 2 / 3, 1.0])
heavy = st.sampled_from([0.0, 0.1, 0.2, 0.3, 1.0, 2.5])
scales = st.dictionaries(st.sampled_from([f"m{i}" for i in range(7)]), heavy)
votes = st.one_of(
    st.builds(of.Majority, ties, policies, leasts),
    st.builds(of.Weighted, scales, ties, policies, leasts),
    st.builds(of.Best, ties, leasts),
    st.builds(of.Unanimous, policies),
)


def verdict(vote, drafts):
    """The winner's key, or None where there is no answer; counting never waits, so no loop."""
    try:
        vote.answer(of.Query("q", drafts=tuple(drafts))).send(None)
    except StopIteration as done:
        return done.value.tally.winner
    except NoAnswer:
        return None
    raise AssertionError("a vote that counts waited for something")


@st.composite
def races(draw):
    count = draw(st.integers(1, 7))
    drafts = [
        failed(f"m{i}", Refused("x"))
        if (value := draw(values)) == "fail"
        else said(value, f"m{i}", draw(shares))
        for i in range(count)
    ]
    order = draw(st.permutations(range(count)))
    return drafts, order


@settings(max_examples=1500)
@given(races(), votes)
def test_decided_never_changes_the_verdict_whoever_comes_fails_or_abstains(race, vote):
    drafts, order = race
    final = verdict(vote, [d for d in drafts if d.error is None])
    for came in range(1, len(drafts) + 1):
        seen = sorted(order[:came])
        now = tuple(drafts[i] for i in seen)
        out = tuple(drafts[i].source for i in range(len(drafts)) if i not in seen)
        if of.Decided().enough(of.Race(now, out, vote)):
            assert verdict(vote, [d for d in now if d.error is None]) == final
            break


@settings(max_examples=150)
@given(
    races(),
    st.one_of(
        st.builds(of.Majority, ties, policies), st.builds(of.Weighted, scales, ties, policies)
    ),
)
def test_a_panel_that_stops_when_decided_gives_the_winner_of_one_that_never_stops(race, vote):
    drafts, order = race
    members = {}
    for i, draft in enumerate(drafts):
        fake = of.Fake(
            (draft.text or " ",),
            seconds=(float(order.index(i) + 1),),
            error="Refused" if draft.error else "",
            confidence=draft.confidence,
        )
        members[draft.source] = of.Model("m", provider=fake)
    try:
        whole = instantly(of.Panel(members, vote)("q"))
    except NoAnswer:
        return
    early = instantly(of.Panel(members, vote, stop="decided")("q"))
    assert early.tally.winner == whole.tally.winner
    assert early.usage.calls <= whole.usage.calls + sum(d.error is not None for d in drafts)
