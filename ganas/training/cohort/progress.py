"""How one member is going: its curves, its best epoch, when it is done, by the rules of the ``keras`` trainer."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ganas.cohorts import Bucket
from ganas.evaluation import TrainingBudget
from ganas.training.cohort.layout import cut
from ganas.training.contract import FloatArray, Member, Outcome

Lane = dict[str, FloatArray]
"""One lane's part of a program's state, by name."""


@dataclass
class Progress:
    """A member on its way; ``last`` is the epoch to stop after.

    Attributes:
        index: the member's place in the call.
        seconds: its share of the time that its cohort's epochs took.
        began: when it came into its lane, a ``perf_counter`` time; elapsed_before: seconds in lanes before that.
    """

    index: int
    member: Member
    bucket: Bucket
    budget: TrainingBudget
    last: int
    measured_layer: str
    curves: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int = 0
    seconds: float = 0.0
    began: float = 0.0
    elapsed_before: float = 0.0
    status: str = "ok"
    message: str = ""

    def __post_init__(self) -> None:
        if self.member.state is not None:
            state = self.member.state
            self.curves = {name: list(curve) for name, curve in state["curves"].items()}
            self.best_epoch, self.seconds = state["best_epoch"], state["seconds"]
            self.elapsed_before = state["elapsed"]

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
        patience = self.budget.patience
        is_tired = patience is not None and self.epochs - self.best_epoch >= patience
        return self.status != "ok" or self.epochs >= self.budget.epochs or is_tired

    @property
    def is_over(self) -> bool:
        """Whether the lane is free: finished, or paused here."""
        return self.is_finished or self.epochs >= self.last

    def elapsed(self) -> float:
        """Returns the wall-clock seconds it has spent in lanes, which its budget limits."""
        return self.elapsed_before + time.perf_counter() - self.began

    def record(self, losses: dict[str, float], seconds: float) -> None:
        """Notes an epoch's losses and its ``seconds``."""
        self.seconds += seconds
        for name, loss in losses.items():
            self.curves.setdefault(name, []).append(loss)
        for name, loss in losses.items():
            if not math.isfinite(loss):
                self.status, self.message = "diverged", f"{name} is {loss} in epoch {self.epochs}"
        if self.watched[-1] < (self.watched[self.best_epoch - 1] if self.best_epoch else math.inf):
            self.best_epoch = self.epochs
        limit = self.budget.seconds
        elapsed = self.elapsed()
        if limit is not None and not self.is_finished and elapsed > limit:
            self.status = "timed_out"
            self.message = f"{self.epochs} of {self.budget.epochs} epochs took {elapsed:.1f} s of {limit} s"

    def outcome(self, lane: Lane, outputs: FloatArray) -> Outcome:
        """Returns what came of the member, from its lane and the (measured rows, padded units) outputs of the best epoch."""
        told: dict[str, Any] = {"curves": self.curves, "epochs": self.epochs, "seconds": self.seconds}
        if self.status != "ok":
            return Outcome(self.status, **told, message=self.message)
        epoch = self.best_epoch if self.budget.restore_best else self.epochs
        plan = self.member.plan
        if self.measured_layer == "bottleneck" and plan.bottleneck is not None:
            outputs = outputs[:, : plan.layers[plan.bottleneck].units]
        outputs = np.ascontiguousarray(outputs, np.float32)
        if not np.isfinite(outputs).all():
            return Outcome("diverged", **told, message=f"outputs are not finite after epoch {epoch}")
        return Outcome(
            "ok",
            **told,
            best_epoch=epoch,
            loss=self.watched[epoch - 1],
            outputs=outputs,
            weights=self.restored(lane),
            state=None if self.is_finished else self._state(lane),
            is_finished=self.is_finished,
        )

    def restored(self, lane: Lane) -> tuple[FloatArray, ...]:
        """Returns the weights that the budget asks for, in Keras' order."""
        best = {name.removeprefix("best_"): array for name, array in lane.items() if name.startswith("best_")}
        return cut(self.bucket, self.member.plan, best)

    def _state(self, lane: Lane) -> dict[str, Any]:
        return {
            "curves": self.curves,
            "best_epoch": self.best_epoch,
            "seconds": self.seconds,
            "elapsed": self.elapsed(),
            "lane": lane,
        }
