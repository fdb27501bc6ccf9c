"""What the benchmarks share: tables, processes of their own, the data folder, intervals."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SEED = 20261121
CHEAP = (
    "gpt-4o-mini-2024-07-18",
    "claude-3-haiku-20240307",
    "gemini-1.5-flash",
    "Meta-Llama-3.1-70B-Instruct",
    "gpt-4o-2024-08-06",
)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table."""
    print(f"\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(str(cell) for cell in row)} |", flush=True)


def percent(share: float, digits: int = 1) -> str:
    """A share for people."""
    return f"{share:.{digits}%}"


def between(interval: tuple[float, float], digits: int = 1) -> str:
    """An interval of shares for people."""
    return f"{interval[0]:.{digits}%} to {interval[1]:.{digits}%}"


def data_folder(*names: str) -> Path:
    """The folder of recordings from `--data`; leaves with a reason where a file is not there."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    folder: Path = asked.parse_args().data
    for name in names:
        if not (folder / name).is_file():
            print(f"skipped: no {name} in the data folder; name its folder with --data")
            sys.exit(0)
    return folder


def apart(script: str, *arguments: object) -> dict:
    """What a script prints as JSON when it runs in a fresh process."""
    command = [sys.executable, script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def installed(folder: str | Path) -> dict[str, str]:
    """The environment of a process that keeps bytecode in a folder, as an installed package has."""
    kept = {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder)}


def bootstrap(worth: np.ndarray, draws: int = 10_000, seed: int = SEED) -> tuple[float, float]:
    """95 % percentile interval of a mean over questions, resampled with replacement."""
    chance = np.random.default_rng(seed)
    picks = chance.integers(0, len(worth), (draws, len(worth)))
    low, high = np.percentile(worth[picks].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)
