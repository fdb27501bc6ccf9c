"""A recording as a board: who says the same, who is right, what it costs, and who stays out."""

import numpy as np
import pytest
from msgspec import structs
from pools import pool

import onefold as of
from onefold.core.errors import ConfigError
from onefold.lab.tuning.ground import ground


def changed(recording, change):
    """The recording with each draft as a function gives it; None leaves one out."""
    return of.Recording(kept for draft in recording if (kept := change(draft)) is not None)


def test_a_board_tells_who_says_the_same_who_is_right_and_what_it_costs():
    recording = pool(60)
    board, reader, notes = ground(recording, None, "number")
    ballots = of.Ballots(recording, "number")
    assert board.members == ("small", "medium", "large")
    assert board.questions == 60
    assert reader == of.Number()
    assert notes == ()
    for one in range(3):
        for other in range(3):
            equal = ballots.codes[:, one] == ballots.codes[:, other]
            assert (board.same[one, other] == equal).all()
    np.testing.assert_allclose(board.score, ballots.score.T)
    np.testing.assert_allclose(board.usd, ballots.usd.T, rtol=1e-6)


def test_drafts_that_cannot_be_read_agree_with_nobody_and_missing_ones_cost_nothing():
    recording = pool(200, blank=0.3, absent=0.2)
    board, _, _ = ground(recording, None, "number")
    ballots = of.Ballots(recording, "number")
    kept = [ballots.queries.index(name) for name in board.ids]
    codes = ballots.codes[kept].T
    for one in range(3):
        assert not board.same[one][:, codes[one] < 0].any()
    assert (board.usd[codes == -2] == 0).all()
    assert (board.score[codes < 0] == 0).all()


def test_further_draws_become_members_of_their_own():
    board, _, _ = ground(pool(60, draws=2), None, "number")
    assert board.members == ("small", "small#2", "medium", "medium#2", "large", "large#2")


def test_who_has_no_price_or_is_mostly_absent_is_left_out_and_named():
    def change(draft):
        if draft.member == "large":
            return structs.replace(draft, usd=None)
        late = int(draft.query_id[1:]) > 20
        return None if draft.member == "medium" and late else draft

    board, _, notes = ground(changed(pool(), change), None, "number")
    assert board.members == ("small",)
    assert "left out, as nobody knows what they cost: large" in notes
    assert "left out, as they answered less than half: medium" in notes


def test_nobody_to_search_among_is_an_error_with_the_way_out():
    def priceless(draft):
        return structs.replace(draft, usd=None)

    with pytest.raises(ConfigError, match="--prices"):
        ground(changed(pool(), priceless), None, "number")
    with pytest.raises(ConfigError, match="120 drafts of small cost"):
        ground(changed(pool(), priceless), ["small"], "number")


def test_too_few_grades_are_an_error():
    with pytest.raises(ConfigError, match="at least 50 are needed"):
        ground(pool(49), None, "number")
    ungraded = changed(pool(), lambda draft: structs.replace(draft, expected=None))
    with pytest.raises(ConfigError, match="0 of 120 questions are graded"):
        ground(ungraded, None, "number")


def test_questions_that_are_graded_in_part_are_left_out_and_counted():
    def graded(draft):
        unknown = draft.member == "large" and int(draft.query_id[1:]) < 30
        right = draft.text.endswith(f" {draft.expected}")
        return structs.replace(draft, expected=None, correct=None if unknown else right)

    board, _, notes = ground(changed(pool(), graded), None, "number")
    assert 90 <= board.questions < 120  # where another one said the same, its grade holds
    assert (
        f"{120 - board.questions} questions whose drafts are not all graded are left out" in notes
    )


@pytest.mark.parametrize("graded", ["by expected", "by expected and correct", "by value"])
def test_the_reader_is_found_that_reads_as_the_recording_does(graded):
    def told(draft):
        number = draft.text.rpartition(" ")[2]
        if graded == "by expected":
            return draft
        if graded == "by value":
            return structs.replace(draft, value=number)
        return structs.replace(draft, correct=number == str(draft.expected))

    _, reader, notes = ground(changed(pool(), told), None, None)
    assert reader == of.Number()
    assert "answers are read by number" in notes[0]


def test_where_no_reader_comes_near_that_is_said():
    chance = np.random.default_rng(0)

    def told(draft):
        return structs.replace(
            draft, correct=bool(chance.random() < 0.5), text="what " + draft.text
        )

    _, reader, notes = ground(changed(pool(), told), None, None)
    assert reader is None
    assert "name the reader that makes them comparable (--reads)" in notes[-1]


def test_plain_answers_need_no_reader():
    def plain(draft):
        number = draft.text.rpartition(" ")[2]
        return structs.replace(draft, text=number, correct=number == str(draft.expected))

    _, reader, notes = ground(changed(pool(), plain), None, None)
    assert reader is None
    assert notes == ()
