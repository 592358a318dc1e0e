"""What every task on a table shares: splits, preprocessing, folds, fingerprint and pipeline."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ganas.tasks.preprocessing import Preprocessing, fit_preprocessing
from ganas.tasks.settings import DataSettings
from ganas.tasks.splits import Rows, make_splits
from ganas.tasks.table import Table
from ganas.tasks.task import Fold

PIPELINE_VERSION = 1

Part = Literal["training", "held out", "test"]
"""The rows of a fold that are measured."""


class Subject(Protocol):
    """What the rows of a table are to teach a network, and how its answers are judged."""

    @property
    def kind(self) -> str:
        """The name in ``KINDS``."""

    @property
    def strata(self) -> NDArray[np.intp]:
        """(rows,) what splits are stratified by."""

    @property
    def error_name(self) -> str:
        """What the error is, without the rows."""

    def in_words(self) -> str:
        """Describes it in one line."""

    def identity(self) -> dict[str, Any]:
        """Returns, JSON-able, what decides the answers."""


class TableTask(ABC):
    """The common part of a :class:`~ganas.tasks.task.Task` on a table.

    Args:
        table: the data.
        subject: what is learnt from it.
        settings: splits and preprocessing.
    """

    family: str

    def __init__(self, table: Table, subject: Subject, settings: DataSettings) -> None:
        self.table = table
        self.settings = settings
        self.splits = make_splits(subject.strata, table.test_rows, settings)
        self.name = table.name
        self.kind = subject.kind
        self.folds = len(self.splits.folds)
        self.preprocessing = fit_preprocessing(table, self._learnt(self.splits.folds[0][0]), settings)
        """The preprocessing of the first fold."""
        self.inputs = self.preprocessing.outputs
        self.error_in_words = f"{subject.error_name} on {self._measured_rows_in_words()}"
        self._subject = subject

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

    def rows_to_measure(self) -> list[tuple[str, Rows]]:
        """Returns the rows that networks are measured on, of every fold and of the test, and what to call them in a message."""
        named = []
        for index, (training, held_out) in enumerate(self.splits.folds):
            name = "validation rows" if self.folds == 1 else f"left-out rows of fold {index + 1} of {self.folds}"
            named.append((name, held_out) if len(held_out) else ("training rows", training))
        if len(self.splits.test):
            named.append(("test rows", self.splits.test))
        return [(f"the {len(rows):,} {name}", rows) for name, rows in named]

    def in_words(self) -> list[str]:
        """Describes data, what is learnt, splits and inputs, a line each."""
        return [
            *self.table.in_words(),
            self._subject.in_words(),
            self.splits.in_words(),
            f"inputs: {self.inputs}, {self._inputs_in_words()}",
            f"error: {self.error_in_words}",
            *self._notes(),
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
            "problem": self._subject.identity(),
        }

    def pipeline(self) -> dict[str, Any]:
        """Returns the first fold's preprocessing, what outputs mean, and how the file was read, JSON-able."""
        source = self.table.source
        return {
            "version": PIPELINE_VERSION,
            "task": self.kind,
            "data": self.name,
            "preprocessing": self.preprocessing.to_json(),
            "output": self._output(),
            "source": {"has_header": source.has_header, "columns": list(source.columns), "target": source.target},
        }

    @abstractmethod
    def _make_fold(self, index: int, part: Part) -> Fold:
        """Returns fold ``index`` with the rows of ``part`` measured."""

    @abstractmethod
    def _output(self) -> dict[str, Any]:
        """Returns, JSON-able, what outputs mean."""

    @abstractmethod
    def _inputs_in_words(self) -> str:
        """Says what a network's inputs are."""

    def _learnt(self, rows: Rows) -> Rows:
        """Returns those of ``rows`` that the network may be trained on."""
        return rows

    def _notes(self) -> list[str]:
        """Returns what else a person should know, a line each."""
        return []

    def _measured_rows(self, index: int, part: Part) -> Rows:
        training, held_out = self.splits.folds[index]
        return {"training": training, "held out": held_out, "test": self.splits.test}[part]

    def _preprocessing_of(self, index: int) -> Preprocessing:
        if index == 0:
            return self.preprocessing
        return fit_preprocessing(self.table, self._learnt(self.splits.folds[index][0]), self.settings)

    def _measured_rows_in_words(self) -> str:
        training, held_out = self.splits.folds[0]
        if self.folds > 1:
            return f"the left-out rows of {self.folds} folds, the mean"
        if self.splits.validates_on_test:
            return f"{len(held_out):,} test rows, used as validation rows"
        if not len(held_out):
            return f"the {len(training):,} training rows (there are no validation rows)"
        return f"{len(held_out):,} validation rows"
