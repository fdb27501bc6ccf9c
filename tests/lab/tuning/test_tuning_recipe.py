"""What tuning writes: a recipe that runs as it stands, tables, and a plot."""

import csv

import pytest
from msgspec import structs
from pools import pool

import onefold as of
from onefold.core.errors import ConfigError
from onefold.lab.recipe import load_recipe, recipe
from onefold.lab.tuning.candidates import ALL, Candidate, Rule
from onefold.lab.tuning.recipe import load_entries, operator_of, said
from onefold.lab.tuning.report import write
from onefold.lab.tuning.tune import tune


@pytest.fixture(scope="module")
def tuned():
    """What tuning finds in the usual pool."""
    return tune(pool(150), usd=0.01, reads="number")


def test_a_recipe_reads_back_with_its_promise_and_answers_from_the_recording(
    tuned, tmp_path, instantly
):
    recording = pool(150)
    recording.write(tmp_path / "seen.jsonl")
    names = write(tuned, tmp_path / "out", tmp_path / "seen.jsonl")
    assert names == ["recipe.yaml", "frontier.csv", "frontier.svg", "profile.csv"]
    made = load_recipe(tmp_path / "out" / "recipe.yaml")
    assert made.promise["quality"] == pytest.approx(tuned.pick.promise.quality, rel=1e-5)
    assert made.promise["best_single"]["member"] == tuned.single.system.members[0]
    assert recipe(made.dump()) == made
    with made.session():
        answer = instantly(made.operator("What is 7?"))
    assert answer.text.startswith("The answer is")


def test_members_with_a_provider_are_asked_live(tuned, tmp_path):
    models = {name: {"provider": {"fake": ["The answer is 4"]}} for name in tuned.board.members}
    write(tuned, tmp_path, models=models)
    made = load_recipe(tmp_path / "recipe.yaml")
    assert made.replay is None
    with made.session():
        assert made.operator.ask("What is 2 + 2?").value == 4


def test_members_that_nobody_provides_want_the_recording(tuned, tmp_path):
    with pytest.raises(ConfigError, match="name the recording"):
        write(tuned, tmp_path)


def test_a_folder_that_cannot_be_written_is_an_error(tuned, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ConfigError, match="cannot be written"):
        write(tuned, tmp_path / "taken", "seen.jsonl")


def test_the_tables_tell_what_is_promised_and_what_was_seen(tuned, tmp_path):
    write(tuned, tmp_path, "seen.jsonl")
    with (tmp_path / "frontier.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(tuned.frontier)
    assert all(float(r["quality_low"]) <= float(r["quality"]) for r in rows)
    with (tmp_path / "profile.csv").open(newline="") as file:
        profile = {row["panel"]: row for row in csv.DictReader(file)}
    assert {"small", "medium", "large"} <= set(profile)
    assert float(profile["large"]["seconds"]) == 1.0
    assert "<svg" in (tmp_path / "frontier.svg").read_text()


@pytest.mark.parametrize(
    ("candidate", "words"),
    [
        (Candidate(("a",), (1.0,)), "a"),
        (Candidate(("a", "b", "c"), (1.0, 1.0, 1.0)), "vote of a, b, c"),
        (Candidate(("a", "b"), (2.0, 1.0)), "weighted vote of a, b"),
        (Candidate(("a", "b", "c"), (1.0,) * 3, Rule(2 / 3, True)),
         "a → b → c to a lead of 2, else the last"),
        (Candidate(("a", "b", "c"), (1.0,) * 3, Rule(float("nan"))), "a → b → c until decided"),
    ],
)  # fmt: skip
def test_a_candidate_is_said_in_words(candidate, words):
    assert said(candidate) == words


def test_draws_of_one_member_are_one_model_asked_again():
    panel = operator_of(Candidate(("a", "b", "a#2"), (1.0, 2.0, 1.0), Rule(0.5, True)))
    assert panel == of.Panel(
        [of.Model("a"), of.Model("b"), of.Model("a")],
        of.build({"last_word": {"last": "a#2", "weights": {"a": 1.0, "b": 2.0}}}),
        of.build({"lead": {"at": 2.0, "weights": {"a": 1.0, "b": 2.0}}}, of.Stop),
        float("inf"),
        quorum=1,
    )


def test_one_member_alone_is_a_model_with_a_reader():
    alone = Candidate(("a",), (1.0,), ALL)
    assert operator_of(alone) == of.Model("a")
    assert operator_of(alone, of.Number()) == of.Read(of.Model("a"), of.Number())


def test_entries_come_from_a_recipe_or_a_file_of_models(tmp_path):
    path = tmp_path / "models.yaml"
    path.write_text("models: {a: {provider: {fake: [hi]}}}\n")
    assert set(load_entries(path)) == {"a"}
    path.write_text("panel: [fake:a]\n")
    with pytest.raises(ConfigError, match="has no models"):
        load_entries(path)


def test_a_promise_that_is_no_mapping_is_refused():
    with pytest.raises(ConfigError, match="promise"):
        recipe("operator: fake:a\npromise: 0.9\n")


def test_prices_stand_in_the_recipe(tmp_path):
    recording = of.Recording(structs.replace(draft, usd=None) for draft in pool(80))
    prices = {name: of.Price(1.0, 2.0) for name in recording.members}
    found = tune(recording, usd=1.0, reads="number", prices=prices)
    write(found, tmp_path, "seen.jsonl", prices=prices)
    made = load_recipe(tmp_path / "recipe.yaml")
    asked = found.pick.system.members
    assert made.models == {n: {"price": {"tokens_in": 1.0, "tokens_out": 2.0}} for n in asked}
