"""The confidence that an answer states, in its fields or in its words."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.judges.stated import Stated, stated


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("42\nConfidence: 85%", 0.85),
        ("**Confidence:** 0.8", 0.8),
        ('{"answer": 4, "confidence": 0.65}', 0.65),
        ("My confidence is 8/10.", 0.8),
        ("confidence score: 75 / 100", 0.75),
        ("Confidence (0-100): 90", 0.9),
        ("Confidence: 85", 0.85),
        ("Confidence = 1", 1.0),
        ("I am about 70% sure.", 0.7),
        ("99.5 percent certain", 0.995),
        ("Confidence: 20% at first. Then, confidence: 60%.", 0.6),
    ],
)
def test_what_models_write_is_read(text, share):
    assert stated(text) == pytest.approx(share)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42",
        "The 95% confidence interval is 3 to 4.",
        "confidence interval: 0.3",
        "I am confident: 42 is right.",
        "Confidence: high",
        "Confidence: 5",
        "Confidence: 120%",
        "confidence: 12/10",
    ],
)
def test_what_is_no_confidence_or_could_be_two_is_not_read(text):
    assert stated(text) is None
    with pytest.raises(of.Unreadable, match="ask for a last line"):
        asyncio.run(Stated().score(of.Query("?"), of.Answer(text, source="m")))


def test_a_field_goes_before_words():
    answer = of.Answer("Confidence: 20%", confidence=0.9)
    assert asyncio.run(Stated().score(of.Query("?"), answer)) == 0.9


@given(st.text(alphabet="confidence :=.%/0159\n(", max_size=200))
def test_any_text_gives_a_share_or_nothing(text):
    found = stated(text)
    assert found is None or 0.0 <= found <= 1.0


def test_a_long_text_is_read_at_once():
    assert stated("confidence " * 50_000 + "(" * 50_000 + "Confidence: 5%") == 0.05
