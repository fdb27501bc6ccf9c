"""Train the models that come with the house: `python -m training.train small --out DIR`.

Fixed steps and seeds, CPU, resumable: a run that was stopped goes on from its last checkpoint.
Needs torch (the extra `train`).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from torch.nn import functional

from onefold.lab.puzzles.puzzle import Puzzle
from onefold.providers.local.tokens import BOT, END, PAD, USER, Tokens
from training.models import MAKERS, MODELS, Model
from training.net import Muon, Net
from training.words import vocabulary

WARM, SAVED = 40, 500
POOL, PARTS = 3000, 4


def read(model: Model, draw: Random) -> Puzzle:
    """One problem of the mixture that is not held out."""
    kind = draw.choices(list(model.mixture), list(model.mixture.values()))[0]
    while True:
        puzzle = MAKERS[kind](draw)
        if not puzzle.held_out:
            return puzzle


def batches(model: Model, tokens: Tokens) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Steps without end, each of some batches of texts that are about equally long.

    A step takes its batches from all lengths, for texts of one length are often of one kind. Each
    is (codes, whether each is to be learned).
    """
    draw = Random(model.seed)
    while True:
        rows = []
        for _ in range(POOL):
            puzzle = read(model, draw)
            asked = [USER, *tokens.encode(puzzle.prompt), BOT]
            said = [*tokens.encode(puzzle.solution), END]
            rows.append((asked + said, len(asked)))
        rows.sort(key=lambda row: len(row[0]))
        made, start, most = [], 0, model.tokens // PARTS
        while start < len(rows):
            stop = start + 1
            while stop < len(rows) and (stop - start + 1) * len(rows[stop][0]) <= most:
                stop += 1
            made.append(padded(rows[start:stop]))
            start = stop
        draw.shuffle(made)
        for first in range(0, len(made) - PARTS + 1, PARTS):
            yield made[first : first + PARTS]


def padded(rows: Sequence[tuple[list[int], int]]) -> tuple[Tensor, Tensor]:
    """Texts as one table of codes, and which of them are to be learned."""
    longest = max(len(row) for row, _ in rows)
    codes = torch.full((len(rows), longest), PAD)
    learned = torch.zeros(len(rows), longest, dtype=torch.bool)
    for place, (row, first) in enumerate(rows):
        codes[place, : len(row)] = torch.tensor(row)
        learned[place, first : len(row)] = True
    return codes, learned


def speed(step: int, model: Model) -> float:
    """The learning rate's factor: a warm-up, constant for a while, then down to nothing."""
    if step < WARM:
        return (step + 1) / WARM
    left = (model.steps - step) / (model.steps * (1 - model.held))
    return min(1.0, left) ** model.power


def train(name: str, out: Path) -> None:
    """Train one model, or go on with it; leaves NAME.pt in the folder."""
    model, tokens = MODELS[name], Tokens(vocabulary())
    torch.manual_seed(model.seed)
    net = Net(tokens, model.width, model.layers, model.heads)
    matrices = [
        p
        for n, p in net.named_parameters()
        if p.ndim == 2 and n.split(".")[-1] in ("qkv", "out", "up", "down")
    ]
    held = {id(p) for p in matrices}
    others = [p for p in net.parameters() if id(p) not in held]
    optimisers = [
        Muon(matrices),
        torch.optim.AdamW(others, lr=3e-3, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    rates = [group["lr"] for each in optimisers for group in each.param_groups]
    path, begun = out / f"{name}.pt", 0
    if path.exists():
        kept = torch.load(path)
        net.load_state_dict(kept["net"])
        for each, state in zip(optimisers, kept["optimisers"], strict=True):
            each.load_state_dict(state)
        begun = kept["step"]
    started, losses = time.process_time(), []
    for step, parts in enumerate(batches(model, tokens)):
        if step < begun:
            continue
        if step >= model.steps:
            break
        groups = [group for each in optimisers for group in each.param_groups]
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate * speed(step, model)
        count = sum(int(learned.sum()) for _, learned in parts)
        total = 0.0
        for codes, learned in parts:
            with torch.autocast("cpu", torch.bfloat16):
                logits = net(codes[:, :-1], learned[:, 1:])
            goal = codes[:, 1:][learned[:, 1:]]
            loss = functional.cross_entropy(logits.float(), goal, reduction="sum") / count
            loss.backward()
            total += loss.item()
        losses.append(total)
        for each in optimisers:
            each.step()
            each.zero_grad()
        if (step + 1) % 100 == 0:
            cpu = time.process_time() - started
            print(
                json.dumps(
                    {
                        "model": name,
                        "step": step + 1,
                        "loss": round(sum(losses[-100:]) / 100, 4),
                        "cpu": round(cpu),
                    }
                ),
                flush=True,
            )
        if (step + 1) % SAVED == 0 or step + 1 == model.steps:
            torch.save(
                {
                    "net": net.state_dict(),
                    "step": step + 1,
                    "optimisers": [each.state_dict() for each in optimisers],
                },
                path,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=list(MODELS))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        train(name, options.out)
