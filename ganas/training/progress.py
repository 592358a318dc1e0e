"""The course of one ``Model.fit``, with the weights of its best epoch and the state from which it can go on."""

from __future__ import annotations

import time
from typing import Any

import keras

from ganas.evaluation import TrainingBudget
from ganas.training.contract import FloatArray
from ganas.training.course import Course


class Progress(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Keeps the course of a ``fit`` and the weights of its best epoch."""

    def __init__(self, budget: TrainingBudget, last: int, started: float, state: dict[str, Any] | None) -> None:
        """Goes on from ``state`` or starts; ``last`` is the epoch to stop after, ``started`` a ``perf_counter`` time."""
        super().__init__()
        before = state or {}
        curves = {name: list(curve) for name, curve in before.get("curves", {}).items()}
        self.course = Course(budget, last, curves, before.get("best_epoch", 0))
        self._started = started
        self._seconds_before: float = before.get("seconds", 0.0)
        self._best: list[FloatArray] = before.get("best", [])
        self._final: list[FloatArray] = before.get("final", [])
        self._variables: list[FloatArray] = before.get("variables", [])

    def seconds(self) -> float:
        """Returns the seconds this member took so far, those before a pause included."""
        return self._seconds_before + time.perf_counter() - self._started

    def on_train_begin(self, logs: Any = None) -> None:
        """Puts weights, random states and the optimizer back to where the state left them."""
        if not self._variables:
            return
        self.model.optimizer.build(self.model.trainable_variables)
        for variable, value in zip(self._all_variables(), self._variables, strict=True):
            variable.assign(value)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Records the losses of an epoch and ends the ``fit`` when it is over."""
        told = logs or {}
        self.course.record({name: float(told[name]) for name in ("loss", "val_loss") if name in told}, self.seconds())
        if self.course.best_epoch == self.course.epochs:
            self._best = self.model.get_weights()
        if self.course.is_over:
            # read here, because the end of ``fit`` may replace weights by their moving averages
            self._final = self.model.get_weights()
            self._variables = [variable.numpy() for variable in self._all_variables()]
            self.model.stop_training = True

    def restored(self) -> list[FloatArray]:
        """Returns the weights the budget asks for."""
        return self._best if self.course.budget.restore_best else self._final

    def state(self) -> dict[str, Any]:
        """Returns, as NumPy arrays and plain data, all that decides how the training would go on."""
        return {
            "curves": self.course.curves,
            "best": self._best,
            "best_epoch": self.course.best_epoch,
            "final": self._final,
            "variables": self._variables,
            "seconds": self.seconds(),
        }

    def _all_variables(self) -> list[Any]:
        """Lists weights, the states of random layers, and the optimizer's slots."""
        return [*self.model.variables, *self.model.optimizer.variables]
