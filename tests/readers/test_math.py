"""The math reader."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onefold.core.errors import MissingExtra
from onefold.core.query import Query
from onefold.readers.math import Math

QUERY = Query("What is x?")


@pytest.fixture(autouse=True)
def extra(request):
    if "without" not in request.node.name:
        pytest.importorskip("math_verify", reason="the extra `math` is not installed")


@pytest.mark.parametrize(
    "texts",
    [
        ["1/2", "0.5", "$\\frac{2}{4}$", "The answer is \\boxed{\\frac12}", "50\\%"],
        ["x^2+2x+1", "$(x+1)^2$", "\\boxed{1 + 2x + x^2}"],
        ["$\\sqrt{8}$", "2\\sqrt{2}", '{"answer": "$2\\\\sqrt{2}$"}'],
        ["1/\\sqrt{2}", "\\frac{\\sqrt2}{2}"],
        ["$x = 5$", "5", "The answer is 5."],
        ["\\{1, 2\\}", "\\{2, 1\\}"],
    ],
)
def test_equal_expressions_meet(texts):
    assert len({Math().read(text, QUERY) for text in texts}) == 1
    assert Math().read(texts[0], QUERY) is not None


def test_different_expressions_stay_apart():
    texts = ["x+1", "x-1", "$[0, 1)$", "$[0, 1]$", "1/2", "1/3", "\\pi", "\\boxed{\\text{none}}"]
    assert len({Math().read(text, QUERY) for text in texts}) == len(texts)


@pytest.mark.parametrize("text", ["", "no formula here", "\\frac{1}{0}", None, 5])
def test_what_is_no_expression_abstains(text):
    assert Math().read(text, QUERY) is None


@pytest.mark.parametrize(
    "text",
    [
        "$9^{9^{9}}$",
        "$2^{10000000000}$",
        "$99999999!$",
        "$\\binom{100000000}{5000000}$",
        "$((a+b+c+d)^{12}+1)^{12}$",
        "(" * 100_000,
        "\\frac{" * 100_000,
        "x^" * 300 + "2",
    ],
)
def test_what_would_take_for_ever_abstains(text):
    assert Math().read(text, QUERY) is None


def test_it_reads_in_worker_threads():
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda text: Math().read(text, QUERY), ["1/2", "0.5"])) == ["1/2"] * 2


def test_without_the_extra_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "math_verify", None)
    with pytest.raises(MissingExtra, match=r"onefold\[math\]"):
        Math().read("1", QUERY)


@settings(max_examples=50)
@given(st.text("0123456789x+-*/^(){}$\\ ", max_size=30))
def test_no_text_raises(text):
    assert isinstance(Math().read(text, QUERY), str | None)
