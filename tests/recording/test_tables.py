"""Tables on disk: what is written comes back; what cannot be read is named, with the way out."""

import csv
import io
import json
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onefold.core.errors import ConfigError, MissingExtra
from onefold.recording.tables import parsed_text, read_table, write_table

HOSTILE = [
    '"',
    ",",
    "\n",
    "\r\n",
    "\r",
    "'",
    "\\",
    "\t",
    "é",
    "日本",
    "\u2028",
    "\ufeff",
    "😀",
    "=1+1",
]
texts = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8)), min_size=1).map("".join)
rows = st.lists(st.fixed_dictionaries({"id": texts, "text": texts}), min_size=1, max_size=6)
shared = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv", "parquet"])
def test_any_text_comes_back_as_it_was_written(tmp_path, ending):
    path = tmp_path / f"table.{ending}"

    @shared
    @given(rows)
    def holds(table):
        write_table(path, table)
        read, faults = read_table(path)
        assert [{"id": row.get("id") or "", "text": row.get("text") or ""} for row in read] == table
        assert faults == []

    holds()


def test_csv_is_quoted_as_other_programs_expect(tmp_path):
    table = [{"text": 'say "hi", or\nnot\r\nat all', "n": "1"}, {"text": "plain", "n": "2"}]
    write_table(tmp_path / "t.csv", table)
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == table


def test_rows_with_different_columns_share_one_header(tmp_path):
    write_table(tmp_path / "t.csv", [{"a": 1}, {"b": 2, "a": None}, {}])
    header = (tmp_path / "t.csv").read_text().splitlines()[0]
    assert header == "a,b"


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv", "parquet"])
def test_a_table_is_written_into_a_folder_that_is_not_there_yet(tmp_path, ending):
    path = tmp_path / "deep" / "er" / f"t.{ending}"
    write_table(path, [{"text": "a"}])
    assert read_table(path)[0] == [{"text": "a"}]


def test_numbers_and_booleans_keep_their_types_where_the_format_has_types(tmp_path):
    table = [{"n": 1, "x": 0.5, "yes": True, "text": "1"}]
    for ending in ("jsonl", "json", "parquet"):
        write_table(tmp_path / f"t.{ending}", table)
        assert read_table(tmp_path / f"t.{ending}")[0] == table


def test_nested_values_become_json_in_a_cell(tmp_path):
    for ending in ("csv", "parquet"):
        write_table(tmp_path / f"t.{ending}", [{"votes": {"a": 1.5}, "list": [1, "x"]}])
        (row,), _ = read_table(tmp_path / f"t.{ending}")
        assert json.loads(row["votes"]) == {"a": 1.5}
        assert json.loads(row["list"]) == [1, "x"]


def test_a_parquet_column_of_mixed_types_is_refused_with_its_name(tmp_path):
    with pytest.raises(ConfigError, match="value"):
        write_table(tmp_path / "t.parquet", [{"value": 4.0}, {"value": "four"}])


def test_an_unknown_ending_is_refused_when_reading_and_when_writing(tmp_path):
    for path in (tmp_path / "t.txt", tmp_path / "t"):
        path.write_text("x")
        with pytest.raises(ConfigError, match=r"\.json, \.jsonl, \.csv, \.parquet"):
            read_table(path)
        with pytest.raises(ConfigError, match=r"tables end in"):
            write_table(path, [{"a": 1}])


def test_the_ending_may_be_written_in_capitals(tmp_path):
    (tmp_path / "T.CSV").write_text("text\nhello\n")
    assert read_table(tmp_path / "T.CSV")[0] == [{"text": "hello"}]


def test_a_missing_file_is_named_with_those_that_are_there(tmp_path):
    for name in ("drafts.jsonl", "other.jsonl", "notes.csv"):
        (tmp_path / name).write_text("")
    with pytest.raises(
        ConfigError, match=r"draft\.jsonl.*there are drafts\.jsonl, other\.jsonl"
    ) as e:
        read_table(tmp_path / "draft.jsonl")
    assert "notes.csv" not in str(e.value)


def test_a_missing_file_in_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"no file '.*nowhere/t\.csv'"):
        read_table(tmp_path / "nowhere" / "t.csv")


def test_a_folder_is_no_table(tmp_path):
    (tmp_path / "t.jsonl").mkdir()
    with pytest.raises(ConfigError, match="no file"):
        read_table(tmp_path / "t.jsonl")


def test_a_last_line_that_was_cut_off_is_left_out_and_named(tmp_path):
    whole = b'{"text":"a"}\n{"text":"b"}\n{"text":"c'
    (tmp_path / "t.jsonl").write_bytes(whole)
    read, faults = read_table(tmp_path / "t.jsonl")
    assert read == [{"text": "a"}, {"text": "b"}]
    assert len(faults) == 1
    assert "line 3" in faults[0]
    assert "cut off" in faults[0]


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_line_may_be_cut_off_anywhere_even_inside_a_character(tmp_path, cut):
    line = '{"text":"é日😀"}'.encode()
    (tmp_path / "t.jsonl").write_bytes(b'{"text":"a"}\n' + line[:cut])
    read, faults = read_table(tmp_path / "t.jsonl")
    assert read == [{"text": "a"}]
    assert "line 2" in faults[0]


