"""The bandit router: it tries, learns from feedback, forgets what changed, and remembers."""

import asyncio

import numpy as np
import pytest

import onefold as of
from onefold.core.errors import ConfigError
from onefold.core.spec import build, dump
from onefold.experience.arms import RECENT, Arm
from onefold.experience.drift import Missed
from onefold.learn.routers.manifold import fit_manifold
from onefold.routers.bandit import Bandit
from onefold.verbs import Router

FORMS = {"left": "add the {} numbers to a total", "right": "a ballad on the {} moon"}


def chosen(router, text):
    weights = asyncio.run(router.route(of.Query(text)))
    return max(weights, key=lambda name: weights[name])


def lived_through(router, steps, skill, seed=0):
    """How often the better member was chosen, a step each; `skill` if suited, else the rest."""
    draw, right = np.random.default_rng(seed), []
    held = {name: of.Model(name, provider=of.Fake((name,))) for name in FORMS}
    panel = of.Panel(held, route=of.Top(router, 1))
    for step in range(steps):
        suited = ("left", "right")[step % 2]
        answer = panel.ask(FORMS[suited].format(step))
        good = answer.source == suited
        answer.feedback(float(draw.random() < (skill if good else 1 - skill)))
        right.append(good)
    return right


@pytest.mark.parametrize("fields", [{}, {"sampling": True}, {"explore": 0.0, "start": 1.0}])
def test_it_finds_out_who_suits_which_prompts(fields):
    with of.Session():
        right = lived_through(Bandit(tuple(FORMS), **fields), 80, 0.9)
    assert np.mean(right[-30:]) > 0.85


def test_it_sees_prompts_through_a_manifold(tmp_path):
    texts = [form.format(number) for form in FORMS.values() for number in range(30)]
    fit_manifold(texts).save(tmp_path / "m.npz")
    with of.Session():
        right = lived_through(Bandit(tuple(FORMS), str(tmp_path / "m.npz")), 60, 0.95)
    assert np.mean(right[-30:]) > 0.9


def test_what_it_learned_is_learned_again_after_a_restart(tmp_path):
    path, router = tmp_path / "experience.jsonl", Bandit(tuple(FORMS), explore=0.0)
    with of.Session(experience=path):
        lived_through(router, 40, 1.0)
        before = asyncio.run(router.route(of.Query(FORMS["left"].format(99))))
    with of.Session(experience=path):
        assert asyncio.run(router.route(of.Query(FORMS["left"].format(99)))) == before
    with of.Session():
        assert asyncio.run(router.route(of.Query(FORMS["left"].format(99)))) != before


def test_equal_sessions_make_equal_choices_also_when_it_draws():
    def weights():
        with of.Session():
            router = Bandit(tuple(FORMS), sampling=True)
            lived_through(router, 10, 0.9)
            return asyncio.run(router.route(of.Query("a moon")))

    assert weights() == weights()


def test_it_needs_members_and_comes_back_from_its_description():
    with pytest.raises(ConfigError, match="needs members"):
        Bandit(())
    router = Bandit(("a", "b"), "m.npz", explore=0.5, encoder="hashing")
    assert build(dump(router), Router) == router


def features(draw):
    return np.append(draw.normal(size=3) / 2, 1.0)


def test_an_arm_is_a_ridge_regression():
    draw, arm = np.random.default_rng(0), Arm(4, 2.0, 0.5)
    rows, scores = np.array([features(draw) for _ in range(25)]), draw.random(25)
    for row, score in zip(rows, scores, strict=True):
        arm.learn(row, score)
    whole = np.linalg.solve(rows.T @ rows + 2 * np.eye(4), rows.T @ (scores - 0.5))
    mean, doubt = arm.guess(rows[0])
    assert mean == pytest.approx(0.5 + rows[0] @ whole)
    inverse = np.linalg.inv(rows.T @ rows + 2 * np.eye(4))
    assert doubt == pytest.approx(np.sqrt(rows[0] @ inverse @ rows[0]))


def test_an_arm_that_degrades_forgets_and_its_memory_is_bounded():
    draw, arm = np.random.default_rng(1), Arm(4, 1.0, 0.5)
    for _ in range(400):
        arm.learn(features(draw), float(draw.random() < 0.9))
    assert len(arm.recent) == RECENT
    took = 0
    while not arm.learn(features(draw), float(draw.random() < 0.1)):
        took += 1
    assert took < 25
    assert arm.guess(features(draw))[0] < 0.5


@pytest.mark.parametrize("level", [0.3, 0.7, 0.95])
def test_outcomes_as_expected_raise_no_alarm(level):
    draw, missed = np.random.default_rng(2), Missed()
    alarms = sum(bool(missed.add(float(draw.random() < level), level)) for _ in range(3000))
    assert alarms <= 1


def test_outcomes_of_other_prompts_are_no_change_but_missed_ones_are():
    draw, missed = np.random.default_rng(3), Missed()
    levels = [0.9] * 300 + [0.1] * 300
    assert not any(missed.add(float(draw.random() < each), each) for each in levels)
    since = [missed.add(float(draw.random() < 0.1), 0.9) for _ in range(30)]
    assert any(since)
    assert 0 < max(since) <= 30
