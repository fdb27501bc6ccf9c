"""A tiny transformer in numpy: tokens in, logits out, with a memory of what was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

BACK = 4  # how far a block's convolution looks back, itself included
THETA = 10_000.0
LONGEST = 512  # tokens of a prompt and its answer together
FAR = np.float32(-1e9)
SMALL = 1e-6


class Network:
    """Blocks of short convolution, attention and a squared-ReLU layer; output tied to input.

    arrays: `embed` (pieces, width), `gain` (width), and for each block `conv` (4, width), `qkv`
    (3 · width, width), `out` (width, width), `up` (4 · width, width), `down` (width, 4 · width).
    """

    def __init__(self, arrays: Mapping[str, Floats], layers: int, heads: int) -> None:
        embed = arrays["embed"]
        self.pieces, self.width = embed.shape
        self.heads, self.head = heads, self.width // heads
        self.embed = normed(embed)
        self.read = np.ascontiguousarray((embed * arrays["gain"]).T)
        self.blocks = [Block(arrays, f"blocks.{i}.", heads) for i in range(layers)]
        speed = THETA ** -(np.arange(0, self.head, 2) / self.head)
        self.phase = np.exp(1j * np.arange(LONGEST)[:, None] * speed).astype(np.complex64)

    def start(self, rows: Sequence[Sequence[int]], room: int) -> tuple[Past, Floats]:
        """What is known after reading some texts, and the logits of what comes next.

        rows: codes of each text, at least one. room: tokens that may follow. Returns (rows,
        pieces) logits.
        """
        lengths = np.array([len(row) for row in rows])
        count, longest = len(rows), int(lengths.max())
        codes = np.zeros((count, longest), dtype=np.int64)
        for place, row in enumerate(rows):
            codes[place, : len(row)] = row
        past = Past(self, lengths, longest + room)
        x = self.embed[codes.ravel()]
        phase = self.phase[:longest, None, None]
        mask = np.triu(np.full((longest, longest), FAR), 1)
        tail = lengths[:, None] - np.arange(BACK, 0, -1)
        for block, memory in zip(self.blocks, past.layers, strict=True):
            seen = normed(x).reshape(count, longest, -1)
            kept = np.take_along_axis(seen, np.maximum(tail, 0)[:, :, None], axis=1)
            memory.seen[:] = np.where(tail[:, :, None] >= 0, kept, 0.0)
            x = x.reshape(seen.shape)
            x = x + seen * block.conv[-1]
            for back in range(1, min(BACK, longest)):
                x[:, back:] += seen[:, :-back] * block.conv[-1 - back]
            x = x.reshape(-1, self.width)
            parts = (normed(x) @ block.qkv).reshape(count, longest, 3, self.heads, self.head)
            q, k = np.moveaxis(turned(parts[:, :, :2], phase), 2, 0)
            memory.keys[..., :longest] = k.transpose(0, 2, 3, 1)
            memory.values[:, :, :longest] = parts[:, :, 2].transpose(0, 2, 1, 3)
            scores = q.transpose(0, 2, 1, 3) @ memory.keys[..., :longest]
            scores += mask
            mixed = softmax(scores) @ memory.values[:, :, :longest]
            x = block.mixed(x, mixed.transpose(0, 2, 1, 3).reshape(x.shape))
        last = np.arange(count) * longest + lengths - 1
        return past, normed(x[last]) @ self.read

    def step(self, past: Past, codes: Ints) -> Floats:
        """The logits (rows, pieces) after one more token in each row; the past remembers it."""
        count, at = len(codes), past.lengths
        longest = int(at.max()) + 1
        ragged = count > 1 and int(at.min()) + 1 < longest
        hidden = np.where(np.arange(longest) > at[:, None], FAR, np.float32(0))[:, None]
        every, phase = np.arange(count), self.phase[at][:, None, None]
        x = self.embed[codes]
        for block, memory in zip(self.blocks, past.layers, strict=True):
            seen = memory.seen
            seen[:, :-1] = seen[:, 1:]
            seen[:, -1] = normed(x)
            x = x + np.einsum("rbd,bd->rd", seen, block.conv)
            parts = (normed(x) @ block.qkv).reshape(count, 3, self.heads, self.head)
            pair = turned(parts[:, :2], phase)
            memory.keys[every, :, :, at] = pair[:, 1]
            memory.values[every, :, at] = parts[:, 2]
            scores = pair[:, 0, :, None] @ memory.keys[..., :longest]
            if ragged:
                scores += hidden[:, None]
            mixed = softmax(scores) @ memory.values[:, :, :longest]
            x = block.mixed(x, mixed.reshape(count, self.width))
        past.lengths += 1
        return normed(x) @ self.read


class Block:
    """One block's weights, matrices turned so that rows are multiplied from the left.

    The two numbers that a rotary position turns together are put next to each other, and queries
    are scaled beforehand.
    """

    def __init__(self, arrays: Mapping[str, Floats], name: str, heads: int) -> None:
        width = arrays[f"{name}out"].shape[0]
        head = width // heads
        parts = arrays[f"{name}qkv"].reshape(3, heads, head, width).copy()
        order = np.arange(head).reshape(2, -1).T.ravel()
        parts[:2] = parts[:2][:, :, order]
        parts[0] /= sqrt(head)
        self.qkv = np.ascontiguousarray(parts.reshape(-1, width).T)
        self.conv = np.ascontiguousarray(arrays[f"{name}conv"][::-1])
        self.out = np.ascontiguousarray(arrays[f"{name}out"].T)
        self.up = np.ascontiguousarray(arrays[f"{name}up"].T)
        self.down = np.ascontiguousarray(arrays[f"{name}down"].T)

    def mixed(self, x: Floats, attended: Floats) -> Floats:
        """What leaves the block: the input with what was attended to, and the last layer's."""
        x = x + attended @ self.out
        inner = normed(x) @ self.up
        np.maximum(inner, 0, out=inner)
        inner *= inner
        return np.asarray(x + inner @ self.down, dtype=np.float32)


