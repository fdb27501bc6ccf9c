"""`onefold log`: the journal searched and added up, and what a resumed run says of it."""

import json
import sqlite3
from datetime import datetime, timedelta

import pytest

from onefold.cli.log import moment
from onefold.core.errors import ConfigError
from onefold.delivery.journal import Journal

NOW = datetime(2026, 11, 21, 12).astimezone()


@pytest.fixture
def ran(onefold, files):
    """A run's folder; one call of it lost its end, one failed, one has no price."""
    assert onefold("run", "recipe.yaml", "prompts.jsonl", "--out", "out").code == 0
    change(
        files / "out",
        "UPDATE calls SET status = 'begun', reply = NULL, estimated = 1, seconds = 0 "
        "WHERE model = 'a' AND query = 'q0'",
        "UPDATE calls SET status = 'failed', reply = NULL, error = 'Refused', usd = 0, "
        "tokens_in = 0, tokens_out = 0 WHERE model = 'b' AND query = 'q0'",
        "UPDATE calls SET usd = NULL WHERE model = 'c' AND query = 'q0'",
        f"UPDATE calls SET at = at - {3 * 86400} WHERE query = 'q4'",
    )
    return files / "out"


def change(folder, *statements):
    held = sqlite3.connect(folder / "journal.sqlite")
    for statement in statements:
        held.execute(statement)
    held.commit()
    held.close()


@pytest.fixture
def logged(onefold):
    """`logged("out", …)` is what the command says as JSON."""

    def said(*arguments):
        called = onefold("log", *arguments, "--json")
        assert called.code == 0, called.err
        return json.loads(called.out)

    return said


def test_calls_are_listed_oldest_first_with_what_they_used(logged, ran):
    said = logged("out")
    assert len(said["calls"]) == 15
    times = [call["at"] for call in said["calls"]]
    assert times == sorted(times)
    one = next(call for call in said["calls"] if (call["model"], call["query"]) == ("a", "q1"))
    assert (one["status"], one["provider"], one["text"]) == ("ok", "fake", None)
    assert (one["usage"]["tokens_in"], one["usage"]["tokens_out"]) == (10, 5)
    assert one["usage"]["usd"] == pytest.approx(0.02)


def test_the_total_tells_failed_unfinished_and_unpriced_calls_apart(logged, ran):
    total = logged("out")["total"]
    assert (total["calls"], total["failed"], total["unfinished"], total["unpriced"]) == (
        15,
        1,
        1,
        1,
    )
    assert total["usage"]["usd"] is None
    assert total["usd"] == pytest.approx(13 * 0.02)
    assert total["usage"]["calls"] == 14


def test_the_total_is_the_journals_own(logged, ran):
    paid = Journal(ran / "journal.sqlite")
    assert logged("out")["total"]["usage"]["tokens_in"] == paid.total().tokens_in
    paid.close()


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["--model", "a"], 5),
        (["--status", "begun"], 1),
        (["--status", "failed"], 1),
        (["--query", "q0"], 3),
        (["--query", "nowhere"], 0),
        (["--since", "2h"], 12),
        (["--since", "7d"], 15),
        (["--since", "2026-01-01"], 15),
        (["--text", "5"], 5),
        (["--text", "5 4"], 0),
        (["--model", "a", "--query", "q0", "--status", "ok"], 0),
    ],
)
def test_every_way_to_search_narrows_the_list(logged, ran, arguments, count):
    said = logged("out", *arguments)
    assert len(said["calls"]) == said["total"]["calls"] == count


@pytest.mark.parametrize("by", ["model", "provider", "status"])
def test_groups_add_up_to_the_total(logged, ran, by):
    said = logged("out", "--by", by)
    groups = said["groups"].values()
    assert sum(group["calls"] for group in groups) == said["total"]["calls"] == 15
    assert sum(group["usd"] for group in groups) == pytest.approx(said["total"]["usd"])
    assert "calls" not in said


def test_only_the_latest_are_listed_and_all_are_counted(onefold, logged, ran):
    said = logged("out", "--limit", "2")
    assert (len(said["calls"]), said["total"]["calls"]) == (2, 15)
    called = onefold("log", "out", "--limit", "2")
    assert "15 calls (the latest 2 are shown: --limit)" in called.out


def test_what_replies_say_is_shown_only_when_asked_for(onefold, files, ran):
    called = onefold("log", "out/journal.sqlite", "--model", "c")
    assert "5" not in [line.split()[-1] for line in called.out.splitlines()[1:6]]
    assert {c["text"] for c in json.loads(onefold("log", "out", "--json").out)["calls"]} == {None}
    shown = onefold("log", "out", "--model", "c", "--content")
    assert shown.out.count("\n5\n") == 5


