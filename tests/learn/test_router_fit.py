"""The fit of the learned router: it finds what is there, and says when there is nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from onefold.core.errors import ConfigError
from onefold.encoders.words import Hashing
from onefold.fitted.artifact import packed
from onefold.fitted.routing import routing
from onefold.learn.routers.router import borne_out, fit_router
from onefold.learn.sweep import routed
from onefold.recording.recording import Draft, Recording

KINDS = {
    "sum": ["add {} and three", "what is {} plus {}", "the sum of {}"],
    "verse": ["a poem on {}", "rhyme with {}", "verses about {}"],
    "code": ["a function that returns {}", "fix this loop over {}", "compile {} in C"],
}
THINGS = ["seven", "rivers", "the moon", "nine", "trees", "snow", "stars", "two", "iron", "salt"]
VERSE = "a poem on salt nine the moon"


def world(count=300, members=2, seed=0, learnable=True, usd=None):
    """Questions of three kinds; each member is good at one of them, or all are alike."""
    draw = np.random.default_rng(seed)
    drafts, labels = [], {}
    for number in range(count):
        kind = draw.integers(3)
        name = list(KINDS)[kind]
        form = KINDS[name][draw.integers(3)]
        prompt = form.format(*draw.choice(THINGS, 2)) + " " + " ".join(draw.choice(THINGS, 2))
        labels[f"q{number}"] = name
        for member in range(members):
            good = 0.9 if learnable and member == kind % members else 0.4
            price = None if usd is None else usd[member]
            right = bool(draw.random() < good)
            drafts.append(Draft(f"q{number}", f"m{member}", "", prompt, correct=right, usd=price))
    return Recording(drafts), labels


def quality(fit, *prompts):
    return routing(fit.artifact).qualities(prompts)


@pytest.mark.parametrize("members", [2, 3])
def test_it_finds_who_is_good_at_what(members):
    fit = fit_router(world(members=members)[0])
    told = quality(fit, VERSE, "add seven and three iron snow", "verses about trees two stars")
    assert told.argmax(axis=1).tolist() == [1, 0, 1]
    assert (told >= 0).all()
    assert (told <= 1).all()
    assert fit.figures["right"] > fit.figures["single"] + 0.05
    assert fit.figures["log_loss"] < fit.figures["usual_log_loss"]
    assert fit.figures["apgr_low"] <= fit.figures["apgr"] <= fit.figures["apgr_high"]


def test_labels_of_tasks_are_used_by_id_and_by_prompt():
    recording, labels = world(members=3)
    by_prompt = {draft.prompt: labels[draft.query_id] for draft in recording}
    first, second = (fit_router(recording, labels=each) for each in (labels, by_prompt))
    assert packed(first.artifact) == packed(second.artifact)
    assert len(first.artifact.arrays["intercept0"]) == 3
    assert first.figures["closed"] > 0.3


def test_tasks_that_the_recording_names_count_without_being_told():
    recording, labels = world(members=3)
    named = Recording(structs.replace(d, task=labels[d.query_id]) for d in recording)
    fit = fit_router(named)
    told = fit_router(recording, labels=labels)
    assert packed(fit.artifact) == packed(told.artifact)
    assert any("3 tasks" in note for note in fit.notes)


@pytest.mark.parametrize("naming", ["some", "each its own"])
def test_tasks_that_few_questions_share_or_name_are_left_aside_and_that_is_told(naming):
    recording, _ = world(100, members=3)
    tasks = {"q0": "sum"} if naming == "some" else {d.query_id: d.query_id for d in recording}
    named = Recording(structs.replace(d, task=tasks.get(d.query_id, "")) for d in recording)
    fit = fit_router(named)
    assert packed(fit.artifact) == packed(fit_router(recording).artifact)
    assert any("tasks were found" in note for note in fit.notes)


def test_labels_are_left_aside_with_two_members_and_that_is_told():
    recording, labels = world()
    assert any("left aside" in note for note in fit_router(recording, labels=labels).notes)


@pytest.mark.parametrize("members", [2, 4])
def test_where_prompts_tell_nothing_there_is_mostly_no_opinion(members):
    fits = [fit_router(world(120, members, seed, learnable=False)[0]) for seed in range(8)]
    silent = [fit for fit in fits if fit.figures["strength"] == 0]
    assert len(silent) >= 6
    assert any("no opinion" in note for note in silent[0].notes)
    told = quality(silent[0], "a poem on tin", "add five and three")
    assert np.allclose(told[0], told[1])


def test_the_same_seed_gives_the_same_file():
    recording = world(120, 3)[0]
    assert packed(fit_router(recording).artifact) == packed(fit_router(recording).artifact)


def test_fifty_labels_are_enough_and_few_are_told():
    assert fit_router(world(50)[0]).figures["strength"] >= 0
    assert any("few" in note for note in fit_router(world(30)[0]).notes)


@pytest.mark.parametrize(
    ("recording", "message"),
    [
        (world(10)[0], "10 of 10 questions are graded"),
        (Recording([d for d in world(60)[0] if d.member == "m0"]), "chooses among members"),
        (Recording([Draft(f"q{i}", m, "", "p", correct=True) for i in range(60) for m in "ab"]),
         "one class"),
        (Recording([Draft(f"q{i}", m, "", correct=m > "a") for i in range(60) for m in "ab"]),
         "a prompt"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_from_is_an_error(recording, message):
    with pytest.raises(ConfigError, match=message):
        fit_router(recording)


@pytest.mark.parametrize("members", [2, 3])
def test_a_member_absent_from_half_of_the_questions_is_learned_from_the_others(members):
    recording = world(400, members)[0]
    kept = [d for d in recording if d.member != "m1" or int(d.query_id[1:]) % 2]
    fit = fit_router(Recording(kept))
    assert quality(fit, VERSE)[0].argmax() == 1
    assert any("no draft for 50%" in note for note in fit.notes)


def test_a_member_without_grades_is_left_out_and_told():
    recording = world(100)[0]
    more = [Draft(d.query_id, "silent", "hm", d.prompt) for d in recording if d.member == "m0"]
    fit = fit_router(Recording([*recording, *more]))
    assert fit.artifact.about["members"] == ["m0", "m1"]
    assert any("silent" in note for note in fit.notes)


def test_price_counts_where_a_point_has_a_price():
    fit = fit_router(world(100, usd=[0.02, 0.001])[0], usd_per_point=0.001)
    assert fit.make("x.npz", "").cost == pytest.approx(0.2)
    with pytest.raises(ConfigError, match="column usd"):
        fit_router(world(100)[0], usd_per_point=0.001)
    with pytest.raises(ConfigError, match="above 0"):
        fit_router(world(100, usd=[1, 1])[0], usd_per_point=0)


@pytest.mark.parametrize("members", [2, 3])
def test_vectors_of_an_encoder_stand_beside_the_words(members):
    fit = fit_router(world(members=members)[0], encoder=Hashing(width=32))
    assert fit.make("x.npz", "").encoder == Hashing(width=32)
    with pytest.raises(ConfigError, match="hashing"):
        quality(fit, VERSE)


def swept(preference, gain):
    """What a preference recovers of a gain, beside a member that is never right."""
    return routed(preference, np.zeros(len(gain)), gain)


def test_the_curve_of_recovery_is_that_of_its_definition():
    sweep = swept([3.0, 2, 1, 0], [1.0, 1, 0, 0])
    assert (sweep.apgr, sweep.cpt(50), sweep.cpt(80)) == pytest.approx((0.75, 25.0, 40.0))
    assert swept(np.zeros(5), [1.0, 0, 0, 1, -1]).apgr == pytest.approx(0.5)
    with pytest.raises(ConfigError, match="without a gap"):
        assert swept(np.zeros(2), np.zeros(2)).apgr


@given(st.lists(st.tuples(st.integers(-3, 3), st.sampled_from([-1, 0, 1])), min_size=1))
def test_recovery_ignores_the_order_of_questions(pairs):
    preference, gain = np.array(pairs, dtype=float).T
    if gain.sum() > 0:
        forward, back = swept(preference, gain), swept(preference[::-1], gain[::-1])
        assert np.allclose(forward.quality, back.quality)
        assert forward.apgr + swept(-preference, gain).apgr == pytest.approx(1)


def test_what_is_borne_out_is_the_slope_and_noise_is_nothing():
    draw = np.random.default_rng(0)
    told = draw.normal(size=(500, 3))
    noise = draw.normal(size=(500, 3))
    assert borne_out(told, 0.5 * told) == pytest.approx(0.5)
    assert borne_out(told, 2 * told) == 1.0
    assert borne_out(told, -told) == borne_out(told * 0, noise) == 0.0
    holes = np.where(draw.random((500, 3)) < 0.2, np.nan, told)
    assert 0.5 < borne_out(told, holes) <= 1.0


@pytest.mark.parametrize(("members", "count"), [(3, 160), (3, 240), (4, 160), (5, 160)])
def test_what_every_prompt_says_does_not_hide_what_tells_prompts_apart(members, count):
    kinds = ["sum", "verse", "code", "french", "law"]
    fit = fit_router(
        Recording(
            Draft(f"q{number}", f"m{member}", "", prompt, correct=number % members == member)
            for number in range(count)
            for prompt in [f"{kinds[number % members]} question number {number}"]
            for member in range(members)
        )
    )
    assert fit.figures["strength"] > 0.9
    assert fit.figures["right"] > 0.9


@pytest.mark.parametrize("members", [2, 3])
def test_a_member_that_is_always_right_is_preferred(members):
    drafts = [d for d in world(120, members)[0] if d.member != "m1"]
    sure = [Draft(d.query_id, "m1", "", d.prompt, correct=True) for d in drafts]
    fit = fit_router(Recording([*drafts, *sure[: len(sure) // (members - 1)]]))
    assert fit.figures["closed"] >= 0 if "closed" in fit.figures else True
    assert quality(fit, VERSE)[0].argmax() == fit.artifact.about["members"].index("m1")
