"""What goes into a trainer and what comes out. Two trainers keep this contract and give the same answers.

A trainer is a function ``train(members, data, budget, pause=None) -> list[Outcome]``, in the order of the members. It never
raises for what one member did: that member's outcome is ``failed`` with the traceback as message.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ganas.evaluation import TrainingBudget
from ganas.search.plan import NetworkPlan

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class TrainingData:
    """The arrays of one fold, ready for a network; float32 (rows, columns), weights (rows,).

    Attributes:
        x_train, y_train: training rows and targets; ``y_train is x_train`` for an autoencoder. Classes are one-hot.
        x_validation, y_validation: rows whose loss patience watches. With no validation rows: shape (0, columns).
        w_train: weight of each training row in the loss (class weights); None: all 1.
        x_measured: rows whose network outputs are asked for at the restored epoch; None: the validation rows.
        measured_layer: ``"output"`` (the head, activation included) or ``"bottleneck"`` (that layer's output in inference,
            after its activation, normalisation and, inert then, dropout).
        drawn: (rows of an epoch,) int, which training rows an epoch goes through before they are shuffled, some perhaps more
            than once; None: each once.
    """

    x_train: FloatArray
    y_train: FloatArray
    x_validation: FloatArray
    y_validation: FloatArray
    w_train: FloatArray | None = None
    x_measured: FloatArray | None = None
    measured_layer: str = "output"
    drawn: NDArray[np.integer[Any]] | None = None

    @property
    def epoch_rows(self) -> int:
        """How many rows an epoch goes through."""
        return int(self.x_train.shape[0]) if self.drawn is None else len(self.drawn)


@dataclass(frozen=True)
class Member:
    """One plan to train: complete (head and loss filled in), with its seed, and where it goes on from.

    Attributes:
        seed: decides initial weights, batch order, dropout, corruption and mutation; nothing else does.
        weights: initial weights in Keras' order (``model.get_weights()``) instead of drawn ones; None: draw them.
        state: an earlier outcome's ``state``: go on from there instead of starting.
    """

    plan: NetworkPlan
    seed: int
    weights: tuple[FloatArray, ...] | None = None
    state: Any = None


@dataclass(frozen=True)
class Outcome:
    """What came of one member.

    Attributes:
        status: ``ok``, ``diverged`` (a loss or an output is not finite), ``failed`` or ``timed_out``.
        curves: ``{"loss": [...], "val_loss": [...]}``, as ``Model.fit`` records them (penalties included), one number per epoch
            from the first epoch on (also after going on from a state).
        epochs: epochs trained; ``best_epoch``: the restored one, from 1.
        loss: validation loss at the restored epoch (without validation rows: training loss).
        outputs: (measured rows, units) float32 at the restored epoch.
        weights: at the restored epoch, in Keras' order, what ``build(plan).set_weights`` takes.
        state: what :class:`Member` takes to go on, picklable (NumPy arrays and plain data); only when paused before its end.
        is_finished: False if paused before patience or epochs ended the training.
        seconds: wall-clock share.
        is_cut: the budget's deadline ended it: that says nothing about the plan.
    """

    status: str
    curves: dict[str, list[float]] = field(default_factory=dict)
    epochs: int = 0
    best_epoch: int | None = None
    loss: float | None = None
    outputs: FloatArray | None = None
    weights: tuple[FloatArray, ...] = ()
    state: Any = None
    is_finished: bool = True
    seconds: float = 0.0
    message: str = ""
    is_cut: bool = False


class Trainer(Protocol):
    """Trains members on one fold's data under one budget; ``pause``: stop for now after so many epochs in all."""

    def __call__(
        self, members: Sequence[Member], data: TrainingData, budget: TrainingBudget, *, pause: int | None = None
    ) -> list[Outcome]:
        """Returns one outcome per member, in order."""


TRAINERS = {"keras": "ganas.training.fit", "cohort": "ganas.training.cohort"}
"""Name → the module whose function ``train`` keeps the contract."""


def load_trainer(name: str) -> Trainer:
    """Imports a trainer by name (and TensorFlow with it)."""
    trainer: Trainer = importlib.import_module(TRAINERS[name]).train
    return trainer