def test_the_table_is_for_people(onefold, ran):
    called = onefold("log", "out")
    assert called.out.splitlines()[0].split() == [
        "time", "model", "status", "tokens", "cost", "seconds", "question", "error",
    ]  # fmt: skip
    assert "Refused" in called.out
    assert "$0.26 and 1 of unknown price · 1 failed unbilled" in called.out
    assert "1 unfinished (begun)" in called.out
    grouped = onefold("log", "out", "--by", "model")
    assert grouped.out.splitlines()[0].split()[0] == "model"
    assert "no call fits" in onefold("log", "out", "--query", "nowhere").out


def test_a_journal_is_read_and_nothing_around_it_changes(onefold, ran):
    before = {path.name: path.read_bytes() for path in ran.iterdir()}
    onefold("log", "out")
    assert {path.name: path.read_bytes() for path in ran.iterdir()} == before


def test_a_journal_that_is_being_written_is_read_as_it_is_now(logged, ran):
    writer = sqlite3.connect(ran / "journal.sqlite", isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("UPDATE calls SET status = 'broken' WHERE query = 'q1'")
    assert len(logged("out", "--status", "broken")["calls"]) == 3
    writer.close()


def test_a_journal_of_an_earlier_version_is_read_too(logged, ran):
    names = ("tokens_written", "tokens_reasoning", "origin", "error")
    change(ran, *(f"ALTER TABLE calls DROP COLUMN {name}" for name in names))
    said = logged("out", "--by", "provider")
    assert list(said["groups"]) == [""]
    assert said["total"]["calls"] == 15


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nosuch.sqlite"], ["no file 'nosuch.sqlite'"]),
        (["."], ["holds no run", "journal.sqlite"]),
        (["recipe.yaml"], ["recipe.yaml", "journal", "the folder of a run"]),
        (["other.sqlite"], ["other.sqlite is no journal"]),
        (["strange.sqlite"], ["no journal of calls", "'at'"]),
        (["out", "--model", "aa"], ["'aa'", "did you mean 'a'"]),
        (["out", "--status", "okay"], ["'okay'", "did you mean 'ok'"]),
        (["out", "--by", "modl"], ["'modl'", "did you mean 'model'"]),
        (["out", "--since", "yesterday"], ["'yesterday'", "2h", "2026-11-21"]),
        (["out", "--since", "99999999999w"], ["'99999999999w'"]),
    ],
)
def test_what_cannot_be_read_is_one_line_and_no_file_is_made(refused, files, ran, arguments, words):
    for name, column in (("other", "x"), ("strange", "calls")):
        held = sqlite3.connect(files / f"{name}.sqlite")
        held.execute(f"CREATE TABLE {column} (status TEXT, model TEXT)")
        held.close()
    before = sorted(path.name for path in files.iterdir())
    line = refused("log", *arguments)
    for word in words:
        assert word in line
    assert sorted(path.name for path in files.iterdir()) == before


@pytest.mark.parametrize(
    ("said", "when"),
    [
        ("90s", NOW - timedelta(seconds=90)),
        ("1.5h", NOW - timedelta(minutes=90)),
        ("2 w", NOW - timedelta(weeks=2)),
        ("2026-11-21", datetime(2026, 11, 21).astimezone()),
        ("2026-11-21T08:30+02:00", datetime.fromisoformat("2026-11-21T06:30Z")),
    ],
)
def test_a_time_is_an_age_or_a_date(said, when):
    assert moment(said, NOW) == when


def test_no_time_is_refused():
    with pytest.raises(ConfigError, match="no time"):
        moment("", NOW)


def test_a_resumed_run_says_first_what_may_be_paid_twice(onefold, ran):
    (ran / "answers.jsonl").unlink()
    called = onefold("run", "recipe.yaml", "prompts.jsonl", "--out", "out")
    assert called.code == 0
    first = called.err.splitlines()[0]
    assert first.startswith("1 call was under way when a run into out was killed")
    assert "onefold log out --status begun" in first


def test_a_run_says_at_its_end_what_each_model_used_and_what_was_estimated(onefold, files):
    called = onefold("run", "recipe.yaml", "prompts.jsonl", "--out", "out")
    head, *rows = called.err.splitlines()
    assert head.split() == [
        "model", "calls", "failed", "tokens", "estimated", "tokens", "cost", "estimated", "cost",
    ]  # fmt: skip
    assert [row.split()[:4] for row in rows] == [[name, "5", "0", "75"] for name in "abc"]
    again = onefold("run", "recipe.yaml", "prompts.jsonl", "--out", "out")
    assert again.err == ""  # nothing was asked
