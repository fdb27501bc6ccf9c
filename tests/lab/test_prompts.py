"""Questions from files: every format, the usual column names, one question an id."""

import io
import sys

import pytest

import onefold as of
from onefold import Example, Query, load_prompts
from onefold.core.errors import ConfigError, MissingExtra
from onefold.recording.tables import write_table

TABLE = [
    {"id": "a", "prompt": "1 + 1?", "expected": "2", "system": "Be short.", "labels": "2|3"},
    {"id": "b", "prompt": 'say "hi",\r\nor not', "expected": "hi"},
]
QUESTIONS = [
    Example(Query("1 + 1?", id="a", system="Be short.", labels=("2", "3")), "2"),
    Example(Query('say "hi",\r\nor not', id="b"), "hi"),
]


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "parquet"])
def test_questions_load_alike_from_every_format(tmp_path, ending):
    write_table(tmp_path / f"p.{ending}", TABLE)
    assert load_prompts(tmp_path / f"p.{ending}") == QUESTIONS


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ('["1 + 1?", "2 + 2?"]', ["1 + 1?", "2 + 2?"]),
        ('{"prompt": "1 + 1?"}\n{"prompt": "2 + 2?"}\n', ["1 + 1?", "2 + 2?"]),
        ("prompt,expected\n1 + 1?,2\n2 + 2?,4\n", ["1 + 1?", "2 + 2?"]),
        ("1 + 1?\n\n  2 + 2?\n", ["1 + 1?", "  2 + 2?"]),
        ("One, two?\nThree, four?\n", ["One, two?", "Three, four?"]),
    ],
)
def test_standard_input_may_be_json_jsonl_csv_or_lines(monkeypatch, text, prompts):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8"))
    loaded = load_prompts("-")
    assert [e.query.text for e in loaded] == prompts
    assert [e.query.id for e in loaded] == ["1", "2"]


def test_standard_input_that_is_no_utf8_is_one_clear_error(monkeypatch):
    for errors in ("strict", "surrogateescape"):
        stdin = io.TextIOWrapper(io.BytesIO(b"caf\xe9?\n"), "utf-8", errors=errors)
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(ConfigError, match=r"standard input.*UTF-8"):
            load_prompts("-")


def test_empty_standard_input_asks_for_a_prompt(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b""), "utf-8"))
    with pytest.raises(ConfigError, match=r"no rows: give at least one prompt"):
        load_prompts("-")


@pytest.mark.parametrize("column", ["prompt", "question", "text", "query", "input"])
@pytest.mark.parametrize("wanted", ["expected", "gold", "answer", "label", "target"])
def test_usual_column_names_are_understood(tmp_path, column, wanted):
    write_table(tmp_path / "p.jsonl", [{"question_id": 7, column: "Why?", wanted: 4}])
    assert load_prompts(tmp_path / "p.jsonl") == [Example(Query("Why?", id="7"), 4)]


def test_rows_without_an_id_are_numbered_from_one(tmp_path):
    write_table(tmp_path / "p.jsonl", [{"prompt": "a"}, {"prompt": "b"}, {"prompt": "a"}])
    assert [e.query.id for e in load_prompts(tmp_path / "p.jsonl")] == ["1", "2", "3"]


def test_an_id_of_zero_is_an_id(tmp_path):
    write_table(tmp_path / "p.jsonl", [{"id": 0, "prompt": "a"}, {"id": 1.0, "prompt": "b"}])
    assert [e.query.id for e in load_prompts(tmp_path / "p.jsonl")] == ["0", "1"]


def test_names_say_which_column_is_which(tmp_path):
    write_table(tmp_path / "p.jsonl", [{"q": "Why?", "a": "so", "prompt": "no"}])
    loaded = load_prompts(tmp_path / "p.jsonl", {"prompt": "q", "expected": "a"})
    assert loaded == [Example(Query("Why?", id="1"), "so")]


def test_names_must_name_columns_and_fields_there_are(tmp_path):
    write_table(tmp_path / "p.jsonl", [{"q": "Why?"}])
    with pytest.raises(ConfigError, match=r"no column 'p' for prompt; it has: q"):
        load_prompts(tmp_path / "p.jsonl", {"prompt": "p"})
    with pytest.raises(ConfigError, match=r"'promt'; did you mean 'prompt'"):
        load_prompts(tmp_path / "p.jsonl", {"promt": "q"})


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "parquet"])
def test_a_missing_prompt_column_is_named_with_what_there_is(tmp_path, ending):
    write_table(tmp_path / f"p.{ending}", [{"id": "1", "said": "x"}])
    with pytest.raises(ConfigError, match=r"no column for prompt .*question.* it has: id, said"):
        load_prompts(tmp_path / f"p.{ending}")


def test_one_id_with_two_prompts_is_refused_with_its_row(tmp_path):
    write_table(tmp_path / "p.jsonl", [{"id": "x", "prompt": "a"}, {"id": "x", "prompt": "b"}])
    with pytest.raises(ConfigError, match=r"p\.jsonl, row 2: id 'x' has two prompts"):
        load_prompts(tmp_path / "p.jsonl")


def test_the_same_question_twice_under_one_id_is_one_question(tmp_path):
    write_table(tmp_path / "p.jsonl", [{"id": "x", "prompt": "a"}, {"id": "x", "prompt": "a"}])
    assert len(load_prompts(tmp_path / "p.jsonl")) == 1


def test_a_recording_serves_as_questions(tmp_path):
    rows = [
        of.Draft(f"q{i}", member, "text is what was said", f"Prompt {i}?", expected="4")
        for i in range(3)
        for member in ("a", "b")
    ]
    of.Recording(rows).write(tmp_path / "r.jsonl")
    loaded = load_prompts(tmp_path / "r.jsonl")
    assert [(e.query.id, e.query.text, e.expected) for e in loaded] == [
        (f"q{i}", f"Prompt {i}?", "4") for i in range(3)
    ]


def test_labels_are_a_list_or_stand_between_bars(tmp_path):
    rows = [{"prompt": "a", "labels": ["x", 2]}, {"prompt": "b", "labels": "x|2"}, {"prompt": "c"}]
    write_table(tmp_path / "p.jsonl", rows)
    labels = [e.query.labels for e in load_prompts(tmp_path / "p.jsonl")]
    assert labels == [("x", "2"), ("x", "2"), ()]


def test_a_row_with_an_empty_prompt_stays_in_for_its_own_error(tmp_path):
    (tmp_path / "p.csv").write_text('id,prompt\n1,""\n2,why\n')
    assert [e.query.text for e in load_prompts(tmp_path / "p.csv")] == ["", "why"]


def test_a_line_that_was_cut_off_is_an_error_before_anything_is_paid(tmp_path):
    (tmp_path / "p.jsonl").write_text('{"prompt": "a"}\n{"prompt": "b')
    with pytest.raises(ConfigError, match=r"line 2 is cut off .*complete it or delete the line"):
        load_prompts(tmp_path / "p.jsonl")


def test_a_missing_file_is_named_with_those_beside_it(tmp_path):
    write_table(tmp_path / "prompts.jsonl", [{"prompt": "a"}])
    with pytest.raises(ConfigError, match=r"promts\.jsonl.*there are prompts\.jsonl"):
        load_prompts(tmp_path / "promts.jsonl")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    write_table(tmp_path / "p.parquet", TABLE)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'onefold\[parquet\]'"):
        load_prompts(tmp_path / "p.parquet")
