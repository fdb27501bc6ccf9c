"""Outcomes fit for learning: graded, clean, and split so that no question stands on both sides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold import Draft, Recording
from onefold.core.errors import ConfigError
from onefold.learn.fit import Fit
from onefold.learn.outcomes import folds, outcomes


def rows(count=30, **more):
    return [
        Draft(str(q), m, "x" if (q + i) % 3 else "y", f"question {q}", expected="x", **more)
        for q in range(count)
        for i, m in enumerate("ab")
    ]


def test_graded_questions_are_counted_and_nothing_is_left_out():
    found = outcomes(Recording(rows()))
    assert (found.labels, found.notes) == (30, ())
    assert found.ballots.score[:2].tolist() == [[0, 1], [1, 1]]
    assert found.ballots.prompts[:2] == ["question 0", "question 1"]


def test_scores_are_kept_and_ungraded_drafts_are_unknown():
    given = [Draft("1", "a", "", score=0.7), Draft("1", "b", "", score=0.2), Draft("2", "a", "x")]
    ballots = outcomes(Recording(given), fewest=0).ballots
    assert np.array_equal(ballots.score, [[0.7, 0.2], [np.nan, np.nan]], equal_nan=True)
    assert ballots.correct.tolist() == [[False, False], [False, False]]  # nothing was said
    assert ballots.codes.tolist() == [[-1, -1], [0, -2]]


def test_costs_and_times_stand_beside_the_scores():
    ballots = outcomes(Recording(rows(usd=0.5, seconds=2.0)), members=["b"]).ballots
    assert (ballots.usd == 0.5).all()
    assert (ballots.seconds == 2.0).all()
    assert ballots.usd.shape == (30, 1)


def test_a_second_draw_is_a_member_of_its_own():
    given = [Draft("1", "a", text, sample=i) for i, text in enumerate("xy")]
    given.append(Draft("2", "a", "z"))
    ballots = outcomes(Recording(given), members=["a", "a#2"], fewest=0).ballots
    assert ballots.codes.tolist() == [[0, 1], [0, -2]]
    assert ballots.keys == [["x", "y"], ["z"]]
    for name in ("a#1", "a#x", "b#2", "#2"):
        with pytest.raises(ConfigError, match="no recorded member"):
            outcomes(Recording(given), members=[name], fewest=0)


def test_what_stands_twice_counts_once_and_what_contradicts_itself_not_at_all():
    given = rows()
    given += [given[0]]  # twice
    given += [Draft("5", "a", given[10].text, "question 5", expected="other")]  # two right answers
    given += [Draft("u", "a", "same", correct=True), Draft("u", "a", "same", correct=False)]
    found = outcomes(Recording(given))
    assert sorted(found.notes) == [
        "1 drafts that stood twice were left out",
        "2 drafts graded both ways were left out",
        "3 drafts of questions with several right answers that differ were left out",
    ]
    assert found.labels == 29
    assert "u" not in found.ballots.queries


def test_a_member_that_is_mostly_absent_is_told():
    given = [d for d in rows() if d.member == "a" or int(d.query_id) % 2]
    assert outcomes(Recording(given)).notes == ("b has no draft for 50% of the questions",)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (rows(10), "10 of 10 questions are graded, and at least 20 are needed.*correct, score"),
        ([Draft(str(i), "a", "x") for i in range(50)], "0 of 50 questions are graded"),
        ([Draft(str(i), "a", "x", correct=True) for i in range(50)], "one class"),
    ],
)
def test_too_little_to_learn_from_is_an_error_that_says_so(given, said):
    with pytest.raises(ConfigError, match=said):
        outcomes(Recording(given))


@given(st.lists(st.sampled_from("abcdefgh"), min_size=8), st.integers(0, 5))
def test_equal_questions_are_never_on_both_sides_of_a_split(prompts, seed):
    prompts += list("abcdefgh")
    tested = []
    for train, test in folds(prompts, 4, seed):
        assert not {prompts[i] for i in train} & {prompts[i] for i in test}
        assert sorted([*train, *test]) == list(range(len(prompts)))
        tested += list(test)
    assert sorted(tested) == list(range(len(prompts)))


def test_folds_need_as_many_questions():
    with pytest.raises(ConfigError, match="2 different questions cannot make 5 folds"):
        list(folds(["a", "b", "a"], 5))


def test_a_fit_gives_its_part_the_path_and_the_hash(tmp_path):
    from onefold.fitted.artifact import Artifact

    made = Fit(Artifact("vote", {}, {}), lambda path, name: (path, name))  # type: ignore[arg-type]
    path, name = made.save(tmp_path / "v.npz")
    assert (path, len(name)) == (str(tmp_path / "v.npz"), 64)


def test_a_missing_cell_written_as_text_abstains_unless_it_is_right():
    given = [
        Draft("1", "a", "…", value="nan", correct=False),
        Draft("1", "b", "nan", value="nan", correct=True),
        Draft("2", "a", "x", value="x", correct=True),
    ]
    found = outcomes(Recording(given), fewest=0)
    assert found.ballots.codes.tolist() == [[-1, 0], [0, -2]]
    assert "1 values 'nan' were taken for drafts nobody could read" in found.notes
