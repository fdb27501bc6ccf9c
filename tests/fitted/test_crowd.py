"""The crowd's posterior, skills with and without grades, and what members have in common."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.fitted.votes.crowd import (
    Board,
    accuracies,
    clear,
    completions,
    gatherings,
    graded_skills,
    off_diagonal,
    posterior,
    relations,
    scatter,
    skills_of,
    ungraded_skills,
    voters,
)

BOARDS = st.lists(st.lists(st.integers(-1, 3), min_size=4, max_size=4), min_size=1, max_size=5).map(
    lambda lines: Board.of(np.array(lines))
)
SKILLS = st.lists(st.floats(-3, 3), min_size=4, max_size=4).map(np.array)


def crowd(seed: int, skills: np.ndarray, questions: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Codes (0 is right) and grades of members with these skills, wrong answers among eight."""
    draw = np.random.default_rng(seed)
    odds = skills - 1.5 * draw.normal(size=(questions, 1))
    right = draw.random(odds.shape) < 1 / (1 + np.exp(-odds))
    codes = np.where(right, 0, draw.integers(1, 9, odds.shape))
    return codes, right.astype(float)


def test_without_difficulty_the_posterior_is_bayes_rule_by_hand():
    skills, theta = np.array([0.4, -0.2, 1.1]), 2.0
    p = 1 / (1 + np.exp(-skills))
    first = p[0] * p[1] * (1 - p[2])
    second = (1 - p[0]) * (1 - p[1]) * p[2] * 1 / (theta + 1)
    none = np.prod(1 - p) * theta / ((theta + 1) * (theta + 2))
    wanted = np.array([first, second, none])
    found = np.exp(posterior(Board.of(np.array([[0, 0, 1]])), skills, 0.0, theta))[0]
    assert found == pytest.approx(wanted / wanted.sum())


def test_the_ways_in_which_wrong_answers_gather_have_probability_one():
    ways = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 1, 2]])
    assert np.exp(gatherings(Board.of(ways), 2.5)[:, -1]).sum() == pytest.approx(1.0)


@given(BOARDS, SKILLS, st.floats(0.1, 20))
def test_each_question_may_have_its_own_concentration(board, skills, theta):
    mixed = np.full(len(board.codes), 3.0)
    mixed[-1] = theta
    found = posterior(board, skills, concentration=mixed)
    assert found[-1:] == pytest.approx(posterior(board, skills, 1.5, theta)[-1:])
    assert found[:-1] == pytest.approx(posterior(board, skills, 1.5, 3.0)[:-1])


def test_wrong_answers_scatter_as_the_root_of_their_length():
    lengths = np.log1p(np.array([[3, 3, 99], [15, 15, 99], [0, 0, 0]]))
    voted = np.array([[True, True, False], [True, True, False], [False, False, False]])
    assert scatter(lengths, voted) / scatter(lengths, voted)[2] == pytest.approx([2.0, 4.0, 1.0])


@given(BOARDS, SKILLS, st.floats(0, 3), st.floats(0.1, 20))
def test_the_posterior_is_a_distribution_over_what_was_said_and_none(board, skills, spread, theta):
    found = np.exp(posterior(board, skills, spread, theta))
    assert found.sum(axis=1) == pytest.approx(np.ones(len(found)))
    assert not found[:, :-1][board.sums() == 0].any()


@given(BOARDS, SKILLS, st.permutations(range(4)))
def test_the_posterior_knows_no_order_of_members(board, skills, order):
    moved = Board(board.codes[:, list(order)], board.width)
    same = posterior(moved, skills[list(order)])
    assert np.exp(same) == pytest.approx(np.exp(posterior(board, skills)))


@given(BOARDS, st.permutations(range(4)))
def test_some_members_have_a_board_of_their_own(board, order):
    some = list(order)[:3]
    small = board.among(some)
    for old, new in zip(board.codes[:, some], small.codes, strict=True):
        assert ((new < 0) == (old < 0)).all()
        for one in range(3):
            both = (old >= 0) & (old[one] >= 0)
            assert ((new == new[one]) == (old == old[one]))[both].all()
    named = [line[line >= 0] for line in small.codes]
    assert all(list(dict.fromkeys(line)) == sorted(set(line)) for line in named)


