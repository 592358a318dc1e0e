"""The inputs of an exported model: new rows, read as the training rows were, as one array per column.

Also what a person should know about them: which columns are missing, which are ignored, which values are no numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganas.errors import DataError
from ganas.tasks.columns import Columns, as_numbers, columns_by_name, columns_of_matrix
from ganas.tasks.files import read_arrays, read_frame
from ganas.tasks.preprocessing import Preprocessing

if TYPE_CHECKING:
    import pandas as pd

MATRIX_INPUT = "features"
"""The one input of a model of rows without column names."""
NAMES_SHOWN = 8


def input_names(columns: Iterable[str]) -> dict[str, str]:
    """Returns the name of each column's input: Keras takes no "/" and no empty name, and names must differ."""
    names: dict[str, str] = {}
    for column in columns:
        name = column.replace("/", "_") or "_"
        while name in names.values():
            name += "_"
        names[column] = name
    return names


def read_inputs(path: Path, pipeline: Mapping[str, Any]) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Reads new rows for a model that was exported with ``pipeline``.

    Returns:
        (rows,) arrays by input name, float32 or Python strings (or ``features``, (rows, columns)), and notes, a line each.

    Raises:
        DataError: the file cannot be read, or lacks columns.
    """
    preprocessing = Preprocessing.from_json(pipeline["preprocessing"])
    if preprocessing.is_matrix:
        return {MATRIX_INPUT: _read_matrix(path, len(preprocessing.numbers.names))}, []
    numbers, texts = preprocessing.numbers.names, tuple(part.name for part in preprocessing.categories)
    source = pipeline["source"]
    frame = _read_rows(path, source, texts)
    missing = [name for name in (*numbers, *texts) if name not in frame.columns]
    if missing:
        raise DataError(f"{path}: columns {_shown(missing)} are missing; the network was trained with them")
    extra = [name for name in frame.columns if name not in source["columns"] and name != source["target"]]
    notes = [f"{path}: columns {_shown(extra)} are ignored; the network was trained without them"] * bool(extra)
    for name in numbers:
        notes += _note_strays(path, frame[name])
    columns = columns_by_name(frame, numbers, texts)
    names = input_names((*numbers, *texts))
    inputs: dict[str, NDArray[Any]] = {names[name]: columns.numbers[:, place] for place, name in enumerate(numbers)}
    return inputs | {names[name]: columns.texts[:, place] for place, name in enumerate(texts)}, notes


def columns_of_inputs(inputs: Mapping[str, NDArray[Any]], preprocessing: Preprocessing) -> Columns:
    """Puts the inputs of an exported model, (rows,) arrays by name, together again."""
    numbers, texts = preprocessing.numbers.names, tuple(part.name for part in preprocessing.categories)
    if preprocessing.is_matrix:
        matrix = inputs[MATRIX_INPUT]
        return Columns(matrix, np.empty((len(matrix), 0), object), numbers, (), is_matrix=True)
    names = input_names((*numbers, *texts))
    rows = len(next(iter(inputs.values())))
    values, words = np.empty((rows, len(numbers)), np.float32), np.empty((rows, len(texts)), object)
    for block, part in ((values, numbers), (words, texts)):
        for place, name in enumerate(part):
            block[:, place] = inputs[names[name]]
    return Columns(values, words, numbers, texts)


def network_input_names(preprocessing: Preprocessing) -> list[str]:
    """Returns the name of each network input: its column's, or the number of a principal component."""
    if preprocessing.projection is None:
        return list(preprocessing.input_columns)
    return [f"component {place + 1}" for place in range(preprocessing.outputs)]


def _read_rows(path: Path, source: Mapping[str, Any], texts: tuple[str, ...]) -> pd.DataFrame:
    """Reads a frame with the columns named as in training; a file without header may have the target column or not."""
    columns: list[str] = source["columns"]
    without_target = [name for name in columns if name != source["target"]]

    def name_columns(width: int) -> list[str]:
        for names in (columns, without_target):
            if len(names) == width:
                return names
        raise DataError(
            f"{path}: has {width} columns; expected {len(without_target)}, or {len(columns)} with the target"
        )

    return read_frame(path, header=source["has_header"], texts=texts, name_columns=name_columns)[0]


def _read_matrix(path: Path, width: int) -> NDArray[np.float32]:
    if path.suffix.lower() == ".npz":
        arrays = read_arrays(path)
        found = [arrays[name] for name in ("X", "x", "x_test", "features") if name in arrays]
        if not found:
            raise DataError(f"{path}: has arrays {', '.join(arrays) or 'none'}; expected the rows as X")
        array = found[0]
        if array.ndim == 0 or array.size == 0 or array.dtype.kind not in "biuf":
            raise DataError(f"{path}: expected rows of numbers, got {array.dtype} of shape {array.shape}")
        matrix = columns_of_matrix(array.reshape(len(array), -1)).numbers
    else:
        frame = read_frame(path)[0]
        matrix = np.stack([as_numbers(frame[name]) for name in frame.columns], axis=1)
    if matrix.shape[1] != width:
        raise DataError(
            f"{path}: has {matrix.shape[1]} columns; expected the {width} that the network was trained with"
        )
    return matrix.astype(np.float32)


def _note_strays(path: Path, series: pd.Series) -> list[str]:
    """Says how many values of a column of numbers are none.

    Raises:
        DataError: there are several, and none is one; a single one counts as missing, as it would among numbers.
    """
    present = int(series.notna().sum())
    strays = present - int((~np.isnan(as_numbers(series))).sum())
    if strays == present > 1:
        raise DataError(f"{path}: column {series.name!r} must hold numbers, got {series.dropna().iloc[0]!r}")
    return [f"{path}: column {series.name!r}: {strays} values that are no numbers count as missing"] * bool(strays)


def _shown(names: list[str]) -> str:
    return ", ".join(names[:NAMES_SHOWN]) + (
        f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    )
