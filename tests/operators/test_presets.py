"""Presets: each name does, in virtual time, what the field means by it."""

from math import inf

import pytest

import onefold as of
from onefold import Fake, Model, Named, Panel, Within
from onefold.core.errors import ConfigError, NoAnswer
from onefold.runtime.clock import instantly


def member(name, says="a", after=1.0, **about):
    return Model(name, provider=Fake((says,), seconds=(after,), **about))


def broken(name, after=0.0):
    return Model(name, provider=Fake(error="Unreachable", seconds=(after,)))


def ask(panel):
    return instantly(panel("?"))


def status(answer):
    return [draft.status for draft in answer.drafts]


def test_parallel_takes_as_long_as_the_slowest_and_hears_everyone():
    answer = ask(of.parallel([member("x", after=3), member("y", after=1), member("z", "b", 2)]))
    assert (answer.seconds, answer.text, answer.usage.calls) == (3, "a", 3)
    assert answer.agreement == pytest.approx(2 / 3)


def test_parallel_gives_each_member_its_timeout():
    answer = ask(of.parallel([member("x", after=1), member("y", after=9)], timeout=2.0))
    assert answer.seconds == 2
    assert status(answer) == ["answered", "failed"]
    assert answer.drafts[1].error.kind == "TimedOut"


def test_sequential_asks_one_after_the_other_until_enough_agree():
    members = [member("x"), member("y"), member("z"), member("w")]
    answer = ask(of.sequential(members))
    assert (answer.seconds, answer.usage.calls) == (2, 2)
    assert answer.unasked == ("z", "w")


def test_sequential_goes_on_while_they_disagree():
    members = [member("x", "a"), member("y", "b"), member("z", "a"), member("w", "a")]
    answer = ask(of.sequential(members, agree=0.7))
    assert (answer.seconds, answer.usage.calls) == (4, 4)
    answer = ask(of.sequential(members, agree=0.6))
    assert (answer.text, answer.usage.calls) == ("a", 3)


def test_sequential_wants_at_least_so_many_and_skips_failures_at_once():
    members = [broken("bad"), member("x"), member("y"), member("z"), member("w")]
    answer = ask(of.sequential(members, least=3))
    assert (answer.seconds, answer.usage.calls, answer.unasked) == (3, 3, ("w",))


def test_hedged_returns_the_first_if_it_is_quick():
    answer = ask(of.hedged([member("x", "first", 0.5), member("y", "backup", 0.1)], after=1.0))
    assert (answer.text, answer.seconds, answer.unasked) == ("first", 0.5, ("y",))


def test_hedged_returns_the_backups_answer_at_the_backups_time():
    answer = ask(of.hedged([member("x", "first", 9), member("y", "backup", 0.5)], after=1.0))
    assert (answer.text, answer.seconds) == ("backup", 1.5)
    assert status(answer) == ["cancelled", "answered"]
    assert answer.usage.estimated


def test_hedged_starts_the_backup_at_once_when_the_first_fails():
    answer = ask(of.hedged([broken("x", 0.2), member("y", "backup", 0.5)], after=5.0))
    assert (answer.text, answer.seconds) == ("backup", pytest.approx(0.7))


def test_hedged_returns_the_first_where_it_beats_its_backup():
    answer = ask(of.hedged([member("x", "first", 1.2), member("y", "backup", 5)], after=1.0))
    assert (answer.text, answer.seconds) == ("first", 1.2)
    assert status(answer) == ["answered", "cancelled"]


@pytest.mark.parametrize(("most", "asked"), [(0, 1), (1, 2), (2, 3), (9, 4), (None, 4)])
def test_hedged_asks_at_most_so_many_backups(most, asked):
    members = [broken(f"m{i}") for i in range(4)]
    with pytest.raises(NoAnswer) as error:
        ask(of.hedged(members, most=most))
    assert len(error.value.drafts) == asked


def test_hedged_does_not_know_negative_numbers():
    with pytest.raises(ConfigError, match=r"most=-1"):
        of.hedged(["fake:a"], most=-1)
    with pytest.raises(ConfigError, match=r"stagger: -0\.5"):
        of.hedged(["fake:a", "fake:b"], after=-0.5)


