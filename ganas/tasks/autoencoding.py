"""The task of an autoencoder: what reconstruction, features and anomaly detection share.

All of them train a network to give back its inputs; they differ in which rows it is trained on and in how it is judged,
which is a :class:`Purpose`. Data, splits, preprocessing and folds are here.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ganas.errors import DataError, SpaceError
from ganas.search.plan import Head, NetworkPlan
from ganas.tasks.losses import fitting_loss
from ganas.tasks.preprocessing import Preprocessing, fit_preprocessing
from ganas.tasks.settings import DataSettings
from ganas.tasks.splits import Rows, make_splits
from ganas.tasks.supervised import PIPELINE_VERSION
from ganas.tasks.table import Table
from ganas.tasks.task import Fold, Measure
from ganas.training.contract import FloatArray, TrainingData

LOSSES = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")
UNIT_LOSSES = ("binary_crossentropy",)
"""Losses of inputs from 0 to 1 behind a sigmoid."""


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
    part: str
    inputs: Callable[[Rows], FloatArray]


@dataclass(frozen=True)
class Judged:
    """Rows whose network outputs are asked for, from which layer, and who judges them."""

    x: FloatArray
    measure: Measure
    layer: str = "output"


class Purpose(Protocol):
    """What an autoencoder is for."""

    @property
    def kind(self) -> str:
        """The name in ``KINDS``."""

    @property
    def error_name(self) -> str:
        """What the error is, without the rows."""

    @property
    def strata(self) -> NDArray[np.intp]:
        """(rows,) what splits are stratified by."""

    def learnt(self, rows: Rows) -> Rows:
        """Returns those of ``rows`` that the network may be trained on, or that its loss may be watched on."""

    def refuse(self, plan: NetworkPlan, inputs: int) -> None:
        """Raises ``SpaceError`` if the plan makes no sense for the purpose."""

    def judge(self, rows: FoldRows) -> Judged:
        """Returns what is judged, and by whom."""

    def output(self) -> dict[str, Any]:
        """Returns, JSON-able, what outputs mean."""

    def in_words(self) -> str:
        """Describes the purpose in one line."""

    def identity(self) -> dict[str, Any]:
        """Returns, JSON-able, what decides the answers."""


class AutoencoderTask:
    """A :class:`~ganas.tasks.task.Task` whose networks give back their inputs.

    Args:
        table: the data; its target trains nothing.
        purpose: what the networks are for.
        settings: splits and preprocessing.

    Raises:
        DataError: there are too few rows, or a single column.
    """

    def __init__(self, table: Table, purpose: Purpose, settings: DataSettings) -> None:
        self.table = table
        self.purpose = purpose
        self.settings = settings
        self.splits = make_splits(purpose.strata, table.test_rows, settings)
        self.name = table.name
        self.kind = purpose.kind
        self.folds = len(self.splits.folds)
        self.preprocessing = fit_preprocessing(table, purpose.learnt(self.splits.folds[0][0]), settings)
        """The preprocessing of the first fold."""
        self.inputs = self.preprocessing.outputs
        if self.inputs < 2:
            raise DataError(f"{table.name}: an autoencoder needs at least two columns, got {self.inputs}")
        is_unit = settings.pca is None and (table.pixel_maximum is not None or settings.scaling == "min_max")
        self.head = Head(self.inputs, "sigmoid" if is_unit else "linear")
        self.losses: tuple[str, ...] = (*LOSSES, *UNIT_LOSSES) if is_unit else LOSSES
        self.error_in_words = f"{purpose.error_name} on {self._measured_rows_in_words()}"

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
        return dataclasses.replace(plan, head=head, loss=fitting_loss(plan.loss, self.losses))

    def fold(self, index: int) -> Fold:
        """Returns fold ``index``; without validation rows the training rows are the measured ones."""
        _, held_out = self.splits.folds[index]
        return self._make_fold(index, "held out" if len(held_out) else "training")

    def training_fold(self) -> Fold:
        """Returns the first fold with the training rows as measured rows."""
        return self._make_fold(0, "training")

    def test_fold(self) -> Fold | None:
        """Returns the first fold with the test rows as measured rows, None if there are none."""
        return self._make_fold(0, "test") if len(self.splits.test) else None

    def in_words(self) -> list[str]:
        """Describes data, purpose, splits and inputs, a line each."""
        return [
            *self.table.in_words(),
            self.purpose.in_words(),
            self.splits.in_words(),
            f"inputs: {self.inputs}, given back by a {self.head.activation} output",
            f"error: {self.error_in_words}",
        ]

    def fingerprint(self) -> dict[str, Any]:
        """Returns hashes of data and splits, and the settings that decide preprocessing and error."""
        target = "" if self.table.target is None else "\x1f".join(map(str, self.table.target.tolist()))
        return {
            "kind": self.kind,
            "features": self.table.features.digest(),
            "target": hashlib.blake2b(target.encode(), digest_size=16).hexdigest(),
            "splits": self.splits.digest(),
            "preprocessing": {
                "pca": self.settings.pca,
                "scaling": self.settings.scaling,
                "pixels": self.table.pixel_maximum,
            },
            "problem": self.purpose.identity(),
        }

    def pipeline(self) -> dict[str, Any]:
        """Returns the first fold's preprocessing, what outputs mean, and how the file was read, JSON-able."""
        source = self.table.source
        return {
            "version": PIPELINE_VERSION,
            "task": self.kind,
            "data": self.name,
            "preprocessing": self.preprocessing.to_json(),
            "output": self.purpose.output(),
            "source": {"has_header": source.has_header, "columns": list(source.columns), "target": source.target},
        }

    def _make_fold(self, index: int, part: str) -> Fold:
        training, held_out = self.splits.folds[index]
        preprocessing = self._preprocessing_of(index)

        def inputs(rows: Rows) -> FloatArray:
            return preprocessing.transform(self.table.features.take(rows))

        measured = {"training": training, "held out": held_out, "test": self.splits.test}[part]
        judged = self.purpose.judge(FoldRows(training, held_out, measured, part, inputs))
        x_train, x_validation = inputs(self.purpose.learnt(training)), inputs(self.purpose.learnt(held_out))
        data = TrainingData(
            x_train, x_train, x_validation, x_validation, x_measured=judged.x, measured_layer=judged.layer
        )
        return Fold(data, judged.measure)

    def _preprocessing_of(self, index: int) -> Preprocessing:
        if index == 0:
            return self.preprocessing
        return fit_preprocessing(self.table, self.purpose.learnt(self.splits.folds[index][0]), self.settings)

    def _measured_rows_in_words(self) -> str:
        training, held_out = self.splits.folds[0]
        if self.folds > 1:
            return f"the left-out rows of {self.folds} folds, the mean"
        if self.splits.validates_on_test:
            return f"{len(held_out):,} test rows, used as validation rows"
        if not len(held_out):
            return f"the {len(training):,} training rows (there are no validation rows)"
        return f"{len(held_out):,} validation rows"
