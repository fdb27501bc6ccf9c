"""Seeded chance: spread as declared, the same for the same names, another for others."""

from math import exp, log

import numpy as np
import pytest

from onefold.core.errors import ConfigError
from onefold.providers import chance
from onefold.providers.chance import Latency, normal, uniform
from onefold.providers.sim import Sim

COUNT = 20_000


def test_uniform_numbers_are_spread_evenly_within_zero_and_one():
    drawn = np.array([uniform("test", i) for i in range(COUNT)])
    assert drawn.min() > 0
    assert drawn.max() < 1
    counts, _ = np.histogram(drawn, 20, (0, 1))
    expected = COUNT / 20
    assert ((counts - expected) ** 2 / expected).sum() < 43.8  # chi², 19 degrees, p = 0.001


def test_neighbouring_names_draw_unrelated_numbers():
    drawn = np.array([uniform("test", i) for i in range(COUNT)])
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.03


def test_the_same_names_draw_the_same_number_on_each_machine():
    assert uniform("a", 1, 2.5) == uniform("a", 1, 2.5) == pytest.approx(0.665238057, abs=1e-8)
    assert uniform("ab", "c") != uniform("a", "bc")
    assert uniform("a", 1) == uniform("a", "1")


@pytest.mark.parametrize("byte", [b"\x00", b"\xff"])
def test_no_draw_is_zero_or_one_whatever_the_hash(monkeypatch, byte):
    class Extreme:
        def __init__(self, *_, digest_size):
            self.size = digest_size

        def digest(self):
            return byte * self.size

    monkeypatch.setattr(chance, "blake2b", Extreme)
    assert 0 < uniform("x") < 1
    assert abs(normal("x")) < 10


def test_half_a_character_can_be_drawn_from():
    assert 0 < uniform("\ud800") < 1


def test_normal_numbers_are_standard_normal():
    drawn = np.array([normal("test", i) for i in range(COUNT)])
    assert abs(drawn.mean()) < 0.03
    assert abs(drawn.std() - 1) < 0.02
    assert abs(np.mean(drawn < 1.2815515655) - 0.9) < 0.01


@pytest.mark.parametrize(("sigma", "ratio"), [(0.5, 3.2), (1.0, 10.2)])
def test_latencies_are_log_normal_with_the_percentiles_it_says(sigma, ratio):
    model = Latency(0.4, sigma)
    drawn = np.array([model.seconds(0, "test", i) for i in range(COUNT)])
    p05, p50, p99 = np.percentile(drawn, (5, 50, 99))
    assert p50 == pytest.approx(0.4, rel=0.03)
    assert p99 / p50 == pytest.approx(ratio, rel=0.1)
    assert log(p50 / p05) == pytest.approx(1.645 * sigma, rel=0.05)
    assert np.mean(np.log(drawn)) == pytest.approx(log(0.4), abs=0.03)


def test_without_spread_each_reply_takes_the_median_and_its_tokens():
    assert Latency(0.4, 0.0).seconds(0, "x") == pytest.approx(0.4)
    assert Latency(0.4, 0.0, 0.01).seconds(25, "x") == pytest.approx(0.65)
    assert Latency(0.0, 2.0, 0.01).seconds(10, "x") == pytest.approx(0.1)


def test_a_latency_draw_is_the_exponential_of_its_normal_draw():
    assert Latency(2.0, 0.7).seconds(0, "x") == pytest.approx(2 * exp(0.7 * normal("latency", "x")))


@pytest.mark.parametrize("field", ["median", "sigma", "per_token"])
def test_a_negative_latency_is_refused_where_it_is_configured(field):
    with pytest.raises(ConfigError, match=r"latency: .*>= 0"):
        Sim(latency={field: -1})
