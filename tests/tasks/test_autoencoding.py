"""The tasks of autoencoders: what they train on, how they judge, and that they keep the contract of a task."""

from __future__ import annotations

import dataclasses
import json
import pickle

import numpy as np
import pandas as pd
import pytest

from ganas.errors import ConfigError, DataError, SpaceError
from ganas.search.plan import Corruption, DenseLayer, Head, NetworkPlan
from ganas.tasks import Task, load_task, task_from_arrays
from ganas.tasks.reconstruction import linear_yardstick, pca_errors

RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(200, 2))
X = (CODES @ RNG.normal(size=(2, 6)) + 0.05 * RNG.normal(size=(200, 6))).astype(np.float32)
LABELS = np.where(CODES[:, 0] > 1.2, "strange", "fine")
PLAN = NetworkPlan((DenseLayer(2, "linear"),), bottleneck=0)


@pytest.mark.parametrize("kind", ["reconstruction", "features", "anomaly"])
def test_every_kind_of_autoencoder_keeps_the_contract(kind):
    task = task_from_arrays(X, LABELS, kind=kind, folds=2)
    assert isinstance(task, Task)
    plan = task.complete(PLAN)
    assert (plan.head, plan.loss) == (Head(6, "linear"), "mean_squared_error")
    for part in (task.fold(1), task.training_fold(), task.test_fold()):
        assert part.data.y_train is part.data.x_train
        assert part.data.x_measured.dtype == np.float32
        outputs = part.data.x_measured[:, :2] if kind == "features" else np.zeros_like(part.data.x_measured)
        measures = pickle.loads(pickle.dumps(part.measure))(outputs)
        assert all(np.isfinite(value) for value in measures.values())
    assert json.loads(json.dumps(task.pipeline()))["task"] == kind
    assert json.dumps(task.fingerprint())


@pytest.mark.parametrize("kind", ["reconstruction", "features", "anomaly"])
def test_no_test_rows_means_no_reading_of_them(kind):
    assert task_from_arrays(X, LABELS, kind=kind, test_fraction=0).test_fold() is None


def test_a_perfect_copy_has_no_reconstruction_error():
    fold = task_from_arrays(X, None, kind="reconstruction").fold(0)
    assert fold.measure(fold.data.x_measured)["error"] == 0
    assert fold.measure(np.zeros_like(fold.data.x_measured))["explained"] < 0.1


def test_a_network_that_could_copy_its_inputs_does_not_take_part_in_reconstruction():
    task = task_from_arrays(X, None, kind="reconstruction")
    with pytest.raises(SpaceError, match="could copy them"):
        task.complete(NetworkPlan((DenseLayer(6),), bottleneck=0))


@pytest.mark.parametrize("kind", ["reconstruction", "classification"])
def test_a_network_that_could_not_be_trained_is_not_completed(kind):
    task = task_from_arrays(X, LABELS, kind=kind)
    with pytest.raises(SpaceError, match="the slope of leaky_relu must be at least 0"):
        task.complete(NetworkPlan((DenseLayer(2, "leaky_relu(-0.1)"),), bottleneck=0))


def test_a_network_without_a_code_is_no_autoencoder():
    task = task_from_arrays(X, None, kind="reconstruction")
    with pytest.raises(SpaceError, match="no bottleneck"):
        task.complete(dataclasses.replace(PLAN, bottleneck=None))


def test_as_many_components_as_columns_reconstruct_everything():
    errors = pca_errors(task_from_arrays(X, None, kind="reconstruction"), [1, 2, 6, 9])
    assert list(errors) == [1, 2, 6]
    assert errors[1] > errors[2] > errors[6]
    assert errors[6] == pytest.approx(0, abs=1e-6)


def test_the_linear_yardstick_is_of_reconstruction_only():
    yardstick = linear_yardstick(task_from_arrays(X, None, kind="reconstruction"))["principal_components"]
    assert {part: list(errors) for part, errors in yardstick.items()} == {
        part: ["1", "2", "4"] for part in ("validation", "test")
    }
    assert linear_yardstick(task_from_arrays(X, LABELS, kind="features")) == {}


def test_inputs_from_0_to_1_get_a_sigmoid_and_may_be_learnt_by_cross_entropy():
    task = task_from_arrays(X, None, kind="reconstruction", scaling="min_max")
    assert task.head.activation == "sigmoid"
    assert task.complete(dataclasses.replace(PLAN, loss="bce")).loss == "binary_crossentropy"
    with pytest.raises(SpaceError, match="must be one of mean_squared_error"):
        task_from_arrays(X, None, kind="reconstruction").complete(dataclasses.replace(PLAN, loss="bce"))


