"""Classification and regression: folds a trainer can use, one error, and one clear line for what cannot be learned."""

import datetime
import json
import pickle

import numpy as np
import pandas as pd
import pytest

from ganas.errors import ConfigError, DataError, SpaceError
from ganas.search.plan import mlp_plan
from ganas.search.words import LOSS_ALIASES
from ganas.tasks import METRICS, Task, load_task, task_from_arrays
from ganas.tasks.losses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES, fitting_loss

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 4))
LABELS = np.where(X[:, 0] > 0.5, "yes", "no")
NUMBERS = 1000 + 50 * X[:, 1]


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_every_supervised_kind_keeps_the_contract(kind: str) -> None:
    task = task_from_arrays(X, LABELS if kind == "classification" else NUMBERS, kind=kind, folds=3)
    assert isinstance(task, Task)
    assert (task.kind, task.inputs, task.folds) == (kind, 4, 3)
    plan = task.complete(mlp_plan([5]))
    assert (plan.head, plan.loss) == (task.head, task.losses[0])
    for index in range(3):
        fold = task.fold(index)
        data = fold.data
        assert data.x_train.dtype == data.y_train.dtype == np.float32
        assert data.y_train.shape == (len(data.x_train), task.head.units)
        perfect = pickle.loads(pickle.dumps(fold.measure))(data.y_validation)
        assert perfect["error"] == pytest.approx(0, abs=1e-4)
        assert {name for name in METRICS if METRICS[name].kind == kind} <= set(perfect)
    test = task.test_fold()
    assert test.data.x_measured is not None
    assert len(test.data.x_measured) == 20
    assert json.loads(json.dumps(task.pipeline()))["task"] == kind
    assert any("rows:" in line for line in task.in_words())


def test_targets_are_one_hot_in_the_order_of_the_labels() -> None:
    task = task_from_arrays(X, LABELS, test_fraction=0, validation=0)
    data = task.fold(0).data
    np.testing.assert_array_equal(data.y_train[:, 1] == 1, LABELS == "yes")
    assert task.pipeline()["output"]["labels"] == ["no", "yes"]


@pytest.mark.parametrize("labels", [["no", "yes"], [False, True], [3, 8], [0.0, 1.0], [1, "one"]])
def test_labels_of_any_type_are_classes(labels: list[object]) -> None:
    target = np.array([labels[index % 2] for index in range(100)], object)
    task = task_from_arrays(X, target)
    assert task.kind == "classification"
    assert [str(label) for label in task.pipeline()["output"]["labels"]] == [
        str(int(v) if isinstance(v, float) else v) for v in labels
    ]


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (np.arange(100) % 20, "classification"),
        (np.arange(100) % 21, "regression"),
        (np.arange(100) % 3 + 0.5, "regression"),
        (np.array([float(index) for index in range(100)], object), "regression"),
        (pd.Series(range(100), dtype="Int64"), "regression"),
        (pd.Series(["a", "b"] * 50, dtype="category"), "classification"),
        (np.arange(100) % 2 == 0, "classification"),
        (np.array([f"c{index % 30}" for index in range(100)]), "classification"),
    ],
)
def test_the_kind_is_inferred_from_the_target(target: object, kind: str) -> None:
    task = task_from_arrays(X, target)
    assert task.kind == kind
    assert any(line.startswith(kind) for line in task.in_words())


def test_regression_learns_standardised_numbers_and_errs_in_target_units() -> None:
    task = task_from_arrays(X, NUMBERS)
    fold, output = task.fold(0), task.pipeline()["output"]
    assert abs(fold.data.y_train.mean()) < 1e-5
    assert fold.data.y_train.std() == pytest.approx(1, abs=1e-5)
    nothing_learned = fold.measure(np.zeros_like(fold.data.y_validation))
    values = fold.data.y_validation[:, 0] * output["scale"]
    assert nothing_learned["error"] == pytest.approx(np.sqrt((values**2).mean()), rel=1e-5)


def test_targets_whose_squares_vanish_are_refused_and_tiny_ones_are_standardised() -> None:
    with pytest.raises(DataError, match=r"varies only between 0 and 9\.9e-199, .*; give it in a smaller unit"):
        task_from_arrays(X, np.arange(100) * 1e-200)
    targets = task_from_arrays(X, np.arange(100) * 1e-150).fold(0).data.y_train
    assert targets.std() == pytest.approx(1, abs=1e-5)


def test_without_validation_rows_the_training_rows_are_measured_and_it_is_said() -> None:
    task = task_from_arrays(X, LABELS, validation=0)
    fold = task.fold(0)
    assert fold.data.x_validation.shape == (0, 4)
    assert fold.data.x_measured is not None
    np.testing.assert_array_equal(fold.data.x_measured, fold.data.x_train)
    assert task.error_in_words == "1 - accuracy on the 80 training rows (there are no validation rows)"


def test_class_weights_make_every_class_count_the_same() -> None:
    task = task_from_arrays(X, LABELS, class_weights=True)
    data = task.fold(0).data
    assert data.w_train is not None
    sums = data.w_train @ data.y_train
    assert sums[0] == pytest.approx(sums[1], rel=1e-5)
    assert task_from_arrays(X, LABELS).fold(0).data.w_train is None


