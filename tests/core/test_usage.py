"""Usage adds up like a monoid in which unknown money stays unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.core.usage import NOTHING, dollars, estimated_tokens

counts = st.integers(0, 10**9)
# eighths of a dollar add up without rounding, so that the laws hold to the last bit
money = st.one_of(st.none(), st.integers(0, 10**6).map(lambda n: n / 8))
usages = st.builds(of.Usage, counts, counts, counts, money, counts, st.booleans())


@given(usages, usages, usages)
def test_adding_is_associative(a, b, c):
    assert (a + b) + c == a + (b + c)


@given(usages, usages)
def test_adding_is_commutative(a, b):
    assert a + b == b + a


@given(usages)
def test_nothing_is_neutral_on_both_sides(a):
    assert a + of.Usage() == of.Usage() + a == NOTHING + a == a + NOTHING == a


@given(usages, usages)
def test_an_unknown_price_absorbs_and_a_known_one_adds_up(a, b):
    total = (a + b).usd
    assert total is None if a.usd is None or b.usd is None else total == a.usd + b.usd


@given(st.lists(usages, max_size=8))
def test_a_sum_counts_everything_and_remembers_any_estimate(parts):
    total = sum(parts, of.Usage())
    assert total.tokens == sum(part.tokens_in + part.tokens_out for part in parts)
    assert total.calls == sum(part.calls for part in parts)
    assert total.estimated == any(part.estimated for part in parts)


def test_a_price_is_per_million_tokens_and_per_call():
    price = of.Price(2.0, 10.0, call=0.5)
    assert price.usd(of.Usage(1_000_000, 0, 100_000, calls=2)) == 2.0 + 1.0 + 1.0


def test_cached_tokens_cost_their_own_price_or_the_usual_one():
    usage = of.Usage(1_000_000, 400_000, 0)
    assert of.Price(2.0, 0.0).usd(usage) == 2.0
    assert of.Price(2.0, 0.0, tokens_cached=0.5).usd(usage) == pytest.approx(0.6 * 2 + 0.4 * 0.5)
    assert of.Price(2.0, 0.0, tokens_cached=0.0).usd(usage) == pytest.approx(1.2)


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("field", ["tokens_in", "tokens_out", "tokens_cached", "call"])
def test_a_price_that_is_no_amount_of_money_is_refused(field, bad):
    with pytest.raises(of.ConfigError, match=field):
        of.Price(**{"tokens_in": 1.0, "tokens_out": 1.0, field: bad})


@pytest.mark.parametrize(
    ("usd", "said"),
    [
        (None, "price unknown"),
        (0, "$0.00"),
        (1.5, "$1.50"),
        (0.25, "$0.25"),
        (0.000012, "$0.000012"),
    ],
)
def test_money_is_told_with_as_many_digits_as_it_needs(usd, said):
    assert dollars(usd) == said


def test_usage_reads_as_one_line():
    assert str(of.Usage(10, 0, 2, 0.25, 1)) == "$0.25 · 1 call · 10+2 tokens"
    assert str(of.Usage(calls=2, usd=None)) == "price unknown · 2 calls · 0+0 tokens"


@given(st.text(max_size=200))
def test_an_estimate_is_at_least_one_token_and_grows_with_the_text(text):
    assert 1 <= estimated_tokens(text) <= estimated_tokens(text + "four")
