"""Lint, types and tests in an environment of their own: needs Python 3.11, and uv or pip."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HOME = Path(__file__).resolve().parent
ENV = HOME / ".venv-check"
PYTHON = ENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STEPS = {
    "lint": [["ruff", "check", "."], ["ruff", "format", "--check", "."]],
    "types": [["mypy"]],
    "tests": [
        ["pytest", "-n2", "--dist=loadfile", "--cov", "--cov-report=term-missing:skip-covered"]
    ],
}


def main() -> int:
    """The exit status of the first step that fails, 0 where none does."""
    asked = argparse.ArgumentParser(prog="check.py", description=__doc__)
    asked.add_argument("--fresh", action="store_true", help="make the environment anew")
    asked.add_argument("--pip", action="store_true", help="leave uv out even where it is installed")
    asked.add_argument("--only", choices=STEPS, help="one step instead of all")
    options = asked.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036 (this file is read by whatever Python is there)
        asked.error(f"onefold needs Python 3.11 or later, this is {sys.version.split()[0]}")
    if options.fresh:
        shutil.rmtree(ENV, ignore_errors=True)
    prepare(None if options.pip else shutil.which("uv"))
    for step in [options.only] if options.only else STEPS:
        for tool, *arguments in STEPS[step]:
            status = run([str(PYTHON), "-m", tool, *arguments])
            if status:
                return status
    return 0


def prepare(uv: str | None) -> None:
    """The environment with the project and its tools, made anew when what it was made from changed.

    uv goes by its lock where there is one; what cannot reach the lock's index takes the next way.
    """
    lock = HOME / "uv.lock"
    stamp, made_from = ENV / "made-from", fingerprint(uv, lock)
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == made_from:
        return
    shutil.rmtree(ENV, ignore_errors=True)
    ways = []
    if uv and lock.exists():
        ways.append([uv, "sync", "--quiet", "--locked", "--python", sys.executable])
    if uv:
        ways.append([uv, "pip", "install", "--quiet", "--python", str(PYTHON), *wanted()])
    ways.append([*pip(), "install", "--quiet", *wanted()])
    venv.create(ENV, with_pip=not has_pip())
    for way in ways:
        if run(way) == 0:
            stamp.write_text(made_from)
            return
    sys.exit("no way to install the project and its tools worked: see the messages above")


def wanted() -> list[str]:
    """The project and its tools, as arguments of an installer."""
    import tomllib

    groups = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    return ["--editable", ".", *groups["dev"]]


def has_pip() -> bool:
    """Whether the Python that runs this has pip; Debian's may have it and still lack ensurepip."""
    asked = [sys.executable, "-m", "pip", "--version"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def pip() -> list[str]:
    """The pip that fills the environment: the one there is, else the environment's own."""
    if has_pip():
        return [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    return [str(PYTHON), "-m", "pip"]


def fingerprint(uv: str | None, lock: Path) -> str:
    """What the environment depends on, in short."""
    held = hashlib.sha256((HOME / "pyproject.toml").read_bytes())
    held.update(lock.read_bytes() if lock.exists() else b"")
    return f"{held.hexdigest()} {sys.version} {'uv' if uv else 'pip'}"


def run(command: list[str]) -> int:
    """The exit status of a command, which is shown before it runs."""
    shown = [Path(command[0]).name, *command[1:]]
    print("$", " ".join(shown).replace(f"{HOME}{os.sep}", ""), flush=True)
    around = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(ENV)}
    return subprocess.run(command, cwd=HOME, env=around, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
