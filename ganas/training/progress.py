"""How one ``Model.fit`` is going: its curves, its best epoch, when to stop, and the state from which it can go on.

Keras' ``EarlyStopping`` begins anew at each ``fit`` and so cannot go on after a pause; its rule is kept: better means
strictly lower, and ``patience`` epochs in a row without a better one end the training.
"""

from __future__ import annotations

import math
import time
from typing import Any

import keras

from ganas.evaluation import TrainingBudget
from ganas.training.contract import FloatArray


class Progress(keras.callbacks.Callback):  # type: ignore[misc]  # Keras ships no types
    """Watches the validation loss (without validation rows: the training loss) and keeps the weights of its best epoch.

    Attributes:
        curves: ``loss`` and, with validation rows, ``val_loss``, one number per epoch; a loss that is not finite is the last.
        epochs: epochs trained so far, those before a pause included.
        status, message: ``ok`` so far, or why the training ended.
    """

    def __init__(self, budget: TrainingBudget, last: int, started: float, state: dict[str, Any] | None) -> None:
        """Goes on from ``state`` or starts; ``last`` is the epoch to stop after, ``started`` a ``perf_counter`` time."""
        super().__init__()
        self._budget, self._last, self._started = budget, last, started
        before = state or {}
        self.status, self.message = "ok", ""
        self.curves: dict[str, list[float]] = {name: list(curve) for name, curve in before.get("curves", {}).items()}
        self._best: list[FloatArray] = before.get("best", [])
        self._best_epoch: int = before.get("best_epoch", 0)
        self._seconds_before: float = before.get("seconds", 0.0)
        self._final: list[FloatArray] = before.get("final", [])
        self._variables: list[FloatArray] = before.get("variables", [])

    @property
    def watched(self) -> list[float]:
        """The curve whose lowest point is the best epoch."""
        return self.curves.get("val_loss", self.curves.get("loss", []))

    @property
    def epochs(self) -> int:
        """Epochs trained so far, from the very first on."""
        return len(self.watched)

    @property
    def is_finished(self) -> bool:
        """Whether patience, the budget's epochs or a failure ended the training: nothing is left to go on with."""
        patience = self._budget.patience
        is_tired = patience is not None and self.epochs - self._best_epoch >= patience
        return self.status != "ok" or self.epochs >= self._budget.epochs or is_tired

    @property
    def is_over(self) -> bool:
        """Whether this ``fit`` has nothing to do (any more): finished, or paused here."""
        return self.is_finished or self.epochs >= self._last

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
        """Records the losses of an epoch and decides whether to go on."""
        for name in ("loss", "val_loss"):
            if logs and name in logs:
                self.curves.setdefault(name, []).append(float(logs[name]))
        losses = {name: curve[-1] for name, curve in self.curves.items()}
        for name, loss in losses.items():
            if not math.isfinite(loss):
                self.status, self.message = "diverged", f"{name} is {loss} in epoch {self.epochs}"
        if self.watched[-1] < (self.watched[self._best_epoch - 1] if self._best_epoch else math.inf):
            self._best, self._best_epoch = self.model.get_weights(), self.epochs
        limit = self._budget.seconds
        if limit is not None and not self.is_finished and self.seconds() > limit:
            self.status = "timed_out"
            self.message = f"{self.epochs} of {self._budget.epochs} epochs took {self.seconds():.1f} s of {limit} s"
        if self.is_over:
            # read here, because the end of ``fit`` may replace weights by their moving averages
            self._final = self.model.get_weights()
            self._variables = [variable.numpy() for variable in self._all_variables()]
            self.model.stop_training = True

    def restored(self) -> tuple[list[FloatArray], int]:
        """Returns the weights the budget asks for, and their epoch from 1."""
        return (self._best, self._best_epoch) if self._budget.restore_best else (self._final, self.epochs)

    def state(self) -> dict[str, Any]:
        """Returns, as NumPy arrays and plain data, all that decides how the training would go on."""
        return {
            "curves": self.curves,
            "best": self._best,
            "best_epoch": self._best_epoch,
            "final": self._final,
            "variables": self._variables,
            "seconds": self.seconds(),
        }

    def _all_variables(self) -> list[Any]:
        """Lists weights, the states of random layers, and the optimizer's slots."""
        return [*self.model.variables, *self.model.optimizer.variables]