def test_a_whole_last_line_needs_no_line_end(tmp_path):
    (tmp_path / "t.jsonl").write_bytes(b'{"text":"a"}\n{"text":"b"}')
    assert read_table(tmp_path / "t.jsonl") == ([{"text": "a"}, {"text": "b"}], [])


def test_a_bad_line_in_the_middle_is_an_error_with_its_number(tmp_path):
    (tmp_path / "t.jsonl").write_bytes(b'{"text":"a"}\n\n{"text":\n{"text":"b"}\n')
    with pytest.raises(ConfigError, match=r"t\.jsonl, line 3 is no JSON.*mend it"):
        read_table(tmp_path / "t.jsonl")


def test_a_bad_line_in_the_middle_is_an_error_even_if_it_is_no_utf8(tmp_path):
    (tmp_path / "t.jsonl").write_bytes(b'{"text":"a"}\n{"text":"\xff"}\n{"text":"b"}\n')
    with pytest.raises(ConfigError, match=r"t\.jsonl.*(UTF-8|utf-8)"):
        read_table(tmp_path / "t.jsonl")


def test_a_row_that_is_no_object_is_named_with_its_place(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"text":"a"}\n[1, 2]\n{"text":"b"}\n')
    with pytest.raises(ConfigError, match=r"line 2: a row is an object or a text, not \[1, 2\]"):
        read_table(tmp_path / "t.jsonl")
    (tmp_path / "t.json").write_text('[{"text":"a"}, 7]')
    with pytest.raises(ConfigError, match=r"item 2: a row is an object or a text, not 7"):
        read_table(tmp_path / "t.json")


def test_bad_json_names_the_file(tmp_path):
    (tmp_path / "t.json").write_text("[{,}]")
    with pytest.raises(ConfigError, match=r"t\.json is no JSON"):
        read_table(tmp_path / "t.json")


@pytest.mark.parametrize("line", ["a,b,c", "a"])
def test_a_csv_row_of_another_width_is_named(tmp_path, line):
    (tmp_path / "t.csv").write_text(f"x,y\n1,2\n{line}\n")
    with pytest.raises(ConfigError, match=r"t\.csv, row 3 has not 2 cells like the header"):
        read_table(tmp_path / "t.csv")


def test_empty_cells_hold_nothing(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,\n,2\n")
    first, second = read_table(tmp_path / "t.csv")[0]
    assert (first.get("x"), first.get("y")) == ("1", None)
    assert (second.get("x"), second.get("y")) == (None, "2")


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    (tmp_path / "t.csv").write_bytes("\ufefftext\nhello\n".encode())
    (tmp_path / "t.jsonl").write_bytes('\ufeff{"text":"hello"}\n'.encode())
    assert read_table(tmp_path / "t.csv")[0] == [{"text": "hello"}]
    assert read_table(tmp_path / "t.jsonl")[0] == [{"text": "hello"}]


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv", "parquet"])
def test_a_ten_megabyte_cell_is_read(tmp_path, ending):
    write_table(tmp_path / f"t.{ending}", [{"text": "x" * 10_000_000}])
    (row,), _ = read_table(tmp_path / f"t.{ending}")
    assert len(row["text"]) == 10_000_000


def test_what_is_no_parquet_file_is_named(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(ConfigError, match=r"t\.parquet is no readable Parquet file"):
        read_table(tmp_path / "t.parquet")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "t.parquet").write_bytes(b"")
    with pytest.raises(MissingExtra, match=r"pip install 'onefold\[parquet\]'"):
        read_table(tmp_path / "t.parquet")
    with pytest.raises(MissingExtra, match=r"writing new\.parquet .*pip install"):
        write_table(tmp_path / "new.parquet", [{"a": 1}])
    assert not (tmp_path / "new.parquet").exists()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('[{"prompt": "a"}, "b"]', [{"prompt": "a"}, {"text": "b"}]),
        ('  \n{"prompt": "a"}\n{"prompt": "b"}\n', [{"prompt": "a"}, {"prompt": "b"}]),
        ('id,prompt\n1,"a, b"\n', [{"id": "1", "prompt": "a, b"}]),
        (
            "What is 1 + 1?\n\nAnd 2, or 3?\n",
            [{"text": "What is 1 + 1?"}, {"text": "And 2, or 3?"}],
        ),
        ("Please prompt, or not\n", [{"text": "Please prompt, or not"}]),
        ("", []),
    ],
)
def test_standard_input_is_json_jsonl_csv_or_a_line_a_prompt(monkeypatch, text, read):
    assert parsed_text(text, "standard input") == (read, [])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8"))
    assert read_table("-") == (read, [])


def test_standard_input_names_itself_in_errors():
    with pytest.raises(ConfigError, match="standard input is no JSON"):
        parsed_text("[1,", "standard input")