def test_a_plan_may_say_how_its_output_ends():
    head = Head(6, "tanh", batch_normalization=True)
    assert task_from_arrays(X, None, kind="reconstruction").complete(dataclasses.replace(PLAN, head=head)).head == head


def test_a_probe_finds_classes_in_a_code_that_holds_them_and_not_in_one_that_does_not():
    fold = task_from_arrays(X, LABELS, kind="features").fold(0)
    rows = len(fold.data.x_measured)
    assert fold.measure(fold.data.x_measured)["error"] < 0.1
    told = fold.measure(np.random.default_rng(1).normal(size=(rows, 2)).astype(np.float32))
    assert told["accuracy"] <= np.mean(LABELS == "fine") + 0.05


def test_dead_units_are_counted():
    fold = task_from_arrays(X, LABELS, kind="features").fold(0)
    codes = np.column_stack([fold.data.x_measured[:, 0], np.zeros(len(fold.data.x_measured))]).astype(np.float32)
    assert fold.measure(codes)["dead_share"] == 0.5


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"kind": "features", "metric": "f1"}, ConfigError, r"\[task\] metric"),
        ({"kind": "features", "probe": "deep"}, ConfigError, r"\[task\] probe: must be one of linear, network"),
        ({"kind": "reconstruction", "metric": "mae"}, ConfigError, r"\[task\] metric"),
        ({"kind": "reconstruction", "pca": 7}, DataError, r"\[data\] pca: 7 components"),
    ],
)
def test_a_wrong_setting_is_named(options, error, message):
    with pytest.raises(error, match=message):
        task_from_arrays(X, LABELS, **options)


def test_one_column_is_not_enough():
    with pytest.raises(DataError, match="at least two columns"):
        task_from_arrays(X[:, :1], None, kind="reconstruction")


@pytest.mark.parametrize("kind", ["reconstruction", "anomaly"])
def test_columns_that_are_all_constant_are_not_enough_and_one_that_varies_is(kind):
    with pytest.raises(DataError, match="every column is constant in the 128 training rows"):
        task_from_arrays(np.ones((200, 3), np.float32), None, kind=kind)
    one = np.ones((200, 3), np.float32)
    one[:, 1] = RNG.normal(size=200)
    assert task_from_arrays(one, None, kind=kind).inputs == 3


def frame_of_rare_words(rows=150):
    rng = np.random.default_rng(0)
    words = rng.choice([f"w{index}" for index in range(40)], rows)
    return pd.DataFrame({"a": rng.normal(size=rows), "b": rng.normal(size=rows), "word": words})


@pytest.mark.parametrize("kind", ["reconstruction", "features", "anomaly"])
def test_folds_with_unequal_numbers_of_inputs_are_refused_when_the_task_is_made(kind):
    frame, labels = frame_of_rare_words(), np.arange(150) % 3 == 0
    message = r"the 4 folds have \d+, .* inputs, .* column 'word'; .* set \[data\] folds = 1, or \[data\] pca"
    with pytest.raises(DataError, match=message) as caught:
        task_from_arrays(frame, labels, kind=kind, folds=4)
    assert "\n" not in str(caught.value)
    assert task_from_arrays(frame, labels, kind=kind).inputs > 3
    holed = X.copy()
    holed[5, 2] = np.nan
    with pytest.raises(DataError, match=r"4 folds have .* inputs, .* column 'column_2'"):
        task_from_arrays(holed, LABELS, kind=kind, folds=4, test_fraction=0)


@pytest.mark.parametrize("columns", [["a", "b", "even"], ["a", "b", "holed"]])
def test_folds_with_equal_numbers_of_inputs_take_texts_and_holes(columns):
    frame = frame_of_rare_words()
    frame = frame.assign(even=["x", "y"] * 75, holed=np.where(np.arange(150) % 3 == 0, np.nan, frame["a"]))
    task = task_from_arrays(frame[columns], None, kind="reconstruction", folds=4)
    assert {task.fold(index).data.x_train.shape[1] for index in range(4)} == {task.head.units} == {4}
    by_components = task_from_arrays(frame, None, kind="reconstruction", folds=4, pca=3)
    assert {by_components.fold(index).data.x_train.shape[1] for index in range(4)} == {3}


def test_a_code_of_features_may_be_as_wide_as_the_input_only_behind_noise():
    task = task_from_arrays(X, LABELS, kind="features")
    wide = NetworkPlan((DenseLayer(6, "linear"),), bottleneck=0)
    with pytest.raises(SpaceError, match="could copy them"):
        task.complete(wide)
    assert task.complete(dataclasses.replace(wide, corruption=Corruption("mask", 0.5))).corruption


def test_digits_are_given_back_as_pixels_from_0_to_1():
    task = load_task("digits", kind="reconstruction")
    assert task.head == Head(64, "sigmoid")
    assert float(task.fold(0).data.x_train.max()) == 1.0
