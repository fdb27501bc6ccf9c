"""How sure a model was of its words."""

import asyncio
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.judges.tokens import Tokens, divergence

SURE = of.Token("a", log(0.9), {"a": log(0.9), "b": log(0.05), "c": log(0.05)})
TORN = of.Token("b", log(0.4), {"a": log(0.4), "b": log(0.4), "c": log(0.2)})


def score(measure, *tokens):
    answer = of.Answer("x", source="m", tokens=tokens)
    return asyncio.run(Tokens(measure).score(of.Query("?"), answer))


def test_each_measure_says_what_it_is_called():
    assert score("perplexity", SURE, TORN) == pytest.approx((0.9 * 0.4) ** 0.5)
    assert score("mean", SURE, TORN) == pytest.approx(0.65)
    assert score("minimum", SURE, TORN) == pytest.approx(0.4)


def test_self_certainty_is_the_divergence_from_a_uniform_choice():
    shares = (0.9, 0.05, 0.05)
    expected = sum(log(1 / 3 / share) / 3 for share in shares)
    assert score("certainty", SURE) == pytest.approx(1 - exp(-expected))
    uniform = of.Token("a", log(0.25), {"b": log(0.25), "c": log(0.25), "d": log(0.25)})
    assert score("certainty", uniform) == pytest.approx(0.0)
    assert score("certainty", SURE) > score("certainty", SURE, TORN) > score("certainty", TORN)


def test_what_was_not_recorded_is_unreadable_and_says_what_to_ask_for():
    with pytest.raises(of.Unreadable, match="logprobs: 0 on its model"):
        score("mean")
    with pytest.raises(of.Unreadable, match="logprobs: 5 or more"):
        score("certainty", of.Token("a", -0.1))


@given(st.lists(st.floats(-700, 0), min_size=2, max_size=20))
def test_a_divergence_is_never_below_nothing(logprobs):
    assert divergence(logprobs) >= 0.0


@given(st.lists(st.floats(-1e4, 0), min_size=1, max_size=50))
def test_every_measure_is_a_share(logprobs):
    tokens = [of.Token("a", each, {"b": -1.0}) for each in logprobs]
    for measure in ("perplexity", "mean", "minimum", "certainty"):
        assert 0.0 <= score(measure, *tokens) <= 1.0
