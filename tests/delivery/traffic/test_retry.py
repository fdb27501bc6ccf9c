"""Pauses between attempts, and a budget that keeps them from multiplying load."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.delivery.traffic.retry import KEPT, Retry, RetryBudget, pause

DOWN = of.Unreachable("down")


@given(number=st.integers(1, 2000), draw=st.floats(0, 1, exclude_max=True))
def test_the_pause_is_drawn_below_a_bound_that_doubles_up_to_the_cap(number, draw):
    seconds = pause(Retry(attempts=5000, base=0.5, cap=20.0), number, DOWN, draw)
    assert seconds == draw * (20.0 if number > 6 else 0.5 * 2 ** (number - 1))


@given(
    asked=st.floats(-5, 200),
    draw=st.floats(0, 1, exclude_max=True),
    number=st.integers(1, 2),
)
def test_retry_after_is_a_floor_and_beyond_patience_it_is_given_up(asked, draw, number):
    retry = Retry()
    seconds = pause(retry, number, of.RateLimited("busy", retry_after=asked), draw)
    if asked > retry.patience:
        assert seconds is None
    else:
        assert seconds is not None
        assert max(0.0, asked) <= seconds <= max(0.0, asked, 0.5) + 0.5


def test_a_wait_that_is_no_number_is_given_up():
    assert pause(Retry(), 1, of.RateLimited("busy", retry_after=float("nan")), 0.5) is None


@pytest.mark.parametrize("error", [of.Refused("no"), of.ModelError("odd"), of.Unreadable("{")])
def test_what_is_not_retryable_is_not_tried_again(error):
    assert pause(Retry(), 1, error, 0.5) is None


def test_attempts_are_counted_in_all():
    assert [pause(Retry(attempts=3), number, DOWN, 0.5) is None for number in (1, 2, 3)] == [
        False,
        False,
        True,
    ]
    assert pause(Retry(attempts=1), 1, DOWN, 0.5) is None


@given(
    calls=st.integers(0, 3000),
    share=st.sampled_from([0.0, 0.01, 0.1, 0.3, 1.0]),
    spare=st.integers(0, 20),
)
def test_when_everything_fails_load_grows_by_no_more_than_the_share(calls, share, spare):
    budget = RetryBudget(Retry(share=share, spare=spare))
    retries = 0
    for _ in range(calls):
        budget.deposit()
        retries += budget.withdraw() + budget.withdraw()
    assert retries <= calls * share + spare + 1e-6
    assert retries >= min(2 * calls, int(calls * share + spare - 1e-6))


def test_unless_it_is_said_an_outage_of_a_thousand_calls_adds_less_than_a_tenth_to_their_load():
    budget, retries = RetryBudget(), 0
    for _ in range(1000):
        budget.deposit()
        retries += budget.withdraw() + budget.withdraw()
    assert Retry().share == 0.09
    assert retries == 90 + Retry().spare < 100


def test_an_outage_after_long_success_gets_no_more_than_the_last_thousand_calls_saved():
    budget = RetryBudget(Retry(share=0.1, spare=5))
    for _ in range(100_000):
        budget.deposit()
    assert sum(budget.withdraw() for _ in range(1000)) == 5 + KEPT // 10


@pytest.mark.parametrize(
    "wrong", [{"attempts": 0}, {"base": 0.0}, {"share": 1.1}, {"patience": float("nan")}]
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(of.ConfigError, match=next(iter(wrong))):
        Retry(**wrong)
