"""What was captured of a run: its calls and edges, its longest chain, its pictures."""

import pytest
from tellers import exactly, slow

from onefold.promises.captured import Captured, Made, capture
from onefold.promises.function import jit


def captured(function, patch):
    """What one run of a function did."""
    with capture() as runs:
        exactly(function("?"), patch)
    (run,) = runs
    return run


@jit
def diamond(question):
    a = slow("a", 1)(question)
    b, c = slow("b", 2)(question, a), slow("c", 5)(question, a)
    return slow("d", 1)(question, b, c)


def test_a_run_knows_its_calls_what_they_were_given_and_how_long_they_took(monkeypatch):
    run = captured(diamond, monkeypatch)
    assert [(call.name, call.needs, call.after, call.seconds) for call in run.calls] == [
        ("a", (), (), 1),
        ("b", (0,), (), 2),
        ("c", (0,), (), 5),
        ("d", (1, 2), (), 1),
    ]
    assert run.calls[0].code == 'a = slow("a", 1)(question)'
    assert run.calls[0].place.startswith("test_captured_runs.py:")
    assert (run.seconds, run.work, run.critical) == (7, 9, 7)
    assert run.speedup == pytest.approx(9 / 7)
    assert sum(call.usage.calls for call in run.calls) == 4


def test_it_draws_what_carries_answers_and_what_only_waits(monkeypatch):
    @jit
    def waiting(question):
        a = slow("a", 1)(question)
        b = slow('b "x"', 1)(f"{a}")
        c = slow("c", 1)(question, b)
        if a.text and b.text:
            slow("d", 1)(question, a)
        return c

    assert captured(waiting, monkeypatch).mermaid() == "\n".join(
        [
            "flowchart LR",
            '    c0["a<br/>1.00 s"]',
            '    c1["b #quot;x#quot;<br/>1.00 s"]',
            '    c2["c<br/>1.00 s"]',
            '    c3["d<br/>1.00 s"]',
            "    c0 -.-> c1",
            "    c1 --> c2",
            "    c0 --> c3",
            "    c1 -.-> c3",
        ]
    )


def test_it_prints_its_calls_in_time(monkeypatch):
    head, *rows = str(captured(diamond, monkeypatch)).splitlines()
    assert head == (
        "diamond: 4 calls in 7.00 s, 9.00 s one by one, 1.3 times as fast; critical path 7.00 s"
    )
    assert [row.split()[0] for row in rows] == ["a", "b", "c", "d"]
    assert rows[3].split()[1] == "·" * 27 + "█" * 5


def test_functions_below_are_captured_within_their_call(monkeypatch):
    @jit
    def outer(question):
        return slow("e", 1)(question, diamond(question), diamond(question))

    run = captured(outer, monkeypatch)
    assert [len(call.runs) for call in run.calls] == [1, 1, 0]
    assert run.calls[0].runs[0].name == "diamond"
    assert (run.seconds, run.critical, run.work) == (8, 8, 19)


def test_a_failed_run_is_captured_too(monkeypatch):
    @jit
    def failing(question):
        slow("late", 60)(question)
        return slow("bad", 1, error="Refused")(question).text

    with capture() as runs, pytest.raises(Exception, match="told to fail"):
        exactly(failing("?"), monkeypatch)
    (run,) = runs
    assert [call.failed for call in run.calls] == [True, True]
    assert run.seconds == 1
    assert ":::failed" in run.mermaid()
    assert str(run).count("failed") == 2


def test_nothing_is_captured_outside_the_block_and_several_runs_within():
    quick = jit(lambda question: slow("a")(question))
    with capture() as runs:
        quick.ask("?")
        quick.ask("?")
    quick.ask("?")
    assert len(runs) == 2


def test_an_empty_run_has_no_time():
    run = Captured("none")
    assert (run.work, run.critical, run.speedup) == (0, 0, 1)
    assert run.mermaid() == "flowchart LR"
    assert Made("a").work == 0
