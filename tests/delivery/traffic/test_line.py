"""What a session holds for one deployment, and its settings as they stand in a configuration."""

import msgspec
import pytest

import onefold as of
from onefold.delivery.traffic.breaker import Breaking
from onefold.delivery.traffic.fleet import Fleet
from onefold.delivery.traffic.hedge import Hedging
from onefold.delivery.traffic.limits import Limits
from onefold.delivery.traffic.line import Line
from onefold.delivery.traffic.retry import Retry


def test_a_guard_without_settings_is_not_there():
    line = Line()
    assert line.limiter is line.gate is line.retries is line.breaker is line.hedge is None
    assert line.used == line.expected == of.Usage()


def test_each_guard_follows_its_settings_and_the_hedge_shares_the_latencies():
    line = Line(Limits(requests=1, concurrency=2), Retry(spare=0), Breaking(), Hedging(least=1))
    assert line.limiter.admit(5, 0.0)
    assert not line.limiter.admit(5, 0.0)
    assert line.gate.limit == 2
    assert not line.retries.withdraw()
    assert line.breaker.state(0.0) == "closed"
    line.latencies.saw(2.0)
    assert line.hedge.delay() == 2.0


@pytest.mark.parametrize("kind", [Limits, Retry, Breaking, Hedging])
def test_settings_come_from_plain_values_and_go_back_to_them(kind):
    assert msgspec.convert(msgspec.to_builtins(kind()), kind) == kind()


def test_settings_that_do_not_fit_each_other_are_refused_from_plain_values_too():
    with pytest.raises(of.ConfigError, match="concurrency=9"):
        msgspec.convert({"concurrency": 9, "most": 5}, Limits)
    with pytest.raises(of.ConfigError, match="comes twice"):
        msgspec.convert({"name": "f", "of": ["a", "a"]}, Fleet)
    with pytest.raises(msgspec.ValidationError, match="failures"):
        msgspec.convert({"failures": 3.0}, Breaking)
