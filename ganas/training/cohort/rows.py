"""A fold's rows on the device, where every step gathers its batch by index.

Arrays that come as memory maps are lent to TensorFlow without a copy, so that several workers share one copy of a large data
set. Small arrays are copied and padded to a multiple of rows, so that folds whose sizes differ by a row share a program.
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ganas.training.contract import FloatArray, TrainingData

PADDED_BYTES = 2**25
"""Smaller arrays are padded; larger ones stay as they are."""

MULTIPLE = 64
"""Rows of small arrays are padded to multiples of this."""


ALIGNMENT = 64
"""Bytes; TensorFlow ends the process over borrowed memory that does not begin at a multiple."""


@dataclass(frozen=True)
class Rows:
    """Tensors of one fold and the true numbers of rows.

    Attributes:
        x, y, weights: training rows (rows, columns), (rows, units), (rows,).
        x_validation, y_validation: validation rows.
        measured: rows whose outputs are asked for, (rows, columns), or None: the outputs on the validation rows, which the
            program keeps anyway.
        measured_layer: ``output`` or ``bottleneck``.
        drawn: which training rows an epoch goes through, None: each once, see ``TrainingData``.
        count: rows that an epoch goes through; validation_count, measured_count: rows that are not padding.
    """

    x: Any
    y: Any
    weights: Any
    x_validation: Any
    y_validation: Any
    measured: Any
    measured_layer: str
    drawn: NDArray[np.integer[Any]] | None
    count: int
    validation_count: int
    measured_count: int

    @property
    def shapes(self) -> tuple[int, int, bool]:
        """What a program is compiled for: padded training and validation rows, and whether it keeps outputs on the latter."""
        return int(self.x.shape[0]), int(self.x_validation.shape[0]), self.measured is None


def to_device(data: TrainingData, precision: str) -> Rows:
    """Puts the rows of a fold where the program reads them, each array once."""
    made: dict[int, Any] = {}

    def put(array: FloatArray) -> Any:
        if id(array) not in made:
            made[id(array)] = _tensor(array, precision)
        return made[id(array)]

    x = put(data.x_train)
    measured = data.x_validation if data.x_measured is None else data.x_measured
    is_kept = data.x_measured is None and data.measured_layer == "output"
    weights = np.ones(len(data.x_train), precision) if data.w_train is None else data.w_train
    return Rows(
        x,
        put(data.y_train),
        _tensor(weights, precision, rows=x.shape[0]),
        put(data.x_validation),
        put(data.y_validation),
        None if is_kept else put(measured),
        data.measured_layer,
        data.drawn,
        data.epoch_rows,
        len(data.x_validation),
        len(measured),
    )


def _tensor(array: FloatArray, precision: str, rows: int | None = None) -> Any:
    """Returns a tensor of ``array``, padded with zeros to ``rows`` (None: to the next multiple, if it is small)."""
    if rows is None:
        rows = -(-len(array) // MULTIPLE) * MULTIPLE if array.nbytes < PADDED_BYTES else len(array)
    if rows == len(array) and array.dtype == precision and array.nbytes >= PADDED_BYTES:
        return _lent(array)
    padded = np.zeros((rows, *array.shape[1:]), precision)
    padded[: len(array)] = array
    return tf.constant(padded)


def _lent(array: FloatArray) -> Any:
    """Returns a tensor that shares the array's memory where TensorFlow can, else a copy."""
    if tf.config.list_physical_devices("GPU"):
        return tf.constant(array)
    aligned = array if array.ctypes.data % ALIGNMENT == 0 else _aligned_copy_on_disk(array)
    if aligned is None or not (aligned.flags.c_contiguous and aligned.flags.writeable):
        return tf.constant(array)
    return tf.experimental.dlpack.from_dlpack(np.asarray(aligned).__dlpack__())


def _aligned_copy_on_disk(array: FloatArray) -> FloatArray | None:
    """Maps a file beside the array's own that begins with its first byte; the first worker writes it, all share its pages.

    None: the array is not a whole memory map, or there is no room beside it.
    """
    owner: object = array.base  # of a part of a memory map: that map
    if not (isinstance(array, np.memmap) and isinstance(owner, mmap.mmap) and array.filename is not None):
        return None
    path = Path(f"{array.filename}.{array.offset}.rows")
    try:
        if not path.exists():
            part = path.with_suffix(f".{os.getpid()}")
            array.tofile(part)
            os.replace(part, path)
        mapped: FloatArray = np.memmap(path, array.dtype, mode="c", shape=array.shape)  # type: ignore[assignment]
        return mapped
    except OSError:
        return None
