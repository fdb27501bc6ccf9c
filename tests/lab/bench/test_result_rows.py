"""Results as a table: what was written is read back, and what does not belong is refused."""

import csv

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from madeup import row, rows

from onefold import ConfigError
from onefold.lab.bench.results import ABSENT, ABSTAINS, Result, Results, fingerprint

TEXTS = st.text(max_size=8).filter(lambda text: "\x00" not in text)
NAMES = TEXTS.filter(lambda text: text and text != '""')
SHARES = st.none() | st.floats(0, 1)
COUNTS = st.none() | st.integers(0, 10**9)
ROWS = st.builds(
    Result,
    NAMES, NAMES, NAMES, NAMES, st.sampled_from(["", "0123456789ab"]),
    st.none() | TEXTS.filter(lambda text: text != '""'), st.none(), st.none() | st.booleans(),
    SHARES, SHARES, NAMES, st.lists(NAMES, max_size=3).map(tuple),
    st.none() | st.floats(0, 1e6), COUNTS, COUNTS, st.none() | st.floats(0, 1e6), COUNTS,
    st.booleans(), st.none() | NAMES,
)  # fmt: skip


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_what_is_written_is_read_back(tmp_path, ending):
    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(ROWS)
    def holds(made):
        Results([made]).write(tmp_path / f"r.{ending}")
        assert Results.load(tmp_path / f"r.{ending}").rows == [made]

    holds()


def test_an_empty_answer_is_not_the_same_as_none(tmp_path):
    held = [row("q1", "s", value=""), row("q2", "s", value=None), row("q3", "s", expected="")]
    Results(held).write(tmp_path / "r.csv")
    assert Results.load(tmp_path / "r.csv").rows == held


def test_the_schema_stands_in_every_row_and_further_columns_are_left_out(tmp_path):
    Results([row("q1", "s", 1.0), row("q2", "s", 0.0)]).write(tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(newline="") as file:
        held = list(csv.DictReader(file))
    assert [each["schema"] for each in held] == ["1", "1"]
    with (tmp_path / "more.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*held[0], "mood"])
        writer.writeheader()
        writer.writerows({**each, "mood": "fine"} for each in held)
    assert len(Results.load(tmp_path / "more.csv")) == 2


def test_the_least_that_others_must_write(tmp_path):
    (tmp_path / "r.csv").write_text("schema,dataset,question,system,score\n1,d,7,s,0.5\n")
    (made,) = Results.load(tmp_path / "r.csv")
    assert (made.question, made.score, made.usd) == ("7", 0.5, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("schema,dataset,question,system\n2,d,q,s\n", "schema '2', and this version reads 1"),
        ("dataset,question,system\nd,q,s\n", "no column 'schema'"),
        ("schema,dataset,question,system,score\n1,d,q,s,nan\n", "row 2"),
        ("schema,dataset,question,system,score\n1,d,q,s,1.5\n", "row 2"),
        ("schema,dataset,question,system,usd\n1,d,q,s,-1\n", "row 2"),
        ("schema,dataset,question,system,asked\n1,d,q,s,a b\n", "row 2"),
        ("schema,dataset,question,system\n1,d,q,s\n1,d,q,s\n", "twice"),
        ("schema,dataset,question,system\n", "no results"),
    ],
)
def test_what_is_no_result_is_refused(tmp_path, text, words):
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(ConfigError, match=words):
        Results.load(tmp_path / "r.csv")


def test_the_grid_says_who_said_the_same():
    held = Results(
        [row("q1", "a", 1.0, value="x"), row("q1", "b", 0.0, value="y"), row("q2", "a", 0.0),
         row("q2", "b", 1.0, value="x", usd=2.0), row("q3", "b", 1.0, value="")]
    )  # fmt: skip
    grid = held.grid
    assert grid.codes.tolist() == [[0, 1], [ABSTAINS, 0], [ABSENT, 0]]
    assert grid.of(["b"]).score.ravel().tolist() == [0.0, 1.0, 1.0]
    assert grid.usd[1, 1] == 2.0


def test_one_system_is_found_by_its_name_alone():
    held = Results([*rows("alpha", [1.0]), *rows("beta", [0.0])])
    assert held.only("beta").systems == ["beta"]
    with pytest.raises(ConfigError, match="did you mean 'beta'"):
        held.only("beat")


def test_prompts_are_told_apart_without_being_shown():
    assert fingerprint("") == ""
    assert fingerprint("a") != fingerprint("b")
    assert len(fingerprint("\ud800 half a character")) == 12
