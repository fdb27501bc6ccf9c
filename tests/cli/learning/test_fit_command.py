"""`onefold fit` as its users call it."""

import json
from pathlib import Path

import numpy as np
import pytest

import onefold as of
from onefold.cli.learning.fit import flattened, spoken
from onefold.core.spec import build
from onefold.fitted.artifact import unpacked
from onefold.verbs import Judge, Operator, Router

SKILLS = {"small": (0.7, 0.001), "medium": (0.8, 0.003), "large": (0.9, 0.02)}
KINDS = {
    "router": Router,
    "judge": Judge,
    "reward": Judge,
    "vote": Operator,
    "cascade": Operator,
}


@pytest.fixture
def recorded(tmp_path):
    """A recording of three members, where commands run."""
    chance = np.random.default_rng(0)
    rows = [
        of.Draft(
            f"q{number}",
            member,
            f"The answer is {number if chance.random() < skill else number + 1}",
            f"What is {number}?",
            expected=number,
            usd=price,
        )
        for number in range(80)
        for member, (skill, price) in SKILLS.items()
    ]
    of.Recording(rows).write(tmp_path / "seen.jsonl")
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_saved_with_the_yaml_that_uses_it(onefold, recorded, monkeypatch, kind):
    called = onefold("fit", kind, "seen.jsonl", "--out", "fitted/part.npz", "--reads", "number",
                     "--folds", "3")  # fmt: skip
    assert called.code == 0, called.err
    assert f"written to {Path('fitted/part.npz')} and {Path('fitted/part.yaml')}" in called.out
    held = unpacked((recorded / "fitted" / "part.npz").read_bytes(), "part.npz")
    assert held.kind == kind
    text = (recorded / "fitted" / "part.yaml").read_text()
    assert text.startswith("# ")
    assert "path: part.npz" in text
    assert "hash: " in text
    monkeypatch.chdir(recorded / "fitted")
    assert build(text, KINDS[kind])


def test_a_cascade_takes_a_budget_or_a_quality(onefold, recorded):
    called = onefold("fit", "cascade", "seen.jsonl", "--reads", "number", "--budget-usd", "0.01")
    assert called.code == 0, called.err
    assert "quality" in called.out
    assert (recorded / "cascade.npz").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("vote", "seen.jsonl", "--quality", "0.9"), "they are for a cascade"),
        (("cascade", "seen.jsonl", "--quality", "95", "--reads", "number"), "quality=95"),
        (("vote", "none.jsonl"), "no file"),
        (("vote", "seen.jsonl", "--members", "smal"), "did you mean 'small'"),
        (("vote", "seen.jsonl", "--prices", "p.yaml"), "no file 'p.yaml'"),
        (("judge", "seen.jsonl", "--reads", "numbre"), "did you mean 'number'"),
        (("judge", "few.jsonl"), "are graded"),
        (("reward", "few.jsonl"), "are graded"),
        (("reward", "seen.jsonl", "--members", "small", "--reads", "number"), "take fit_judge"),
        (("vote", "few.jsonl"), "are graded"),
        (("cascade", "few.jsonl"), "are graded"),
        (("router", "few.jsonl"), "are graded"),
    ],
)
def test_what_does_not_fit_is_one_line(refused, recorded, words, said):
    row = {"id": "a", "model": "m", "prompt": "?", "text": "1", "expected": "1"}
    (recorded / "few.jsonl").write_text(json.dumps(row) + "\n")
    assert said in refused("fit", *words)


def test_an_unknown_kind_is_refused(onefold, recorded):
    called = onefold("fit", "routr", "seen.jsonl")
    assert called.code == 2
    assert "'router', 'judge', 'reward', 'vote', 'cascade'" in called.err


def test_figures_are_told_by_name():
    figures = {"gain": 0.123456, "by_member": {"a": 1, "b": None}, "interval": [0.1, 0.2]}
    found = {name: spoken(value) for name, value in flattened(figures)}
    assert found == {
        "gain": "0.1235",
        "by member a": "1",
        "by member b": "null",
        "interval": "0.1 to 0.2",
    }
