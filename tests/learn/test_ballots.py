"""Vote rules over a whole recording: matrices say what the panel's own votes would say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import onefold as of
from onefold import Answer, Ballots, Draft, Majority, Plain, Query, Recording, Weighted
from onefold.core.errors import ConfigError
from onefold.core.tally import spell, wilson

NAMES = ["ann", "bob", "cyd", "dan", "eve"]
VALUES = ["x", "y", "z", "", " "]
WEIGHTS = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.7, 1.0, 2.5])


@st.composite
def recordings(draw):
    """A few questions, a few members; some abstain, some are absent, some state confidence."""
    rows = []
    for question in range(draw(st.integers(1, 5))):
        expected = draw(st.none() | st.sampled_from(VALUES[:3]))
        for name in draw(st.permutations(NAMES)):
            if draw(st.integers(0, 4)) == 0:
                continue
            text = draw(st.sampled_from(VALUES))
            confidence = draw(st.none() | WEIGHTS.filter(lambda w: w <= 1))
            rows.append(Draft(str(question), name, text, expected=expected, confidence=confidence))
    rows += [Draft("last", name, "x") for name in NAMES]
    return Recording(rows)


def drafts_of(recording, question, members):
    """A question's drafts as a panel of those members would have them, in their order."""
    made = []
    for name in members:
        held = recording.index.get((name, question))
        if held:
            value = Plain().read(held[0].text, Query("?"))
            made.append(Answer(held[0].text, value, name, confidence=held[0].confidence))
    return made


def check(recording, members, weights, abstentions, part):
    ballots = Ballots(recording, Plain())
    verdict = ballots.vote(members, weights, abstentions)
    for row, question in enumerate(ballots.queries):
        drafts = drafts_of(recording, question, members)
        tally = part.count(drafts)
        if tally.winner is None:
            assert verdict.winners[row] == -1
            assert verdict.agreement[row] == 0.0
            assert not verdict.correct[row]
            continue
        said = {
            spell(d.value): ballots.codes[row, ballots.members.index(d.source)]
            for d in drafts
            if d.value is not None
        }
        assert verdict.winners[row] == said[tally.winner]
        assert verdict.agreement[row] == pytest.approx(tally.agreement)
        expected = recording.prompts[question].expected
        assert verdict.correct[row] == (expected is not None and tally.winner == expected.strip())


subsets = st.permutations(NAMES).flatmap(
    lambda order: st.integers(1, len(NAMES)).map(lambda count: order[:count])
)
policies = st.sampled_from(["count", "ignore"])


@settings(max_examples=200)
@given(recordings(), subsets, policies)
def test_majorities_are_those_of_the_part(recording, members, abstentions):
    check(recording, members, None, abstentions, Majority(abstentions=abstentions))


@settings(max_examples=200)
@given(
    recordings(), subsets, policies, st.dictionaries(st.sampled_from(NAMES), WEIGHTS, min_size=1)
)
def test_weighted_votes_are_those_of_the_part(recording, members, abstentions, weights):
    part = Weighted(weights=weights, abstentions=abstentions)
    check(recording, members, weights, abstentions, part)


@settings(max_examples=200)
@given(recordings(), subsets, policies)
def test_votes_by_confidence_are_those_of_the_part(recording, members, abstentions):
    check(recording, members, "confidence", abstentions, Weighted(abstentions=abstentions))


def test_members_may_stand_in_any_order_and_ties_go_to_the_first_of_that_order():
    recording = Recording([Draft("1", "a", "x", expected="x"), Draft("1", "b", "y", expected="x")])
    ballots = Ballots(recording, Plain())
    assert ballots.vote(["a", "b"]).accuracy == 1.0
    assert ballots.vote(["b", "a"]).accuracy == 0.0


def test_accuracy_is_each_members_share_of_all_questions():
    rows = [
        Draft("1", "a", "x", expected="x"),
        Draft("2", "a", "x", expected="y"),
        Draft("1", "b", "x", expected="x"),
    ]
    assert Ballots(Recording(rows), Plain()).accuracy() == {"a": 0.5, "b": 0.5}


