"""What every kind of task promises; a new one in ``KINDS`` is under these tests by its name alone."""

import dataclasses
import json
import pickle

import numpy as np
import pytest

from ganas.errors import ConfigError, SpaceError
from ganas.evaluation import TrainingBudget
from ganas.search.families import FAMILIES
from ganas.tasks.load import KINDS, task_from_arrays
from ganas.tasks.task import Fold, Task
from ganas.training.contract import Member, load_trainer

ROWS, COLUMNS = 150, 5
X = np.random.default_rng(0).normal(size=(ROWS, COLUMNS))
TARGET = (X[:, 0] + 0.3 * np.random.default_rng(1).normal(size=ROWS) > 0.8).astype(int)
"""Two values: classes, numbers, labels of anomalies or nothing at all, as the kind of task takes it."""
ARRAYS = ("x_train", "y_train", "x_validation", "y_validation")


@pytest.fixture(params=list(KINDS))
def kind(request):
    return request.param


def make(kind, features=X, **options):
    return task_from_arrays(features, TARGET, kind=kind, **options)


def arrays(fold):
    return [getattr(fold.data, name) for name in ARRAYS]


def a_plan(task, **words):
    """A network of the task's family, complete."""
    space = FAMILIES[task.family].space({"units": [4, 8], "learning_rate": 0.01, **words}, task.inputs)
    return task.complete(space.decode(space.sample(np.random.default_rng(0))))


def test_it_says_what_it_is(kind):
    task = make(kind, name="mine")
    assert isinstance(task, Task)
    assert (task.name, task.kind, task.folds) == ("mine", kind, 1)
    assert task.family in FAMILIES
    lines = [task.error_in_words, *task.in_words()]
    assert all(line and "\n" not in line for line in lines)


def test_the_same_data_and_settings_are_one_task_and_others_are_another(kind):
    first = make(kind).fingerprint()
    assert json.loads(json.dumps(first)) == first == make(kind).fingerprint()
    moved = X.copy()
    moved[3, 2] += 1.0
    others = [make(kind, moved), *(make(kind, **said) for said in ({"seed": 1}, {"pca": 2}, {"validation": 0.3}))]
    assert all(other.fingerprint() != first for other in others)


@pytest.mark.parametrize("folds", [1, 3])
def test_a_fold_is_ready_for_a_trainer_and_the_same_each_time(kind, folds):
    task = make(kind, folds=folds)
    assert task.folds == folds
    for index in range(folds):
        fold = task.fold(index)
        assert isinstance(fold, Fold)
        for array in arrays(fold):
            assert array.dtype == np.float32
            assert np.isfinite(array).all()
            assert len(array)
        assert fold.data.x_train.shape[1] == fold.data.x_validation.shape[1] == task.inputs
        assert fold.data.y_train.shape[1:] == fold.data.y_validation.shape[1:] == (task.head.units,)
        assert len(fold.data.x_train) == len(fold.data.y_train)
        for one, again in zip(arrays(fold), arrays(task.fold(index)), strict=True):
            np.testing.assert_array_equal(one, again)


def test_rows_that_are_not_trained_on_do_not_change_what_is(kind):
    """Scaling and imputation are fitted on training rows: others may be anything."""
    task = make(kind)
    trained = task.fold(0).data.x_train
    changed = X.copy()
    changed[~used_rows(task)] *= 100.0
    np.testing.assert_array_equal(make(kind, changed).fold(0).data.x_train, trained)


def used_rows(task):
    """(rows,) Which rows are trained on: a standardised row is one of the raw ones, moved and stretched by column."""
    scaled = task.fold(0).data.x_train.astype(np.float64)
    numbers = task.pipeline()["preprocessing"]["numbers"]
    raw = scaled * np.array(numbers["scale"]) + np.array(numbers["shift"])
    nearest = np.abs(raw[:, None, :] - X[None]).max(2)
    assert (nearest.min(1) < 1e-4).all()
    used = np.zeros(ROWS, bool)
    used[nearest.argmin(1)] = True
    assert 0 < used.sum() < ROWS
    return used


def test_the_test_rows_are_a_fold_of_their_own_or_there_is_none(kind):
    held_out = make(kind).test_fold()
    assert held_out is not None
    assert len(measured(held_out))
    assert make(kind, test_fraction=0).test_fold() is None


def measured(fold):
    return fold.data.x_validation if fold.data.x_measured is None else fold.data.x_measured


def test_what_it_takes_to_predict_is_plain_data(kind):
    pipeline = make(kind).pipeline()
    assert json.loads(json.dumps(pipeline)) == pipeline
    assert pipeline["task"] == kind


def test_it_completes_plans_of_its_family_and_refuses_losses_that_do_not_fit(kind):
    task = make(kind)
    plan = a_plan(task)
    assert plan.head == task.head
    assert plan.loss == task.losses[0]
    assert task.complete(plan) == plan
    for loss in task.losses:
        assert a_plan(task, loss=loss).loss == loss
    with pytest.raises(SpaceError, match=r"^loss 'no_loss'"):
        task.complete(dataclasses.replace(plan, loss="no_loss"))


def test_an_unknown_metric_is_refused_in_one_line(kind):
    with pytest.raises(ConfigError, match=r"^\[task\] metric: .*'no_metric'") as caught:
        make(kind, metric="no_metric")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", ["fold", "training_fold", "test_fold"])
def test_a_network_of_its_family_is_trained_and_judged_on_a_copy_of_every_fold(kind, part):
    from ganas.training.session import prepare_session

    prepare_session(1)
    task = make(kind)
    fold = pickle.loads(pickle.dumps(task.fold(0) if part == "fold" else getattr(task, part)()))
    (outcome,) = load_trainer("keras")([Member(a_plan(task), seed=1)], fold.data, TrainingBudget(epochs=1))
    assert outcome.status == "ok", outcome.message
    measures = fold.measure(outcome.outputs)
    assert {name: type(value) for name, value in measures.items()} == dict.fromkeys(measures, float)
    assert np.isfinite(measures["error"])
    assert fold.measure.step >= 0
    assert measures == fold.measure(outcome.outputs)
