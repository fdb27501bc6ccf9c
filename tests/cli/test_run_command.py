"""`onefold run`, `show` and `plan`: through the door, and every way to be refused there."""

import csv
import json

import pytest

import onefold as of
from onefold.lab.book import read_outcomes


def run(*more, out="out"):
    return ["run", "recipe.yaml", "prompts.jsonl", "--out", out, *more]


def test_a_run_reports_and_writes_every_file(onefold, files):
    called = onefold(*run())
    assert called.code == 0, called.err
    for words in ("Total Predictions: 5", "Success Rate: 100.0%", "Calls: 15", "written to out"):
        assert words in called.out
    names = {path.name for path in (files / "out").iterdir()}
    assert names >= {"answers.jsonl", "answers.csv", "members.csv", "statistics.json", "report.txt",
                     "recording.jsonl", "journal.sqlite", "recipe.yaml"}  # fmt: skip
    assert (files / "out" / "report.txt").read_text() in called.out
    with (files / "out" / "answers.csv").open(newline="") as file:
        assert [row["correct"] for row in csv.DictReader(file)] == ["True"] * 5


def test_the_same_command_again_pays_nothing_and_reports_the_same(onefold, files):
    first = onefold(*run())
    numbers = (files / "out" / "statistics.json").read_bytes()
    again = onefold(*run())
    assert again.code == 0
    assert (files / "out" / "statistics.json").read_bytes() == numbers
    assert again.out == first.out


def test_the_recipe_that_was_run_runs_again_from_the_folder_of_results(onefold, files):
    onefold(*run())
    assert onefold("run", "out/recipe.yaml", "prompts.jsonl", "--out", "again").code == 0
    one, two = (json.loads((files / o / "statistics.json").read_text()) for o in ("out", "again"))
    assert one["usage"] == two["usage"]


def test_a_recording_answers_instead_of_the_recipes_own_models(onefold, files):
    rows = [of.Draft(f"q{n}", m, "7", f"What is {n}?", usd=0.5) for n in range(5) for m in "abc"]
    of.Recording(rows).write(files / "r.jsonl")
    called = onefold(*run("--replay", "r.jsonl"))
    assert called.code == 0, called.err
    assert {o.answer.value for o in read_outcomes(files / "out" / "answers.jsonl")} == {7.0}
    assert "Total Cost: $7.5" in called.out


def test_a_runs_own_recording_replays_it(onefold, files):
    onefold(*run())
    called = onefold(*run("--replay", "out/recording.jsonl", "--instant", out="replayed"))
    assert called.code == 0, called.err
    one, two = (
        json.loads((files / o / "statistics.json").read_text()) for o in ("out", "replayed")
    )
    assert one["usage"] == two["usage"]
    assert one["agreement"] == two["agreement"]
    assert one["seconds_p50"] == pytest.approx(two["seconds_p50"], abs=0.05)


def test_a_model_that_the_recording_lacks_is_not_asked_live(refused, files):
    rows = [of.Draft(f"q{n}", m, "7", f"What is {n}?") for n in range(5) for m in "ab"]
    of.Recording(rows).write(files / "r.jsonl")
    line = refused(*run("--replay", "r.jsonl"))
    assert "'c'" in line
    assert not (files / "out" / "answers.jsonl").exists() or not read_outcomes(
        files / "out" / "answers.jsonl"
    )


def test_instant_runs_take_no_time_but_tell_it(onefold, files):
    (files / "recipe.yaml").write_text(
        "models: {s: {sim: {accuracy: 1, latency: {median: 1000, sigma: 0}}}}\nmodel: s\n"
    )
    called = onefold(*run("--instant"))
    (line,) = [line for line in called.out.splitlines() if "P50" in line]
    assert float(line.split()[-2]) == pytest.approx(1e6, abs=5)


def test_limit_asks_the_first_questions_alone_and_later_the_rest(onefold, files):
    assert "Total Predictions: 2" in onefold(*run("--limit", "2")).out
    assert "Total Predictions: 5" in onefold(*run()).out
    assert "Calls: 15" in onefold(*run()).out


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("limit", ["0", "-1"])
def test_a_limit_is_one_or_more(onefold, files, command, limit):
    called = onefold(command, "recipe.yaml", "prompts.jsonl", "--limit", limit)
    assert called.code == 2
    assert "--limit" in called.err


def test_questions_come_from_standard_input_too(onefold, files):
    called = onefold("run", "recipe.yaml", "-", "--out", "out", stdin="What?\nWhy?\n")
    assert "Total Predictions: 2" in called.out


def test_a_budget_ends_the_run_with_three_and_the_same_command_goes_on(onefold, files):
    stopped = onefold(*run("--budget", "0.1", "--concurrency", "1"))
    assert stopped.code == 3
    assert "stopped early: BudgetExceeded" in stopped.err
    assert "Stopped early" in stopped.out
    whole = onefold(*run("--budget", "100"))
    assert (whole.code, "Calls: 15" in whole.out) == (0, True)


