"""The task of an autoencoder: what reconstruction, features and anomaly detection share.

All of them train a network to give back its inputs; they differ in which rows it is trained on and in how it is judged,
which is a :class:`Purpose`. Data, splits, preprocessing and folds are here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ganas.errors import DataError, SpaceError
from ganas.search.plan import Head, NetworkPlan
from ganas.tasks.losses import fitting_loss
from ganas.tasks.settings import DataSettings
from ganas.tasks.splits import Rows
from ganas.tasks.table import Table
from ganas.tasks.table_task import Part, Subject, TableTask
from ganas.tasks.task import Fold, Measure
from ganas.training.contract import FloatArray, TrainingData

LOSSES = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")
UNIT_LOSSES = ("binary_crossentropy",)
"""Losses of inputs from 0 to 1 behind a sigmoid."""
CONSTANT_ROWS = 1000
"""So many rows are looked at first for a column that varies."""


@dataclass(frozen=True)
class FoldRows:
    """What a judge may look at: row numbers of one fold, and ``inputs``, which makes (rows, columns) float32 of row numbers.

    Attributes:
        training, held_out: the rows of the split, before a purpose chooses among them.
        measured: the rows to judge: the held-out, the training, or the test rows, named by ``part``.
    """

    training: Rows
    held_out: Rows
    measured: Rows
    part: Part
    inputs: Callable[[Rows], FloatArray]


@dataclass(frozen=True)
class Judged:
    """Rows whose network outputs are asked for, from which layer, and who judges them."""

    x: FloatArray
    measure: Measure
    layer: str = "output"


class Purpose(Subject, Protocol):
    """What an autoencoder is for."""

    def learnt(self, rows: Rows) -> Rows:
        """Returns those of ``rows`` that the network may be trained on, or that its loss may be watched on."""

    def refuse(self, plan: NetworkPlan, inputs: int) -> None:
        """Raises ``SpaceError`` if the plan makes no sense for the purpose."""

    def judge(self, rows: FoldRows) -> Judged:
        """Returns what is judged, and by whom."""

    def notes(self, held_out: int) -> list[str]:
        """Returns what a person should know where the network learns nothing from ``held_out`` rows, a line each."""

    def output(self) -> dict[str, Any]:
        """Returns, JSON-able, what outputs mean."""


class AutoencoderTask(TableTask):
    """A :class:`~ganas.tasks.task.Task` whose networks give back their inputs.

    Args:
        table: the data; its target trains nothing.
        purpose: what the networks are for.
        settings: splits and preprocessing.

    Raises:
        DataError: there are too few rows, a single column, columns that are all constant, or folds of unequal width.
    """

    family = "autoencoder"

    def __init__(self, table: Table, purpose: Purpose, settings: DataSettings) -> None:
        self.purpose = purpose
        super().__init__(table, purpose, settings)
        if self.inputs < 2:
            raise DataError(f"{table.name}: an autoencoder needs at least two columns, got {self.inputs}")
        _refuse_constant(self)
        self._refuse_unequal_folds()
        is_unit = settings.pca is None and (table.pixel_maximum is not None or settings.scaling == "min_max")
        self.head = Head(self.inputs, "sigmoid" if is_unit else "linear")
        self.losses: tuple[str, ...] = (*LOSSES, *UNIT_LOSSES) if is_unit else LOSSES

    def complete(self, plan: NetworkPlan) -> NetworkPlan:
        """Returns the plan with its loss, and a head if it has none; see :class:`~ganas.tasks.task.Task`.

        Raises:
            SpaceError: the loss does not fit, the plan has no bottleneck, or its head is not as wide as its input.
        """
        if plan.bottleneck is None:
            raise SpaceError(f"{self.kind}: the plan has no bottleneck; say which of its layers is the code")
        self.purpose.refuse(plan, self.inputs)
        head = plan.head or self.head
        if head.units != self.inputs:
            raise SpaceError(f"{self.kind}: the output must be as wide as the {self.inputs} inputs, got {head.units}")
        return plan.completed(head, fitting_loss(plan.loss, self.losses))

    def _make_fold(self, index: int, part: Part) -> Fold:
        training, held_out = self.splits.folds[index]
        preprocessing = self._preprocessing_of(index)

        def inputs(rows: Rows) -> FloatArray:
            return preprocessing.transform(self.table.features.take(rows))

        judged = self.purpose.judge(FoldRows(training, held_out, self._measured_rows(index, part), part, inputs))
        x_train, x_validation = inputs(self.purpose.learnt(training)), inputs(self.purpose.learnt(held_out))
        data = TrainingData(
            x_train, x_train, x_validation, x_validation, x_measured=judged.x, measured_layer=judged.layer
        )
        return Fold(data, judged.measure)

    def _refuse_unequal_folds(self) -> None:
        """Refuses folds whose inputs differ in number: the output layer, made for those of the first, fits them all or none."""
        features = self.table.features
        if self.folds == 1 or self.settings.pca or not (features.text_names or np.isnan(features.numbers).any()):
            return
        folds = [Counter(self._preprocessing_of(index).input_columns) for index in range(self.folds)]
        widths = [counts.total() for counts in folds]
        if len(set(widths)) > 1:
            names = (name for counts in folds for name in counts)
            column = next(name for name in names if len({counts[name] for counts in folds}) > 1)
            raise DataError(
                f"{self.name}: the {self.folds} folds have {', '.join(map(str, widths))} inputs, because training rows of some "
                f"lack holes or words of column {column!r}; an autoencoder needs as many in every fold, so set [data] folds = 1, "
                "or [data] pca, or fill the holes and join the rare words"
            )

    def _learnt(self, rows: Rows) -> Rows:
        return self.purpose.learnt(rows)

    def _output(self) -> dict[str, Any]:
        return self.purpose.output()

    def _notes(self) -> list[str]:
        return self.purpose.notes(len(self._learnt(self.splits.folds[0][1])))

    def _inputs_in_words(self) -> str:
        return f"given back by a {self.head.activation} output"


def _refuse_constant(task: AutoencoderTask) -> None:
    """Refuses training rows that are all alike, or a single one; looks at a few first, because images are many."""
    rows = task.purpose.learnt(task.splits.folds[0][0])
    if len(rows) < 2:
        raise DataError(f"{task.name}: too few rows to train on ({len(rows)}); give more rows")
    for some in (rows[:CONSTANT_ROWS], rows):
        x = task.preprocessing.transform(task.table.features.take(some))
        if (x != x[:1]).any():
            return
    raise DataError(f"{task.name}: every column is constant in the {len(rows):,} training rows; nothing can be learnt")
