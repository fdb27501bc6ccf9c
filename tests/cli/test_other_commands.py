"""`onefold demo`, `doctor` and `schema`."""

import json
import subprocess
import sys

import pytest
import yaml

import onefold as of
from onefold.cli import doctor as doctors


def test_the_demo_compares_ways_on_real_local_models(onefold):
    called = onefold("demo", "--questions", "8", "--seed", "7")
    assert called.code == 0
    assert "8 fresh problems a table, seed 7; models that run here" in called.out
    for way in ("one generalist", "specialists, routed", "vote of 8", "cascade", "guided search"):
        assert way in called.out
    assert "for 1,000 questions" in called.out
    assert "The least agreed of the vote" in called.out


def test_the_demo_with_the_same_seed_says_the_same(onefold):
    first, second = (onefold("demo", "--questions", "4", "--seed", "3").out for _ in range(2))
    assert first.partition("The least agreed")[0] == second.partition("The least agreed")[0]


@pytest.mark.parametrize("count", ["0", "-3"])
def test_a_demo_asks_at_least_some_questions(onefold, count):
    called = onefold("demo", "--questions", count)
    assert called.code == 2
    assert "--questions" in called.err


def test_doctor_lists_what_is_here(onefold):
    called = onefold("doctor")
    assert called.code == 0
    for words in (
        "python",
        "onefold",
        "msgspec",
        "numpy",
        "sqlite",
        "extra parquet",
        "provider parts",
    ):
        assert words in called.out
    assert "fake" in called.out


def test_doctor_says_how_to_get_what_is_missing(onefold, monkeypatch):
    monkeypatch.setattr(doctors, "find_spec", lambda _: None)
    called = onefold("doctor")
    assert called.code == 0
    assert "missing: pip install 'onefold[parquet]'" in called.out


def test_doctor_fails_where_a_dependency_is_missing(onefold, monkeypatch):
    monkeypatch.setattr(doctors, "NEEDED", ("no-such-package",))
    called = onefold("doctor")
    assert called.code == 2
    assert "bad  no-such-package" in called.out


def test_doctor_checks_a_recipe_and_asks_nobody(onefold, files):
    class Silent(of.Provider, name="silent"):
        async def complete(self, request):
            raise AssertionError("asked")

    (files / "silent.yaml").write_text("models: {m: silent}\nmodel: m\n")
    for name in ("recipe.yaml", "silent.yaml"):
        called = onefold("doctor", name)
        assert called.code == 0
        assert f"{name}: every model can be asked" in called.out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("operator: {model: nobody}", "'nobody'"),
        ("panel: {memers: []}", "did you mean 'members'"),
        ("replay: {recording: none.jsonl}\nmodel: x", "none.jsonl"),
        ("budget: 1\nmodels: {m: {provider: {replay: {recording: x}}}}\nmodel: m", "tables end in"),
    ],
)
def test_doctor_says_what_is_wrong_with_a_recipe(onefold, tmp_path, text, words):
    (tmp_path / "r.yaml").write_text(text)
    called = onefold("doctor", "r.yaml")
    assert called.code == 2
    (line,) = [line for line in called.out.splitlines() if line.startswith("bad")]
    assert words in line
    assert "Traceback" not in called.err


def test_doctor_leaves_no_files_behind(onefold, tmp_path):
    (tmp_path / "r.yaml").write_text("fake:a\n")
    onefold("doctor", "r.yaml")
    assert [p.name for p in tmp_path.iterdir()] == ["r.yaml"]


def test_schema_prints_json_schema_that_recipes_of_the_house_fit(onefold):
    called = onefold("schema")
    assert called.code == 0
    made = json.loads(called.out)
    assert made["$schema"].startswith("https://json-schema.org/")
    assert set(made["$defs"]) >= {"operator", "stop", "reader", "judge", "router", "provider"}
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(yaml.safe_load("panel: {members: ['fake:a']}"), made)


def test_parts_of_a_plug_in_are_listed(onefold):
    class Near(of.Reader, name="near_for_doctor"):
        def read(self, text, query):
            return None

    assert "near_for_doctor" in onefold("doctor").out
    assert "near_for_doctor" in onefold("schema").out


def test_nothing_heavy_is_loaded_to_print_the_version():
    code = (
        "import sys; sys.argv = ['onefold', '--version']\n"
        "from onefold.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'pyarrow', 'torch', 'sklearn', 'sympy', 'math_verify'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