def test_a_cascade_stops_at_the_first_that_is_sure():
    members = [
        member("cheap", "no", confidence=0.5),
        member("middle", "yes", confidence=0.95),
        member("dear", "never", confidence=1.0),
    ]
    answer = ask(of.cascade(members, at=0.9))
    assert (answer.text, answer.seconds, answer.unasked) == ("yes", 2, ("dear",))


def test_a_cascade_in_which_nobody_is_sure_takes_the_most_confident():
    members = [member("x", "a", confidence=0.3), member("y", "b", confidence=0.6),
               member("z", "b", confidence=0.5)]  # fmt: skip
    answer = ask(of.cascade(members, at=0.9))
    assert (answer.text, answer.source, answer.usage.calls) == ("b", "y", 3)


def test_a_cascade_goes_past_one_that_fails_and_one_that_cannot_be_read():
    members = [
        broken("x"),
        member("y", "no idea", confidence=1.0),
        member("z", "4", confidence=0.9),
    ]
    answer = ask(of.cascade(members, at=0.9, reads="number"))
    assert (answer.value, answer.usage.calls) == (4.0, 2)


def test_a_cascade_with_a_judge_goes_by_its_scores():
    @of.judge
    def shorter(query, answer):
        return 1.0 if len(answer.text) < 3 else 0.1

    answer = ask(
        of.cascade(
            [member("x", "long winded"), member("y", "ok"), member("z", "no")], judge=shorter
        )
    )
    assert (answer.text, answer.unasked) == ("ok", ("z",))


def test_best_of_draws_so_many_samples_and_takes_the_highest_score():
    @of.judge
    def longest(query, answer):
        return len(answer.text) / 10

    model = Model("m", provider=Fake(("a", "aaa", "aa")))
    answer = ask(of.best_of(3, model, longest))
    assert answer.text == "aaa"
    assert [d.source for d in answer.drafts] == ["m", "m#2", "m#3"]
    assert ask(of.best_of(1, model, longest)).text == "a"


def sure(query, answer):
    return 1.0


@pytest.mark.parametrize("count", [0, -1])
def test_best_of_draws_at_least_one(count):
    with pytest.raises(ConfigError, match=rf"best_of\({count}\): draw at least one sample"):
        of.best_of(count, "fake:a", of.judge(sure))


PRESETS = [of.parallel, of.sequential, of.hedged, of.cascade]


@pytest.mark.parametrize("preset", PRESETS)
def test_members_may_have_names_of_their_own(preset):
    panel = preset({"x": "fake:a", "y": "fake:b"})
    assert [m.name for m in panel.members] == ["x", "y"]
    assert preset({"x": "fake:a"}, timeout=2.0).members == (Named("x", Within("fake:a", 2.0)),)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("members", ["sim:small", Model("sim:small"), 7, None])
def test_members_are_a_list_or_a_mapping(preset, members):
    with pytest.raises(ConfigError, match=r"members.*list or a mapping"):
        preset(members)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("members", [[], {}])
def test_an_empty_panel_is_refused(preset, members):
    with pytest.raises(ConfigError, match="the panel is empty: give it at least one member"):
        preset(members)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_is_more_than_nothing(preset, timeout):
    with pytest.raises(ConfigError, match="seconds"):
        preset(["fake:a"], timeout=timeout)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_panels_that_go_to_yaml_and_back(preset):
    panel = preset(["sim:small", "sim:large"], reads="number", quorum=1)
    assert isinstance(panel, Panel)
    assert panel.quorum == 1
    assert of.build(of.dump(panel)) == panel


def test_presets_differ_in_stagger_and_stop_alone():
    members = ["fake:a", "fake:b"]
    assert of.parallel(members) == Panel(members)
    assert of.sequential(members, agree=0.6, least=3) == Panel(
        members, stop={"agree": {"share": 0.6, "least": 3}}, stagger=inf
    )
    assert of.hedged(members, after=0.5) == Panel(members, stop="first", stagger=0.5, quorum=1)
    assert of.cascade(members, at=0.8) == Panel(
        members, vote="best", stop={"sure": 0.8}, stagger=inf, quorum=1
    )


def test_a_preset_may_be_a_member():
    inner = of.hedged([member("x", "a", 9), member("y", "a", 0.5)], after=1.0)
    answer = ask(of.parallel({"inner": inner, "other": member("z", "a", 1.0)}))
    assert (answer.agreement, answer.seconds) == (1.0, 1.5)
