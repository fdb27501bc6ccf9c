"""The command line as its users call it: in this process where that is enough, else in its own."""

import io
import subprocess
import sys
from dataclasses import dataclass

import pytest

from onefold.cli.app import main

PROGRAM = [sys.executable, "-c", "from onefold.cli.app import main; main()"]


@dataclass
class Called:
    """What a command left: its exit code, and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def onefold(monkeypatch, capsys, tmp_path):
    """`onefold("ask", "…")` runs a command in this process, from a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")

    def called(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["onefold", *map(str, arguments)])
        held = stdin if isinstance(stdin, bytes) else stdin.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(held), "utf-8"))
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as left:
            code = left.code or 0
        said = capsys.readouterr()
        return Called(code, said.out, said.err)

    return called


@pytest.fixture
def refused(onefold):
    """`refused("run", …)` is the one line with which a command refuses, with exit code 2."""

    def line(*arguments, stdin=b""):
        called = onefold(*arguments, stdin=stdin)
        assert called.code == 2, called
        assert "Traceback" not in called.err + called.out
        lines = called.err.strip().splitlines()
        assert len(lines) == 1, called.err
        return lines[0]

    return line


@pytest.fixture
def process(tmp_path):
    """`process("run", …)` starts a command in a process of its own; killed when the test ends."""
    started = []

    def begin(*arguments, **about):
        about = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": tmp_path} | about
        started.append(subprocess.Popen([*PROGRAM, *map(str, arguments)], **about))
        return started[-1]

    yield begin
    for each in started:
        if each.poll() is None:
            each.kill()
        each.communicate()


@pytest.fixture
def files(tmp_path):
    """A recipe of three members and a few questions, ready to be run."""
    price = "price: {tokens_in: 1000, tokens_out: 2000}"
    models = "".join(
        f"  {name}: {{provider: {{fake: {{replies: ['{says}'], tokens: [10, 5]}}}}, {price}}}\n"
        for name, says in (("a", 4), ("b", 4), ("c", 5))
    )
    panel = "panel: {members: [{model: a}, {model: b}, {model: c}], reads: number}\n"
    (tmp_path / "recipe.yaml").write_text(f"models:\n{models}{panel}")
    rows = "".join(
        f'{{"id": "q{n}", "prompt": "What is {n}?", "expected": "4"}}\n' for n in range(5)
    )
    (tmp_path / "prompts.jsonl").write_text(rows)
    return tmp_path
