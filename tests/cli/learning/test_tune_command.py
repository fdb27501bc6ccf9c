"""`onefold tune` as its users call it."""

import json

import numpy as np
import pytest

import onefold as of
from onefold.lab.recipe import load_recipe

SKILLS = {"small": (0.7, 0.001), "medium": (0.8, 0.003), "large": (0.9, 0.02)}


def drafts(questions=80, usd=True, name="The answer is {}", expected=True, seed=0):
    """Drafts of three members of known skill and price."""
    chance = np.random.default_rng(seed)
    return [
        of.Draft(
            f"q{number}",
            member,
            name.format(number if chance.random() < skill else number + 1),
            f"What is {number}?",
            expected=number if expected else None,
            usd=price if usd else None,
        )
        for number in range(questions)
        for member, (skill, price) in SKILLS.items()
    ]


@pytest.fixture
def recorded(tmp_path):
    """A recording of a small pool, where commands run."""
    of.Recording(drafts()).write(tmp_path / "seen.jsonl")
    of.Recording(drafts(seed=1)).write(tmp_path / "new.jsonl")
    return tmp_path


def tune(onefold, *more):
    """`onefold tune` on the recording, without what takes longer."""
    return onefold("tune", "seen.jsonl", "--reads", "number", *more)


def test_a_recording_becomes_a_recipe_that_runs_as_it_stands(onefold, recorded):
    called = tune(onefold, "--budget-usd", "0.01")
    assert called.code == 0, called.err
    for words in ("promised", "best single", "both intervals hold together with 95%",
                  "written to tuned: recipe.yaml, frontier.csv, frontier.svg"):  # fmt: skip
        assert words in called.out
    for name in ("recipe.yaml", "frontier.csv", "frontier.svg", "profile.csv"):
        assert (recorded / "tuned" / name).is_file()
    ran = onefold("run", "tuned/recipe.yaml", "seen.jsonl", "--instant", "--out", "old")
    assert ran.code == 0, ran.err
    ran = onefold("run", "tuned/recipe.yaml", "new.jsonl", "--replay", "new.jsonl", "--out", "new")
    assert ran.code == 0, ran.err
    achieved = json.loads((recorded / "new" / "statistics.json").read_text())
    promise = load_recipe(recorded / "tuned" / "recipe.yaml").promise
    low, high = promise["quality_interval"]
    assert low <= achieved["accuracy"] <= high
    low, high = promise["usd_interval"]
    assert low <= achieved["usd_per_question"] <= high


def test_a_quality_is_wished_for_instead_and_members_are_named(onefold, recorded):
    called = tune(onefold, "--quality", "0.7", "--members", "small, medium", "--out", "out")
    assert called.code == 0, called.err
    promise = load_recipe(recorded / "out" / "recipe.yaml").promise
    assert promise["from"]["members"] == 2
    assert promise["quality"] >= 0.7


def test_fitted_contenders_take_part_unless_told_otherwise(onefold, recorded):
    called = onefold("tune", "seen.jsonl", "--reads", "number", "--budget-usd", "0.03")
    assert called.code == 0, called.err
    assert (recorded / "tuned" / "recipe.yaml").is_file()


def test_prices_come_from_a_file_under_either_name(onefold, recorded):
    of.Recording(drafts(usd=False)).write(recorded / "seen.jsonl")
    (recorded / "p.json").write_text(
        '{"small": {"usd_per_mtok_in": 1, "usd_per_mtok_out": 1, "source": "made up"},'
        ' "medium": {"tokens_in": 2, "tokens_out": 2}}'
    )
    called = tune(onefold, "--budget-usd", "1", "--prices", "p.json")
    assert called.code == 0, called.err
    assert "note: left out, as nobody knows what they cost: large" in called.err


