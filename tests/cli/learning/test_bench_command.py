"""`onefold bench` as its users call it."""

import csv
import json

import pytest

import onefold as of
from onefold.lab.bench.results import Results

CASCADE = """
models:
  small: {price: {tokens_in: 1, tokens_out: 1}}
  large: {price: {tokens_in: 10, tokens_out: 10}}
panel: {members: [{model: small}, {model: large}], stop: {agree: 0.6}, stagger: .inf, reads: number}
"""


@pytest.fixture
def recorded(tmp_path):
    """A recording of two members, and a recipe that asks one after the other."""
    rows = [
        of.Draft(f"q{n}", member, str(n if n % every else n + 1), f"{n}?", expected=n)
        for n in range(24)
        for member, every in (("small", 3), ("large", 8))
    ]
    of.Recording(rows).write(tmp_path / "r.jsonl")
    (tmp_path / "cascade.yaml").write_text(CASCADE)
    return tmp_path


def test_a_bench_prints_a_table_and_writes_a_report(onefold, recorded):
    called = onefold("bench", "cascade.yaml", "--recording", "r.jsonl", "--out", "out")
    assert called.code == 0, called.err
    for words in ("cascade", "large", "best single member: large", "oracle of the members",
                  "independent voters", "AIQ", "written to out"):  # fmt: skip
        assert words in called.out
    assert "estimated" in called.err
    assert "<title>Bench: r</title>" in (recorded / "out" / "report.html").read_text()
    assert Results.load(recorded / "out" / "results.csv").systems == ["small", "large", "cascade"]


def test_fields_are_varied_and_the_dataset_is_named(onefold, recorded):
    called = onefold("bench", "a=cascade.yaml", "--recording", "r.jsonl", "--vary",
                     "stop.least=1,2", "--dataset", "sums", "--limit", "10")  # fmt: skip
    assert called.code == 0, called.err
    results = Results.load(recorded / "bench" / "results.csv")
    assert results.systems[2:] == ["a stop.least=1", "a stop.least=2"]
    assert results.datasets == ["sums"]
    assert len(results.grid.questions) == 10


def test_prices_of_members_come_from_a_file(onefold, recorded):
    (recorded / "p.yaml").write_text("small: {tokens_in: 2, tokens_out: 2}\nother: [1, 1]\n")
    called = onefold("bench", "small", "--recording", "r.jsonl", "--prices", "p.yaml")
    assert called.code == 0, called.err
    with (recorded / "bench" / "summary.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert float(row["usd"]) == pytest.approx(24 * 2 * 2e-6)
    assert json.loads((recorded / "bench" / "figures.json").read_text())["members"] == 1


def test_a_live_bench_resumes_from_its_folder(onefold, files):
    first = onefold("bench", "recipe.yaml", "--prompts", "prompts.jsonl", "--out", "out")
    assert first.code == 0, first.err
    assert (files / "out" / "runs" / "recipe" / "journal.sqlite").is_file()
    again = onefold("bench", "recipe.yaml", "--prompts", "prompts.jsonl", "--out", "out")
    assert again.out == first.out


def test_what_cannot_be_benched_is_one_line(refused, recorded):
    assert "either a recording" in refused("bench", "cascade.yaml")
    assert "no file 'x.jsonl'" in refused("bench", "--recording", "x.jsonl")
    assert "stop.at=" in refused("bench", "cascade.yaml", "--recording", "r.jsonl", "--vary", "a=1")
    (recorded / "bad.yaml").write_text("model: smal\n")
    assert "did you mean 'small'" in refused("bench", "bad.yaml", "--recording", "r.jsonl")
