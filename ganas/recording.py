"""Trainings that are looked at as they go: the error at regular points, and budgets counted in optimizer updates.

A trainer records losses only, once per epoch. Here a training is cut into legs, each of which is one epoch to the
trainer; after each leg it pauses, its outputs are measured, and it goes on from its state. So every trainer can draw
curves of whatever the task measures, and count updates, without knowing of it.

A leg is a pass over the training rows, or ``every`` batches of an endless series of shuffled passes. Which rows such a
leg holds is the same for all members and seeds; in which order it visits them is the member's own.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ganas.errors import ConfigError
from ganas.evaluation import TrainingBudget
from ganas.seeds import stream
from ganas.tasks.task import Fold
from ganas.training.contract import FloatArray, Member, Outcome, Trainer, TrainingData


@dataclass(frozen=True)
class Recording:
    """When a training is looked at, and how long it is if that is counted in optimizer updates.

    Attributes:
        every: updates between two looks; None: an epoch.
        updates: updates in all; None: the epochs of the budget.
    """

    every: int | None = None
    updates: int | None = None

    def __post_init__(self) -> None:
        for name in ("every", "updates"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"[training] {name}: must be at least 1, got {value}")

    def leg_updates(self, epochs: int, rows: int, batch_size: int) -> list[int]:
        """Returns the updates of each leg of a training of ``epochs``, or of the recording's own ``updates``."""
        steps = -(-rows // batch_size)
        every = self.every or steps
        total = self.updates or epochs * steps
        return [min(every, total - done) for done in range(0, total, every)]


@dataclass
class _Followed:
    """A member under way: where it stands, its curves, and what its best point left."""

    member: Member
    errors: list[float] = field(default_factory=list)
    updates: list[float] = field(default_factory=list)
    best: Outcome | None = None
    best_loss: float = math.inf
    last: Outcome | None = None

    @property
    def is_going_on(self) -> bool:
        return self.last is None or (self.last.status == "ok" and not self.last.is_finished)


def train_recorded(
    train: Trainer, members: Sequence[Member], fold: Fold, budget: TrainingBudget, recording: Recording
) -> list[Outcome]:
    """Trains members leg by leg and returns their outcomes in order, as the trainer would.

    The curves of an outcome have, one number per leg, ``loss``, ``val_loss`` (with validation rows), ``error`` on the
    measured rows and ``updates`` done so far; ``epochs`` and ``best_epoch`` count legs, and so does the budget's patience.
    """
    outcomes: dict[int, Outcome] = {}
    for batch_size in sorted({member.plan.batch_size for member in members}):
        places = [place for place, member in enumerate(members) if member.plan.batch_size == batch_size]
        followed = [_Followed(members[place]) for place in places]
        legs = recording.leg_updates(budget.epochs, len(fold.data.x_train), batch_size)
        # the last weights of each leg are wanted, whatever is kept in the end
        leg_budget = dataclasses.replace(budget, epochs=len(legs), restore_best=False)
        for number, data in enumerate(_rows_of_legs(fold.data, legs, batch_size, recording), start=1):
            alive = [one for one in followed if one.is_going_on]
            if not alive:
                break
            for one, outcome in zip(
                alive, train([one.member for one in alive], data, leg_budget, pause=number), strict=True
            ):
                _follow(one, outcome, fold, float(sum(legs[:number])))
        outcomes |= {place: _outcome(one, budget) for place, one in zip(places, followed, strict=True)}
    return [outcomes[place] for place in range(len(members))]


def _rows_of_legs(
    data: TrainingData, legs: Sequence[int], batch_size: int, recording: Recording
) -> Iterator[TrainingData]:
    """Yields what each leg trains on."""
    rows = len(data.x_train)
    if recording.every is None and recording.updates is None:
        yield from [data] * len(legs)
        return
    waiting = np.empty(0, np.int64)
    passes = 0
    for updates in legs:
        while len(waiting) < updates * batch_size:
            waiting = np.concatenate([waiting, stream(0, "rows of legs", passes).permutation(rows)])
            passes += 1
        taken, waiting = np.split(waiting, [updates * batch_size])
        yield dataclasses.replace(data, drawn=taken)


def _follow(one: _Followed, outcome: Outcome, fold: Fold, updates: float) -> None:
    """Writes down what a leg said, and remembers the best point by validation loss."""
    one.last = outcome
    one.member = dataclasses.replace(one.member, state=outcome.state)
    if outcome.status != "ok" or outcome.outputs is None:
        return
    one.errors.append(_error(fold, outcome.outputs))
    one.updates.append(updates)
    watched = (outcome.curves.get("val_loss") or outcome.curves["loss"])[-1]
    if watched < one.best_loss:
        one.best_loss = watched
        one.best = dataclasses.replace(outcome, state=None, best_epoch=len(one.updates), loss=watched)


def _error(fold: Fold, outputs: FloatArray) -> float:
    return float(fold.measure(outputs)["error"])


def _outcome(one: _Followed, budget: TrainingBudget) -> Outcome:
    """Puts the weights the budget asks for under the whole curves."""
    assert one.last is not None
    kept = one.best if one.last.status == "ok" and budget.restore_best and one.best is not None else one.last
    curves = {**one.last.curves, "error": one.errors, "updates": one.updates}
    return dataclasses.replace(
        kept,
        curves=curves,
        epochs=one.last.epochs,
        best_epoch=None if one.best is None else one.best.best_epoch,
        state=None,
        is_finished=True,
        seconds=one.last.seconds,
    )
