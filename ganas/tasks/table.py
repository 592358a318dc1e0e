"""A table: features, target and official test rows of one data set, as every kind of task receives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganas.errors import DataError
from ganas.tasks.columns import Columns, Dropped


@dataclass(frozen=True)
class Source:
    """How a file was read, so that new rows can be read alike.

    Attributes:
        has_header: whether its first line names the columns.
        columns: the names of all its columns in order, the target included.
        target: the target column's name; "" without a target.
    """

    has_header: bool = True
    columns: tuple[str, ...] = ()
    target: str = ""


@dataclass(frozen=True)
class Table:
    """The rows of a data set.

    Attributes:
        name: of the data set, such as ``digits``.
        features: the columns, all rows.
        target: (rows,) labels of any type or numbers, none missing; None: the data has no target.
        test_rows: so many last rows are the official test rows; 0: there are none.
        pixel_maximum: the largest possible value of pixels, such as 255; None: the numbers are no pixels.
        image_shape: such as (28, 28), where a row of numbers is a picture.
        dropped: columns left out, and why.
        notes: lines about how it was read.
        source: how its file was read.
    """

    name: str
    features: Columns
    target: NDArray[Any] | None
    test_rows: int = 0
    pixel_maximum: float | None = None
    image_shape: tuple[int, ...] | None = None
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()
    source: Source = Source()

    def __len__(self) -> int:
        return len(self.features)

    def in_words(self) -> list[str]:
        """Describes rows and columns, and what was left out, a line each."""
        columns = self.features
        parts = [f"{len(columns.number_names)} of numbers"] * bool(columns.number_names)
        parts += [f"{len(columns.text_names)} of texts"] * bool(columns.text_names)
        holes = int(np.isnan(columns.numbers).sum()) if columns.numbers.dtype != np.uint8 else 0
        holes += int((columns.texts == "").sum())
        lines = [f"{self.name}: {len(self):,} rows, columns: {', '.join(parts)}; {holes:,} missing values"]
        lines += [f"dropped column {column.name!r}: it {column.reason}" for column in self.dropped]
        return [*lines, *self.notes]


def require_target(table: Table) -> NDArray[Any]:
    """Returns the target.

    Raises:
        DataError: the table has none.
    """
    if table.target is None:
        known = ", ".join(table.source.columns[:8])
        raise DataError(
            f"{table.name}: no target given; set [data] target to a column's name or position (-1: last): {known}"
        )
    return table.target
