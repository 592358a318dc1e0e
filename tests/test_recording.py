"""Trainings in legs: nothing is lost between them, and updates are counted exactly."""

import dataclasses

import numpy as np
import pytest

from ganas.errors import ConfigError
from ganas.evaluation import TrainingBudget
from ganas.recording import Recording, train_recorded
from ganas.search.plan import mlp_plan
from ganas.tasks import load_task
from ganas.training.contract import Member, Outcome, load_trainer
from ganas.training.session import prepare_session


class Counting:
    """A trainer that counts: its loss falls until leg ``best`` and rises after; its outputs say the leg."""

    def __init__(self, best=3, fails_at=None, stops_at=None):
        self.best, self.fails_at, self.stops_at = best, fails_at, stops_at
        self.seen = []

    def __call__(self, members, data, budget, *, pause=None):
        self.seen.append(data)
        return [self.outcome(member, data, budget, pause) for member in members]

    def outcome(self, member, data, budget, leg):
        assert member.state == (None if leg == 1 else leg - 1)
        losses = [abs(self.best - point) + 1.0 for point in range(1, leg + 1)]
        if leg == self.fails_at:
            return Outcome("diverged", {"loss": losses}, leg, message="broke")
        is_finished = leg in (self.stops_at, budget.epochs)
        outputs = np.full((1, 1), leg, np.float32)
        curves = {"loss": losses, "val_loss": losses}
        state = None if is_finished else leg
        return Outcome("ok", curves, leg, leg, losses[-1], outputs, (outputs,), state, is_finished, seconds=float(leg))


@pytest.fixture(scope="module")
def fold():
    made = load_task("iris").fold(0)
    return dataclasses.replace(made, measure=lambda outputs: {"error": float(outputs[0, 0])})


def record(trainer, fold, recording, budget, batch_size=32):
    plan = load_task("iris").complete(mlp_plan([4], batch_size=batch_size))
    return train_recorded(trainer, [Member(plan, 0), Member(plan, 1)], fold, budget, recording)


def test_the_weights_of_the_best_point_are_kept_and_the_curves_are_whole(fold):
    outcome = record(Counting(best=2), fold, Recording(), TrainingBudget(epochs=4))[0]
    assert outcome.weights[0][0, 0] == 2
    assert outcome.best_epoch == 2
    assert outcome.curves["error"] == [1, 2, 3, 4]
    assert outcome.curves["updates"] == [3, 6, 9, 12]
    assert (outcome.epochs, outcome.seconds, outcome.is_finished, outcome.state) == (4, 4.0, True, None)


def test_the_last_weights_are_kept_if_the_budget_says_so(fold):
    outcome = record(Counting(best=2), fold, Recording(), TrainingBudget(epochs=4, restore_best=False))[0]
    assert outcome.weights[0][0, 0] == 4
    assert outcome.best_epoch == 2


def test_a_training_that_breaks_keeps_its_status_and_its_curves(fold):
    outcome = record(Counting(fails_at=3), fold, Recording(), TrainingBudget(epochs=5))[0]
    assert (outcome.status, outcome.message) == ("diverged", "broke")
    assert outcome.curves["error"] == [1, 2]
    assert len(outcome.curves["loss"]) == 3


def test_a_member_that_stops_early_is_not_trained_on(fold):
    trainer = Counting(best=1, stops_at=2)
    assert record(trainer, fold, Recording(), TrainingBudget(epochs=5))[0].epochs == 2
    assert len(trainer.seen) == 2


def test_updates_are_counted_exactly_and_legs_hold_the_rows_of_their_batches(fold):
    trainer = Counting()
    outcome = record(trainer, fold, Recording(every=4, updates=10), TrainingBudget(), batch_size=8)[0]
    assert outcome.curves["updates"] == [4, 8, 10]
    assert [data.epoch_rows for data in trainer.seen] == [32, 32, 16]
    assert all(data.x_train is fold.data.x_train for data in trainer.seen)


def test_two_legs_of_one_pass_hold_different_rows(fold):
    rows = np.arange(96, dtype=np.float32)[:, None]
    data = dataclasses.replace(fold.data, x_train=rows, y_train=rows)
    trainer = Counting()
    record(
        trainer, dataclasses.replace(fold, data=data), Recording(every=6, updates=12), TrainingBudget(), batch_size=8
    )
    assert sorted(np.concatenate([leg.drawn for leg in trainer.seen])) == list(range(96))


def test_a_recording_of_no_updates_is_refused():
    with pytest.raises(ConfigError, match="updates: must be at least 1, got 0"):
        Recording(updates=0)


@pytest.mark.parametrize("trainer", ["keras", "cohort"])
def test_a_training_in_legs_is_the_training_in_one_go(trainer):
    prepare_session(1)
    task = load_task("iris")
    members = [Member(task.complete(mlp_plan([6, 4])), 1)]
    budget = TrainingBudget(epochs=2)
    train = load_trainer(trainer)
    whole = train(members, task.fold(0).data, budget)
    legs = train_recorded(train, members, task.fold(0), budget, Recording())
    for one, other in zip(whole, legs, strict=True):
        assert one.curves["val_loss"] == other.curves["val_loss"]
        assert one.best_epoch == other.best_epoch
        assert all(np.array_equal(a, b) for a, b in zip(one.weights, other.weights, strict=True))


def test_a_last_leg_of_few_updates_is_trained_by_the_program_of_the_others(monkeypatch):
    """A member's state fits the padded widths it came from, and these depend on the rows there are, not on those of a leg."""
    monkeypatch.setattr("ganas.cohorts.SPARED", 1e7)
    prepare_session(1)
    task = load_task("iris")
    members = [Member(task.complete(mlp_plan([8], batch_size=32)), 1)]
    recording = Recording(every=6, updates=7)
    (outcome,) = train_recorded(load_trainer("cohort"), members, task.fold(0), TrainingBudget(), recording)
    assert outcome.status == "ok", outcome.message
    assert outcome.curves["updates"] == [6, 7]
