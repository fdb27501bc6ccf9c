"""The delay of second attempts follows the latencies, and their number stays a share of calls."""

from math import exp, log
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import onefold as of
from onefold.delivery.traffic.hedge import (
    COARSE,
    FINE,
    KEPT,
    SAVED,
    SPENDING,
    STALE,
    Hedge,
    Hedging,
    Latencies,
)

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


def test_quantiles_are_taken_anew_every_so_many_latencies():
    latencies = Latencies()
    for _ in range(KEPT):
        latencies.saw(1.0)
    assert latencies.quantile(0.99) == 1.0
    for _ in range(STALE - 1):
        latencies.saw(9.0)
    assert latencies.quantile(0.99) == 1.0
    latencies.saw(9.0)
    assert latencies.quantile(0.99) == 9.0
    assert STALE <= KEPT // 8


def test_the_delay_is_known_once_enough_replies_were_seen():
    hedge = Hedge(Hedging(quantile=0.9, least=20))
    for seconds in range(19):
        hedge.latencies.saw(float(seconds))
        hedge.passed()
        assert hedge.delay() is None
    hedge.latencies.saw(19.0)
    assert hedge.delay() == pytest.approx(11.0 * exp(-COARSE * 0.1))


def test_a_delay_that_is_given_stays():
    hedge = Hedge(Hedging(after=0.5))
    for _ in range(50):
        hedge.latencies.saw(9.0)
        hedge.passed()
        assert hedge.delay() == 0.5


@given(
    quantile=st.sampled_from([None, 0.5, 0.95]),
    extra=st.sampled_from([0.0, 0.05, 1.0]),
    late=st.lists(st.booleans(), max_size=200),
)
def test_the_delay_grows_with_each_late_call_and_shrinks_by_the_share_that_is_meant(
    quantile, extra, late
):
    hedge = Hedge(Hedging(quantile=quantile, extra=extra, least=1))
    hedge.latencies.saw(2.0)
    share = SPENDING * extra if quantile is None else 1 - quantile
    for number, passed in enumerate(late, 1):
        steps = sum(late[: number - 1]) - share * number
        assert hedge.delay() == pytest.approx(2.0 * exp(COARSE * steps))
        if passed:
            hedge.passed()


@pytest.mark.parametrize(("extra", "first"), [(0.0, 100.0), (0.05, 78.0), (0.5, 50.0), (1.0, 50.0)])
def test_the_delay_starts_early_since_it_rises_faster_than_it_sinks(extra, first):
    hedge = Hedge(Hedging(extra=extra, least=100))
    for seconds in range(100, 0, -1):
        hedge.latencies.saw(float(seconds))
    assert hedge.delay() == pytest.approx(first * exp(-COARSE * SPENDING * extra))


@given(
    extra=st.sampled_from([0.0, 0.01, 0.05, 0.5, 1.0]),
    after=st.sampled_from([None, 0.0, 1.0]),
    wants=st.lists(st.integers(0, 2), max_size=500),
)
@example(extra=0.1, after=None, wants=[0] * 10)
def test_there_are_never_more_second_attempts_than_their_share_and_one_where_the_delay_is_given(
    extra, after, wants
):
    hedge = Hedge(Hedging(extra=extra, after=after))
    spare = int(after is not None and extra > 0)
    made = hedge.withdraw()
    assert made == spare
    for calls, want in enumerate(wants, 1):
        hedge.deposit()
        made += sum(hedge.withdraw() for _ in range(want))
        assert made <= extra * calls + spare + 1e-6
    made += sum(hedge.withdraw() for _ in range(len(wants)))
    assert made == int(extra * len(wants) + spare + 1e-6), "and no fewer"


def test_no_more_is_saved_up_than_a_thousand_calls_bring():
    hedge = Hedge(Hedging(extra=0.05))
    for _ in range(10 * SAVED):
        hedge.deposit()
    assert sum(hedge.withdraw() for _ in range(SAVED)) == 1 + SAVED * 0.05


