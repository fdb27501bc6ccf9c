"""A graph that is asked again with the journal of a broken run pays only for what is missing."""

import asyncio
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from dataflow import Graph, Node

import onefold as of
from onefold.core.errors import NoAnswer

KILLED = """
    import os, sys
    import onefold as of
    from dataflow import Graph, Node
    from onefold.runtime.clock import instantly
    from test_graph_resume import ASKED, chained, says

    @of.operator
    async def dies(query):
        if sys.argv[2] == "dies":
            os._exit(9)
        return "lives"

    with of.Session(journal=sys.argv[1]):
        answer = instantly(chained(dies)("q"))
    print(answer.text, *ASKED, answer.usage.calls)
"""
ASKED = []


def says(name):
    """A model that notes that it was really asked."""

    def reply(text):
        ASKED.append(name)
        return f"{name} heard {len(text)}"

    return of.Model(name, provider=of.provider(named(reply, name)))


def named(call, name):
    call.__name__ = call.__qualname__ = f"says_{name}"
    return call


def chained(middle):
    """Two models, something between, and two more that see it."""
    return Graph(
        {
            "a": says("a"),
            "b": Node(says("b"), after=["a"]),
            "middle": Node(middle, after=["b"]),
            "c": Node(says("c"), after=["middle", "b"]),
            "d": Node(says("d"), after=["c", "a"]),
        }
    )


def test_a_killed_graph_goes_on_where_it_was(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(textwrap.dedent(KILLED))
    path = [sys.executable, str(script), str(tmp_path / "journal.sqlite")]
    here = {"PYTHONPATH": str(Path(__file__).parent)}

    def ran(how):
        done = subprocess.run([*path, how], capture_output=True, text=True, env=here, check=False)
        return done.returncode, done.stdout.split(), done.stderr

    code, _, _ = ran("dies")
    assert code == 9
    code, said, errors = ran("lives")
    assert code == 0, errors
    assert said[-3:] == ["c", "d", "4"]  # a and b came from the journal; the total is one pass
    code, again, _ = ran("lives")
    assert again[-1] == "4"
    assert again[:-1] == said[:3]


def test_a_failed_graph_pays_only_for_what_is_missing(tmp_path, instantly):
    ASKED.clear()
    fails = [False, True]

    @of.operator
    async def once(query):
        if fails.pop():
            raise of.Unreachable("gone")
        return "back"

    graph = chained(once)
    journal = tmp_path / "journal.sqlite"
    with of.Session(journal=journal), pytest.raises(NoAnswer, match="node middle failed"):
        instantly(graph("q"))
    assert ASKED == ["a", "b"]
    with of.Session(journal=journal) as session:
        answer = instantly(graph("q"))
        assert session.journal.total().calls == 4
    assert ASKED == ["a", "b", "c", "d"]
    assert answer.usage.calls == 4


def test_branches_cancelled_by_a_failure_are_asked_again(tmp_path, instantly):
    fails = [False, True]

    @of.operator
    async def once(query):
        await asyncio.sleep(1)
        if fails.pop():
            raise of.Unreachable("gone")
        return "back"

    slow = of.Model("slow", provider=of.Fake(("at last",), seconds=(5.0,)))
    graph = Graph({"once": once, "slow": slow, "end": Node("majority", after=["slow", "once"])})
    with of.Session(journal=tmp_path / "journal.sqlite"), pytest.raises(NoAnswer):
        instantly(graph("q"))
    with of.Session(journal=tmp_path / "journal.sqlite"):
        answer = instantly(graph("q"))
    assert answer.draft("slow").text == "at last"
