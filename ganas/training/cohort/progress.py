"""The course of one member of a cohort, and what comes of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganas.cohorts import Bucket
from ganas.training.cohort.layout import cut
from ganas.training.contract import FloatArray, Member, Outcome
from ganas.training.course import Course

Lane = dict[str, FloatArray]
"""One lane's part of a program's state, by name."""


@dataclass(kw_only=True)
class Progress(Course):
    """A member on its way.

    Attributes:
        index: the member's place in the call.
        seconds: its share of the time that its cohort's epochs took.
        began: when it came into its lane, a ``perf_counter`` time; elapsed_before: seconds in lanes before that.
    """

    index: int
    member: Member
    bucket: Bucket
    measured_layer: str
    seconds: float = 0.0
    began: float = 0.0
    elapsed_before: float = 0.0

    def __post_init__(self) -> None:
        if self.member.state is not None:
            state = self.member.state
            self.curves = {name: list(curve) for name, curve in state["curves"].items()}
            self.best_epoch, self.seconds = state["best_epoch"], state["seconds"]
            self.elapsed_before = state["elapsed"]

    def elapsed(self) -> float:
        """Returns the wall-clock seconds it has spent in lanes, which its budget limits."""
        return self.elapsed_before + time.perf_counter() - self.began

    def outcome(self, lane: Lane, outputs: FloatArray) -> Outcome:
        """Returns what came of the member, from its lane and the (measured rows, padded units) outputs of the best epoch."""
        told: dict[str, Any] = {"curves": self.curves, "epochs": self.epochs, "seconds": self.seconds}
        if self.status != "ok":
            return Outcome(self.status, **told, message=self.message, is_cut=self.is_cut)
        epoch = self.restored_epoch
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
