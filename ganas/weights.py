"""A network's weights on disk: an NPZ file of arrays in Keras' order, there whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganas.errors import RunError
from ganas.npz import UnreadableNpz, open_npz
from ganas.training.contract import FloatArray
from ganas.whole import writing_whole


def save_weights(path: Path, weights: Sequence[FloatArray]) -> None:
    """Writes weights to a file that ends in ``.npz``, all or nothing, and waits until the disk has them.

    Raises:
        RunError: the file cannot be written.
    """
    with writing_whole(path) as part:
        np.savez(part, *weights)


def load_weights(path: str | Path) -> list[FloatArray]:
    """Reads what :func:`save_weights` wrote.

    Raises:
        RunError: the file is gone or damaged.
    """
    try:
        with open_npz(path) as arrays:
            return [arrays[f"arr_{index}"] for index in range(len(arrays))]
    except UnreadableNpz as reason:
        raise RunError(
            f"{path}: weights cannot be read ({reason}); put a whole copy of the file back, or start a new run"
        ) from None
