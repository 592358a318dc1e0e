"""``AnomalyDetector``: the manners of scikit-learn and PyOD, without TensorFlow in the caller's process."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import ganas
from ganas.errors import ConfigError, DataError
from ganas.execution import make_executor
from ganas.tasks.metrics import area_under_roc

RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(260, 2))
X = CODES @ RNG.normal(size=(2, 8)) + 0.1 * RNG.normal(size=(260, 8))
Y = np.zeros(260, int)
Y[:20] = 1
X[:20] = RNG.normal(size=(20, 8)) * 4
SMALL = {"population": 2, "generations": 1, "members": 2, "jobs": 1, "search": {"layers": 0}}


@pytest.fixture(scope="module")
def pipeline():
    steps = clone(make_pipeline(FunctionTransformer(), ganas.AnomalyDetector(**SMALL, seed=0)))
    with pytest.warns(UserWarning, match="only 52 held-out normal rows support the threshold"):
        return steps.fit(X)


@pytest.fixture
def fitted(pipeline):
    return pipeline[-1]


def test_what_is_fitted_is_named_as_in_pyod(fitted):
    assert fitted.decision_scores_.shape == fitted.labels_.shape == (260,)
    assert ((fitted.decision_scores_ > fitted.threshold_) == fitted.labels_).all()
    assert area_under_roc(fitted.decision_scores_, Y == 1) > 0.9
    assert fitted.held_out_rows_ == 52
    assert 1 <= len(fitted.plans_) <= 2


def test_scores_flags_and_probabilities_say_the_same(fitted):
    scores = fitted.decision_function(X[:40])
    np.testing.assert_allclose(scores, fitted.decision_scores_[:40], rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(fitted.predict(X[:40]), scores > fitted.threshold_)
    shares = fitted.predict_proba(X[:40])
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (np.diff(shares[np.argsort(scores), 1]) >= 0).all()


def test_rows_scored_in_blocks_have_the_scores_of_all_at_once(fitted, monkeypatch):
    whole = fitted.decision_function(X[:50])
    monkeypatch.setattr("ganas.estimators.VALUES_AT_ONCE", 8 * 20)
    np.testing.assert_allclose(fitted.decision_function(X[:50]), whole, rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:AnomalyDetector. only")
def test_a_large_table_gets_a_worker_per_core_and_the_same_scores(monkeypatch):
    started = []
    monkeypatch.setattr(
        "ganas.estimators.make_executor", lambda name, jobs: started.append(jobs) or make_executor(name, 2)
    )
    monkeypatch.setattr("ganas.estimators.VALUES_AT_ONCE", 8 * 50)
    detector = ganas.AnomalyDetector(**{**SMALL, "jobs": "auto"}, seed=0)
    few = detector.fit(X, Y).decision_scores_
    monkeypatch.setattr("ganas.estimators.LARGE", 100)
    np.testing.assert_array_equal(detector.fit(X, Y).decision_scores_, few)
    assert started == [1, "auto"]


def test_a_fitted_detector_knows_the_thresholds_of_other_rates(fitted):
    assert fitted.threshold_at(0.01) == fitted.threshold_
    assert fitted.threshold_at(0.3) < fitted.threshold_at(0.1) < fitted.threshold_


def test_a_fitted_detector_survives_pickling(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.decision_function(X[:9]), fitted.decision_function(X[:9]))


def test_the_caller_of_a_detector_stays_free_of_tensorflow():
    code = (
        "import sys, numpy as np, ganas\n"
        "x = np.random.default_rng(0).normal(size=(150, 4))\n"
        f"detector = ganas.AnomalyDetector(**{SMALL!r}, seed=0).fit(x)\n"
        "print(detector.predict(x[:3]).shape, 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.splitlines()[-1:] == ["(3,) False"], done.stderr
    assert "Traceback" not in done.stderr  # its workers end with it


def test_a_detector_is_the_last_step_of_a_pipeline(pipeline, fitted):
    np.testing.assert_array_equal(pipeline.predict(X[:30]), fitted.predict(X[:30]))
    np.testing.assert_array_equal(pipeline.decision_function(X[:30]), fitted.decision_function(X[:30]))


FRAME = pd.DataFrame(X, columns=[f"c{place}" for place in range(8)])
HOLED = FRAME.assign(
    c7=np.where(CODES[:, 0] > 0, "red", "blue"), c1=FRAME["c1"].where((FRAME.index < 5) | (FRAME.index > 30))
)


@pytest.fixture(scope="module")
def fitted_on_texts():
    with pytest.warns(UserWarning, match="held-out normal rows"):
        return ganas.AnomalyDetector(**SMALL, score="reconstruction").fit(HOLED, Y)


def test_frames_with_holes_and_texts_are_scored_and_explained_by_column(fitted_on_texts):
    owed = fitted_on_texts.contributions(HOLED[:10])
    assert owed.shape == (10, len(fitted_on_texts.input_columns_))
    assert {"c0", "c7"} <= set(fitted_on_texts.input_columns_)


@pytest.mark.parametrize(
    ("rows", "labels", "options", "error", "message"),
    [
        (X, np.ones(260), {}, DataError, "every row is labelled an anomaly"),
        (X[:, :1], None, {}, DataError, "at least two columns"),
        (X[0], None, {}, DataError, "expected rows and columns"),
        (np.column_stack([X, Y]), Y, {}, DataError, "is the label in other words"),
        (X, None, {"members": 0}, ConfigError, "members: must be at least 1"),
        (X, None, {"score": "best"}, ConfigError, r"\[task\] score"),
        (X, None, {"search": {"bottlenek": 3}}, ConfigError, "did you mean bottleneck"),
    ],
)
def test_bad_input_is_one_line_before_anything_is_trained(rows, labels, options, error, message):
    with pytest.raises(error, match=message):
        ganas.AnomalyDetector(**options).fit(rows, labels)


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (1 - 2 * Y, "-1"),
        (Y * 2, "2"),
        (Y.astype(str), "'1'"),
        (np.where(Y, "attack", "usual"), "'attack'"),
        (np.where(Y, 1, np.nan), "nan"),
        (np.ma.masked_equal(Y, 1), "nan"),
    ],
)
@pytest.mark.parametrize("rows", [X, FRAME], ids=type)
def test_labels_other_than_0_and_1_are_refused_as_a_value_error(rows, labels, found):
    with pytest.raises(ValueError, match=f"y: labels must be 0 .normal. or 1 .anomaly., got {found};") as caught:
        ganas.AnomalyDetector(**SMALL).fit(rows, labels)
    assert isinstance(caught.value, DataError)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:AnomalyDetector. only")
def test_labels_may_be_numbers_or_truth_values():
    expected = ganas.AnomalyDetector(**SMALL).fit(X, Y).decision_scores_
    for labels in (Y.astype(float)[:, None], pd.Series([bool(label) if label else 0 for label in Y])):
        np.testing.assert_array_equal(ganas.AnomalyDetector(**SMALL).fit(X, labels).decision_scores_, expected)


def test_a_detector_that_is_not_fitted_says_so():
    with pytest.raises(NotFittedError, match="call fit first"):
        ganas.AnomalyDetector().predict(X)


@pytest.fixture(scope="module")
def fitted_on_frame():
    with pytest.warns(UserWarning, match="held-out normal rows"):
        return ganas.AnomalyDetector(**SMALL).fit(FRAME)


@pytest.mark.parametrize(
    "rows",
    [
        FRAME[FRAME.columns[::-1]],
        FRAME.rename(columns="{} ".format),
        X,
        X.astype(object),
        X.astype(np.float32),
        X.tolist(),
    ],
    ids=type,
)
def test_a_detector_fitted_on_a_frame_takes_frames_by_name_and_numbers_by_position(fitted_on_frame, rows):
    np.testing.assert_allclose(fitted_on_frame.decision_function(rows), fitted_on_frame.decision_scores_, rtol=1e-3)


@pytest.mark.parametrize("rows", [FRAME, FRAME.astype("Float64"), FRAME.astype(str), FRAME.rename(columns={"c0": "x"})])
def test_a_detector_fitted_on_numbers_takes_frames_of_numbers_by_position(fitted, rows):
    np.testing.assert_allclose(fitted.decision_function(rows), fitted.decision_scores_, rtol=1e-3)


@pytest.mark.parametrize(
    ("detector", "rows", "message"),
    [
        ("fitted", FRAME.assign(c3="red"), "column 'c3' holds more than numbers"),
        ("fitted", FRAME.assign(c3=pd.Timestamp("2020-01-01")), "column 'c3' holds more than numbers"),
        ("fitted", FRAME.assign(c3="red").to_numpy(), "column '3' holds more than numbers"),
        ("fitted_on_frame", FRAME.rename(columns={"c2": "x"}), "no column is called 'c2' among c0, c1, x"),
        ("fitted_on_frame", FRAME.rename(columns={"c2": "c1"}), "two columns are called 'c1' among c0, c1, c3"),
        ("fitted_on_texts", X, r"got an array of numbers; it was fitted with columns of texts \(c7\), so give a frame"),
        ("fitted_on_texts", FRAME.assign(c7="red").to_numpy(), "no column is called 'c0' among 0, 1, 2"),
    ],
)
def test_rows_whose_columns_are_not_those_of_fit_are_refused_in_one_line(detector, rows, message, request):
    with pytest.raises(DataError, match=f"^AnomalyDetector: {message}") as caught:
        request.getfixturevalue(detector).predict(rows)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("detector", ["fitted", "fitted_on_frame"])
def test_masked_values_are_missing_as_in_a_task(detector, request):
    fitted_detector = request.getfixturevalue(detector)
    is_hidden = np.abs(X) > 2
    hidden = np.ma.array(np.where(is_hidden, 1e6, X), mask=is_hidden)
    missing = fitted_detector.decision_function(np.where(is_hidden, np.nan, X))
    np.testing.assert_array_equal(fitted_detector.decision_function(hidden), missing)


def test_rows_of_another_width_are_refused(fitted):
    with pytest.raises(DataError, match="rows have 3 columns; it was fitted with 8"):
        fitted.predict(X[:, :3])
