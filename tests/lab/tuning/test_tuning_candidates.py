"""Candidates played as numbers come to what their panels come to when they are asked."""

import numpy as np
import pytest
from pools import SKILLS, pool

from onefold.lab.bench.bench import bench
from onefold.lab.tuning.candidates import Lineup, Race, lineup_of, lineups, noticed, play
from onefold.lab.tuning.ground import ground
from onefold.lab.tuning.recipe import operator_of, said


@pytest.mark.parametrize(("seed", "draws"), [(0, 1), (1, 2)])
def test_every_kind_of_candidate_comes_to_what_its_panel_comes_to(seed, draws):
    skills = {**SKILLS, "other": (0.7, 0.002)} if draws == 1 else SKILLS
    absent = 0.05 if draws == 1 else 0.0  # a replay draws again where a draw is missing
    recording = pool(60, skills, seed, absent=absent, blank=0.1, draws=draws)
    board, reader, _ = ground(recording, None, "number")
    played = play(board, lineups(board, np.arange(board.questions)))
    chance = np.random.default_rng(seed)
    kinds = {}
    for place in chance.permutation(len(played.made)):
        lineup, rule = played.made[place]
        even = len(set(lineup.weights)) == 1
        kinds.setdefault((len(lineup.order), str(rule), even), int(place))
    places = list(kinds.values())
    panels = {str(place): operator_of(played.candidate(place), reader) for place in places}
    found = {}
    for row in bench(panels, recording=recording, reads="number"):
        found.setdefault(row.system, {})[row.question] = (row.score or 0.0, row.usd or 0.0)
    for place in places:
        asked = np.array([found[str(place)][name] for name in board.ids])
        name = said(played.candidate(place))
        np.testing.assert_allclose(played.score[place], asked[:, 0], err_msg=name)
        np.testing.assert_allclose(played.usd[place], asked[:, 1], rtol=1e-5, err_msg=name)


def test_draws_are_asked_in_their_order_and_none_without_those_before_it():
    board, _, _ = ground(pool(60, draws=3), None, "number")
    for lineup in lineups(board, np.arange(board.questions)):
        names = [board.members[one] for one in lineup.order]
        for name in SKILLS:
            draws = [each for each in names if each.partition("#")[0] == name]
            assert draws == [name, f"{name}#2", f"{name}#3"][: len(draws)]


def test_many_members_are_narrowed_to_those_that_nobody_beats_and_the_best():
    right = np.linspace(0.3, 0.9, 20, dtype=np.float32)
    usd = np.concatenate([np.arange(10, 0, -1), np.arange(11, 21)]).astype(np.float32)
    kept = noticed(right, usd)
    assert len(kept) == 9
    assert kept == sorted(kept, key=lambda one: usd[one])
    assert {19, 18, 17} <= set(kept)  # the best, and each the cheapest of its quality


def test_line_ups_never_look_at_questions_that_are_left_out():
    recording = pool(100)
    board, _, _ = ground(recording, None, "number")
    rows = np.arange(60)
    before = lineups(board, rows)
    board.score[:, 60:] = 1.0 - board.score[:, 60:]
    assert lineups(board, rows) == before


def test_effort_counts_calls_and_adds_the_time_of_members_asked_in_turn():
    board, _, _ = ground(pool(60), None, "number")
    played = play(board, lineups(board, np.arange(60)))
    for place in range(len(played.made)):
        candidate = played.candidate(place)
        race = Race(board, [lineup_of(board, candidate)])
        calls, seconds = race.effort(board, candidate.rule)
        together = candidate.rule.lead == np.inf
        assert 1 <= calls <= len(candidate.members)
        assert seconds == pytest.approx(1.0 if together else calls)


def test_equal_votes_go_to_the_answer_named_first():
    board, _, _ = ground(pool(60), None, "number")
    race = Race(board, [Lineup((0, 1), (1.0, 1.0))])
    differ = ~board.same[0, 1]
    assert differ.any()
    np.testing.assert_allclose(race.led[1][0, differ], board.score[0, differ])
