"""A text as steps: nothing is lost, and each knows how it ended."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onefold.steps import Step, steps

WAYS = st.lists(st.sampled_from(["\n", "\n\n", ". ", "ab", "b", " "]), max_size=4)
TEXTS = st.text(alphabet="ab. \n", max_size=40) | st.text(max_size=30)


@settings(max_examples=1000)
@given(TEXTS, WAYS, st.sampled_from(["stop", "length", "until", ""]))
def test_all_steps_together_are_the_text(text, at, finish):
    found = steps(text, finish, at)
    assert "".join(step.text for step in found) == text
    assert all(not step.empty for step in found) or (len(found) == 1 and not text.strip())


@settings(max_examples=1000)
@given(TEXTS, WAYS, st.sampled_from(["stop", "length"]))
def test_only_the_last_step_ends_without_a_separator(text, at, finish):
    found = steps(text, finish, at)
    for step in found[:-1]:
        assert step.ended == "stop"
        assert any(way in step.text for way in at if way)
    for step in found[-1:]:
        assert step.ended in ("stop", "length" if finish == "length" else "end")


@settings(max_examples=300)
@given(st.lists(st.text(alphabet="xyz", min_size=1, max_size=5), min_size=1, max_size=6))
def test_lines_are_steps(lines):
    assert [s.text.rstrip("\n") for s in steps("\n".join(lines))] == lines


@pytest.mark.parametrize(
    ("text", "finish", "found"),
    [
        ("", "stop", ()),
        ("\n \n", "stop", (Step("\n \n", "end"),)),
        ("a", "stop", (Step("a", "end"),)),
        ("a", "length", (Step("a", "length"),)),
        ("a\n", "length", (Step("a\n", "stop"),)),
        ("a\n\nb", "stop", (Step("a\n\n", "stop"), Step("b", "end"))),
        ("\na\n  b", "stop", (Step("\na\n", "stop"), Step("  b", "end"))),
    ],
)
def test_how_a_step_ends_is_known(text, finish, found):
    assert steps(text, finish) == found


def test_of_two_separators_at_one_place_the_longer_counts():
    assert [s.text for s in steps("a\n\nb\nc", at=("\n\n",))] == ["a\n\n", "b\nc"]
    assert [s.text for s in steps("a. b.c", at=(".", ". "))] == ["a. ", "b.", "c"]
