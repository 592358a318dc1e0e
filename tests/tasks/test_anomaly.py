"""Anomaly detection: which rows are learnt, what the criterion rewards, and what a threshold promises."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from ganas.errors import ConfigError, DataError
from ganas.tasks import load_task, task_from_arrays
from ganas.tasks.anomaly import average_precision, judge_flags, perturb, read_labels, threshold_at
from ganas.tasks.anomaly_score import (
    EMPTY_BIN,
    VIEWS,
    AnomalyScore,
    Neighbours,
    Rarity,
    Surprise,
    error_scale,
    reconstruction_columns,
)
from ganas.tasks.detector import fit_detector

RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(400, 1))
X = (CODES @ np.ones((1, 5)) + 0.1 * RNG.normal(size=(400, 5))).astype(np.float32)
LABELS = np.zeros(400, int)
LABELS[:40] = 1
X[:40] += RNG.normal(size=(40, 5)).astype(np.float32)


def on_the_line(x):
    """Reconstructs rows the best way one code can: by their mean."""
    return np.repeat(x.mean(axis=1, keepdims=True), x.shape[1], axis=1)


def test_labelled_anomalies_are_never_learnt_from():
    task = task_from_arrays(X, LABELS, kind="anomaly")
    training, held_out = task.splits.folds[0]
    assert LABELS[training].any()
    assert len(task.fold(0).data.x_train) == (LABELS[training] == 0).sum()
    assert len(task.fold(0).data.x_validation) == (LABELS[held_out] == 0).sum()


def test_all_rows_are_learnt_from_where_asked_or_without_labels():
    rows = len(task_from_arrays(X, None, kind="anomaly").fold(0).data.x_train)
    task = task_from_arrays(X, LABELS, kind="anomaly", train_on="all")
    assert len(task.fold(0).data.x_train) == rows == 256


def test_a_network_that_copies_its_inputs_gets_the_worst_error_and_one_that_knows_the_columns_a_good_one():
    fold = task_from_arrays(X, None, kind="anomaly", validation=0.3).fold(0)
    copied = fold.measure(fold.data.x_measured)
    learnt = fold.measure(on_the_line(fold.data.x_measured))
    assert copied["error"] == 0.5
    assert copied["squared_error"] == 0
    assert learnt["error"] < 0.15


def test_labels_in_the_validation_rows_may_choose_instead():
    fold = task_from_arrays(X, LABELS, kind="anomaly", metric="average_precision").fold(0)
    measures = fold.measure(on_the_line(fold.data.x_measured))
    assert measures["error"] == pytest.approx(1 - measures["average_precision"])
    assert measures["roc_auc"] > 0.9


def test_the_combined_score_finds_a_far_row_that_a_copying_network_does_not():
    x = X.copy()
    x[:40] = X[100:140] * 8
    labels = {"kind": "anomaly", "metric": "roc_auc"}
    told = {}
    for score in ("reconstruction", "combined"):
        fold = task_from_arrays(x, LABELS, score=score, **labels).fold(0)
        told[score] = fold.measure(fold.data.x_measured)["roc_auc"]
    assert told["combined"] > 0.8 > 0.6 > told["reconstruction"]


def test_perturbed_rows_differ_in_few_values_and_stay_near_the_range():
    perturbed = perturb(X, X, seed=0)
    share = (perturbed != X).mean()
    assert (perturbed != X).any(axis=1).all()
    assert 0.15 < share < 0.35
    assert perturbed.max() <= X.max() + 0.1 * np.ptp(X) + 1e-5


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2])
def test_new_normal_rows_exceed_the_threshold_at_most_at_the_stated_rate(rate):
    rng = np.random.default_rng(1)
    rates = [(rng.normal(size=2000) > threshold_at(rng.normal(size=200), rate)).mean() for _ in range(200)]
    assert np.mean(rates) == pytest.approx(rate, abs=0.01)
    assert np.mean(rates) < rate + 0.004


def test_with_too_few_rows_for_the_rate_the_threshold_follows_an_exponential_tail_beyond_the_largest():
    assert threshold_at(np.array([3.0, 1.0, 2.0]), 0.01) > 3.0
    assert threshold_at(np.array([3.0]), 0.01) == 3.0
    rng = np.random.default_rng(1)
    rates = [np.exp(-threshold_at(rng.exponential(size=30), 0.01)) for _ in range(500)]
    assert np.mean(rates) < 0.02
    largest = [np.exp(-rng.exponential(size=30).max()) for _ in range(500)]
    assert np.mean(largest) > 0.025


def test_a_task_says_when_few_held_out_normal_rows_support_the_threshold():
    words = task_from_arrays(X, LABELS, kind="anomaly").in_words()
    assert any("only 58 held-out normal rows support the threshold" in line for line in words)
    many = task_from_arrays(np.concatenate([X, X]), np.concatenate([LABELS, LABELS]), kind="anomaly")
    assert not any("support the threshold" in line for line in many.in_words())
    assert not any("support" in line for line in task_from_arrays(X, LABELS, kind="features").in_words())


def test_flags_are_judged_beside_always_saying_normal():
    measures = judge_flags(np.array([0.9, 0.1, 0.8, 0.2]), 0.5, np.array([True, False, False, False]))
    assert (measures["accuracy"], measures["always_normal_accuracy"]) == (0.75, 0.75)
    assert (measures["precision"], measures["recall"], measures["lift"]) == (0.5, 1.0, 2.0)
    assert measures["f1"] == pytest.approx(2 / 3)
    assert measures["false_alarm_rate"] == pytest.approx(1 / 3)


def test_average_precision_is_that_of_scikit_learn():
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(2)
    scores, labels = rng.integers(0, 20, 200).astype(float), rng.random(200) < 0.2
    assert average_precision(scores, labels) == pytest.approx(average_precision_score(labels, scores))


def test_neighbours_are_the_nearest_rows_but_itself():
    rng = np.random.default_rng(0)
    known, new = rng.normal(size=(60, 4)).astype("float32"), rng.normal(size=(7, 4)).astype("float32")
    squares = ((np.concatenate([known, new])[:, None].astype(float) - known[None]) ** 2).mean(axis=2)
    squares[range(60), range(60)] = np.inf
    expected = np.sort(squares, axis=1)[:, :20].mean(axis=1)
    neighbours = Neighbours.fit(known, 0)
    found = neighbours.columns(np.concatenate([known, new]))
    np.testing.assert_allclose(found.mean(axis=1), expected, rtol=1e-6)
    np.testing.assert_allclose(neighbours.sums(np.concatenate([known, new])), 4 * expected, rtol=1e-6)


def test_a_row_is_not_its_own_neighbour():
    x = RNG.normal(size=(50, 3)).astype(np.float32)
    assert (Neighbours.fit(x, 0).columns(x).sum(axis=1) > 0).all()


def test_the_sums_of_a_view_are_those_of_its_columns():
    fitted = AnomalyScore.fit(X, views=VIEWS, seed=0)
    asked = np.concatenate([X[:30], X[:30] + 1])
    columns, sums = fitted.columns(asked), fitted.sums(asked)
    assert columns.keys() == sums.keys() == {"rarity", "distance", "neighbours"}
    for name, values in sums.items():
        np.testing.assert_allclose(values, columns[name].sum(axis=1), rtol=1e-9)


def test_a_value_outside_the_training_range_is_as_rare_as_an_empty_bin_however_near_it_is():
    x = np.random.default_rng(0).random((1000, 1)).astype(np.float32)
    rarity, empty = Rarity.fit(x), -np.log(EMPTY_BIN)
    beyond = np.array([x.min() - 0.01, x.min() - 0.5, x.max() + 0.01, x.max() + 0.09, x.max() + 0.5], np.float32)
    np.testing.assert_allclose(rarity.columns(beyond[:, None]), empty)
    assert rarity.columns(x).max() < 0.5


@pytest.mark.parametrize("scale", [1e-30, 1.0, 3e30])
def test_no_training_value_is_outside_the_training_range(scale):
    x = (scale * np.random.default_rng(0).normal(size=(30, 400))).astype(np.float32)
    rarity = Rarity.fit(x)
    assert (rarity.columns(x) < -np.log(EMPTY_BIN)).all()


def test_surprise_is_the_logarithm_of_the_share_that_is_at_least_as_unusual_and_goes_on_beyond():
    surprise = Surprise.fit(np.arange(100.0))
    assert surprise.of(np.array([89.5]))[0] == pytest.approx(-np.log(0.1))
    beyond = surprise.of(np.array([99.0, 110.0, 1000.0]))
    assert (np.diff(beyond) > 0).all()


def test_contributions_add_up_to_the_score_and_name_the_broken_column():
    outputs = [on_the_line(X), on_the_line(X) + 0.01]
    score = AnomalyScore.fit(X[40:340], views=VIEWS, seed=0)
    detector = fit_detector(X[40:], [o[40:] for o in outputs], reference=300, score=score, false_alarm_rate=0.05)
    row = X[50:51].copy()
    row[0, 3] += 6
    given = [on_the_line(row), on_the_line(row)]
    owed = detector.contributions(row, given)
    assert owed.sum() == pytest.approx(detector.scores(row, given)[0], rel=0.05)
    assert owed[0].argmax() == 3
    assert detector.scores(row, given)[0] > detector.threshold
    assert 0.9 < detector.probabilities(detector.scores(row, given))[0] <= 1


def test_few_held_out_rows_do_not_lower_the_threshold_below_that_of_all_rows():
    usual = X[40:]
    score = AnomalyScore.fit(usual[:200], views=VIEWS, seed=0)
    few = fit_detector(usual, [on_the_line(usual)], reference=330, score=score, false_alarm_rate=0.05)
    assert few.threshold >= threshold_at(few.known.reference, 0.05)
    many = fit_detector(usual, [on_the_line(usual)], reference=200, score=score, false_alarm_rate=0.05)
    assert many.threshold == threshold_at(many.held_out.reference, 0.05)


@pytest.mark.parametrize("labels", [None, LABELS])
def test_without_validation_rows_the_training_rows_are_measured_and_set_the_threshold(labels):
    task = task_from_arrays(X, labels, kind="anomaly", validation=0, score="combined")
    fold = task.fold(0)
    assert len(fold.data.x_train) == (320 if labels is None else (LABELS[task.splits.folds[0][0]] == 0).sum())
    assert len(fold.data.x_validation) == 0
    assert "320 training rows" in task.error_in_words
    measures = fold.measure(on_the_line(fold.data.x_measured))
    assert measures["error"] < 0.2
    assert measures["flagged"] <= 0.02 if labels is None else measures["false_alarm_rate"] <= 0.02


def test_columns_that_never_vary_do_not_blind_the_score():
    x = np.column_stack([X, np.ones(len(X), np.float32)])
    parts = AnomalyScore.fit(x, views=VIEWS, seed=0).columns(x)
    errors = reconstruction_columns(x, x, error_scale(x, x))
    assert all(np.isfinite(part).all() for part in (*parts.values(), errors))


def test_labels_are_understood_by_value_by_sound_by_rarity_or_by_name():
    assert read_labels(np.array([0, 1, 0]), None, "t")[1] == "1"
    assert read_labels(np.array(["fraud", "ok", "fraud"]), None, "t")[1] == "fraud"
    assert read_labels(np.array(["a", "b", "a"]), None, "t")[1] == "b"
    assert read_labels(np.array(["a", "b", "c"]), "c", "t")[0].tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("target", "options", "error", "message"),
    [
        (np.ones(400, int), {}, DataError, "every row is labelled an anomaly"),
        (np.arange(400) % 3, {}, DataError, r"say \[task\] anomaly"),
        (LABELS, {"anomaly": "7"}, DataError, r"\[task\] anomaly: no row is labelled '7'"),
        (None, {"metric": "roc_auc"}, DataError, "there are no labels"),
        (LABELS, {"metric": "accuracy"}, ConfigError, r"\[task\] metric: must be one of perturbed"),
        (LABELS, {"false_alarm_rate": 0.0}, ConfigError, r"\[task\] false_alarm_rate"),
        (LABELS, {"train_on": "some"}, ConfigError, r"\[task\] train_on: must be one of normal, all"),
    ],
)
def test_bad_input_is_one_line_that_names_it(target, options, error, message):
    with pytest.raises(error, match=message) as caught:
        task_from_arrays(X, target, kind="anomaly", **options)
    assert "\n" not in str(caught.value)


RARE = (np.arange(400) < 3).astype(int)


def test_rows_without_an_anomaly_have_no_ranking_measures_and_are_judged_all_the_same():
    task = task_from_arrays(X, RARE, kind="anomaly", folds=5, test_fraction=0)
    folds = [task.fold(index) for index in range(5)]
    found = [fold.measure(on_the_line(fold.data.x_measured)) for fold in folds]
    assert sorted("roc_auc" in measures for measures in found) == [False, False, True, True, True]
    assert all(measures["error"] < 0.2 for measures in found)


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
def test_training_rows_of_one_kind_are_told_in_one_line_where_labels_choose(metric):
    fold = task_from_arrays(X, LABELS, kind="anomaly", metric=metric).training_fold()
    measure = dataclasses.replace(fold.measure, labels=np.zeros_like(fold.measure.labels))
    with pytest.raises(DataError, match=f"{metric}: the measured rows are all of one kind"):
        measure(on_the_line(fold.data.x_measured))


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (RARE, {"metric": "roc_auc", "folds": 5}, "of the 64 left-out rows of fold [1-5] of 5 none are labelled anom"),
        (
            RARE,
            {"metric": "average_precision", "validation": 2},
            "of the 2 validation rows none .* no average_precision",
        ),
        (
            RARE,
            {"metric": "roc_auc", "validation": 0.5, "test_fraction": 2 / 400},
            "of the 2 test rows none are labelled",
        ),
        (1 - (np.arange(400) < 4), {"folds": 5, "test_fraction": 0}, "too few normal rows to train on and to hold out"),
    ],
)
def test_rows_of_one_kind_are_refused_when_the_task_is_made(labels, options, message):
    with pytest.raises(DataError, match=message) as caught:
        task_from_arrays(X, labels, kind="anomaly", **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("training", "test", "options", "message"),
    [
        (LABELS, 1, {}, "t: the 50 test rows are all labelled anomalies; give normal ones among them"),
        (LABELS, 1, {"train_on": "all"}, None),
        (LABELS, 1, {"train_on": "all", "metric": "roc_auc"}, "of the 50 test rows all are labelled anomalies"),
        (LABELS, 0, {}, None),
        (LABELS, 0, {"metric": "roc_auc"}, 'of the 50 test rows none .* choose by metric = "perturbed"'),
        (1, 0, {}, "t: none of the rows is one to train on"),
    ],
)
def test_a_file_of_test_rows_of_one_kind_is_judged_or_refused_when_the_task_is_made(
    tmp_path, training, test, options, message
):
    frame = pd.DataFrame(X).rename(columns="c{}".format)
    frame.assign(label=training).to_csv(tmp_path / "t.csv", index=False)
    frame[:50].assign(label=test).to_csv(tmp_path / "new.csv", index=False)
    said = {"kind": "anomaly", "target": "label", "test": str(tmp_path / "new.csv"), **options}
    if message is None:
        fold = load_task(tmp_path / "t.csv", **said).test_fold()
        assert 0 <= fold.measure(on_the_line(fold.data.x_measured))["error"] <= 0.5
    else:
        with pytest.raises(DataError, match=message) as caught:
            load_task(tmp_path / "t.csv", **said)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "column",
    [LABELS, 5 - 2.0 * LABELS, np.where(np.arange(400) == 5, np.nan, LABELS), np.where(LABELS == 1, "attack", "usual")],
)
def test_a_feature_that_is_the_label_is_refused(column):
    frame = pd.DataFrame(X).rename(columns=str).assign(kind=column)
    with pytest.raises(DataError, match="column 'kind' is the label in other words"):
        task_from_arrays(frame, LABELS, kind="anomaly")


def test_a_feature_that_agrees_with_the_label_in_most_rows_is_kept():
    frame = pd.DataFrame(X).rename(columns=str).assign(kind=np.where(np.arange(400) < 41, "odd", "usual"))
    assert "kind" in task_from_arrays(frame, LABELS, kind="anomaly").table.features.text_names


@pytest.mark.parametrize("normal", [1, 2, 3])
def test_too_few_normal_rows_to_train_on_and_to_hold_out_are_refused(normal):
    labels = (np.arange(400) >= normal).astype(int)
    with pytest.raises(DataError, match=r"too few (normal )?rows to train on"):
        task_from_arrays(X, labels, kind="anomaly")
