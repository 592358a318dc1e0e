"""Regression: a number to predict becomes a standardised target behind one linear unit; errors are in target units."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganas.errors import DataError
from ganas.search.plan import Head
from ganas.tasks.columns import Columns
from ganas.tasks.leaks import columns_that_tell_numbers
from ganas.tasks.losses import REGRESSION_LOSSES
from ganas.tasks.metrics import NumberMeasure, error_name, metric_of
from ganas.tasks.settings import DataSettings
from ganas.tasks.splits import Rows
from ganas.tasks.supervised import SupervisedTask
from ganas.tasks.table import Table, require_target
from ganas.tasks.text import is_number
from ganas.training.contract import FloatArray

STRATA = 10
LARGEST = float(np.finfo(np.float32).max)
"""Targets beyond it, which a network could not be trained on, are taken for infinite."""
SMALLEST_VARIANCE = float(np.finfo(np.float64).tiny)
"""Below it squared errors are no longer told from 0."""


def regression_task(table: Table, settings: DataSettings) -> SupervisedTask:
    """Makes the task of predicting the target number of ``table``.

    Raises:
        DataError: there is no target, it holds no numbers or infinite ones, or it is constant or as good as that.
        ConfigError: the metric is unknown.
    """
    target = require_target(table)
    is_numeric = np.issubdtype(target.dtype, np.number)
    other = None if is_numeric else next((value for value in target if not is_number(value)), None)
    if other is not None:
        raise DataError(
            f'{table.name}: regression needs a target of numbers, got {str(other)[:40]!r}; or set kind = "classification"'
        )
    values = target.astype(np.float64)
    is_finite = np.abs(values) <= LARGEST
    if not is_finite.all():
        raise DataError(
            f"{table.name}: regression needs a target of finite numbers, got {values[~is_finite][0]:g} "
            f"({np.count_nonzero(~is_finite):,} of {len(values):,} rows); leave those rows out"
        )
    if values.min() == values.max():
        raise DataError(f"{table.name}: the target is {values[0]:g} in every row; there is nothing to learn")
    if values.var() < SMALLEST_VARIANCE:
        raise DataError(
            f"{table.name}: the target varies only between {values.min():g} and {values.max():g}, too little for its squares to "
            "be told from 0; give it in a smaller unit"
        )
    return SupervisedTask(table, Regression(values, metric_of("regression", settings.metric)), settings)


@dataclass(frozen=True, eq=False)
class Regression:
    """What a regression task is about; ``values``: (rows,) the target of every row of the table.

    Attributes:
        mean, scale: of the target on the training rows, once fitted: a network learns ``(value - mean) / scale``.
    """

    values: NDArray[np.float64]
    metric: str
    mean: float = 0.0
    scale: float = 1.0

    kind = "regression"
    losses = REGRESSION_LOSSES
    head = Head(1, "linear")

    @property
    def strata(self) -> NDArray[np.intp]:
        """(rows,) what splits are stratified by: the decile of the target."""
        edges = np.quantile(self.values, np.arange(1, STRATA) / STRATA)
        return np.searchsorted(edges, self.values, side="right")

    @property
    def error_name(self) -> str:
        """What the error is, without the rows."""
        return error_name(self.metric)

    def fitted(self, rows: Rows) -> Regression:
        """Returns the problem with mean and standard deviation of its training rows.

        Raises:
            DataError: the target is the same in all training rows.
        """
        values = self.values[rows]
        if values.min() == values.max() or values.var() < SMALLEST_VARIANCE:
            raise DataError(f"target: it is {values[0]:g} in every training row; give more rows or other splits")
        return dataclasses.replace(self, mean=float(values.mean()), scale=float(values.std()))

    def targets(self, rows: Rows) -> FloatArray:
        """Returns (rows, 1) float32 standardised targets."""
        return ((self.values[rows] - self.mean) / self.scale).astype(np.float32)[:, None]

    def weights(self, rows: Rows) -> FloatArray | None:
        """Returns None: all rows weigh 1."""
        return None

    def measure(self, rows: Rows) -> NumberMeasure:
        """Returns the judge of outputs on ``rows``."""
        return NumberMeasure(self.metric, self.values[rows], self.mean, self.scale)

    def output(self) -> dict[str, Any]:
        """Returns what outputs mean: target = output × scale + mean."""
        return {"mean": self.mean, "scale": self.scale}

    def told_by(self, features: Columns) -> list[str]:
        """Returns the columns that are the target but for unit and zero."""
        return columns_that_tell_numbers(features, self.values)

    def in_words(self) -> str:
        """Describes the target."""
        values = self.values
        return (
            f"regression: target from {values.min():g} to {values.max():g}, mean {values.mean():g}, sd {values.std():g}"
        )

    def identity(self) -> dict[str, Any]:
        """Returns what decides the answers, JSON-able."""
        return {"metric": self.metric}
