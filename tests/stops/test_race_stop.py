"""The weighted race: enough once a lead in weight is there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onefold.core.answer import Answer, failed
from onefold.core.errors import ConfigError
from onefold.stops.race import Lead
from onefold.verbs import Race


def race(*said):
    return Race(tuple(Answer(str(value), value, name) for name, value in said))


def test_it_is_enough_once_the_leader_is_far_enough_ahead():
    stop = Lead(3.0, {"a": 2.0, "b": 1.5})
    assert not stop.enough(race(("a", "4")))
    assert stop.enough(race(("a", "4"), ("b", "4")))
    assert not stop.enough(race(("a", "4"), ("b", "5")))
    assert not stop.enough(race(("a", "4"), ("b", "5"), ("c", "4")))


def test_draws_of_a_member_have_its_weight_and_others_weigh_one():
    assert Lead(4.0, {"a": 2.0}).enough(race(("a", "4"), ("a#2", "4")))
    assert Lead(2.0).enough(race(("x", "4"), ("y", "4")))


def test_rounding_does_not_keep_a_race_open():
    assert Lead(0.3, {"a": 0.1, "b": 0.2}).enough(race(("a", "4"), ("b", "4")))


def test_failures_and_abstentions_lead_nowhere():
    silent = Race((Answer("?", None, "a"), failed("b", ValueError("no"))))
    assert not Lead(0.5).enough(silent)
    assert not Lead(0.5).enough(Race(()))


@given(st.lists(st.sampled_from("xyz"), max_size=6), st.floats(0.5, 4))
def test_with_equal_weights_it_is_the_lead_in_votes(values, at):
    counts = sorted((values.count(v) for v in "xyz"), reverse=True)
    said = race(*((f"m{i}", value) for i, value in enumerate(values)))
    assert Lead(at).enough(said) == (counts[0] - counts[1] >= at)


@pytest.mark.parametrize("at", [0, -1, "high"])
def test_a_lead_is_more_than_nothing(at):
    with pytest.raises(ConfigError):
        Lead(at)
