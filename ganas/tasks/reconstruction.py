"""Reconstruction: a network that gives back rows it has not seen; its error against the width of its bottleneck.

Principal components are the best linear autoencoder (Baldi & Hornik 1989, https://doi.org/10.1016/0893-6080(89)90014-2), so
their error at the same width is the yardstick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ganas.errors import ConfigError, DataError, SpaceError
from ganas.search.plan import NetworkPlan
from ganas.tasks.autoencoding import AutoencoderTask, FoldRows, Judged
from ganas.tasks.settings import DataSettings
from ganas.tasks.splits import Rows
from ganas.tasks.table import Table
from ganas.tasks.task import Task
from ganas.training.contract import FloatArray

YARDSTICK_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
"""Numbers of principal components whose errors are shown beside a search's."""


def reconstruction_task(table: Table, settings: DataSettings) -> AutoencoderTask:
    """Makes the task of giving back the columns of ``table``; a target is left aside.

    Raises:
        DataError: there are too few rows or columns.
        ConfigError: a metric is asked for that is not the mean squared error.
    """
    if settings.metric not in (None, "mse"):
        raise ConfigError(f'[task] metric: reconstruction is measured by "mse", got {settings.metric!r}')
    return AutoencoderTask(table, Reconstruction(len(table)), settings)


@dataclass(frozen=True)
class ReconstructionMeasure:
    """Judges reconstructions of (rows, columns) ``x``."""

    x: FloatArray
    step: ClassVar[float] = 0.0

    def __call__(self, outputs: FloatArray) -> dict[str, float]:
        """Returns the mean squared error, the mean absolute error, and the share of the variance that is explained."""
        difference = outputs - self.x
        error = float(np.square(difference, dtype=np.float64).mean())
        variance = float(self.x.var(axis=0, dtype=np.float64).mean())
        explained = 1 - error / variance if variance > 0 else 0.0
        return {"error": error, "mae": float(np.abs(difference).mean(dtype=np.float64)), "explained": explained}


@dataclass(frozen=True)
class Reconstruction:
    """Giving back ``rows`` rows; all of them may be learnt, none is special."""

    rows: int

    kind = "reconstruction"
    error_name = "mean squared error of scaled inputs"

    @property
    def strata(self) -> NDArray[np.intp]:
        """(rows,) zeros: splits are drawn at random."""
        return np.zeros(self.rows, np.intp)

    def learnt(self, rows: Rows) -> Rows:
        """Returns all rows."""
        return rows

    def refuse(self, plan: NetworkPlan, inputs: int) -> None:
        """Refuses a bottleneck as wide as the input, which could copy it.

        Raises:
            SpaceError: the bottleneck is too wide.
        """
        assert plan.bottleneck is not None
        width = min(layer.units for layer in plan.layers)
        if width >= inputs:
            raise SpaceError(f"bottleneck: must be narrower than the {inputs} inputs, got {width}; it could copy them")

    def judge(self, rows: FoldRows) -> Judged:
        """Judges the measured rows as they are."""
        x = rows.inputs(rows.measured)
        return Judged(x, ReconstructionMeasure(x))

    def notes(self, held_out: int) -> list[str]:
        """Returns nothing."""
        return []

    def output(self) -> dict[str, Any]:
        """Says that outputs are scaled inputs."""
        return {"reconstructs": True}

    def in_words(self) -> str:
        """Describes the purpose."""
        return "reconstruction: networks give back their inputs"

    def identity(self) -> dict[str, Any]:
        """Returns what decides the answers."""
        return {"metric": "mse"}


def linear_yardstick(task: Task) -> dict[str, Any]:
    """Returns, JSON-able, principal components' errors by part and number; nothing for other kinds of task."""
    if not isinstance(task, AutoencoderTask) or task.kind != "reconstruction":
        return {}
    sizes = [size for size in YARDSTICK_SIZES if size < task.inputs]
    parts = ["validation", "test"] if len(task.splits.test) else ["validation"]
    errors = {part: pca_errors(task, sizes, part=part) for part in parts}
    return {"principal_components": {part: {str(size): one[size] for size in one} for part, one in errors.items()}}


def pca_errors(task: AutoencoderTask, sizes: Sequence[int], *, part: str = "validation") -> dict[int, float]:
    """Returns the mean squared error of principal components by their number.

    Args:
        task: of reconstruction; components are fitted on the training rows of its first fold.
        sizes: numbers of components; those above the number of inputs are left out.
        part: ``"validation"``, or ``"test"`` where there are test rows: the rows that are reconstructed.
    """
    fold = (task.test_fold() if part == "test" else None) or task.fold(0)
    if fold is None:
        raise DataError("[data] test_fraction: is 0, so there are no test rows to reconstruct")
    x_train = np.asarray(fold.data.x_train, np.float64)
    measured = fold.data.x_validation if fold.data.x_measured is None else fold.data.x_measured
    mean = x_train.mean(axis=0)
    _, vectors = np.linalg.eigh((x_train - mean).T @ (x_train - mean))
    centred = measured - mean
    errors = {}
    for size in sizes:
        if size <= task.inputs:
            kernel = vectors[:, ::-1][:, :size]
            errors[size] = float(((centred - centred @ kernel @ kernel.T) ** 2).mean())
    return errors