def test_who_agrees_with_better_members_is_believed():
    board = Board.of(np.array([[0, 1, 1]]))
    expert, equal = np.array([4.0, 0.0, 0.0]), np.zeros(3)
    assert posterior(board, expert)[0].argmax() == 0
    assert posterior(board, equal)[0].argmax() == 1


def test_graded_skills_come_near_the_true_ones():
    true = np.array([-1.0, 0.0, 0.5, 1.5, 3.0])
    _, right = crowd(3, true, 2000)
    found = graded_skills(right, np.ones(right.shape, bool))
    assert found == pytest.approx(true, abs=0.25)


def test_few_grades_keep_members_together_and_perfect_ones_finite():
    right = np.ones((5, 3))
    right[:, 2] = 0
    found = graded_skills(right, np.ones((5, 3), bool))
    assert np.isfinite(found).all()
    assert found[0] == pytest.approx(found[1], abs=1e-2)
    assert 0 < found[0] - found[2] < 5


def test_a_draft_that_nobody_graded_says_nothing_of_its_member():
    _, right = crowd(5, np.array([1.0, 1.0]), 400)
    known = np.ones(right.shape, bool)
    known[:, 1] = False
    found = graded_skills(right, known, around=np.array([0.0, 2.0]))
    assert found[1] - found[0] == pytest.approx(2.0, abs=0.2)


def test_without_grades_agreement_tells_who_is_good():
    true = np.random.default_rng(1).normal(0.5, 1.0, 12)
    codes, _ = crowd(7, true)
    found = ungraded_skills(Board.of(codes), None, 1.2)
    assert np.corrcoef(found, true)[0, 1] > 0.95


def test_knowledge_from_elsewhere_steadies_a_small_crowd_without_grades():
    true = np.array([2.0, 0.0, -1.0])
    codes, _ = crowd(9, true, 200)
    found = ungraded_skills(Board.of(codes), true)
    assert list(np.argsort(-found)) == [0, 1, 2]


def test_shares_and_skills_are_two_names_of_one_thing():
    shares = np.array([0.1, 0.5, 0.93])
    assert accuracies(skills_of(shares)) == pytest.approx(shares, abs=1e-3)
    assert np.isfinite(skills_of(np.array([0.0, 1.0]))).all()


def test_members_that_copy_count_as_one_voter():
    codes, right = crowd(11, np.zeros(3))
    copied = np.array([0, 0, 0])
    known = np.ones(right.shape, bool)
    same, alike = relations(right[:, copied], known, codes[:, copied])
    assert voters(same) == pytest.approx(1.0)
    assert off_diagonal(alike) == pytest.approx(np.full(3, 1 - right[:, 0].mean()))
    apart, differ = relations(right, known, codes)
    assert 1.0 < voters(apart) < 3.0
    assert off_diagonal(differ).max() < off_diagonal(alike).min()


def test_one_member_is_one_voter_and_a_constant_one_correlates_with_nobody():
    assert voters(np.ones((1, 1))) == 1.0
    right = np.array([[1.0, 1.0], [1.0, 0.0]])
    related, _ = relations(right, np.ones((2, 2), bool), np.where(right > 0, 0, 1))
    assert related[0, 1] == 0.0


def test_every_way_in_which_members_may_still_vote_is_tried_up_to_a_limit():
    ways = completions(np.array([0, 1, -1]), 1)
    assert sorted(ways[:, 3].tolist()) == [-1, 0, 1, 2]
    assert (ways[:, :3] == [0, 1, -1]).all()
    assert completions(np.array([0, 1, 2]), 9) is None
    assert clear(np.array([[0.5, 0.5], [0.6, 0.4]])).tolist() == [False, True]
    assert clear(np.array([[0.5]])).all()