class Calls:
    """What came of calls made one after the other, the loser of two cancelled.

    heard: whether `latencies` are told of the losers.
    late, doubled: shares of the calls that were out at the delay, and that had a second attempt.
    alone, took: seconds, of the first attempts and of the calls.
    """

    def __init__(self, hedge, draw, calls, heard=True):
        self.alone, self.took = [], []
        late = doubled = 0
        for _ in range(calls):
            first = seconds = draw()
            hedge.deposit()
            delay = hedge.delay()
            if delay is not None and first > delay:
                late += 1
                hedge.passed()
                if hedge.withdraw():
                    doubled += 1
                    second = draw()
                    seconds = min(first, delay + second)
                    if heard:
                        hedge.latencies.saw_at_least(seconds - (delay if seconds == first else 0))
            hedge.latencies.saw(first if seconds == first else seconds - delay)
            self.alone.append(first)
            self.took.append(seconds)
        self.late, self.doubled = late / calls, doubled / calls


def lognormal(sigma, seed=7):
    """Draws times around one second."""
    chance = Random(seed)
    return lambda: chance.lognormvariate(0.0, sigma)


@pytest.mark.parametrize("heard", [True, False])
@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.0])
def test_second_attempts_use_up_their_share_whether_or_not_the_losers_are_heard(sigma, heard):
    seen = Calls(Hedge(), lognormal(sigma), 20_000, heard)
    assert seen.late == pytest.approx(SPENDING * 0.05, abs=0.002)
    assert 0.049 < seen.doubled <= 0.05


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.99])
def test_a_quantile_that_is_asked_for_is_found(quantile):
    settings = Hedging(quantile=quantile, extra=0.0)
    assert Calls(Hedge(settings), lognormal(1.0), 20_000).late == pytest.approx(
        1 - quantile, abs=0.003
    )


def test_the_delay_follows_a_service_that_becomes_ten_times_slower_and_back():
    hedge = Hedge()
    for times in (1.0, 10.0, 1.0):
        draw = lognormal(0.3)
        Calls(hedge, lambda times=times, draw=draw: times * draw(), 2000)
        assert hedge.delay() == pytest.approx(times * exp(0.3 * 1.6), rel=0.3)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_slowest_hundredth_is_halved_for_a_twentieth_more_calls(seed):
    chance = Random(seed)

    def draw():
        return chance.lognormvariate(log(0.2), 0.3) * (10 if chance.random() < 0.05 else 1)

    seen = Calls(Hedge(), draw, 60_000)
    p99 = int(0.99 * 60_000)
    assert sorted(seen.took)[p99] <= 0.5 * sorted(seen.alone)[p99]
    assert seen.doubled <= 0.05


def test_a_shared_window_is_told_once():
    latencies = Latencies()
    hedge = Hedge(Hedging(least=2), latencies)
    for seconds in (1.0, 2.0):
        assert hedge.delay() is None
        latencies.saw(seconds)
    assert hedge.latencies is latencies
    assert latencies.seen == 2
    assert hedge.delay() is not None


def test_unless_it_is_said_the_delay_is_learned_from_the_share_of_extra_calls():
    assert Hedging() == Hedging(after=None, quantile=None, extra=0.05, least=20)


@pytest.mark.parametrize("wrong", [{"after": -1.0}, {"quantile": 1.0}, {"extra": 2.0}])
def test_nonsense_is_refused(wrong):
    with pytest.raises(of.ConfigError, match=next(iter(wrong))):
        Hedging(**wrong)


def test_steps_become_smaller_with_the_calls_and_stay_large_enough_to_follow():
    hedge = Hedge(Hedging(least=1))
    hedge.latencies.saw(1.0)
    steps = [hedge.step for _ in range(5000) if hedge.delay()]
    assert steps[0] == COARSE
    assert steps == sorted(steps, reverse=True)
    assert steps[-1] == FINE
