"""Columns that are the target in other words, such as a doubled one: who has them needs no network, and new rows rarely do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganas.tasks.columns import Columns

FEWEST_KNOWN = 0.5
"""Of fewer rows than this share, a column of numbers is not taken for the target."""
SOME = 1_000
"""So many rows, evenly spread, are looked at before all of them."""
LINEAR = 1e-10
"""A column tells a number if it leaves at most this share of the number's variance: rounding to float32 leaves 1e-14."""


def columns_that_tell_classes(features: Columns, codes: NDArray[np.intp]) -> list[str]:
    """Returns the columns with one value per class, another for each; ``codes``: (rows,) the class of every row, holes aside."""
    names, columns = features.number_names + features.text_names, [*features.numbers.T, *features.texts.T]
    places = [np.flatnonzero(codes == code) for code in np.unique(codes)]
    return [name for name, values in zip(names, columns, strict=True) if len(places) > 1 and _tells(values, places)]


def columns_that_tell_numbers(features: Columns, values: NDArray[np.float64]) -> list[str]:
    """Returns the columns of numbers that are ``values``, (rows,), but for their unit and zero, holes aside."""
    some = slice(None, None, max(1, len(values) // SOME))
    return [
        name
        for name, column in zip(features.number_names, features.numbers.T, strict=True)
        if _is_linear(column[some], values[some]) and _is_linear(column, values)
    ]


def _tells(values: NDArray[Any], places: list[NDArray[np.intp]]) -> bool:
    """Whether a column has one value in the rows of each class, and no two classes have the same."""
    is_known = values != "" if values.dtype == object else ~np.isnan(values)
    told = set()
    for rows in places:
        known = values[rows][is_known[rows]]
        if not len(known) or not (known == known[0]).all():
            return False
        told.add(known[0])
    return len(told) == len(places)


def _is_linear(column: NDArray[Any], values: NDArray[np.float64]) -> bool:
    column = column.astype(np.float64)
    is_known = ~np.isnan(column)
    if is_known.mean() < FEWEST_KNOWN or is_known.sum() < 3:
        return False
    x, y = (part[is_known] - part[is_known].mean() for part in (column, values))
    if not x.any() or not y.any():
        return False
    left = y - (x @ y) / (x @ x) * x
    return bool(left @ left <= LINEAR * (y @ y))
