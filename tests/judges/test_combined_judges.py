"""Several judges at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.core.spec import build, dump
from onefold.functions import FunctionJudge
from onefold.judges.combine import Least, Mean, Median
from onefold.judges.reward import Reward
from onefold.runtime.clock import instantly
from onefold.verbs import Judge

SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=7)


def says(share):
    """A judge that says a share, or fails with an error."""

    async def call(query, answer):
        if isinstance(share, Exception):
            raise share
        return share

    return FunctionJudge(call)


async def one_draft(judge):
    return await of.Panel(["fake:a"], judge=judge)("?")


def score(judge):
    return instantly(one_draft(judge)).drafts[0].confidence


@given(SHARES)
def test_the_strictest_the_median_and_the_mean_lie_among_what_was_said(shares):
    judges = [says(share) for share in shares]
    low, middle, mean = score(Least(judges)), score(Median(judges)), score(Mean(judges))
    assert low == min(shares)
    assert low <= middle <= max(shares)
    assert mean == pytest.approx(sum(shares) / len(shares))


@given(SHARES.flatmap(lambda shares: st.permutations(shares)), st.randoms())
def test_the_order_of_judges_says_nothing(shares, chance):
    other = list(shares)
    chance.shuffle(other)
    for kind in (Mean, Median, Least):
        found = [score(kind([says(share) for share in order])) for order in (shares, other)]
        assert found[0] == pytest.approx(found[1])


def test_weights_count():
    assert score(Mean([says(1.0), says(0.0)], (3, 1))) == pytest.approx(0.75)


def test_a_failing_judge_is_skipped_or_fails_by_the_named_policy():
    judges = [says(of.Unreadable("prose")), says(0.5)]
    assert score(Mean(judges)) == 0.5
    assert score(Median(judges)) == 0.5
    for judge in (Mean(judges, failing="fail"), Least(judges)):
        with pytest.raises(of.NoAnswer, match="Unreadable: prose"):
            score(judge)
    with pytest.raises(of.NoAnswer, match="no judge could say anything: prose; gone"):
        score(Mean([says(of.Unreadable("prose")), says(of.TimedOut("gone"))]))
    with pytest.raises(of.NoAnswer, match="without weight"):
        score(Mean(judges, (1, 0)))


def test_a_score_outside_its_range_is_a_failure_and_names_the_judge():
    with pytest.raises(of.NoAnswer, match="judge function scored 7"):
        score(Least([says(7.0), says(0.5)]))


def test_what_is_no_models_failure_goes_through():
    with pytest.raises(of.ConfigError, match="mine"):
        score(Mean([says(of.ConfigError("mine")), says(0.5)]))


def test_judges_work_at_the_same_time_and_stand_on_the_trace():
    panels = [of.Model(n, provider=of.Fake(("0.5",), seconds=(2.0,))) for n in "abc"]
    seen = []

    async def run():
        judge = Mean([Reward(panel) for panel in panels])
        with of.Session(listeners=[lambda phase, span, *_: seen.append((phase, span.verb))]):
            return await of.Panel(["fake:a"], judge=judge)("?")

    answer = instantly(run())
    assert answer.seconds == pytest.approx(2.0)
    assert answer.usage.calls == 4
    assert seen.count(("stop", "score")) == 4  # the mean and the three


def test_they_come_back_from_yaml():
    text = "mean:\n  judges:\n  - stated\n  - tokens: certainty\n  weights: [0.25, 0.75]"
    judge = build(text, Judge)
    assert build(dump(judge), Judge) == judge
    assert judge.weights == (0.25, 0.75)


@pytest.mark.parametrize("kind", [Mean, Median, Least])
def test_nothing_cannot_be_combined(kind):
    with pytest.raises(of.ConfigError, match="needs judges"):
        kind([])


def test_there_is_a_weight_a_judge():
    with pytest.raises(of.ConfigError, match="1 weights for 2 judges"):
        Mean(["stated", "tokens"], (1.0,))
    with pytest.raises(of.ConfigError, match="at least one above 0"):
        Mean(["stated"], (0.0,))
