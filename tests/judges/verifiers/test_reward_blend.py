"""Process and outcome in one score; numbers that mean different things are not mixed."""

import asyncio

import pytest

import onefold as of
from onefold.core.spec import build, dump
from onefold.judges.verifiers.blend import Rewards
from onefold.judges.verifiers.process import Process
from onefold.verbs import Judge


def score(judge, text="2+2=5"):
    return asyncio.run(judge.score(of.Query("2+2?"), of.Answer(text, source="m")))


def test_both_count_as_much_as_they_should():
    assert score(Rewards(Process("arithmetic"), of.Reward("fake:0.8"))) == 0.4
    blend = Rewards(Process("arithmetic"), of.Reward("fake:0.8"), prm_weight=3, orm_weight=1)
    assert score(blend, "2+2=4") == pytest.approx(0.95)


@pytest.mark.parametrize("scale", ["sigmoid", (-5, 5)])
def test_a_raw_reward_is_refused_until_it_is_calibrated(scale):
    raw = of.Reward("fake:0.8", scale=scale)
    for judge in (raw, of.Mean([raw]), of.Least([of.Mean(["stated", raw])])):
        with pytest.raises(of.ConfigError, match="fit calibrated to it"):
            Rewards(Process("arithmetic"), judge)
        with pytest.raises(of.ConfigError, match="no probability"):
            Rewards(judge, "stated")
    Rewards(Process("arithmetic"), of.Calibrated(raw, "judge.npz"))


def test_where_one_fails_so_does_the_blend():
    with pytest.raises(of.Unreadable):
        score(Rewards(Process("arithmetic"), of.Reward("fake:0.8")), "Four.")
    with pytest.raises(of.ConfigError, match="one must count"):
        Rewards("stated", "stated", prm_weight=0, orm_weight=0)


def test_it_is_built_from_yaml():
    judge = build(
        "rewards: {process: {process: arithmetic}, outcome: {reward: fake:1}, prm_weight: 0.8}",
        Judge,
    )
    assert judge.prm_weight == 0.8
    assert build(dump(judge), Judge) == judge
