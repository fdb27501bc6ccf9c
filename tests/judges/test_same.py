"""Judges of sameness: tolerance, JSON, nearness, entailment; where they cannot tell, they raise."""

import asyncio
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import onefold as of
from onefold.core.spec import build, dump
from onefold.judges.same import Entails, Near, SameJson, SameNumber


def said(value, text=""):
    return of.Answer(text or str(value), value, "m")


def score(judge, one, *others):
    drafts = tuple(other if isinstance(other, of.Answer) else said(other) for other in others)
    one = one if isinstance(one, of.Answer) else said(one)
    return asyncio.run(judge.score(of.Query("q", drafts=drafts), one))


class Letters(of.Encoder, name="test_letters"):
    """Texts as counts of letters."""

    async def encode(self, texts):
        rows = np.array([[text.count(c) for c in "abc"] for text in texts], dtype=float)
        return rows / np.maximum(1e-9, np.linalg.norm(rows, axis=1, keepdims=True))


@pytest.mark.parametrize(
    ("judge", "one", "other", "wanted"),
    [
        (SameNumber(), 3, 3.0, 1),
        (SameNumber(), 3.14, 3.1415, 0),
        (SameNumber(0.01), 3.14, 3.1415, 1),
        (SameNumber(0.01), 0.0, 0.001, 0),
        (SameNumber(0.0, 0.01), 0.0, 0.001, 1),
        (SameNumber(), "1e3", 1000, 1),
        (SameJson(), {"a": 1, "b": [1, 2]}, {"b": [1.0, 2], "a": 1}, 1),
        (SameJson(), '{"a": " Paris "}', {"a": "paris"}, 1),
        (SameJson(), {"a": [1, 2]}, {"a": [2, 1]}, 0),
        (SameJson(ordered=False), {"a": [1, 2]}, {"a": [2, 1]}, 1),
        (SameJson(), {"a": 1, "why": "x"}, {"a": 1, "why": "y"}, 0),
        (SameJson(keys=("a",)), {"a": 1, "why": "x"}, {"a": 1, "why": "y"}, 1),
        (SameJson(relative=0.1), {"a": 100}, {"a": 101}, 1),
        (SameJson(), {"a": True}, {"a": 1}, 0),
        (SameJson(), {"a": None}, {"a": None}, 1),
        (SameJson(), {"a": None}, {"a": 0}, 0),
        (SameJson(), 10**400, 10**400 + 1, 0),
        (Near(Letters(), 0.9), "aab", "aba", 1),
        (Near(Letters(), 0.9), "aab", "bcc", 0),
        (Near(Letters(), 0.9), "", "bcc", 0),
    ],
)
def test_two_answers_are_the_same_or_not(judge, one, other, wanted):
    assert score(judge, one, other) == wanted
    assert score(judge, other, one) == wanted


def test_several_drafts_give_the_share_that_is_the_same():
    assert score(SameNumber(), 4, 4.0, 5, 4, 6) == 0.5
    assert score(Near(Letters(), 0.9), "ab", "ba", "c") == 0.5


@pytest.mark.parametrize("value", ["four", None, True, float("nan"), float("inf"), [4]])
def test_what_is_no_number_cannot_be_compared_as_one(value):
    with pytest.raises(of.Unreadable, match=r"is no number.*reads: number"):
        score(SameNumber(), 4, said(value, "none"))


@pytest.mark.parametrize("text", ["no json", "", "[" * 100_000])
def test_what_is_no_json_cannot_be_compared_as_json(text):
    with pytest.raises(of.Unreadable, match="is no JSON"):
        score(SameJson(), {"a": 1}, of.Answer(text, None, "m"))


@pytest.mark.parametrize(
    "judge", [SameNumber(), SameJson(), Near(Letters(), 0.5), Entails("fake:a")]
)
def test_without_drafts_there_is_nothing_to_compare_with(judge):
    with pytest.raises(of.ConfigError, match=r"compares an answer with query\.drafts"):
        score(judge, 1)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1), st.floats(0, 9))
def test_every_number_is_the_same_as_itself(number, relative, absolute):
    assert score(SameNumber(relative, absolute), number, number) == 1


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


@given(NESTED.filter(lambda value: not isinstance(value, str) and value is not None), NESTED)
def test_sameness_of_json_is_mutual_and_holds_for_oneself(value, other):
    for judge in (SameJson(), SameJson(ordered=False)):
        assert score(judge, value, value) == 1
        if not isinstance(other, str) and other is not None:
            assert score(judge, value, other) == score(judge, other, value)


def entailing(text):
    """A model for which a text entails every shorter one that it begins with."""
    mark = re.findall(r'"mark": "(\w+)"', text)[-1]
    one, other = (
        re.search(rf"\[{name} answer {mark}\]\n(.*?)\n\[end of", text, re.DOTALL)[1]
        for name in ("first", "second")
    )
    relation = "entails" if one.startswith(other) else "neutral"
    return f'{{"mark": "{mark}", "reason": "it does", "relation": "{relation}"}}'


def test_answers_mean_the_same_where_each_entails_the_other():
    judge = Entails(of.Model("llm", provider=entailing))
    assert score(judge, "In Paris", "In Paris") == 1
    assert score(judge, "In Paris, France", "In Paris") == 0
    assert score(judge, "In Paris", "In Paris", "In Paris, France") == 0.5


def test_a_part_for_inference_reads_its_inputs_and_gives_probabilities():
    @of.operator
    def inference(query):
        likely = 0.9 if query.inputs["premise"] > query.inputs["hypothesis"] else 0.6
        return of.Answer("entailment", probs={"entailment": likely, "neutral": 1 - likely})

    assert score(Entails(inference), "b", "a") == 0.6


def test_an_operator_that_gives_no_verdict_is_unreadable():
    with pytest.raises(of.Unreadable, match=r"no verdict.*entails \| neutral \| contradicts"):
        score(Entails("fake:Yes, surely."), "a", "b")


def test_they_come_back_from_their_descriptions():
    for judge in (SameNumber(0.1, 2), SameJson(("a",), 0.1, False), Entails("openai:gpt-4o-mini")):
        assert build(dump(judge), of.Judge) == judge
