"""Metrics: what may be called the error of a task, and the measures beside it.

In NumPy alone, because they run in worker processes, which would pay a second each to import scikit-learn. The error is
always minimised: of a metric where more is better (at most 1) it is 1 - metric.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ganas.errors import ConfigError, DataError
from ganas.training.contract import FloatArray

Integers = NDArray[np.intp]
SMALLEST_PROBABILITY = 1e-7
MOST_CLASSES_TO_RANK = 2
"""With more classes the ROC-AUC, which sorts once per class, is computed only if it is the metric."""


@dataclass(frozen=True)
class Metric:
    """A number that compares what a network said, (rows, units), with the truth, (rows,).

    Attributes:
        kind: of task that it fits.
        compute: returns it for outputs and truth: class codes, or numbers in target units.
        is_gain: whether more is better.
        counts_rows: whether it changes only where the answer to a row becomes another.
        needs_classes: whether rows of a single class have none; they are measured without it, unless it is the chosen one.
    """

    kind: str
    compute: Callable[[FloatArray, NDArray[Any]], float]
    is_gain: bool
    counts_rows: bool = False
    needs_classes: bool = False


@dataclass(frozen=True)
class ClassMeasure:
    """Judges class probabilities on rows whose class codes are known."""

    metric: str
    codes: Integers

    @property
    def step(self) -> float:
        """The share of one row, where rows are counted; where classes count alike, that of a row of an average class."""
        return 1 / len(self.codes) if METRICS[self.metric].counts_rows else 0.0

    def __call__(self, outputs: FloatArray) -> dict[str, float]:
        """Returns the error and every classification metric of (rows, classes) ``outputs`` that the rows have.

        Raises:
            DataError: the metric that is the error needs several classes, and the rows hold one.
        """
        is_slow = outputs.shape[1] > MOST_CLASSES_TO_RANK
        needing = [name for name, metric in METRICS.items() if metric.needs_classes]
        skipped = needing if is_slow or is_single_class(self.codes) else []
        return _measures("classification", self.metric, outputs, self.codes, skipped)


@dataclass(frozen=True)
class NumberMeasure:
    """Judges numbers on rows whose targets are known; outputs times ``scale`` plus ``mean`` are in target units."""

    metric: str
    targets: NDArray[np.float64]
    mean: float
    scale: float
    step: ClassVar[float] = 0.0

    def __call__(self, outputs: FloatArray) -> dict[str, float]:
        """Returns the error and every regression metric, in target units, of (rows, 1) ``outputs``."""
        values = outputs[:, 0].astype(np.float64) * self.scale + self.mean
        return _measures("regression", self.metric, values, self.targets)


def metric_of(kind: str, name: str | None) -> str:
    """Returns ``name``, or the default metric of a kind of task.

    Raises:
        ConfigError: the metric is unknown or does not fit.
    """
    fitting = [known for known, metric in METRICS.items() if metric.kind == kind]
    if name is None:
        return fitting[0]
    if name not in fitting:
        raise ConfigError(f"[task] metric: must be one of {', '.join(fitting)} for {kind}, got {name!r}")
    return name


def error_name(metric: str) -> str:
    """Returns what the error of a metric is, in words."""
    words = (
        metric.replace("_", " ") if metric not in ("rmse", "mae", "r2", "roc_auc") else metric.upper().replace("_", "-")
    )
    return f"1 - {words}" if METRICS[metric].is_gain else words


def is_single_class(codes: Integers) -> bool:
    """Whether (rows,) class codes are all the same."""
    return bool((codes == codes[:1]).all())


def _measures(
    kind: str, chosen: str, outputs: FloatArray, truth: NDArray[Any], skipped: Sequence[str] = ()
) -> dict[str, float]:
    values = {
        name: float(metric.compute(outputs, truth))
        for name, metric in METRICS.items()
        if metric.kind == kind and (name not in skipped or name == chosen)
    }
    error = 1 - values[chosen] if METRICS[chosen].is_gain else values[chosen]
    return {"error": error, **values}


def accuracy(outputs: FloatArray, codes: Integers) -> float:
    """Returns the share of rows whose most probable class is the true one."""
    return float(np.mean(outputs.argmax(axis=1) == codes))


def balanced_accuracy(outputs: FloatArray, codes: Integers) -> float:
    """Returns the mean over the classes present of the share of their rows found."""
    hits, present, _ = _counts(outputs, codes)
    return float(np.mean(hits[present > 0] / present[present > 0]))


def macro_f1(outputs: FloatArray, codes: Integers) -> float:
    """Returns the mean F1 over the classes that are present or predicted."""
    hits, present, predicted = _counts(outputs, codes)
    either = present + predicted
    return float(np.mean(2 * hits[either > 0] / either[either > 0]))


def log_loss(outputs: FloatArray, codes: Integers) -> float:
    """Returns the mean negative log probability of the true class, in nats."""
    shares = outputs.astype(np.float64)
    shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), SMALLEST_PROBABILITY)
    own = shares[np.arange(len(codes)), codes]
    return float(0.0 - np.mean(np.log(np.clip(own, SMALLEST_PROBABILITY, 1))))


def roc_auc(outputs: FloatArray, codes: Integers) -> float:
    """Returns the area under the ROC curve; of several classes the mean over the classes present, each against the rest.

    Raises:
        DataError: the rows hold a single class.
    """
    if outputs.shape[1] == 2:
        return area_under_roc(outputs[:, 1], codes == 1)
    return float(np.mean([area_under_roc(outputs[:, code], codes == code) for code in np.unique(codes)]))


def area_under_roc(scores: FloatArray, is_positive: NDArray[np.bool_]) -> float:
    """Returns the share of (positive, negative) pairs of rows that (rows,) ``scores`` order rightly; ties count half.

    Raises:
        DataError: there are no positives or no negatives.
    """
    positives = int(is_positive.sum())
    negatives = len(is_positive) - positives
    if not positives or not negatives:
        raise DataError("ROC-AUC: the measured rows hold a single class; give more rows or another metric")
    if not np.isfinite(scores).all():
        return float("nan")
    _, places, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[places]
    return float((ranks[is_positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _counts(outputs: FloatArray, codes: Integers) -> tuple[Integers, Integers, Integers]:
    """Returns, per class, the rows found, the rows that are of it, and the rows said to be of it."""
    said, classes = outputs.argmax(axis=1), outputs.shape[1]
    hits = np.bincount(codes[said == codes], minlength=classes)
    return hits, np.bincount(codes, minlength=classes), np.bincount(said, minlength=classes)


def _rmse(values: FloatArray, targets: NDArray[Any]) -> float:
    return float(np.sqrt(np.mean((values - targets) ** 2)))


def _mae(values: FloatArray, targets: NDArray[Any]) -> float:
    return float(np.mean(np.abs(values - targets)))


def _r2(values: FloatArray, targets: NDArray[Any]) -> float:
    spread = np.sum((targets - targets.mean()) ** 2)
    # On rows whose targets are all equal there is nothing to explain: 0 rather than a division by 0.
    return float(1 - np.sum((values - targets) ** 2) / spread) if spread > 0 else 0.0


METRICS = {
    "accuracy": Metric("classification", accuracy, is_gain=True, counts_rows=True),
    "balanced_accuracy": Metric("classification", balanced_accuracy, is_gain=True, counts_rows=True),
    "macro_f1": Metric("classification", macro_f1, is_gain=True, counts_rows=True),
    "roc_auc": Metric("classification", roc_auc, is_gain=True, needs_classes=True),
    "log_loss": Metric("classification", log_loss, is_gain=False),
    "rmse": Metric("regression", _rmse, is_gain=False),
    "mae": Metric("regression", _mae, is_gain=False),
    "r2": Metric("regression", _r2, is_gain=True),
}
"""Metrics by name; the first of a kind is its default."""
