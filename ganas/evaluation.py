"""What a candidate is allowed to cost, and what came back: plain data that travels between processes and onto disk."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ganas.errors import ConfigError, first_line
from ganas.search.plan import NetworkPlan

STATUSES = ("ok", "stopped", "diverged", "failed", "timed_out", "too_large")
"""``ok`` counts; ``stopped`` was ended early at a rung; the others never become parents."""


@dataclass(frozen=True)
class TrainingBudget:
    """What one training may cost.

    Attributes:
        epochs: at most so many passes over the training rows.
        patience: epochs without a better validation loss before stopping; None: never stop early. Whatever it is, the
            weights of the best epoch by validation loss are restored (``restore_best`` False keeps the last).
        seconds: at most so many seconds per training (of each fold and repeat); None: no limit. Checked between epochs.
        deadline: seconds since the epoch after which no training goes on, as when a search's time is up; None: never. What is
            ended by it says nothing about the plan. Checked between epochs.
        max_parameters: a larger plan is ``too_large`` and not trained; None: no limit.
        max_latency_ms: a network whose prediction of one row takes longer is ``too_large``; None: no limit. A clock decides, so
            such a search may not repeat exactly.
        threads: TensorFlow's threads per worker; part of the answer's identity, see docs/architecture.md.
        precision: ``"float32"``, or ``"float64"`` for tests of equality.
        widest_layer: units of the widest layer that most plans have, where the caller knows: the cohort trainer pads layers
            to it, not to widths that suit any search. Another number gives other bits.
    """

    epochs: int = 20
    patience: int | None = None
    seconds: float | None = None
    deadline: float | None = None
    max_parameters: int | None = None
    max_latency_ms: float | None = None
    threads: int = 1
    precision: str = "float32"
    restore_best: bool = True
    widest_layer: int | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "patience", "max_parameters", "threads", "widest_layer"):
            value = getattr(self, name)
            if value is not None and not (_is_number(value, numbers.Integral) and value >= 1):
                raise ConfigError(f"[training] {name}: must be a whole number of at least 1, got {value!r}")
        for name in ("seconds", "max_latency_ms"):
            value = getattr(self, name)
            if value is not None and not (_is_number(value, numbers.Real) and value > 0):
                raise ConfigError(f"[training] {name}: must be a number above 0, got {value!r}")
        if self.precision not in ("float32", "float64"):
            raise ConfigError(f"[training] precision: must be float32 or float64, got {self.precision!r}")


def _is_number(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


@dataclass(frozen=True)
class Evaluation:
    """What came back of one plan.

    Attributes:
        status: one of :data:`STATUSES`.
        error: the task's error, minimised, mean over folds and repeats; None unless ``ok`` or ``stopped``.
        measures: the task's other measures by name (same mean), such as ``accuracy``; JSON-able.
        loss: the validation loss at the restored epoch.
        curves: per fold and repeat ``{"loss": [...], "val_loss": [...]}``, one number per epoch.
        epochs: epochs trained, summed over folds and repeats; ``best_epoch``: the first fold's restored one, from 1.
        seconds: wall-clock share of this candidate; not part of the canonical history.
        trainer: ``keras`` or ``cohort``.
        rungs: (epochs, error) at each rung the candidate reached (early stopping across candidates).
        is_cut: the run's time ended this training; it says nothing about the plan.
    """

    plan: NetworkPlan
    seed: int
    status: str
    error: float | None = None
    measures: dict[str, float] = field(default_factory=dict)
    loss: float | None = None
    parameters: int = 0
    epochs: int = 0
    best_epoch: int | None = None
    seconds: float = 0.0
    curves: tuple[dict[str, list[float]], ...] = ()
    message: str = ""
    trainer: str = ""
    rungs: tuple[tuple[int, float], ...] = ()
    is_cut: bool = False

    @property
    def is_ok(self) -> bool:
        """Whether the candidate was trained to its end and may become a parent."""
        return self.status == "ok"

    @property
    def reason(self) -> str:
        """Why it does not count, in one line; empty where nothing was said."""
        return first_line(self.message)

    def to_json(self) -> dict[str, Any]:
        """Returns JSON-able data of the whole evaluation, the plan included."""
        data = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {
            **data,
            "plan": self.plan.to_json(),
            "curves": list(self.curves),
            "rungs": [list(rung) for rung in self.rungs],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Evaluation:
        """Makes an equal evaluation of what :meth:`to_json` returned."""
        lists = {"curves": tuple(data["curves"]), "rungs": tuple((epochs, error) for epochs, error in data["rungs"])}
        return cls(**{**data, **lists, "plan": NetworkPlan.from_json(data["plan"])})
