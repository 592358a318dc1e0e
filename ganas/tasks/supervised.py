"""The task of predicting a target from columns: what classification and regression share.

What differs between them is a :class:`Problem`; data, splits, preprocessing and folds are here.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol, Self

from ganas.search.plan import Head, NetworkPlan
from ganas.tasks.columns import Columns
from ganas.tasks.losses import fitting_loss
from ganas.tasks.settings import DataSettings
from ganas.tasks.splits import Rows
from ganas.tasks.table import Table, require_target
from ganas.tasks.table_task import Part, Subject, TableTask
from ganas.tasks.task import Fold, Measure
from ganas.training.contract import FloatArray, TrainingData


class Problem(Subject, Protocol):
    """What the target means: how it becomes a network's targets, and how outputs are judged."""

    @property
    def head(self) -> Head:
        """The output layer."""

    @property
    def losses(self) -> tuple[str, ...]:
        """The losses that fit, the default first."""

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

    def told_by(self, features: Columns) -> list[str]:
        """Returns the names of columns that are the target in other words."""


class SupervisedTask(TableTask):
    """A :class:`~ganas.tasks.task.Task` that predicts the target of a table.

    Args:
        table: the data, with its target.
        problem: what the target means.
        settings: splits and preprocessing.

    Raises:
        DataError: the table has no target.
    """

    family = "mlp"

    def __init__(self, table: Table, problem: Problem, settings: DataSettings) -> None:
        require_target(table)
        self.problem = problem
        self.head = problem.head
        self.losses = problem.losses
        super().__init__(table, problem, settings)

    def complete(self, plan: NetworkPlan) -> NetworkPlan:
        """Returns the plan with head and loss filled in; see :class:`~ganas.tasks.task.Task`."""
        return plan.completed(self.head, fitting_loss(plan.loss, self.losses))

    def _make_fold(self, index: int, part: Part) -> Fold:
        training, validation = self.splits.folds[index]
        measured = self._measured_rows(index, part)
        preprocessing = self._preprocessing_of(index)
        problem = self.problem.fitted(training)
        columns = self.table.features
        data = TrainingData(
            x_train=preprocessing.transform(columns.take(training)),
            y_train=problem.targets(training),
            x_validation=preprocessing.transform(columns.take(validation)),
            y_validation=problem.targets(validation),
            w_train=problem.weights(training),
            x_measured=None if part == "held out" else preprocessing.transform(columns.take(measured)),
        )
        return Fold(data, problem.measure(measured))

    def _output(self) -> dict[str, Any]:
        return self.problem.fitted(self.splits.folds[0][0]).output()

    def _notes(self) -> list[str]:
        return [
            f"warning: column {name!r} is the target in other words; leave it out, unless new rows will have it too"
            for name in self._told_by
        ]

    @cached_property
    def _told_by(self) -> list[str]:
        return [] if self.table.pixel_maximum is not None else self.problem.told_by(self.table.features)

    def _inputs_in_words(self) -> str:
        what = "principal components of numbers" if self.settings.pca else "numbers"
        return f"{what} {self._scaling_in_words()}"

    def _scaling_in_words(self) -> str:
        if self.table.pixel_maximum is not None:
            return f"divided by {self.table.pixel_maximum:g}"
        return {"standard": "standardised", "min_max": "scaled to 0..1"}[self.settings.scaling]