def test_bad_rows_are_reported_in_their_rows_and_the_run_succeeds(onefold, files):
    huge = "x" * 10_000_000
    (files / "prompts.jsonl").write_text(
        '{"prompt": "good"}\n{"prompt": ""}\n' + json.dumps({"prompt": huge}) + "\n"
    )
    called = onefold(*run())
    assert called.code == 0, called.err[-500:]
    assert "Success Rate: 33.33%" in called.out
    errors = [o.answer.error for o in read_outcomes(files / "out" / "answers.jsonl")]
    assert sorted(e is None for e in errors) == [False, False, True]
    shown = onefold("show", "out", "2")
    assert "empty" in shown.out
    assert len(onefold("show", "out", "3").out) < 5000


def test_fresh_throws_an_earlier_run_away(onefold, files):
    onefold(*run())
    (files / "recipe.yaml").write_text("panel: {members: ['fake:9']}\n")
    assert onefold(*run()).code == 2
    called = onefold(*run("--fresh"))
    assert "Calls: 5" in called.out
    assert {o.answer.text for o in read_outcomes(files / "out" / "answers.jsonl")} == {"9"}


def test_fresh_deletes_only_the_runs_own_files(onefold, files):
    onefold(*run())
    (files / "out" / "notes.txt").write_text("mine")
    (files / "out" / "more").mkdir()
    assert onefold(*run("--fresh")).code == 0
    assert (files / "out" / "notes.txt").read_text() == "mine"
    assert (files / "out" / "more").is_dir()


@pytest.mark.parametrize("out", [".", "precious"])
def test_fresh_never_deletes_what_is_no_run(refused, files, out):
    (files / "precious").mkdir()
    (files / "precious" / "thesis.txt").write_text("years of work")
    line = refused(*run("--fresh", out=out))
    assert "--fresh" in line
    assert (files / "precious" / "thesis.txt").exists()
    assert (files / "prompts.jsonl").exists()


