"""Metrics are those of scikit-learn, and every error is minimised."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from ganas.errors import ConfigError, DataError
from ganas.tasks.metrics import METRICS, ClassMeasure, NumberMeasure, area_under_roc, error_name, metric_of


@given(seed=st.integers(0, 1000), classes=st.integers(2, 5))
def test_classification_metrics_are_those_of_scikit_learn(seed: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(classes), rng.integers(0, classes, 40)])
    outputs = rng.dirichlet(np.ones(classes), len(codes)).astype(np.float32)
    found = ClassMeasure("roc_auc", codes)(outputs)
    said, exact = outputs.argmax(axis=1), outputs.astype(float) / outputs.astype(float).sum(axis=1, keepdims=True)
    scores = exact[:, 1] if classes == 2 else exact
    expected = {
        "accuracy": metrics.accuracy_score(codes, said),
        "balanced_accuracy": metrics.balanced_accuracy_score(codes, said),
        "macro_f1": metrics.f1_score(codes, said, average="macro"),
        "roc_auc": metrics.roc_auc_score(codes, scores, multi_class="ovr"),
        "log_loss": metrics.log_loss(codes, np.clip(exact, 1e-7, 1), labels=range(classes)),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-5), name
    assert found["error"] == pytest.approx(1 - found["roc_auc"])


@given(seed=st.integers(0, 1000))
def test_regression_metrics_are_those_of_scikit_learn_in_target_units(seed: int) -> None:
    rng = np.random.default_rng(seed)
    targets, outputs = rng.normal(200, 30, 25), rng.normal(size=(25, 1)).astype(np.float32)
    found = NumberMeasure("rmse", targets, mean=200.0, scale=30.0)(outputs)
    values = outputs[:, 0].astype(float) * 30 + 200
    assert found["error"] == found["rmse"] == pytest.approx(metrics.root_mean_squared_error(targets, values))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(targets, values))
    assert found["r2"] == pytest.approx(metrics.r2_score(targets, values))


def test_tied_scores_count_half_in_the_area_under_the_curve() -> None:
    scores, positive = np.array([0.1, 0.5, 0.5, 0.5, 0.9]), np.array([False, False, True, True, True])
    assert area_under_roc(scores, positive) == pytest.approx(metrics.roc_auc_score(positive, scores))
    with pytest.raises(DataError, match="single class"):
        area_under_roc(scores, np.ones(5, bool))


@pytest.mark.parametrize("name", list(METRICS))
def test_a_perfect_answer_has_the_lowest_error(name: str) -> None:
    if METRICS[name].kind == "classification":
        codes = np.array([0, 1, 2, 1])
        measure, perfect, worse = ClassMeasure(name, codes), np.eye(3)[codes], np.eye(3)[(codes + 1) % 3]
    else:
        targets = np.array([1.0, 2.0, 5.0])
        measure, perfect, worse = NumberMeasure(name, targets, 0.0, 1.0), targets[:, None], targets[:, None] + 1
    assert measure(perfect)["error"] == pytest.approx(0, abs=1e-6)
    assert measure(worse)["error"] > measure(perfect)["error"]


def test_a_row_is_the_step_of_the_metrics_that_count_rows() -> None:
    codes = np.array([0, 1, 2, 1])
    steps = {
        name: ClassMeasure(name, codes).step for name, metric in METRICS.items() if metric.kind == "classification"
    }
    assert steps == {"accuracy": 0.25, "balanced_accuracy": 0.25, "macro_f1": 0.25, "roc_auc": 0.0, "log_loss": 0.0}
    outputs, one_wrong = np.eye(3)[codes], np.eye(3)[[0, 1, 2, 2]]
    errors = [ClassMeasure("accuracy", codes)(given)["error"] for given in (outputs, one_wrong)]
    assert errors[1] - errors[0] == steps["accuracy"]


def test_a_network_that_answers_nan_gets_an_error_that_is_not_finite() -> None:
    nothing = np.full((4, 1), np.nan)
    assert np.isnan(NumberMeasure("rmse", np.arange(4.0), 0.0, 1.0)(nothing)["error"])


def test_a_metric_of_another_kind_is_refused_with_those_that_fit() -> None:
    assert metric_of("classification", None) == "accuracy"
    assert metric_of("regression", None) == "rmse"
    with pytest.raises(ConfigError, match="must be one of rmse, mae, r2 for regression, got 'accuracy'"):
        metric_of("regression", "accuracy")


def test_errors_have_words() -> None:
    assert [error_name(name) for name in ("accuracy", "log_loss", "rmse", "r2")] == [
        "1 - accuracy",
        "log loss",
        "RMSE",
        "1 - R2",
    ]


def test_measures_travel_between_processes() -> None:
    codes = np.array([0, 1, 1])
    measure = pickle.loads(pickle.dumps(ClassMeasure("accuracy", codes)))
    assert measure(np.eye(2)[codes])["accuracy"] == 1


@pytest.mark.parametrize("code", [0, 1])
def test_rows_of_a_single_class_are_measured_by_all_metrics_but_those_that_need_several(code: int) -> None:
    codes, outputs = np.full(4, code), np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]], np.float32)
    kept = [name for name, metric in METRICS.items() if metric.kind == "classification" and name != "roc_auc"]
    for name in kept:
        assert set(ClassMeasure(name, codes)(outputs)) == {"error", *kept}
    assert "roc_auc" in ClassMeasure("accuracy", np.array([0, 1, 0, 0]))(outputs)
    with pytest.raises(DataError, match="single class"):
        ClassMeasure("roc_auc", codes)(outputs)