def test_the_metric_decides_the_error_and_its_words() -> None:
    task = task_from_arrays(X, LABELS, metric="log_loss")
    fold = task.fold(0)
    measures = fold.measure(np.full_like(fold.data.y_validation, 0.5))
    assert measures["error"] == measures["log_loss"] == pytest.approx(np.log(2))
    assert task.error_in_words == "log loss on 16 validation rows"


RARE = np.where(np.arange(100) < 3, "yes", "no")


@pytest.mark.parametrize("options", [{"folds": 5}, {}, {"validation": "test"}, {"validation": 0}])
@pytest.mark.parametrize("labels", [RARE, np.where(np.arange(100) < 4, RARE, "so")])
def test_rows_that_lack_a_class_are_measured_all_the_same(options: dict[str, object], labels: object) -> None:
    task = task_from_arrays(X, labels, **options)
    for fold in (*(task.fold(index) for index in range(task.folds)), task.training_fold(), task.test_fold()):
        rows = len(fold.data.x_validation if fold.data.x_measured is None else fold.data.x_measured)
        outputs = np.full((rows, task.head.units), 1 / task.head.units, np.float32)
        assert {"error", "accuracy", "log_loss"} <= set(fold.measure(outputs))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 5}, "arrays: the 16 left-out rows of fold [1-5] of 5 are all of class 'no'"),
        ({"validation": 2}, "the 2 validation rows are all of class 'no', and .* 'roc_auc' needs several; give more"),
        ({"validation": 0.5, "test_fraction": 0.02}, "the 2 test rows are all of class 'no'"),
    ],
)
def test_a_metric_that_measured_rows_cannot_have_is_refused_when_the_task_is_made(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        task_from_arrays(X, RARE, metric="roc_auc", **options)
    assert "\n" not in str(caught.value)
    assert task_from_arrays(X, LABELS, metric="roc_auc", folds=5).folds == 5


def test_the_fingerprint_hears_data_splits_and_preprocessing_and_nothing_else() -> None:
    def fingerprint(x: object = X, y: object = LABELS, **options: object) -> dict[str, object]:
        return task_from_arrays(x, y, **options).fingerprint()

    first = fingerprint()
    assert fingerprint(X.copy(), name="another name") == first
    changed = X.copy()
    changed[3, 2] += 1
    flipped = LABELS.copy()
    flipped[0] = "yes" if flipped[0] == "no" else "no"
    others = [
        fingerprint(changed),
        fingerprint(X, flipped),
        *(fingerprint(**o) for o in ({"seed": 1}, {"pca": 2}, {"folds": 2})),
    ]
    assert all(other != first for other in others)
    assert json.loads(json.dumps(first)) == first


def test_texts_that_hardly_come_again_are_no_classes() -> None:
    numbers = [f"{value:.3f}" for value in np.linspace(0, 1, 60)]
    with pytest.raises(DataError, match=r"60 different texts in 60 rows, such as '0,000'; .* \(3\.14, not 3,14\)"):
        task_from_arrays(np.arange(120.0).reshape(60, 2), [word.replace(".", ",") for word in numbers])
    stray = [*numbers[:-1], "unknown"]
    with pytest.raises(DataError, match="such as 'unknown'"):
        task_from_arrays(np.arange(120.0).reshape(60, 2), stray)
    with pytest.raises(DataError, match="regression needs a target of numbers, got 'unknown'"):
        task_from_arrays(np.arange(120.0).reshape(60, 2), stray, kind="regression")


def test_whole_numbers_beyond_a_double_are_no_target_of_regression() -> None:
    with pytest.raises(DataError, match=r"regression needs a target of numbers, got '10{39}'; or set kind"):
        task_from_arrays(np.arange(120.0).reshape(60, 2), [10**400, 1] * 30, kind="regression")


def test_texts_are_classes_where_that_is_said_or_where_most_come_again() -> None:
    names, x = [f"person {max(row, row // 2 + 10)}" for row in range(40)], np.arange(80.0).reshape(40, 2)
    with pytest.raises(DataError, match='if these are labels, set kind = "classification"'):
        task_from_arrays(x, names)
    assert len(task_from_arrays(x, names, kind="classification", test_fraction=0.1, validation=2).problem.labels) == 30
    pairs = [f"kind {row // 2}" for row in range(22)] + ["one", "another"]
    assert len(task_from_arrays(x[:24], pairs).problem.labels) == 13


@pytest.mark.parametrize(
    ("target", "found"),
    [
        (np.arange(60).astype("timedelta64[s]"), "timedelta"),
        (np.arange(60).astype("datetime64[D]"), "datetime"),
        (np.ma.masked_less(np.arange(60), 1).astype("datetime64[ns]"), "datetime"),
        (pd.Series(pd.date_range("2024-01-01", periods=60)), "datetime"),
        (pd.Series(pd.date_range("2024-01-01", periods=3, tz="UTC").repeat(20)), "datetime"),
        (pd.Series(pd.period_range("2024", periods=3).repeat(20)), "period"),
        ([datetime.date(2024, 1, 1 + row % 3) for row in range(59)] + [None], "date"),
    ],
    ids=["durations", "array", "masked", "series", "of three values", "periods", "objects with a hole"],
)
@pytest.mark.parametrize("kind", [None, "regression", "classification"])
def test_dates_are_no_target_of_any_kind(target, found, kind) -> None:
    with pytest.raises(DataError, match=rf"^target: holds dates or durations \({found}\); expected labels"):
        task_from_arrays(np.arange(120.0).reshape(60, 2), target, kind=kind)


def test_every_loss_has_a_name_that_keras_knows() -> None:
    keras = pytest.importorskip("keras")
    for name in {*CLASSIFICATION_LOSSES, *REGRESSION_LOSSES, *LOSS_ALIASES.values()}:
        assert keras.losses.get(name) is not None


def test_short_names_of_losses_are_understood_and_unknown_ones_refused() -> None:
    assert fitting_loss("kl", CLASSIFICATION_LOSSES) == "kl_divergence"
    assert fitting_loss(None, REGRESSION_LOSSES) == "mean_squared_error"
    with pytest.raises(SpaceError, match="did you mean 'huber'"):
        fitting_loss("hubr", REGRESSION_LOSSES)
    with pytest.raises(SpaceError, match="loss 'kl_divergence': must be one of mean_squared_error"):
        task_from_arrays(X, NUMBERS).complete(mlp_plan([4], loss="kl_divergence"))
    with pytest.raises(SpaceError, match=r"log_cosh$"):  # another name of a loss that does not fit is no help
        fitting_loss("kld", REGRESSION_LOSSES)


@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        (X, ["a"] * 100, {}, "one class only"),
        (X, np.full(100, 3.5), {"kind": "regression"}, "target is 3.5 in every row"),
        (X, LABELS, {"kind": "regression"}, "needs a target of numbers, got '"),
        (X, ["1_0", *map(str, range(99))], {"kind": "regression"}, "needs a target of numbers, got '1_0'"),
        (X, np.where(np.arange(100) == 3, np.inf, NUMBERS), {}, r"of finite numbers, got inf \(1 of 100 rows\); leave"),
        (
            X,
            np.where(np.arange(100) < 2, -np.inf, LABELS == "no"),
            {},
            r"of finite numbers, got -inf \(2 of 100 rows\)",
        ),
        (X, np.where(np.arange(100) == 3, 1e39, NUMBERS), {}, r"of finite numbers, got 1e\+39"),
        (X[:3], ["a", "b", "b"], {"folds": 4, "test_fraction": 0}, "4 folds of 3 rows"),
        (X, LABELS, {"pca": 5}, "5 components of 4 inputs"),
        (X, LABELS[:50], {}, "100 rows of features but 50 targets"),
        (X[:, 0], LABELS, {}, "must have rows and columns"),
        (X, np.zeros((100, 2)), {}, "one value per row"),
        (pd.DataFrame(X, columns=list("aabc")), LABELS, {}, "two columns are called 'a'"),
        (pd.DataFrame(X), [None] * 100, {}, "the target has no values"),
        (X[:0], LABELS[:0], {}, "there are no rows|expected rows"),
    ],
)
def test_what_cannot_be_learned_is_one_clear_line(
    x: object, y: object, options: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        task_from_arrays(x, np.asarray(y), **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "clustering"}, "kind: must be one of classification, regression"),
        ({"folds": 0}, "folds: must be at least 1"),
        ({"validation": "tst"}, 'a number of rows or "test"'),
        *[
            ({"validation": said}, f"below 1, or a number of rows from 2 on, got {said}")
            for said in (-0.1, 1.0, 2.5, np.nan)
        ],
        ({"class_weights": True, "kind": "regression"}, "class_weights: is for classification, and this is regression"),
        *[
            ({name: said}, rf"^\[task\] {name}: is for {kind}, and this is classification; leave {said!r} out, or set")
            for kind, name, said in [
                ("anomaly", "anomaly", "no"),
                ("anomaly", "train_on", "all"),
                ("anomaly", "score", "combined"),
                ("anomaly", "false_alarm_rate", 0.1),
                ("features", "probe", "network"),
            ]
        ],
        ({"test_fraction": 1.5}, "test_fraction"),
        ({"scaling": "robust"}, "must be one of standard, min_max"),
        ({"colour": "red"}, "'colour': unknown; known are"),
        ({"test": "new.csv"}, "data option 'test': is for files, and the data is given as arrays; got 'new.csv'"),
        ({"header": False}, "data option 'header': is for files"),
    ],
)
def test_a_wrong_option_is_one_clear_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        task_from_arrays(X, LABELS, **options)


def test_no_test_rows_means_no_reading_of_them() -> None:
    assert task_from_arrays(X, LABELS, test_fraction=0).test_fold() is None


def test_digits_need_no_download() -> None:
    task = load_task("digits")
    assert (task.inputs, task.head.units) == (64, 10)
    assert task.fold(0).data.x_train.max() == 1
