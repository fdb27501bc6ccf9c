"""Tokens a CPU-second of the models of the house: one text alone, and many in a batch.

`OMP_NUM_THREADS=1 PYTHONPATH=src:. python -m benchmarks.local.speed`
"""

from __future__ import annotations

import argparse
import time
from itertools import islice
from pathlib import Path

import numpy as np

from onefold.lab.puzzles.puzzle import drawn
from onefold.lab.puzzles.stories import hard
from onefold.providers.local.local import Local
from onefold.providers.local.tokens import BOT, USER
from onefold.providers.local.weights import loaded

SEED = 20261121
WRITTEN = 60  # tokens written after each prompt


def rates(path: Path, rows: int, rounds: int) -> tuple[float, float]:
    """Tokens a CPU-second: written alone, and with the prompts' tokens counted and read too."""
    network, tokens = loaded(path)
    puzzles = list(islice(drawn(hard, SEED), rows * rounds))
    codes = [[USER, *tokens.encode(puzzle.prompt), BOT] for puzzle in puzzles]
    writing = reading = 0.0
    for start in range(0, len(codes), rows):
        began = time.process_time()
        past, logits = network.start(codes[start : start + rows], WRITTEN)
        read = time.process_time()
        for _ in range(WRITTEN - 1):
            logits = network.step(past, np.argmax(logits, axis=1))
        writing += time.process_time() - read
        reading += read - began
    written = rows * rounds * (WRITTEN - 1)
    asked = sum(map(len, codes))
    return written / writing, (written + asked) / (writing + reading)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["small", "strong", "strings", "general"])
    names = parser.parse_args().names
    print("| model | alone | 16 | 64 | 64, prompts counted too |\n|---|---|---|---|---|")
    for name in names:
        path = Local(name)._path()
        alone, sixteen = rates(path, 1, 12)[0], rates(path, 16, 4)[0]
        many, whole = rates(path, 64, 3)
        print(f"| `local:{name}` | {alone:,.0f} | {sixteen:,.0f} | {many:,.0f} | {whole:,.0f} |")


if __name__ == "__main__":
    main()
