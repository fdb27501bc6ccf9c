"""The door: version, help, completion, exit codes, pipes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import onefold as of

COMMANDS = ["ask", "demo", "doctor", "log", "models", "plan", "run", "schema", "show"]


def test_the_version_is_the_packages(onefold):
    called = onefold("--version")
    assert (called.code, called.out) == (0, f"onefold {of.__version__}\n")


def test_help_lists_every_command_and_completion(onefold):
    called = onefold("--help")
    assert called.code == 0
    for name in COMMANDS:
        assert f"  {name} " in called.out
    assert "--show-completion" in called.out
    assert "--install-completion" in called.out


def test_without_a_command_help_is_shown(onefold):
    called = onefold()
    assert "Usage:" in called.out + called.err
    assert "run" in called.out + called.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_every_option_explains_itself(onefold, command):
    called = onefold(command, "--help")
    assert called.code == 0
    options = [line for line in called.out.splitlines() if line.strip().startswith("-")]
    assert options
    for line in options:
        assert len(line.split("  ")) > 1, line


@pytest.mark.parametrize(
    "arguments",
    [["nosuch"], ["ask"], ["run"], ["ask", "?", "--nosuch"], ["run", "a", "b", "--limit", "many"]],
)
def test_a_call_that_makes_no_sense_exits_with_two(onefold, arguments):
    called = onefold(*arguments)
    assert called.code == 2
    assert "Traceback" not in called.err


def test_the_shell_completes_commands():
    script = Path(sys.executable).with_name("onefold")
    if not script.exists():
        pytest.skip("onefold is not installed as a script here")
    around = {
        **os.environ,
        "_ONEFOLD_COMPLETE": "complete_bash",
        "COMP_WORDS": "onefold d",
        "COMP_CWORD": "1",
    }
    done = subprocess.run([script], env=around, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["demo", "draw", "doctor"]


def test_a_reader_that_leaves_early_sees_no_traceback(process):
    piped = process("schema")
    piped.stdout.close()
    piped.stdout = None
    _, err = piped.communicate(timeout=20)
    assert b"Traceback" not in err


def test_an_error_of_the_system_is_one_line_too(refused, files):
    (files / "out").mkdir()
    (files / "out" / "answers.csv").mkdir()
    line = refused("run", "recipe.yaml", "prompts.jsonl", "--out", "out")
    assert "answers.csv" in line


def test_errors_go_to_standard_error_and_answers_to_standard_output(process):
    good = process("ask", "?", "-m", "fake:a")
    out, _ = good.communicate(timeout=20)
    assert (good.returncode, out) == (0, b"a\n")
    bad = process("ask", "", "-m", "fake:a")
    out, err = bad.communicate(timeout=20)
    assert (bad.returncode, out) == (2, b"")
    assert err.startswith(b"ConfigError: ")
