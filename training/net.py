"""The tiny transformer as it is trained (torch); onefold.providers.local runs it in numpy."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from onefold.lab.puzzles.words import words
from onefold.providers.local.tokens import LARGEST, LETTERS, Tokens

WIDTH = 4  # how far a block's convolution looks back, itself included
PERIODS = (2, 3, 4, 5, 7, 9, 10, 20, 25, 50, 100, 200, 500, 1000)
THETA = 10_000.0


def norm(x: Tensor) -> Tensor:
    """Root-mean-square norm without gains."""
    return functional.rms_norm(x, (x.shape[-1],), eps=1e-6)


class Block(nn.Module):
    """A short causal convolution, attention, and a squared-ReLU layer, each added to its input."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.conv = nn.Parameter(torch.zeros(WIDTH, width))
        self.qkv = nn.Parameter(torch.randn(3 * width, width) / math.sqrt(width))
        self.out = nn.Parameter(torch.zeros(width, width))
        self.up = nn.Parameter(torch.randn(4 * width, width) / math.sqrt(width))
        self.down = nn.Parameter(torch.zeros(width, 4 * width))

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        rows, length, width = x.shape
        past = functional.pad(norm(x), (0, 0, WIDTH - 1, 0))
        for back in range(WIDTH):
            start = WIDTH - 1 - back
            x = x + past[:, start : start + length] * self.conv[back]
        q, k, v = (
            functional.linear(norm(x), self.qkv).view(rows, length, 3, self.heads, -1).unbind(2)
        )
        q, k = rotated(q, turn).transpose(1, 2), rotated(k, turn).transpose(1, 2)
        seen = (q @ k.transpose(-1, -2)) / math.sqrt(q.shape[-1]) + mask
        mixed = seen.softmax(-1) @ v.transpose(1, 2)
        x = x + functional.linear(mixed.transpose(1, 2).reshape(rows, length, width), self.out)
        return x + functional.linear(
            functional.relu(functional.linear(norm(x), self.up)).square(), self.down
        )


def rotated(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions (Su et al. 2021), first half against second half."""
    cos, sin = turn
    a, b = x.float().chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1).to(x.dtype)


class Net(nn.Module):
    """Tokens to logits; embedding and output share their weights."""

    def __init__(self, tokens: Tokens, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.head = width // heads
        self.embed = nn.Parameter(first_embedding(tokens, width))
        self.gain = nn.Parameter(torch.ones(width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))

    def forward(self, codes: Tensor, wanted: Tensor) -> Tensor:
        """Logits where they are wanted: a mask of the codes' shape."""
        length = codes.shape[1]
        speed = THETA ** -(torch.arange(0, self.head, 2).float() / self.head)
        angle = torch.arange(length).float()[:, None] * speed
        turn = (angle.cos()[None, :, None], angle.sin()[None, :, None])
        mask = torch.full((length, length), -1e9).triu(1)
        x = norm(self.embed[codes])
        for block in self.blocks:
            x = block(x, turn, mask)
        return functional.linear(norm(x[wanted]) * self.gain, self.embed)


def first_embedding(tokens: Tokens, width: int) -> Tensor:
    """Random rows; numbers get waves of several periods, so that like numbers begin alike.

    Names and other words that stand for anyone begin far apart: nothing else tells one from the
    other, and what all of them learn together would soon drown a small difference.
    """
    rows = torch.randn(len(tokens), width) * 0.02
    numbers = torch.arange(LARGEST + 1).float()[:, None]
    angle = 2 * math.pi * numbers / torch.tensor(PERIODS, dtype=torch.float)
    waves = torch.cat([angle.cos(), angle.sin()], 1)[:, : width // 2]
    first = tokens.codes["0"]
    rows[first : first + LARGEST + 1, : waves.shape[1]] += waves * 0.1
    for name in ("names", "kinds", "colours"):
        for each in words(name):
            rows[tokens.codes[each]] *= 15
    rows[tokens.letters : tokens.letters + len(LETTERS)] *= 5
    return rows


class Muon(torch.optim.Optimizer):
    """Momentum with orthogonalised steps for matrices (Jordan 2024), five Newton-Schulz steps."""

    def __init__(
        self, params: list[nn.Parameter], lr: float = 0.02, momentum: float = 0.95
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                held = self.state[p].setdefault("momentum", torch.zeros_like(p))
                held.lerp_(p.grad, 1 - group["momentum"])
                update = orthogonal(p.grad.lerp(held, group["momentum"]))
                p.add_(update, alpha=-group["lr"] * max(1.0, p.shape[0] / p.shape[1]) ** 0.5)


def orthogonal(matrix: Tensor) -> Tensor:
    """About the nearest matrix with singular values of 1."""
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x.bfloat16() / (x.norm() + 1e-7)
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x.T if matrix.shape[0] > matrix.shape[1] else x).float()