def test_models_of_a_recipe_are_the_members_and_make_it_live(onefold, recorded):
    entries = "".join(
        f"  {name}: {{provider: {{fake: ['It is 4']}}, price: {{tokens_in: 1, tokens_out: 1}}}}\n"
        for name in ("small", "large")
    )
    (recorded / "models.yaml").write_text(f"models:\n{entries}")
    called = tune(onefold, "--budget-usd", "1", "--models", "models.yaml")
    assert called.code == 0, called.err
    made = load_recipe(recorded / "tuned" / "recipe.yaml")
    assert made.replay is None
    assert set(made.models) <= {"small", "large"}
    (recorded / "ask.jsonl").write_text('{"prompt": "What is 2 + 2?"}\n')
    assert onefold("run", "tuned/recipe.yaml", "ask.jsonl", "--out", "live").code == 0


def test_a_column_of_another_name_is_named(onefold, recorded):
    rows = [
        {"id": d.query_id, "model": d.member, "said": d.text, "gold": d.expected, "usd": d.usd}
        for d in drafts()
    ]
    (recorded / "seen.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    called = tune(onefold, "--budget-usd", "1", "--column", "text=said")
    assert called.code == 0, called.err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "wish for one thing"),
        (("--budget-usd", "1", "--quality", "0.9"), "wish for one thing"),
        (("--budget-usd", "1e-9"), "a question costs at least $0.001 (small)"),
        (("--budget-usd", "-1"), "zero or more"),
        (("--quality", "95"), "such as 0.95"),
        (("--budget-usd", "1", "--members", "smal"), "did you mean 'small'"),
        (("--budget-usd", "1", "--prices", "none.yaml"), "no file 'none.yaml'"),
        (("--budget-usd", "1", "--models", "none.yaml"), "no file 'none.yaml'"),
        (("--budget-usd", "1", "--column", "said"), "write field=column"),
        (("--budget-usd", "1", "--column", "sayd=text"), "no field named 'sayd'"),
        (("--budget-usd", "1", "--reads", "numbre"), "did you mean 'number'"),
    ],
)
def test_what_does_not_fit_is_one_line(refused, recorded, more, said):
    line = refused("tune", "seen.jsonl", *more)
    assert said in line


def test_recordings_that_teach_nothing_are_one_line(refused, recorded):
    def line(rows):
        of.Recording(rows).write(recorded / "bad.jsonl")
        return refused("tune", "bad.jsonl", "--budget-usd", "1", "--reads", "number")

    assert "30 of 30 questions are graded, and at least 50 are needed" in line(drafts(30))
    assert "0 of 80 questions are graded" in line(drafts(expected=False))
    assert "nothing can be learned from one class" in line(drafts(name="no idea {}"[:7]))
    assert "give prices" in line(drafts(usd=False))
    assert "no file" in refused("tune", "none.jsonl", "--budget-usd", "1")


def test_scores_that_are_no_shares_are_one_line(refused, recorded):
    rows = [{"id": "a", "model": "m", "text": "1", "score": "nan"}]
    (recorded / "bad.jsonl").write_text(json.dumps(rows[0]) + "\n")
    assert "score" in refused("tune", "bad.jsonl", "--budget-usd", "1")


def test_contradictory_and_double_rows_are_told(onefold, recorded):
    rows = drafts()
    other = of.Draft("q3", "small", rows[9].text, rows[9].prompt, expected=7, usd=0.001)
    of.Recording([*rows, rows[0], other]).write(recorded / "seen.jsonl")
    called = tune(onefold, "--budget-usd", "1")
    assert called.code == 0, called.err
    assert "1 drafts that stood twice were left out" in called.err
    assert "several right answers that differ were left out" in called.err


def test_prompts_in_other_languages_and_of_any_length_change_nothing(onefold, recorded):
    rows = [
        of.Draft(d.query_id, d.member, d.text, "数は何ですか " + d.query_id * 5000,
                 expected=d.expected, usd=d.usd)
        for d in drafts()
    ]  # fmt: skip
    of.Recording(rows).write(recorded / "seen.jsonl")
    assert tune(onefold, "--budget-usd", "1").code == 0