def test_fresh_with_nothing_there_is_a_plain_run(onefold, files):
    assert onefold(*run("--fresh")).code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nosuch.yaml", "prompts.jsonl"], ["nosuch.yaml", "recipe.yaml"]),
        (["recipe", "prompts.jsonl"], ["recipe"]),
        (["recipe.yaml", "promts.jsonl"], ["promts.jsonl", "prompts.jsonl"]),
        (["recipe.yaml", "prompts.txt"], [".txt", ".jsonl", ".csv", ".parquet"]),
        (["recipe.yaml", "empty.jsonl"], ["empty.jsonl has no rows", "at least one prompt"]),
        (["recipe.yaml", "columns.csv"], ["columns.csv", "prompt", "it has: a, b"]),
        (["recipe.yaml", "cut.jsonl"], ["cut.jsonl, line 2", "cut off", "complete it"]),
        (["recipe.yaml", "broken.jsonl"], ["broken.jsonl, line 1", "mend it"]),
        (["recipe.yaml", "twice.jsonl"], ["row 2", "'x'", "two prompts"]),
        (["recipe.yaml", "columns.parquet"], ["columns.parquet", "prompt", "it has: a"]),
        (["recipe.yaml", "no.parquet"], ["no.parquet", "no readable Parquet"]),
        (["binary.yaml", "prompts.jsonl"], ["binary.yaml", "UTF-8"]),
        (["panle: {}", "prompts.jsonl"], ["'panle'", "did you mean 'panel'"]),
        (["panel: {members: []}", "prompts.jsonl"], ["empty", "at least one member"]),
        (["panel: {members: ['fake:a'], stagger: -2}", "prompts.jsonl"], ["stagger", "-2", ">= 0"]),
        (
            ["panel: {members: {a: 'fake:a', a: 'fake:b'}}", "prompts.jsonl"],
            ["'a' stands twice", "rename"],
        ),
        (["model: !!python/object:os.system {}", "prompts.jsonl"], ["tag", "line 1"]),
        (["operator: {model: nobody}", "prompts.jsonl"], ["'nobody'"]),
        (["panel: {members: ['fak:a']}", "prompts.jsonl"], ["'fak'", "did you mean 'fake'"]),
        (
            ["recipe.yaml", "prompts.jsonl", "--replay", "none.jsonl"],
            ["none.jsonl", "prompts.jsonl"],
        ),
        (["recipe.yaml", "prompts.jsonl", "--budget", "nan"], ["budget", "nan"]),
        (["recipe.yaml", "prompts.jsonl", "--budget", "-1"], ["budget", "-1"]),
        (
            ["recipe.yaml", "prompts.jsonl", "--out", "recipe.yaml"],
            ["recipe.yaml", "name another folder"],
        ),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, list) else None,
)
def test_what_cannot_be_run_is_one_line_before_anything_is_paid(refused, files, arguments, words):
    (files / "empty.jsonl").write_text("")
    (files / "columns.csv").write_text("a,b\n1,2\n")
    (files / "cut.jsonl").write_text('{"prompt": "a"}\n{"prompt": "b')
    (files / "broken.jsonl").write_text('{"prompt\n{"prompt": "b"}\n')
    (files / "twice.jsonl").write_text('{"id":"x","prompt":"a"}\n{"id":"x","prompt":"b"}\n')
    (files / "no.parquet").write_bytes(b"PAR1")
    (files / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    from onefold.recording.tables import write_table

    write_table(files / "columns.parquet", [{"a": 1}])
    line = refused("run", *arguments)
    for word in words:
        assert word in line
    assert (
        not (files / "results" / "journal.sqlite").exists()
        or not of.Session(journal=files / "results" / "journal.sqlite").journal.total().calls
    )


def test_standard_input_that_is_no_utf8_is_one_line(refused, files):
    assert "UTF-8" in refused("run", "recipe.yaml", "-", stdin=b"caf\xe9\n")


def test_another_recipe_in_the_same_folder_is_refused(refused, onefold, files):
    onefold(*run())
    recipe = (files / "recipe.yaml").read_text()
    (files / "recipe.yaml").write_text(recipe.replace("reads: number", "reads: plain"))
    called = onefold(*run())
    assert called.code == 2
    assert "another" in called.err
    (files / "recipe.yaml").write_text(recipe.replace("['5']", "['6']"))
    called = onefold(*run())
    assert called.code == 2
    assert "another" in called.err


def test_other_questions_in_the_same_folder_are_refused(refused, onefold, files):
    onefold(*run())
    text = (files / "prompts.jsonl").read_text()
    (files / "prompts.jsonl").write_text(text.replace("What is 3?", "What is three?"))
    assert "'q3'" in refused(*run())


def test_show_lists_the_least_agreed_questions_first(onefold, files):
    onefold(*run())
    listed = onefold("show", "out", "--most", "3")
    assert listed.code == 0
    rows = listed.out.strip().splitlines()
    assert len(rows) == 3
    assert all("0.67" in row and "right" in row for row in rows)


def test_show_explains_one_question(onefold, files):
    onefold(*run())
    said = onefold("show", "out", "q2").out
    for words in (
        "question  What is 2?",
        "expected  4 (right)",
        "dissent   c",
        "votes     '4': 2, '5': 1",
    ):
        assert words in said


def test_show_names_what_it_cannot_find(refused, onefold, files):
    assert "nowhere holds no run" in refused("show", "nowhere")
    onefold(*run())
    line = refused("show", "out", "q22")
    assert "'q22'" in line
    assert "did you mean 'q2'" in line


def test_show_lists_none_or_more(onefold, files):
    onefold(*run())
    called = onefold("show", "out", "--most", "-1")
    assert called.code == 2
    assert "--most" in called.err


def test_plan_tells_calls_and_money_and_asks_nobody(onefold, files):
    called = onefold("plan", "recipe.yaml", "prompts.jsonl")
    assert called.code == 0
    assert called.out.startswith("5 questions\n")
    (calls,) = [line for line in called.out.splitlines() if line.startswith("calls")]
    assert calls.split()[1:] == ["15", "15", "15"]
    assert not (files / "results").exists()


def test_a_plan_of_silent_models_asks_them_nothing(onefold, files):
    class Silent(of.Provider, name="silent"):
        async def complete(self, request):
            raise AssertionError("asked")

    (files / "silent.yaml").write_text("models: {m: silent}\nmodel: m\n")
    assert onefold("plan", "silent.yaml", "prompts.jsonl").code == 0


def test_a_plan_leaves_one_bad_row_among_many_out_and_says_so(onefold, files):
    (files / "rows.jsonl").write_text('{"prompt": "a"}\n{"prompt": ""}\n{"prompt": "b"}\n')
    called = onefold("plan", "recipe.yaml", "rows.jsonl")
    assert called.code == 0, called.err
    (calls,) = [line for line in called.out.splitlines() if line.startswith("calls")]
    assert calls.split()[1:] == ["6", "6", "6"]


def test_a_plan_over_a_recording_is_of_its_members(onefold, files):
    rows = [of.Draft(f"q{n}", m, "7", f"What is {n}?") for n in range(5) for m in "abc"]
    of.Recording(rows).write(files / "r.jsonl")
    called = onefold("plan", "recipe.yaml", "r.jsonl", "--replay", "r.jsonl", "--limit", "2")
    assert called.code == 0, called.err
    assert "2 questions" in called.out
