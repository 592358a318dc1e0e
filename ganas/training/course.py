"""How one training is going: its curves, its best epoch, and when it is over. Both trainers go by these rules.

They are those of Keras' ``EarlyStopping``, which itself begins anew at each ``fit`` and so cannot go on after a pause:
better means strictly lower, and ``patience`` epochs in a row without a better one end the training.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from ganas.evaluation import TrainingBudget


@dataclass
class Course:
    """The course of one training; ``last`` is the epoch to stop after.

    Attributes:
        curves: ``loss`` and, with validation rows, ``val_loss``, one number per epoch; a loss that is not finite is the last.
        best_epoch: the epoch, from 1, with the lowest watched loss; 0 before the first.
        status, message: ``ok`` so far, or why the training ended; is_cut: it was the budget's deadline.
    """

    budget: TrainingBudget
    last: int
    curves: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int = 0
    status: str = "ok"
    message: str = ""
    is_cut: bool = False

    @property
    def watched(self) -> list[float]:
        """The curve whose lowest point is the best epoch: the validation loss, without validation rows the training loss."""
        return self.curves.get("val_loss", self.curves.get("loss", []))

    @property
    def epochs(self) -> int:
        """Epochs trained so far, from the very first on."""
        return len(self.watched)

    @property
    def restored_epoch(self) -> int:
        """The epoch whose weights the budget asks for."""
        return self.best_epoch if self.budget.restore_best else self.epochs

    @property
    def is_finished(self) -> bool:
        """Whether patience, the budget's epochs or a failure ended the training: nothing is left to go on with."""
        patience = self.budget.patience
        is_tired = patience is not None and self.epochs - self.best_epoch >= patience
        return self.status != "ok" or self.epochs >= self.budget.epochs or is_tired

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to do (any more): finished, or paused here."""
        return self.is_finished or self.epochs >= self.last

    def record(self, losses: dict[str, float], elapsed: float) -> None:
        """Notes the losses of an epoch, after ``elapsed`` seconds in all, and decides whether to go on."""
        for name, loss in losses.items():
            self.curves.setdefault(name, []).append(loss)
        for name, loss in losses.items():
            if not math.isfinite(loss):
                self.status, self.message = "diverged", f"{name} is {loss} in epoch {self.epochs}"
        if self.watched[-1] < (self.watched[self.best_epoch - 1] if self.best_epoch else math.inf):
            self.best_epoch = self.epochs
        limit, deadline = self.budget.seconds, self.budget.deadline
        if limit is not None and not self.is_finished and elapsed > limit:
            self.status = "timed_out"
            self.message = f"{self.epochs} of {self.budget.epochs} epochs took {elapsed:.1f} s of {limit} s"
        elif deadline is not None and not self.is_finished and time.time() >= deadline:
            self.status, self.is_cut = "timed_out", True
            self.message = f"the run's time was up after {self.epochs} of {self.budget.epochs} epochs"
