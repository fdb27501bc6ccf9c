"""Runs that are killed: the same command goes on, pays nothing twice, ends with the same total."""

import json
import os
import pty
import signal
import sqlite3
import time

import pytest

from onefold.lab.book import read_outcomes

QUESTIONS = 60
MEMBERS = 3


@pytest.fixture
def slow(tmp_path):
    """A recipe whose calls take a while, and its questions."""
    models = "".join(
        f"  m{i}: {{provider: {{sim: {{accuracy: 0.7, latency: {{median: 0.03, sigma: 0.3}}}}}},"
        " price: {tokens_in: 100, tokens_out: 200}}\n"
        for i in range(MEMBERS)
    )
    members = ", ".join(f"{{model: m{i}}}" for i in range(MEMBERS))
    (tmp_path / "recipe.yaml").write_text(
        f"models:\n{models}panel: {{members: [{members}], vote: weighted, reads: number}}\n"
    )
    rows = (
        {"id": f"q{n}", "prompt": f"What is {n} + 8?", "expected": str(n + 8)}
        for n in range(QUESTIONS)
    )
    (tmp_path / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def command(out="out", *more):
    return ["run", "recipe.yaml", "prompts.jsonl", "--out", out, "--concurrency", "4", *more]


def answered(folder):
    path = folder / "answers.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def wait_for(begun, folder, count):
    """Wait until a process has written so many answers."""
    for _ in range(3000):
        if answered(folder) >= count:
            return
        assert begun.poll() is None, begun.communicate()
        time.sleep(0.01)
    raise AssertionError("it never came so far")


def calls(folder):
    with sqlite3.connect(folder / "journal.sqlite") as held:
        rows = held.execute("SELECT query, model, usd FROM calls WHERE status = 'ok'").fetchall()
    held.close()
    return rows


def statistics(folder):
    numbers = json.loads((folder / "statistics.json").read_text())
    return {key: value for key, value in numbers.items() if not key.startswith("seconds")}


def test_after_kill_nine_the_same_command_goes_on_and_pays_nothing_twice(slow, process, onefold):
    for count in (8, 30):
        begun = process(*command())
        wait_for(begun, slow / "out", count)
        begun.send_signal(signal.SIGKILL)
        begun.communicate()
        assert begun.returncode == -signal.SIGKILL
        assert not (slow / "out" / "report.txt").exists()
    before = calls(slow / "out")
    assert 30 * MEMBERS <= len(before) < QUESTIONS * MEMBERS

    resumed = onefold(*command("out", "--instant"))
    assert resumed.code == 0, resumed.err
    rows = calls(slow / "out")
    assert len(rows) == len({(query, model) for query, model, _ in rows}) == QUESTIONS * MEMBERS
    assert set(before) <= set(rows)

    assert onefold(*command("whole", "--instant")).code == 0
    one, whole = statistics(slow / "out"), statistics(slow / "whole")
    assert one["usage"].pop("usd") == pytest.approx(whole["usage"].pop("usd"))
    for key in ("usd_per_question", "usd_per_correct", "agreement"):
        assert one.pop(key) == pytest.approx(whole.pop(key))
    assert one == whole
    assert sum(usd for _, _, usd in rows) == pytest.approx(
        sum(usd for _, _, usd in calls(slow / "whole"))
    )
    key = sorted(read_outcomes(slow / "out" / "answers.jsonl"), key=lambda o: o.id)
    other = sorted(read_outcomes(slow / "whole" / "answers.jsonl"), key=lambda o: o.id)
    assert [(o.id, o.answer.value, o.correct) for o in key] == [
        (o.id, o.answer.value, o.correct) for o in other
    ]


def test_ctrl_c_ends_with_130_says_how_to_go_on_and_loses_nothing(slow, process, onefold):
    begun = process(*command(), text=True)
    wait_for(begun, slow / "out", 8)
    begun.send_signal(signal.SIGINT)
    _, err = begun.communicate(timeout=20)
    assert begun.returncode == 130
    assert "Traceback" not in err
    assert "out holds what was paid: run the same to go on" in err
    had = {(query, model) for query, model, _ in calls(slow / "out")}
    assert onefold(*command("out", "--instant")).code == 0
    rows = calls(slow / "out")
    assert len(rows) == QUESTIONS * MEMBERS
    assert had <= {(query, model) for query, model, _ in rows}


def test_ctrl_c_ends_an_instant_run_too(slow, process):
    rows = [json.dumps({"prompt": f"What is {n} + 8?"}) for n in range(200_000)]
    (slow / "prompts.jsonl").write_text("\n".join(rows) + "\n")
    begun = process(*command("out", "--instant"), text=True)
    wait_for(begun, slow / "out", 8)
    begun.send_signal(signal.SIGINT)
    _, err = begun.communicate(timeout=20)
    assert begun.returncode == 130
    assert "Traceback" not in err
    assert calls(slow / "out")


def test_two_processes_cannot_run_into_one_folder(slow, process, refused):
    begun = process(*command())
    wait_for(begun, slow / "out", 1)
    line = refused(*command())
    assert "another run is writing to out" in line
    line = refused(*command("out", "--fresh"))
    assert "another run is writing to out" in line
    assert begun.poll() is None
    begun.kill()


def test_a_terminal_sees_how_far_it_is_and_what_it_cost(slow, process):
    ours, theirs = pty.openpty()
    begun = process(*command("out", "--instant", "--limit", "20"), stderr=theirs,
                    env={**os.environ, "TERM": "xterm", "COLUMNS": "100"})  # fmt: skip
    os.close(theirs)
    seen = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:
            break
        if not more:
            break
        seen += more
    os.close(ours)
    begun.communicate(timeout=20)
    assert begun.returncode == 0
    assert b"20/20" in seen
    assert b"$" in seen
