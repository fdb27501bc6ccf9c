"""The delay of second attempts follows the latencies, and their number stays a share of calls."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.delivery.traffic.hedge import KEPT, Hedge, Hedging, Latencies

TIMES = st.lists(st.floats(0, 100), min_size=1, max_size=60)


@given(times=TIMES, share=st.floats(0.01, 0.99))
def test_a_quantile_has_its_share_of_the_latencies_at_or_below_it(times, share):
    latencies = Latencies()
    for seconds in times:
        latencies.saw(seconds)
    found = latencies.quantile(share)
    assert found in times
    assert sum(seconds <= found for seconds in times) >= share * len(times) - 1e-6
    assert sum(seconds < found for seconds in times) <= share * len(times) + 1e-6
    assert latencies.mean == pytest.approx(sum(times) / len(times))
    assert len(latencies) == latencies.seen == len(times)


def product_limit(times, cuts, share):
    """The first time at which the Kaplan-Meier estimate of survival is down to 1 - share."""
    survival = 1.0
    for moment in sorted(set(times)):
        at_risk = sum(t >= moment for t in times) + sum(cut >= moment for cut in cuts)
        survival *= 1 - times.count(moment) / at_risk
        if survival <= 1 - share + 1e-9:
            return moment
    return max(*times, *cuts)


@given(
    times=st.lists(st.integers(0, 20).map(float), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 20).map(lambda cut: cut + 0.5), min_size=1, max_size=20),
    share=st.sampled_from([0.1, 0.5, 0.77, 0.95]),
)
def test_calls_that_were_given_up_count_as_kaplan_and_meier_say(times, cuts, share):
    latencies = Latencies()
    for seconds in times:
        latencies.saw(seconds)
    for seconds in cuts:
        latencies.saw_at_least(seconds)
    assert latencies.quantile(share) == product_limit(times, cuts, share)


def test_nothing_is_known_before_the_first_reply():
    latencies = Latencies()
    latencies.saw_at_least(1.0)
    assert latencies.quantile(0.5) is latencies.median is latencies.mean is None
    latencies.saw(3.0)
    assert latencies.median == 3.0


def test_only_the_last_latencies_count():
    latencies = Latencies()
    for _ in range(KEPT):
        latencies.saw(9.0)
    latencies.saw_at_least(50.0)
    for _ in range(KEPT + 1):
        latencies.saw(1.0)
    assert len(latencies) == KEPT
    assert latencies.quantile(0.999) == latencies.mean == 1.0


def test_the_delay_is_known_once_enough_replies_were_seen():
    hedge = Hedge(Hedging(quantile=0.9, least=20))
    for seconds in range(19):
        hedge.saw(float(seconds))
        assert hedge.delay() is None
    hedge.saw(19.0)
    assert hedge.delay() == 17.0
    assert Hedge(Hedging(after=0.5)).delay() == 0.5


@given(extra=st.sampled_from([0.0, 0.01, 0.05, 0.5, 1.0]), calls=st.integers(0, 500))
def test_there_are_never_more_second_attempts_than_their_share_and_one(extra, calls):
    hedge = Hedge(Hedging(extra=extra))
    made = hedge.withdraw()
    for _ in range(calls):
        hedge.deposit()
        made += hedge.withdraw() + hedge.withdraw()
    assert made <= extra * calls + 1 + 1e-6
    assert extra or not made


def wanting(sigma, heard, calls=20_000):
    """The share of calls that want a second attempt, when the loser of the two is cancelled."""
    hedge, wanted, draw = Hedge(Hedging()), 0, Random(7)
    for _ in range(calls):
        first, second = draw.lognormvariate(0.0, sigma), draw.lognormvariate(0.0, sigma)
        delay = hedge.delay()
        if delay is None or first <= delay:
            hedge.saw(first)
            continue
        wanted += 1
        if first <= delay + second:
            hedge.saw(first)
            lost = first - delay
        else:
            hedge.saw(second)
            lost = delay + second
        if heard:
            hedge.saw_at_least(lost)
    return wanted / calls


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.0])
def test_cancelled_losers_keep_second_attempts_at_the_share_that_is_meant(sigma):
    assert 0.045 < wanting(sigma, True) < 0.055


def test_without_the_cancelled_losers_the_delay_would_sink():
    assert wanting(2.0, False) > 0.07


def test_a_shared_window_is_told_once():
    latencies = Latencies()
    hedge = Hedge(latencies=latencies)
    latencies.saw(1.0)
    hedge.saw(2.0)
    assert hedge.latencies.seen == 2


@pytest.mark.parametrize("wrong", [{"after": -1.0}, {"quantile": 1.0}, {"extra": 2.0}])
def test_nonsense_is_refused(wrong):
    with pytest.raises(of.ConfigError, match=next(iter(wrong))):
        Hedging(**wrong)
