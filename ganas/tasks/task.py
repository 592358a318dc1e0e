"""What a task is: the contract between data and networks. Every kind of task (``KINDS``) keeps it.

A task owns its rows. It hands out folds (arrays ready for a trainer, with the measure of what a network answered on
them) and, once and last, the test rows. Accuracy becomes error here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ganas.search.plan import Head, NetworkPlan
from ganas.training.contract import FloatArray, TrainingData


class Measure(Protocol):
    """Judges a network's outputs on a fold's measured rows; picklable, so that it can travel to a worker."""

    @property
    def step(self) -> float:
        """By how much the error differs where one row more is right or wrong; 0.0 where rows are not right or wrong."""

    def __call__(self, outputs: FloatArray) -> dict[str, float]:
        """Returns named measures of (measured rows, units) ``outputs``; ``"error"`` is the one that is minimised."""


@dataclass(frozen=True)
class Fold:
    """The arrays of one split into training and validation rows, and the measure that belongs to them."""

    data: TrainingData
    measure: Measure


@runtime_checkable
class Task(Protocol):
    """A problem to solve with a network.

    Attributes:
        name: of the data, such as ``digits``.
        kind: the name in ``KINDS``; ``family``: that of its networks in ``ganas.search.families.FAMILIES``.
        error_in_words: what "error" means, in one line, such as ``1 - accuracy on 288 validation rows``.
        inputs: columns after preprocessing.
        head: the output layer; ``losses``: names of the losses that fit, ``losses[0]`` the default.
        folds: the number of folds (1: a single train/validation split).
    """

    name: str
    kind: str
    family: str
    error_in_words: str
    inputs: int
    head: Head
    losses: tuple[str, ...]
    folds: int

    def complete(self, plan: NetworkPlan) -> NetworkPlan:
        """Returns the plan with head and loss filled in.

        Raises:
            SpaceError: the plan's loss does not fit the task, or an activation of its layers cannot be trained.
        """

    def fold(self, index: int) -> Fold:
        """Returns fold ``index``; preprocessing is fitted on its training rows only."""

    def in_words(self) -> list[str]:
        """Describes data, columns, splits and what was dropped or inferred, a line each."""

    def fingerprint(self) -> dict[str, Any]:
        """Returns JSON-able hashes of data, splits and preprocessing; two equal ones give equal answers."""

    def training_fold(self) -> Fold:
        """Returns the first fold with the training rows as measured rows: how well a network fits what it has seen."""

    def test_fold(self) -> Fold | None:
        """Returns the first fold with the test rows as measured rows, None if there are none.

        Only the final assessment calls this.
        """

    def pipeline(self) -> dict[str, Any]:
        """Returns, as JSON-able data, the preprocessing of the first fold and what outputs mean (labels, target scale)."""