class Memory:
    """What one block remembers of each row: keys, values, and its last inputs.

    keys: (rows, heads, head, room). values: (rows, heads, room, head). seen: (rows, 4, width).
    """

    __slots__ = ("keys", "seen", "values")

    def __init__(self, keys: Floats, values: Floats, seen: Floats) -> None:
        self.keys, self.values, self.seen = keys, values, seen

    def joined(self, other: Memory) -> Memory:
        """The rows of both, with the room of the larger."""
        room = max(self.keys.shape[3], other.keys.shape[3])
        a, b = self.widened(room), other.widened(room)
        return Memory(
            np.concatenate([a.keys, b.keys]),
            np.concatenate([a.values, b.values]),
            np.concatenate([a.seen, b.seen]),
        )

    def widened(self, room: int) -> Memory:
        """The same with more room."""
        more = room - self.keys.shape[3]
        if not more:
            return self
        keys = np.pad(self.keys, ((0, 0), (0, 0), (0, 0), (0, more)))
        return Memory(keys, np.pad(self.values, ((0, 0), (0, 0), (0, more), (0, 0))), self.seen)


class Past:
    """What a network remembers of the rows that it reads, and how many tokens each has."""

    def __init__(self, network: Network, lengths: Ints, room: int) -> None:
        rows, heads, head, width = len(lengths), network.heads, network.head, network.width
        self.lengths = lengths.copy()
        self.layers = [
            Memory(
                np.zeros((rows, heads, head, room), dtype=np.float32),
                np.zeros((rows, heads, room, head), dtype=np.float32),
                np.zeros((rows, BACK, width), dtype=np.float32),
            )
            for _ in network.blocks
        ]

    def join(self, other: Past) -> None:
        """Take in the rows of another past, after the own ones."""
        self.lengths = np.concatenate([self.lengths, other.lengths])
        pairs = zip(self.layers, other.layers, strict=True)
        self.layers = [mine.joined(its) for mine, its in pairs]

    def drop(self, place: int) -> None:
        """Forget a row; the last one takes its place."""
        last = len(self.lengths) - 1
        self.lengths[place] = self.lengths[last]
        self.lengths = self.lengths[:last]
        for memory in self.layers:
            for name in Memory.__slots__:
                held = getattr(memory, name)
                held[place] = held[last]
                setattr(memory, name, held[:last])


def normed(x: Floats) -> Floats:
    """Root-mean-square norm without gains, along the last axis of (rows, width)."""
    width = x.shape[1]
    if len(x) == 1:
        return x * np.float32(1 / sqrt(float(np.vdot(x, x)) / width + SMALL))
    size = np.einsum("rd,rd->r", x, x) / np.float32(width) + np.float32(SMALL)
    return np.asarray(x / np.sqrt(size)[:, None], dtype=np.float32)


def turned(x: Floats, phase: NDArray[np.complex64]) -> Floats:
    """Rotary positions (Su et al. 2021); neighbours are turned together, as complex numbers."""
    made: Any = x.view(np.complex64) * phase
    turned: Floats = made.view(np.float32)
    return turned


def softmax(x: Floats) -> Floats:
    """Shares along the last axis, in place."""
    x -= x.max(axis=-1, keepdims=True)
    np.exp(x, out=x)
    x /= x.sum(axis=-1, keepdims=True)
    return x
