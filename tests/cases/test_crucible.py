"""Everything that is right about CrucibleEnsemble v0.1.0 holds here: its own cases, played."""

from __future__ import annotations

from typing import Any

import pytest
from crucible import listed, played

FEW = {"gemini_flash": (0.1, 0.3), "openai_gpt4": (30.0, 60.0), "anthropic_opus": (15.0, 75.0)}


def replies(*said: str, **more: Any) -> list[dict[str, Any]]:
    """Members m1, m2, … that say this."""
    return [{"model": f"m{i}", "response": text, **more} for i, text in enumerate(said, 1)]


def case(area: str, given: Any, expected: Any, **options: Any) -> dict[str, Any]:
    """A case of our own."""
    return {"area": area, "input": given, "options": options, "expected": expected}


OURS = {
    "two of three win, told by the first of them": case(
        "vote",
        replies("4", "4", "5"),
        {"answer": "4", "consensus": 2 / 3, "votes": {"4": 2, "5": 1}, "selected_model": "m1"},
        strategy="majority",
    ),
    "case and outer space do not count": case(
        "vote", replies("YES", " yes"), {"answer": "yes", "consensus": 1.0}, strategy="majority"
    ),
    "a tie goes to the smallest text": case(
        "vote", replies("10", "9"), {"answer": "10", "consensus": 0.5}, strategy="majority"
    ),
    "a tie goes to the smallest number": case(
        "vote",
        replies("10", "9"),
        {"answer": 9.0, "consensus": 0.5},
        strategy="majority",
        normalization="numeric",
    ),
    "without confidence everyone weighs the same": case(
        "vote", replies("b", "a"), {"scores": {"a": 1, "b": 1}}, strategy="weighted"
    ),
    "the first of the most confident wins": case(
        "vote",
        replies("z", "a", confidence=0.9),
        {"answer": "z", "consensus": 0.9},
        strategy="best_confidence",
    ),
    "two who differ are not unanimous": case(
        "vote",
        replies("4", "5", "4"),
        {"ok": False, "error": {"unique_answers": 2, "frequencies": {"4": 2, "5": 1}}},
        strategy="unanimous",
    ),
    "nobody said anything": case(
        "vote", [], {"ok": False, "error": "no_responses"}, strategy="majority"
    ),
    "one by one stops once enough agree": case(
        "execution",
        {"a": "X", "b": "X", "c": "Y"},
        {"answer": "x", "consensus": 1.0, "calls": 2},
        execution="sequential",
    ),
    "one by one goes on while too few agree": case(
        "execution",
        {"a": "X", "b": "Y", "c": "X"},
        {"consensus": 2 / 3, "calls": 3},
        execution="sequential",
    ),
    "failures do not count in the stop": case(
        "execution",
        {"a": "<fails>", "b": "X", "c": "X", "d": "Y"},
        {"calls": 3, "successes": 2, "failures": 1},
        execution="sequential",
    ),
    "a cascade asks as many as it must": case(
        "execution",
        {"a": "X", "b": "Y", "c": "Z"},
        {"answer": "x", "consensus": 0.5, "calls": 2},
        execution="cascade",
        confidence_threshold=0.0,
        min_models=2,
    ),
    "an empty panel is refused": case(
        "execution", {}, {"raises": "ArgumentError"}, execution="parallel", models=[]
    ),
    "money is a number": case("normalize", "Cost: $1,234.56", 1234.56, normalization="numeric"),
    "the first number is read": case("normalize", "3+3=6", 3.0, normalization="numeric"),
    "words are no number": case("normalize", "many", None, normalization="numeric"),
    "yes is true": case("normalize", "Yes, indeed", True, normalization="boolean"),
    "perhaps is neither": case("normalize", "Perhaps no", None, normalization="boolean"),
    "JSON is found in a fence": case(
        "normalize", 'So:\n```json\n{"b": [1]}\n```', {"b": [1]}, normalization="json"
    ),
    "what is no JSON stays a text": case("normalize", "{oops", "{oops", normalization="json"),
    "texts are alike letter by letter": case(
        "normalize", ["kitten", "sitting"], 4 / 7, function="text_similarity"
    ),
    "a thousand tokens in and out are charged": case(
        "pricing",
        {"model": "openai_gpt4o", "usage": {"input_tokens": 1000, "output_tokens": 1000}},
        0.0125,
        function="calculate_cost",
    ),
    "percentiles interpolate": case(
        "metrics",
        [{"duration_us": 1000}, {"duration_us": 2000}],
        {"p50_latency_ms": 1.5, "p95_latency_ms": 1.95, "success_rate": 100.0},
        function="aggregate_stats",
    ),
}
OURS |= {
    f"{name} costs what it did": case(
        "pricing",
        name,
        {"input_per_1m": tokens_in, "output_per_1m": tokens_out},
        function="get_prices",
    )
    for name, (tokens_in, tokens_out) in FEW.items()
}


def agrees(got: Any, expected: Any, tolerance: float = 1e-12) -> None:
    """Whether what came is what was expected, as far as something was."""
    if isinstance(expected, dict) and "contains" in expected:
        assert [line for line in expected["contains"] if line not in got] == []
    elif isinstance(expected, dict) and isinstance(got, dict):
        if isinstance(expected.get("error"), dict):
            expected = {**expected, **expected["error"], "error": got["error"]}
        if isinstance(expected.get("error"), list):
            reason, named = expected["error"]
            assert repr(named) in got["message"]
            expected = {**expected, "error": reason}
        for key, value in expected.items():
            agrees(got[key], value, tolerance)
    elif isinstance(expected, float):
        assert got == pytest.approx(expected, rel=tolerance, abs=tolerance)
    else:
        assert got == expected
        assert isinstance(got, bool) == isinstance(expected, bool)


@pytest.mark.parametrize("given", listed("crucible.json"))
def test_a_case_of_crucible_s_comes_out_as_it_did(given):
    agrees(played(given), given["expected"], given["options"].get("tolerance", 1e-12))


@pytest.mark.parametrize("given", OURS.values(), ids=OURS)
def test_a_case_in_our_own_words_comes_out_as_it_should(given):
    agrees(played(given), given["expected"])
