"""A breaker counts while closed, refuses while open, and closes only after probes that pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.delivery.traffic.breaker import Breaker, Breaking

BRISK = Breaking(failures=0.5, slow=2.0, slow_share=0.8, least=4, window=10.0, rest=5.0, probes=2)


def opened(now=0.0):
    """A breaker that has just opened."""
    breaker = Breaker(BRISK)
    for _ in range(4):
        breaker.failed(now, breaker.admit(now))
    return breaker


def test_it_opens_at_the_share_of_failures_and_not_before_enough_calls():
    breaker = Breaker(BRISK)
    for _ in range(3):
        breaker.failed(0.0)
    assert breaker.state(0.0) == "closed"
    breaker.passed(0.0, 0.1)
    breaker.failed(0.0)
    assert breaker.state(0.0) == "open"
    assert breaker.wait(1.0) == 4.0
    assert not breaker.admit(4.9)


def test_it_stays_closed_below_the_share():
    breaker = Breaker(BRISK)
    for _ in range(50):
        breaker.passed(0.0, 0.1)
        breaker.passed(0.0, 0.1)
        breaker.failed(0.0)
    assert breaker.state(0.0) == "closed"
    assert breaker.wait(0.0) == 0.0


def test_slow_calls_open_it_too():
    breaker = Breaker(BRISK)
    breaker.passed(0.0, 0.1)
    for _ in range(4):
        assert breaker.state(0.0) == "closed"
        breaker.passed(0.0, 2.1)
    assert breaker.state(0.0) == "open"


def test_without_a_bound_nothing_is_slow():
    breaker = Breaker()
    for _ in range(100):
        breaker.passed(0.0, 1e9)
    assert breaker.state(0.0) == "closed"


def test_what_fell_out_of_the_window_counts_no_more():
    breaker = Breaker(BRISK)
    for _ in range(3):
        breaker.failed(0.0)
    for moment in range(1, 12):
        breaker.passed(float(moment), 0.1)
    assert (breaker.calls, breaker.bad) == (10, 0)
    breaker.passed(1000.0, 0.1)
    assert breaker.calls == 1


def test_probes_that_all_pass_close_it_with_an_empty_window():
    breaker = opened()
    assert breaker.state(5.0) == "half-open"
    first, second = breaker.admit(5.0), breaker.admit(5.0)
    assert first
    assert second
    assert not breaker.admit(5.0)
    assert breaker.wait(5.0) > 0
    breaker.passed(5.5, 0.5, first)
    assert breaker.state(5.5) == "half-open"
    breaker.passed(5.5, 0.5, second)
    assert breaker.state(5.5) == "closed"
    assert breaker.calls == 0


@pytest.mark.parametrize("slow", [False, True])
def test_a_probe_that_fails_or_is_slow_opens_it_for_twice_as_long_up_to_eightfold(slow):
    breaker, now = opened(), 0.0
    for rest in (5.0, 10.0, 20.0, 40.0, 40.0):
        assert breaker.wait(now) == rest
        now += rest
        ticket = breaker.admit(now)
        if slow:
            breaker.passed(now, 9.0, ticket)
        else:
            breaker.failed(now, ticket)
    now += 40.0
    for _ in range(2):
        breaker.passed(now, 0.1, breaker.admit(now))
    assert breaker.state(now) == "closed"
    for _ in range(4):
        breaker.failed(now)
    assert breaker.wait(now) == 5.0


def test_a_cancelled_probe_gives_its_place_back():
    breaker = opened()
    breaker.admit(5.0)
    ticket = breaker.admit(5.0)
    assert not breaker.admit(5.0)
    breaker.released(ticket)
    assert breaker.wait(5.0) == 0.0
    assert breaker.admit(5.0)


def test_outcomes_of_calls_from_before_it_opened_say_nothing_about_the_probes():
    breaker = Breaker(BRISK)
    old = breaker.admit(0.0)
    for _ in range(4):
        breaker.failed(0.0)
    probe = breaker.admit(5.0)
    breaker.failed(5.0, old)
    breaker.released(old)
    breaker.passed(5.0, 0.1, old)
    assert breaker.state(5.0) == "half-open"
    breaker.passed(5.0, 0.1, probe)
    breaker.passed(5.0, 0.1, breaker.admit(5.0))
    assert breaker.state(5.0) == "closed"


def test_outcomes_without_a_probe_out_change_nothing():
    breaker = opened()
    breaker.passed(1.0, 0.1)
    breaker.failed(6.0)
    breaker.released()
    assert breaker.state(6.0) == "half-open"


def test_a_clock_that_starts_anew_blocks_no_longer_than_a_rest():
    breaker = opened(1e6)
    assert breaker.wait(0.0) == 5.0
    assert breaker.admit(5.0)
    closed = Breaker(BRISK)
    closed.failed(1e6)
    for _ in range(4):
        closed.failed(0.0)
    assert closed.state(0.0) == "open"


def test_what_is_told_a_little_late_still_counts():
    breaker = Breaker(BRISK)
    breaker.failed(9.0)
    breaker.failed(8.0)
    assert breaker.calls == 2
    breaker.passed(18.5, 0.1)
    assert breaker.calls == 2


MOVES = st.lists(
    st.tuples(
        st.floats(0, 4), st.sampled_from(["admit", "passed", "slowly", "failed", "released"])
    ),
    max_size=80,
)


@given(moves=MOVES)
def test_it_never_admits_while_open_and_never_more_probes_than_it_may(moves):
    breaker, now, out = Breaker(BRISK), 0.0, []
    for gap, move in moves:
        now += gap
        state, wait = breaker.state(now), breaker.wait(now)
        assert (wait > 0) == (state == "open" or (state == "half-open" and breaker.admitted == 2))
        if move == "admit":
            ticket = breaker.admit(now)
            assert bool(ticket) == (wait == 0)
            if ticket:
                out.append(ticket)
        elif out:
            ticket = out.pop(0)
            if move == "released":
                breaker.released(ticket)
            elif move == "failed":
                breaker.failed(now, ticket)
            else:
                breaker.passed(now, 9.0 if move == "slowly" else 0.1, ticket)
        assert breaker.calls == sum(breaker.calls_in) >= breaker.bad == sum(breaker.bad_in)
        assert 5.0 <= breaker.rest <= 40.0
        probes = [ticket for ticket in out if ticket == breaker.ticket]
        assert breaker.closed or len(probes) == breaker.admitted - breaker.passes <= 2


@pytest.mark.parametrize(
    "wrong",
    [{"failures": 0.0}, {"failures": 1.5}, {"least": 0}, {"rest": -1.0}, {"window": float("nan")}],
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(of.ConfigError, match=next(iter(wrong))):
        Breaking(**wrong)
