"""From a frame or arrays in memory to a table: target apart, rows without target left out, columns sorted out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ganas.errors import DataError
from ganas.tasks.columns import columns_of_frame, columns_of_matrix
from ganas.tasks.table import Source, Table

if TYPE_CHECKING:
    import pandas as pd

LARGEST_BYTE = 255.0
DATES = ("datetime64", "datetime", "date", "timedelta64", "timedelta", "time", "period")
"""What pandas calls dates and durations, times of a day among them."""


def table_of_frame(
    frame: pd.DataFrame, target: NDArray[Any] | None, name: str, *, test_rows: int = 0, **facts: Any
) -> Table:
    """Makes a table of a frame of features and a (rows,) target; pixels (``pixel_maximum``) keep every column.

    Args:
        frame: the features; any types.
        target: labels or numbers; None: there is none. Rows where it is missing are left out.
        name: of the data set.
        test_rows: so many last rows are the official test rows.
        **facts: other fields of :class:`Table`.

    Raises:
        DataError: no column or row is left.
    """
    import pandas as pd

    _check_lengths(name, len(frame), target)
    frame = frame.set_axis(plain_names(frame.columns), axis=1)
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"{name}: two columns are called {twice!r}; give each a name of its own")
    notes: list[str] = list(facts.pop("notes", ()))
    source = facts.pop("source", None) or Source(columns=tuple(frame.columns))
    if target is not None:
        missing = np.asarray(pd.isna(target))
        if missing.all():
            raise DataError(f"{name}: the target has no values; choose another target")
        if missing.any():
            notes.append(f"left out {int(missing.sum()):,} rows whose target is missing")
            test_rows -= int(missing[len(frame) - test_rows :].sum())
            frame, target = frame[~missing], target[~missing]
    if facts.get("pixel_maximum") is not None:
        matrix = columns_of_matrix(frame.to_numpy())
        columns = dataclasses.replace(matrix, number_names=tuple(frame.columns), is_matrix=False)
        return Table(name, columns, target, test_rows, source=source, **facts)
    columns, dropped, more = columns_of_frame(frame, len(frame) - test_rows)
    return Table(
        name, columns, target, test_rows, dropped=tuple(dropped), notes=(*notes, *more), source=source, **facts
    )


def table_of_arrays(features: Any, target: Any, name: str, *, test_rows: int = 0) -> Table:
    """Makes a table of an array (or a frame) of features and an array of targets.

    Args:
        features: (rows, ...) numbers, flattened (uint8: pixels from 0 to 255); or a DataFrame; or an array of objects.
        target: (rows,) labels or numbers; None: there is none.
        name: of the data set.
        test_rows: so many last rows are the official test rows.

    Raises:
        DataError: the lengths differ, or no column or row is left.
    """
    import pandas as pd

    labels = None if target is None else _as_column(target, name)
    if isinstance(features, pd.DataFrame):
        return table_of_frame(features, labels, name, test_rows=test_rows)
    array = as_array(features)
    if array.ndim < 2:
        raise DataError(f"{name}: features must have rows and columns, got an array of shape {array.shape}")
    image_shape = array.shape[1:] if array.ndim > 2 else None
    _check_lengths(name, len(array), labels)
    array = array.reshape(len(array), -1)
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == np.bool_):
        frame = pd.DataFrame(array, columns=[f"column_{index}" for index in range(array.shape[1])])
        return table_of_frame(frame.infer_objects(), labels, name, test_rows=test_rows)
    if labels is not None and pd.isna(labels).any():
        raise DataError(f"{name}: {int(pd.isna(labels).sum())} targets are missing; leave those rows out")
    maximum = LARGEST_BYTE if array.dtype == np.uint8 else None
    return Table(name, columns_of_matrix(array), labels, test_rows, pixel_maximum=maximum, image_shape=image_shape)


def plain_names(names: Iterable[Any]) -> list[str]:
    """Returns columns' names as texts, without blanks at their ends unless two would be the same then."""
    written = [str(name) for name in names]
    stripped = [name.strip() for name in written]
    return stripped if len(set(stripped)) == len(stripped) else written


def target_values(series: pd.Series) -> NDArray[Any]:
    """Returns a target column as (rows,) numbers, or objects where it is none; missing values stay missing.

    Raises:
        DataError: it holds dates or durations.
    """
    import pandas as pd

    if pd.api.types.is_bool_dtype(series.dtype) or not pd.api.types.is_numeric_dtype(series.dtype):
        values = series.astype(object).to_numpy()
        found = pd.api.types.infer_dtype(values)
        if found in DATES:
            raise DataError(f"target: holds dates or durations ({found}); expected labels, or numbers such as days")
        return np.array([value.strip() if isinstance(value, str) else value for value in values], object)
    return series.to_numpy(dtype=np.float64, na_value=np.nan) if series.isna().any() else series.to_numpy()


def _as_column(target: Any, name: str) -> NDArray[Any]:
    import pandas as pd

    if isinstance(target, pd.Series):
        return target_values(target.infer_objects())
    array = as_array(target)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise DataError(f"{name}: the target must be one value per row, got an array of shape {array.shape}")
    return target_values(pd.Series(array).infer_objects()) if array.dtype.kind in "OMm" else array


def as_array(values: Any) -> NDArray[Any]:
    """Returns an array of anything; lists with texts become objects, because NumPy would spell their holes "nan".

    What is masked is missing.
    """
    if isinstance(values, np.ma.MaskedArray) and values.mask.any():
        if values.dtype.kind in "mM":
            return values.filled(values.dtype.type("NaT"))
        is_number = np.issubdtype(values.dtype, np.number) or values.dtype == np.bool_
        return np.ma.filled(values.astype(np.float64 if is_number else object), np.nan)
    array = np.asarray(values)
    return np.asarray(values, object) if array.dtype.kind in "US" and not isinstance(values, np.ndarray) else array


def _check_lengths(name: str, rows: int, target: NDArray[Any] | None) -> None:
    if rows == 0:
        raise DataError(f"{name}: there are no rows")
    if target is not None and len(target) != rows:
        raise DataError(f"{name}: {rows} rows of features but {len(target)} targets; give one target per row")
