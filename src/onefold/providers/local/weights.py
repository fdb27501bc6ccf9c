"""A model's file: int8 rows with their scales, its vocabulary and its shape, as safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from onefold.core.errors import ConfigError
from onefold.providers.local.network import Floats, Network
from onefold.providers.local.tokens import Tokens

FORMAT = "onefold-local-1"
SCALE = ".scale"


class Shape(msgspec.Struct, frozen=True):
    """What a file says of its model besides the weights.

    words: the vocabulary beyond numbers and letters. about: what it is, and how it was measured.
    """

    layers: int
    heads: int
    words: tuple[str, ...]
    about: dict[str, Any] = {}


def written(path: Path, arrays: Mapping[str, Floats], shape: Shape) -> int:
    """Write a model; returns the bytes of its file."""
    packed: dict[str, Any] = {}
    for name, array in arrays.items():
        if array.ndim == 2 and min(array.shape) > 4:
            scale = np.abs(array).max(axis=1) / 127 + 1e-12
            packed[name] = np.round(array / scale[:, None]).astype(np.int8)
            packed[name + SCALE] = scale.astype(np.float32)
        else:
            packed[name] = array.astype(np.float32)
    data = save(packed, {"format": FORMAT, "shape": msgspec.json.encode(shape).decode()})
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.write_bytes(data)


def loaded(path: Path) -> tuple[Network, Tokens]:
    """A model, ready to be asked.

    Raises:
        ConfigError: the file cannot be read, or holds no model of this form.
    """
    shape, packed = read(path)
    arrays = {}
    for name, array in packed.items():
        if not name.endswith(SCALE):
            scale = packed.get(name + SCALE)
            values = np.asarray(array, dtype=np.float32)
            arrays[name] = values if scale is None else values * scale[:, None]
    tokens = Tokens(shape.words)
    try:
        network = Network(arrays, shape.layers, shape.heads)
    except KeyError as error:
        raise ConfigError(f"{path}: the model lacks its weights {error}") from None
    if network.pieces != len(tokens):
        raise ConfigError(
            f"{path}: {network.pieces} rows of weights for {len(tokens)} tokens: the file does "
            "not belong to its vocabulary"
        )
    return network, tokens


def read(path: Path) -> tuple[Shape, dict[str, Any]]:
    """What a file says of its model, and its weights as they stand.

    Raises:
        ConfigError: the file cannot be read, or holds no model of this form.
    """
    try:
        with safe_open(path, "numpy") as file:
            said = file.metadata() or {}
            if said.get("format") != FORMAT:
                raise ConfigError(
                    f"{path} is no model of this house ({said.get('format', 'no format')!r}): for "
                    "a model directory of another kind take transformers:…"
                )
            packed = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return msgspec.json.decode(said["shape"], type=Shape), packed
    except (SafetensorError, OSError, KeyError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{path} cannot be read as a model: {error}") from None
