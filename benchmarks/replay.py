"""653 questions through `onefold run` on recorded answers; 1,000 vote rules. Seed 20261121.

python benchmarks/replay.py [--data DIR]
"""

from __future__ import annotations

import asyncio
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from measuring import CHEAP, SEED, data_folder, installed, percent, table

import onefold as of
from onefold.learn.ballots import Ballots

ROUNDS, RULES, CHECKED, SAMPLED = 5, 1_000, 60, 40
RECIPE = """
panel: {{members: [{}], reads: number}}
models:
  gpt-4o-mini-2024-07-18: {{price: {{tokens_in: 0.15, tokens_out: 0.6}}}}
  claude-3-haiku-20240307: {{price: {{tokens_in: 0.25, tokens_out: 1.25}}}}
  gemini-1.5-flash: {{price: {{tokens_in: 0.075, tokens_out: 0.3}}}}
  Meta-Llama-3.1-70B-Instruct: {{price: {{tokens_in: 0.88, tokens_out: 0.88}}}}
  gpt-4o-2024-08-06: {{price: {{tokens_in: 2.5, tokens_out: 10}}}}
"""
ENTRY = "from onefold.cli.app import main; main()"


def command_line(folder: str, *arguments: object) -> tuple[float, float]:
    """Wall and CPU seconds of `onefold …` in a fresh process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    command = [sys.executable, "-c", ENTRY, *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=installed(Path(folder) / "pyc")
    )
    wall = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"onefold {' '.join(map(str, arguments))}\n{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def runs(recording: Path) -> None:
    """The run, and the same command again, each in a fresh process; medians."""
    walls: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "panel.yaml"
        recipe.write_text(RECIPE.format(", ".join(CHEAP)), encoding="utf-8")
        out = Path(folder) / "out"
        command_line(folder, "--version")
        for _ in range(ROUNDS):
            walls.setdefault("`onefold --version`, the door alone", []).append(
                command_line(folder, "--version")
            )
            shutil.rmtree(out, ignore_errors=True)
            for name in ("653 questions × 5 members, fresh `--out`", "the same command again"):
                spent = command_line(
                    folder, "run", recipe, recording, "--replay", recording, "--out", out
                )
                walls.setdefault(name, []).append(spent)
        report = (out / "report.txt").read_text(encoding="utf-8")
    rows = []
    for name, spent in walls.items():
        wall, cpu = (median(column) for column in zip(*spent, strict=True))
        rows.append((name, f"{wall:.2f}", f"{cpu:.2f}"))
    table(("fresh process", "wall s", "CPU s"), rows)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"\nPeak memory of the largest of them: {peak:.0f} MiB.")
    print(f"\n```\n{report.strip()}\n```")


def rules(ballots: Ballots) -> list[tuple[list[str], dict[str, float] | None]]:
    """Random members in random order, every second rule with random weights."""
    chance = random.Random(SEED)
    made: list[tuple[list[str], dict[str, float] | None]] = []
    for number in range(RULES):
        members = chance.sample(ballots.members, chance.randint(1, len(ballots.members)))
        weights = {name: chance.random() for name in members} if number % 2 else None
        made.append((members, weights))
    return made


async def differences(recording: of.Recording, ballots: Ballots, drawn: list) -> tuple[int, int]:
    """Votes by the plain parts, and how many of them differ from the matrix."""
    chance = random.Random(SEED + 1)
    columns = {name: i for i, name in enumerate(ballots.members)}
    checked = wrong = 0
    for members, weights in drawn[:CHECKED]:
        verdict = ballots.vote(members, weights)
        part = of.Majority() if weights is None else of.Weighted(weights)
        for row in chance.sample(range(len(ballots.queries)), SAMPLED):
            drafts = []
            for name in members:
                draft = recording.index[name, ballots.queries[row]][0]
                value = of.Number().read(draft.text, of.Query("-"))
                drafts.append(of.Answer(draft.text, value, name))
            checked += 1
            try:
                answer = await part(of.Query("-", drafts=tuple(drafts)))
            except of.NoAnswer:
                wrong += verdict.winners[row] != -1
                continue
            code = ballots.codes[row, columns[answer.source]]
            near = abs(answer.agreement - verdict.agreement[row]) < 1e-12
            wrong += not (code == verdict.winners[row] and near)
    return checked, wrong


def votes(recording: Path) -> None:
    """A thousand vote rules over the whole recording, and the check against the parts."""
    rows = []

    def timed(name: str, work):
        wall, cpu = time.perf_counter(), time.process_time()
        made = work()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        rows.append((name, f"{wall:.2f}", f"{cpu:.2f}"))
        return made

    held = timed("loading the Parquet file", lambda: of.Recording.load(recording))
    ballots = timed("reading every answer as a number", lambda: Ballots(held, of.Number()))
    drawn = rules(ballots)
    verdicts = timed(
        f"{RULES:,} vote rules over {len(ballots.queries)} × {len(ballots.members)}",
        lambda: [ballots.vote(members, weights) for members, weights in drawn],
    )
    table(("vote rules", "wall s", "CPU s"), rows)
    checked, wrong = asyncio.run(differences(held, ballots, drawn))
    print(f"\nChecked against the plain parts: {checked:,} votes, {wrong} differ.")
    best = max(verdicts, key=lambda verdict: verdict.accuracy)
    print(f"Best of the random rules, in sample: {percent(best.accuracy, 2)}.")


def main() -> None:
    """All of it."""
    recording = data_folder("zeroeval_gsm8k.parquet") / "zeroeval_gsm8k.parquet"
    runs(recording)
    votes(recording)


if __name__ == "__main__":
    main()
