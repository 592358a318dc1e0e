"""A network's weights on disk: an NPZ file of arrays in Keras' order, there whole or not at all."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganas.errors import RunError
from ganas.training.contract import FloatArray
from ganas.whole import writing_whole

UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    NotImplementedError,
    zipfile.BadZipFile,
)
"""What NumPy raises on a file that is no NPZ file of arrays, or no longer; an empty one is an EOFError."""


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
        with np.load(path) as arrays:
            return [arrays[f"arr_{index}"] for index in range(len(arrays.files))]
    except UNREADABLE as error:
        reason = getattr(error, "strerror", None) or "not a whole NPZ file"
        raise RunError(
            f"{path}: weights cannot be read ({reason}); put a whole copy of the file back, or start a new run"
        ) from None
