"""A network's weights on disk: an NPZ file of arrays in Keras' order, there whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganas.training.contract import FloatArray


def save_weights(path: Path, weights: Sequence[FloatArray]) -> None:
    """Writes weights, all or nothing."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, *weights)
    part.replace(path)


def load_weights(path: str | Path) -> list[FloatArray]:
    """Reads what :func:`save_weights` wrote."""
    with np.load(path) as arrays:
        return [arrays[f"arr_{index}"] for index in range(len(arrays.files))]
