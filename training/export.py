"""Write trained models as they are shipped: `python -m training.export DIR`."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from onefold.providers.local.local import SHIPPED
from onefold.providers.local.weights import Shape, written
from training.models import MODELS
from training.words import vocabulary


def export(name: str, folder: Path, out: Path) -> int:
    """Write one model; returns the bytes of its file."""
    state = torch.load(folder / f"{name}.pt")
    arrays = {key: value.float().numpy() for key, value in state["net"].items()}
    model = MODELS[name]
    about = {"steps": state["step"], "seed": model.seed, "mixture": model.mixture}
    shape = Shape(model.layers, model.heads, tuple(vocabulary()), about)
    return written(out / f"{name}.safetensors", arrays, shape)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the checkpoints are")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    options = parser.parse_args()
    for name in MODELS:
        if (options.folder / f"{name}.pt").exists():
            print(name, export(name, options.folder, options.out))
