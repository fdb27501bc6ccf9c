"""How process reward models want steps: golden texts, by hand, from their cards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.query import Message
from onefold.markers.conventions import CONVENTIONS, share

QUESTION = "Ann has 3 cups and buys 4. How many?"
STEPS = ("She has 3+4=7 cups.", "The answer is 7.")


def turns(name):
    return [(t.role, t.content) for t in CONVENTIONS[name].turns(QUESTION, STEPS)]


def test_qwen_puts_a_token_after_each_step_under_its_own_system_prompt():
    assert turns("qwen") == [
        ("system", "Please reason step by step, and put your final answer within \\boxed{}."),
        ("user", "Ann has 3 cups and buys 4. How many?"),
        ("assistant", "She has 3+4=7 cups.<extra_0>The answer is 7.<extra_0>"),
    ]


def test_math_shepherd_numbers_its_steps_and_ends_each_with_its_tag():
    assert turns("shepherd") == [
        ("user", "Ann has 3 cups and buys 4. How many?"),
        ("assistant", "Step 1: She has 3+4=7 cups. ки\nStep 2: The answer is 7. ки"),
    ]
    assert CONVENTIONS["shepherd"].written(QUESTION, STEPS) == (
        "Ann has 3 cups and buys 4. How many? "
        "Step 1: She has 3+4=7 cups. ки\nStep 2: The answer is 7. ки"
    )
    said = CONVENTIONS["shepherd"].turns("?", ["Step 1: So 7."])[-1]
    assert said == Message("assistant", "Step 1: So 7. ки")


def test_rlhflow_speaks_in_turns_with_the_question_in_the_first():
    assert turns("rlhflow") == [
        ("user", "Ann has 3 cups and buys 4. How many? She has 3+4=7 cups."),
        ("assistant", "+"),
        ("user", "The answer is 7."),
        ("assistant", "+"),
    ]


def test_skywork_writes_a_line_a_step():
    assert turns("skywork")[-1] == ("assistant", "She has 3+4=7 cups.\nThe answer is 7.\n")
    assert CONVENTIONS["skywork"].written(QUESTION, ["One\nstep."]) == (
        "Ann has 3 cups and buys 4. How many?\nOne step.\n"
    )


@pytest.mark.parametrize(
    ("name", "numbers", "marks"),
    [
        ("qwen", [0.1, 0.9, 0.75, 0.25], [0.9, 0.25]),
        ("shepherd", [0.9, 0.1, 0.25, 0.75], [0.9, 0.25]),
        ("skywork", [0.9, 0.25], [0.9, 0.25]),
        ("skywork", [0.5, 0.5, 0.9, 0.25], [0.9, 0.25]),  # two lines of the question first
    ],
)
def test_marks_stand_where_each_puts_them(name, numbers, marks):
    assert CONVENTIONS[name].marks(numbers, 2) == pytest.approx(marks)


def test_raw_rewards_become_shares():
    assert CONVENTIONS["qwen"].marks([0.0, 2.0, 900.0, -900.0], 2, raw=True) == pytest.approx(
        [0.880797, 0.0]
    )
    assert CONVENTIONS["shepherd"].marks([2.0, 0.0], 1, raw=True) == pytest.approx([0.880797])
    assert CONVENTIONS["skywork"].marks([2.0, -900.0], 2, raw=True) == pytest.approx([0.880797, 0])


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("qwen", [0.1, 0.9, 0.5]),
        ("qwen", [0.1, 0.9]),
        ("qwen", [0.1, 0.9] * 3),
        ("qwen", [2.0, -1.0, 0.1, 0.9]),
        ("shepherd", []),
        ("skywork", [0.5]),
    ],
)
def test_what_does_not_fit_is_an_error(name, numbers):
    with pytest.raises(ValueError):
        CONVENTIONS[name].marks(numbers, 2)


@given(st.lists(st.text(alphabet="abc\n ", min_size=1).filter(str.strip), min_size=1, max_size=5))
def test_each_step_has_one_tag(steps):
    for way in CONVENTIONS.values():
        said = "".join(t.content for t in way.turns("q", [s.strip() for s in steps]))
        assert said.count(way.tag) == len(steps)


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_two_shares_make_one(good, bad):
    assert 0 <= share(good, bad) <= 1
    assert share(good, bad) + share(bad, good) == pytest.approx(1)