def test_the_recordings_own_grading_goes_before_what_is_expected():
    rows = [
        Draft("1", "a", "x", expected="x", correct=False),
        Draft("1", "b", "y", expected="x", correct=True),
        Draft("1", "c", "y", expected="x"),
    ]
    ballots = Ballots(Recording(rows), Plain())
    assert ballots.accuracy() == {"a": 0.0, "b": 1.0, "c": 0.0}


def test_without_a_reader_what_was_read_when_it_was_recorded_counts():
    rows = [
        Draft("1", "a", "nonsense", value=4.0, expected="4"),
        Draft("1", "b", " 4", expected="4"),
    ]
    recorded, read = Ballots(Recording(rows)), Ballots(Recording(rows), "number")
    assert list(recorded.codes[0]) == [0, 0]
    assert recorded.accuracy() == {"a": 1.0, "b": 1.0}
    assert list(read.codes[0]) == [-1, 0]


def test_a_gain_is_the_difference_of_accuracies_with_a_paired_interval():
    draw = np.random.default_rng(3)
    rows = []
    for question in range(400):
        good = draw.random() < 0.8
        rows.append(Draft(str(question), "a", "x" if good else "y", expected="x"))
        rows.append(Draft(str(question), "b", "x" if good and question % 4 else "z", expected="x"))
    ballots = Ballots(Recording(rows), Plain())
    one, other = ballots.vote(["a"]), ballots.vote(["b"])
    gained, low, high = one.gain(other)
    assert gained == pytest.approx(one.accuracy - other.accuracy)
    assert 0 < low < gained < high < 1
    width = 1.96 * (one.correct.astype(float) - other.correct).std() / 400**0.5
    assert high - gained == pytest.approx(width, rel=0.15)
    assert one.gain(one) == (0.0, 0.0, 0.0)
    assert one.gain(other) == one.gain(other)
    assert one.interval == wilson(one.accuracy, 400)


@pytest.mark.parametrize("expected", ["4", 4, 4.0, " 4 "])
def test_expected_numbers_of_any_spelling_are_met(expected):
    for reader in (of.Number(), Plain()):
        ballots = Ballots(Recording([Draft("1", "a", "4", expected=expected)]), reader)
        assert ballots.vote().accuracy == 1.0


def test_codes_say_abstained_and_absent():
    rows = [Draft("1", "a", ""), Draft("1", "b", "x"), Draft("2", "a", "x")]
    ballots = Ballots(Recording(rows), Plain())
    assert ballots.codes.tolist() == [[-1, 0], [0, -2]]
    assert np.isnan(ballots.confidence).all()


def test_only_some_members_may_be_loaded():
    rows = [Draft("1", name, "x") for name in "abc"]
    ballots = Ballots(Recording(rows), Plain(), ["c", "a"])
    assert ballots.members == ["c", "a"]
    with pytest.raises(ConfigError, match="'b'"):
        ballots.vote(["b"])


def test_unknown_members_are_named_with_the_nearest():
    recording = Recording([Draft("1", "gpt-4o", "x")])
    with pytest.raises(ConfigError, match=r"'gpt-4'; did you mean 'gpt-4o'"):
        Ballots(recording, Plain(), ["gpt-4"])
    with pytest.raises(ConfigError, match=r"'gpt-4'; did you mean 'gpt-4o'"):
        Ballots(recording, Plain()).vote(["gpt-4"])
    with pytest.raises(ConfigError, match="at least one member"):
        Ballots(recording, Plain()).vote([])


def test_a_run_and_the_ballots_of_its_recording_agree(tmp_path):
    panel = of.Panel(["sim:small", "sim:medium", "sim:large"], reads="number")
    sums = [of.Example(Query(f"{n} + 8?", id=str(n)), str(n + 8)) for n in range(100)]
    done = of.instantly(of.arun(panel, sums, out=tmp_path))
    of.write_report(done, tmp_path)
    for path in ("recording.jsonl",):
        ballots = Ballots(Recording.load(tmp_path / path), of.Number())
        assert ballots.vote().accuracy == of.statistics(done).accuracy
        assert ballots.vote().agreement.mean() == pytest.approx(of.statistics(done).agreement)
