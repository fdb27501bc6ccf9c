"""What learns as it goes hears every outcome once, in order."""

import onefold as of
from onefold.core.answer import Answer
from onefold.experience.drift import Missed
from onefold.experience.experience import KEPT, Experience


def add(experience, count, start=0):
    for number in range(start, start + count):
        leaf = Answer("x", "x", "m", asked=f"{number}?")
        experience.add(leaf, 1.0)


def test_each_outcome_is_heard_once_and_in_order():
    experience = Experience()
    add(experience, 3)
    heard, rows = experience.since(0)
    assert (heard, [row.prompt for row in rows]) == (3, ["0?", "1?", "2?"])
    add(experience, 2, 3)
    heard, rows = experience.since(heard)
    assert (heard, [row.prompt for row in rows]) == (5, ["3?", "4?"])
    assert experience.since(heard) == (5, [])


def test_of_many_outcomes_the_latest_are_kept():
    experience = Experience()
    for number in range(KEPT + 10):
        experience._take(of.Draft(f"{number}", "m", "", f"{number}?", score=1.0))
    heard, rows = experience.since(0)
    assert heard == KEPT + 10
    assert len(rows) == KEPT
    assert rows[-1].prompt == f"{KEPT + 9}?"


def test_what_a_doubt_allows_is_no_surprise():
    sure, unsure = Missed(), Missed()
    alarms = [(sure.add(0.0, 0.7), unsure.add(0.0, 0.7, doubt=0.65)) for _ in range(60)]
    assert any(first for first, _ in alarms)
    assert not any(second for _, second in alarms)
