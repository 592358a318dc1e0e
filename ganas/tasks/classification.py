"""Classification: labels of any type become one-hot targets behind a softmax head."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganas.errors import DataError
from ganas.search.plan import Head
from ganas.tasks.columns import Columns
from ganas.tasks.leaks import columns_that_tell_classes
from ganas.tasks.losses import CLASSIFICATION_LOSSES
from ganas.tasks.metrics import METRICS, ClassMeasure, error_name, is_single_class, metric_of
from ganas.tasks.settings import DataSettings
from ganas.tasks.splits import Rows
from ganas.tasks.supervised import SupervisedTask
from ganas.tasks.table import Table, require_target
from ganas.tasks.text import is_number
from ganas.training.contract import FloatArray

Label = str | int | float | bool
FEWEST_ROWS_OF_TEXTS = 20
"""In fewer rows, labels may well come once each."""


def classification_task(table: Table, settings: DataSettings) -> SupervisedTask:
    """Makes the task of telling the labels of ``table`` apart.

    Raises:
        DataError: there is no target, or a single class; or the metric cannot be had of rows that are to be measured.
    """
    target = require_target(table)
    labels, codes = encode_labels(target)
    if len(labels) < 2:
        raise DataError(f"{table.name}: the target has one class only ({labels[0]!r}); expected at least two")
    if settings.kind is None:
        _refuse_texts_without_classes(table.name, labels, codes)
    problem = Classification(labels, codes, metric_of("classification", settings.metric), settings.class_weights)
    task = SupervisedTask(table, problem, settings)
    if METRICS[problem.metric].needs_classes:
        _refuse_single_class(task, problem)
    return task


def encode_labels(target: NDArray[Any]) -> tuple[tuple[Label, ...], NDArray[np.intp]]:
    """Returns the sorted labels of a (rows,) target, as JSON-able Python values, and the (rows,) code of each row's."""
    values = [value.item() if isinstance(value, np.generic) else value for value in target]
    if all(isinstance(value, float) and value.is_integer() for value in values):
        values = [int(value) for value in values]
    if len({type(value) for value in values}) > 1 or not isinstance(values[0], str | int | float | bool):
        values = [str(value) for value in values]
    labels = tuple(sorted(set(values)))
    place = {label: code for code, label in enumerate(labels)}
    return labels, np.fromiter((place[value] for value in values), np.intp, len(values))


def _refuse_texts_without_classes(name: str, labels: tuple[Label, ...], codes: NDArray[np.intp]) -> None:
    """Refuses texts of which most come once, such as numbers with a stray word among them, or with decimal commas."""
    rows, once = len(codes), np.count_nonzero(np.bincount(codes) == 1)
    have_classes = len(labels) <= rows / 2 or once <= len(labels) / 2
    if not isinstance(labels[0], str) or rows < FEWEST_ROWS_OF_TEXTS or have_classes:
        return
    words = [label for label in labels if not is_number(label)]
    example = (words or labels)[0]
    raise DataError(
        f"{name}: the target has {len(labels):,} different texts in {rows:,} rows, such as {example!r}; expected labels that "
        'come again, or numbers (3.14, not 3,14); if these are labels, set kind = "classification"'
    )


def _refuse_single_class(task: SupervisedTask, problem: Classification) -> None:
    """Refuses rows to measure that are all of one class; a metric that needs several has no value there."""
    for where, rows in task.rows_to_measure():
        codes = problem.codes[rows]
        if is_single_class(codes):
            raise DataError(
                f"{task.name}: {where} are all of class {problem.labels[codes[0]]!r}, and [task] metric {problem.metric!r} needs "
                "several; give more rows, other splits or another metric"
            )


@dataclass(frozen=True, eq=False)
class Classification:
    """What a classification task is about; ``codes``: (rows,) the class of every row of the table.

    Attributes:
        row_weights: (classes,) weight of a row by its class, once fitted.
    """

    labels: tuple[Label, ...]
    codes: NDArray[np.intp]
    metric: str
    is_weighted: bool = False
    row_weights: NDArray[np.float32] | None = None

    kind = "classification"
    losses = CLASSIFICATION_LOSSES

    @property
    def head(self) -> Head:
        """One softmax unit per class."""
        return Head(len(self.labels), "softmax")

    @property
    def strata(self) -> NDArray[np.intp]:
        """(rows,) what splits are stratified by: the class."""
        return self.codes

    @property
    def error_name(self) -> str:
        """What the error is, without the rows."""
        return error_name(self.metric)

    def fitted(self, rows: Rows) -> Classification:
        """Returns the problem with what it takes from its training rows: the class weights (n / (classes × rows of the class)).

        Raises:
            DataError: the training rows hold a single class.
        """
        counts = np.bincount(self.codes[rows], minlength=len(self.labels))
        if np.count_nonzero(counts) < 2:
            raise DataError("target: the training rows hold one class only; give more rows or other splits")
        if not self.is_weighted:
            return self
        weights = np.where(counts > 0, len(rows) / (np.count_nonzero(counts) * np.maximum(counts, 1)), 1.0)
        return dataclasses.replace(self, row_weights=weights.astype(np.float32))

    def targets(self, rows: Rows) -> FloatArray:
        """Returns (rows, classes) float32 one-hot targets."""
        return np.eye(len(self.labels), dtype=np.float32)[self.codes[rows]]

    def weights(self, rows: Rows) -> FloatArray | None:
        """Returns the (rows,) weights of training rows, or None if all weigh 1."""
        return None if self.row_weights is None else self.row_weights[self.codes[rows]]

    def measure(self, rows: Rows) -> ClassMeasure:
        """Returns the judge of outputs on ``rows``."""
        return ClassMeasure(self.metric, self.codes[rows])

    def output(self) -> dict[str, Any]:
        """Returns what outputs mean: the label of each unit."""
        return {"labels": list(self.labels)}

    def told_by(self, features: Columns) -> list[str]:
        """Returns the columns that have one value per class."""
        return columns_that_tell_classes(features, self.codes)

    def in_words(self) -> str:
        """Describes the classes."""
        counts = Counter(self.codes.tolist())
        shown = [f"{label} ({counts[code]:,})" for code, label in enumerate(self.labels[:10])]
        return f"classification into {len(self.labels)} classes: {', '.join(shown)}{', ...' if len(self.labels) > 10 else ''}"

    def identity(self) -> dict[str, Any]:
        """Returns what decides the answers, JSON-able."""
        return {
            "labels": [str(label) for label in self.labels],
            "metric": self.metric,
            "class_weights": self.is_weighted,
        }
