"""Reports: tables that any program reads back, and a page for people."""

import csv
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import onefold as of
from onefold import Example, Panel, Query, Recording
from onefold.lab.book import read_outcomes
from onefold.runtime.clock import instantly

HOSTILE = [
    'say "hi", then\nleave',
    "a\r\nb",
    "lone \r return",
    "=cmd()",
    '",",",\n"',
    "tab\there",
    "日本 😀 \u2028 \ufeff",
    "'single'",
    "[markup] [/bold]",
    "x" * 200_000,
]


def written(folder, operator, questions, **about):
    done = instantly(of.arun(operator, questions, **about))
    of.write_report(done, folder)
    return done


def table(path):
    csv.field_size_limit(2**31 - 1)
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_hostile_prompts_and_answers_read_back_from_the_csv(tmp_path):
    session = of.Session({"m": of.Fake(answers={text: text for text in HOSTILE})})
    operator = of.Model("m")
    done = written(tmp_path, operator, [Query(t, id=t[:50]) for t in HOSTILE], session=session)
    rows = table(tmp_path / "answers.csv")
    assert [row["prompt"] for row in rows] == HOSTILE
    assert [row["text"] for row in rows] == HOSTILE
    assert [row["id"] for row in rows] == [t[:50] for t in HOSTILE]
    assert len(done) == len(rows)


def test_any_text_reads_back_from_the_csv(tmp_path):
    @settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.text(min_size=1).filter(lambda t: t.strip()), st.text(min_size=1))
    def holds(prompt, said):
        written(tmp_path, of.Model("m", provider=of.Fake((said,))), [prompt])
        (row,) = table(tmp_path / "answers.csv")
        assert (row["prompt"], row["text"]) == (prompt, said)

    holds()


def test_the_csv_says_what_the_answer_says(tmp_path):
    panel = Panel(["fake:4", "fake:4", "fake:5", "fake:dunno"], reads="number")
    done = written(tmp_path, panel, [Example(Query("2 + 2?", id="q"), "4")])
    (row,) = table(tmp_path / "answers.csv")
    answer = done.answers[0]
    assert (row["text"], row["value"], row["expected"], row["correct"]) == ("4", "4", "4", "True")
    assert float(row["agreement"]) == answer.agreement == 0.5
    assert (float(row["interval_low"]), float(row["interval_high"])) == answer.interval
    assert json.loads(row["votes"]) == {"4": 2, "5": 1}
    assert (row["answered"], row["failed"], row["calls"], row["error"]) == ("4", "0", "4", "")


def test_a_failed_row_says_why_and_claims_no_agreement(tmp_path):
    written(tmp_path, Panel(["fake:a"]), ["", "q"])
    bad, good = table(tmp_path / "answers.csv")
    assert bad["error"].startswith("ConfigError: ")
    assert (bad["agreement"], bad["interval_low"], bad["text"]) == ("", "", "")
    assert (good["error"], good["agreement"]) == ("", "1.0")


def test_every_file_of_the_docs_is_written_and_can_be_read(tmp_path):
    panel = Panel(["fake:4", "fake:5"], reads="number")
    done = written(tmp_path, panel, [Example(Query("q"), "4")], out=tmp_path)
    assert {p.name for p in tmp_path.iterdir()} >= {
        "answers.jsonl", "answers.csv", "members.csv", "statistics.json", "report.txt",
        "recording.jsonl", "journal.sqlite",
    }  # fmt: skip
    numbers = json.loads((tmp_path / "statistics.json").read_text())
    assert numbers["questions"] == 1
    assert numbers["usage"]["calls"] == 2
    assert set(numbers) == set(of.Statistics.__struct_fields__)
    members = table(tmp_path / "members.csv")
    assert [row["member"] for row in members] == ["fake:4", "fake:5"]
    assert [row["accuracy"] for row in members] == ["1.0", "0.0"]
    assert [d.text for d in Recording.load(tmp_path / "recording.jsonl")] == ["4", "5"]
    assert read_outcomes(tmp_path / "answers.jsonl") == list(done)


def test_members_are_graded_by_the_questions_own_reader_and_labels(tmp_path):
    query = Query("Which?", labels=("red", "blue"), reads="choice")
    written(tmp_path, Panel(["fake:It is blue.", "fake:Red!"]), [Example(query, "blue")])
    assert [row["accuracy"] for row in table(tmp_path / "members.csv")] == ["1.0", "0.0"]


def test_letters_of_labels_are_graded_alike_for_the_panel_and_its_members(tmp_path):
    query = Query("Which?", labels=("red", "blue"), reads="choice")
    done = written(tmp_path, Panel(["fake:The answer is B."]), [Example(query, "blue")])
    (row,) = table(tmp_path / "members.csv")
    assert float(row["accuracy"]) == float(done.outcomes[0].correct)


def test_an_empty_run_is_reported_too(tmp_path):
    written(tmp_path, Panel(["fake:a"]), [])
    assert "Total Predictions: 0" in (tmp_path / "report.txt").read_text()
    assert table(tmp_path / "answers.csv") == []


def lines(done):
    return of.report(of.statistics(done), of.by_member(done), done.stopped).splitlines()


def test_the_page_has_the_lines_that_crucibles_has_and_ours():
    session = of.Session(
        {
            "a": of.Fake(("4",), tokens=(100, 10), price=(10.0, 30.0), seconds=(0.25,)),
            "b": of.Fake(("5",), tokens=(100, 10), price=(10.0, 30.0), seconds=(0.5,)),
        }
    )
    panel = Panel([of.Model("a"), of.Model("b")], reads="number")
    questions = [Example(Query(f"q{n}"), "4") for n in range(4)]
    page = lines(instantly(of.arun(panel, questions, session=session)))
    for line in (
        "Total Predictions: 4",
        "Success Rate: 100.0%",
        "Accuracy: 100.0% (95 % interval 51.01% to 100.0%)",
        "  Average: 500.0 ms",
        "  P50 (Median): 500.0 ms",
        "  P99: 500.0 ms",
        "  Total Cost: $0.0104",
        "  Average Cost: $0.0026",
        "  Calls: 8, tokens: 800 in, 80 out",
        "  Average Consensus: 50.0%",
        "  Abstentions: 0.0%",
    ):
        assert line in page
    head, a, b = page[-3:]
    assert head.split()[:3] == ["member", "asked", "read"]
    assert a.split()[:2] == ["a", "4"]
    assert len({len(head), len(a), len(b)}) == 1


def test_small_sums_are_written_out_for_people():
    session = of.Session({"m": of.Fake(("a",), tokens=(1, 1), price=(1.0, 2.0))})
    page = lines(instantly(of.arun(of.Model("m"), ["q"], session=session)))
    assert not any("e-0" in line for line in page)


def test_a_run_that_stopped_early_says_so():
    numbers = of.statistics([])
    assert "Stopped early: BudgetExceeded: …" in of.report(numbers, (), "BudgetExceeded: …")


@pytest.mark.parametrize("source", ["[bold]m[/bold]", "日本", "a" * 80])
def test_names_of_any_kind_stand_in_the_table(source):
    panel = Panel({source: "fake:a", "b": "fake:b"})
    page = lines(of.run(panel, ["q"]))
    assert page[-2].startswith(source)
