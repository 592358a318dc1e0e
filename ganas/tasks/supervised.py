"""The task of predicting a target from columns: what classification and regression share.

What differs between them is a :class:`Problem`; data, splits, preprocessing and folds are here.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ganas.search.plan import Head, NetworkPlan
from ganas.tasks.losses import fitting_loss
from ganas.tasks.preprocessing import fit_preprocessing
from ganas.tasks.settings import DataSettings
from ganas.tasks.splits import Rows, make_splits
from ganas.tasks.table import Table, require_target
from ganas.tasks.task import Fold, Measure
from ganas.training.contract import FloatArray, TrainingData

PIPELINE_VERSION = 1


class Problem(Protocol):
    """What the target means: how it becomes a network's targets, and how outputs are judged."""

    @property
    def kind(self) -> str:
        """The name in ``KINDS``."""

    @property
    def head(self) -> Head:
        """The output layer."""

    @property
    def losses(self) -> tuple[str, ...]:
        """The losses that fit, the default first."""

    @property
    def strata(self) -> NDArray[np.intp]:
        """(rows,) what splits are stratified by."""

    @property
    def error_name(self) -> str:
        """What the error is, without the rows."""

    def fitted(self, rows: Rows) -> Self:
        """Returns the problem with what it takes from its training rows."""

    def targets(self, rows: Rows) -> FloatArray:
        """Returns the (rows, units) float32 targets."""

    def weights(self, rows: Rows) -> FloatArray | None:
        """Returns the (rows,) weights of training rows; None: all 1."""

    def measure(self, rows: Rows) -> Measure:
        """Returns the judge of outputs on ``rows``."""

    def output(self) -> dict[str, Any]:
        """Returns, JSON-able, what outputs mean."""

    def in_words(self) -> str:
        """Describes the target in one line."""

    def identity(self) -> dict[str, Any]:
        """Returns, JSON-able, what decides the answers."""


class SupervisedTask:
    """A :class:`~ganas.tasks.task.Task` that predicts the target of a table.

    Args:
        table: the data, with its target.
        problem: what the target means.
        settings: splits and preprocessing.
    """

    def __init__(self, table: Table, problem: Problem, settings: DataSettings) -> None:
        self.table = table
        self.problem = problem
        self.settings = settings
        self.splits = make_splits(problem.strata, table.test_rows, settings)
        self.name = table.name
        self.kind = problem.kind
        self.head = problem.head
        self.losses = problem.losses
        self.folds = len(self.splits.folds)
        self.preprocessing = fit_preprocessing(table, self.splits.folds[0][0], settings)
        """The preprocessing of the first fold."""
        self.inputs = self.preprocessing.outputs
        self.error_in_words = f"{problem.error_name} on {self._measured_rows_in_words()}"

    def complete(self, plan: NetworkPlan) -> NetworkPlan:
        """Returns the plan with head and loss filled in; see :class:`~ganas.tasks.task.Task`."""
        return dataclasses.replace(plan, head=self.head, loss=fitting_loss(plan.loss, self.losses))

    def fold(self, index: int) -> Fold:
        """Returns fold ``index``; without validation rows the training rows are the measured ones."""
        training, validation = self.splits.folds[index]
        return self._make_fold(index, measured=None if len(validation) else training)

    def training_fold(self) -> Fold:
        """Returns the first fold with the training rows as measured rows."""
        return self._make_fold(0, measured=self.splits.folds[0][0])

    def test_fold(self) -> Fold | None:
        """Returns the first fold with the test rows as measured rows, None if there are none."""
        return self._make_fold(0, measured=self.splits.test) if len(self.splits.test) else None

    def in_words(self) -> list[str]:
        """Describes data, target, splits and inputs, a line each."""
        what = "principal components of numbers" if self.settings.pca else "numbers"
        return [
            *self.table.in_words(),
            self.problem.in_words(),
            self.splits.in_words(),
            f"inputs: {self.inputs}, {what} {self._scaling_in_words()}",
            f"error: {self.error_in_words}",
        ]

    def fingerprint(self) -> dict[str, Any]:
        """Returns hashes of data and splits, and the settings that decide preprocessing and error."""
        target = "\x1f".join(map(str, require_target(self.table).tolist()))
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
            "problem": self.problem.identity(),
        }

    def pipeline(self) -> dict[str, Any]:
        """Returns the first fold's preprocessing, what outputs mean, and how the file was read, JSON-able."""
        source = self.table.source
        return {
            "version": PIPELINE_VERSION,
            "task": self.kind,
            "data": self.name,
            "preprocessing": self.preprocessing.to_json(),
            "output": self.problem.fitted(self.splits.folds[0][0]).output(),
            "source": {"has_header": source.has_header, "columns": list(source.columns), "target": source.target},
        }

    def _make_fold(self, index: int, measured: Rows | None) -> Fold:
        training, validation = self.splits.folds[index]
        preprocessing = self.preprocessing if index == 0 else fit_preprocessing(self.table, training, self.settings)
        problem = self.problem.fitted(training)
        columns = self.table.features
        data = TrainingData(
            x_train=preprocessing.transform(columns.take(training)),
            y_train=problem.targets(training),
            x_validation=preprocessing.transform(columns.take(validation)),
            y_validation=problem.targets(validation),
            w_train=problem.weights(training),
            x_measured=None if measured is None else preprocessing.transform(columns.take(measured)),
        )
        return Fold(data, problem.measure(validation if measured is None else measured))

    def _measured_rows_in_words(self) -> str:
        training, validation = self.splits.folds[0]
        if self.folds > 1:
            return f"the left-out rows of {self.folds} folds, the mean"
        if self.splits.validates_on_test:
            return f"{len(validation):,} test rows, used as validation rows"
        if not len(validation):
            return f"the {len(training):,} training rows (there are no validation rows)"
        return f"{len(validation):,} validation rows"

    def _scaling_in_words(self) -> str:
        if self.table.pixel_maximum is not None:
            return f"divided by {self.table.pixel_maximum:g}"
        return {"standard": "standardised", "min_max": "scaled to 0..1"}[self.settings.scaling]
