"""Anomaly detection: a network that has learnt to give back usual rows gives unusual ones back worse.

It is trained on rows labelled normal, or on all rows where there are no labels. Unless labelled anomalies in the validation
rows are to choose, networks are told apart by how well their errors tell held-out rows from perturbed ones: copies with a
few values drawn anew. A network that copies its inputs errs on neither and gets 0.5, however small its reconstruction
error is; docs/benchmarks/anomaly.md compares this choice with that by reconstruction error. The threshold is a quantile of
the scores of held-out rows, at a stated rate of false alarms; no share of anomalies is assumed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ganas.errors import ConfigError, DataError
from ganas.search.plan import NetworkPlan
from ganas.seeds import stream
from ganas.tasks.anomaly_score import (
    VIEWS,
    AnomalyScore,
    Doubles,
    Surprise,
    error_scale,
    reconstruction_columns,
)
from ganas.tasks.autoencoding import AutoencoderTask, FoldRows, Judged
from ganas.tasks.leaks import columns_that_tell_classes
from ganas.tasks.metrics import area_under_roc
from ganas.tasks.settings import DataSettings
from ganas.tasks.splits import Rows
from ganas.tasks.table import Table
from ganas.training.contract import FloatArray

METRICS = ("perturbed", "average_precision", "roc_auc")
SCORES = {"reconstruction": VIEWS[:1], "combined": VIEWS}
"""The views that a score averages, by its name."""
MOST_REFERENCE_ROWS = 2000
FEWEST_HELD_OUT = 100
"""With fewer held-out rows a threshold at 1 % false alarms is little more than a guess, and the task says so."""
FEWEST_PERTURBED_ROWS = 500
"""Few held-out rows are perturbed several times each, so that chance does not choose the network."""
COPYING = 0.01
"""A network whose error on perturbed rows is below this share of their variance is the identity; no search keeps it."""
PERTURBED = 0.1
STRETCHED = 0.1
ANOMALY_WORDS = ("anomal", "outlier", "abnormal", "attack", "fraud", "novel")


def anomaly_task(table: Table, settings: DataSettings) -> AutoencoderTask:
    """Makes the task of finding the unusual rows of ``table``; a target with two values labels them.

    Raises:
        DataError: labels are needed and missing, or no row is normal, or a feature is the label, or rows that are to be learnt
            or measured are all of the wrong kind.
        ConfigError: the metric is unknown.
    """
    metric = settings.metric or "perturbed"
    if metric not in METRICS:
        raise ConfigError(f"[task] metric: must be one of {', '.join(METRICS)} for anomaly, got {metric!r}")
    labels, anomaly = (None, "") if table.target is None else read_labels(table.target, settings.anomaly, table.name)
    if labels is None and (metric != "perturbed" or settings.anomaly is not None):
        raise DataError(f'{table.name}: there are no labels; give a target, or choose by metric = "perturbed"')
    if labels is not None:
        _refuse_label_as_feature(table, labels)
    purpose = AnomalyDetection(len(table), labels, anomaly, metric, settings)
    task = AutoencoderTask(table, purpose, settings)
    _refuse_rows_of_one_kind(task, purpose)
    return task


def read_labels(target: NDArray[Any], anomaly: str | None, name: str) -> tuple[NDArray[np.bool_], str]:
    """Returns (rows,) whether each row is an anomaly, and the label that says so.

    Of two labels it is the one named ``anomaly``, else 1 or True, else the one that sounds like it, else the rarer one.

    Raises:
        DataError: there are more than two labels and none is named, or no row is normal.
    """
    texts = np.array([_text(value) for value in target])
    counts = Counter(texts.tolist())
    if anomaly is None:
        if len(counts) > 2:
            shown = ", ".join(sorted(counts)[:8])
            raise DataError(f"{name}: labels must be of two kinds, got {len(counts)} ({shown}); say [task] anomaly")
        said = [label for label in counts if label in ("1", "True", "true")]
        said += [label for label in counts if any(word in label.lower() for word in ANOMALY_WORDS)]
        if len(counts) == 1 and not said:
            return np.zeros(len(texts), bool), ""
        anomaly = said[0] if said else min(counts, key=lambda label: (counts[label], label))
    elif str(anomaly) not in counts:
        raise DataError(f"[task] anomaly: no row is labelled {anomaly!r}; labels are {', '.join(sorted(counts)[:8])}")
    labels = texts == str(anomaly)
    if labels.all():
        raise DataError(
            f"{name}: every row is labelled an anomaly ({anomaly}); there must be normal rows to learn from"
        )
    return labels, str(anomaly)


@dataclass(frozen=True, eq=False)
class AnomalyDetection:
    """What finding anomalies is about.

    Attributes:
        rows: of the table.
        labels: (rows,) whether a row is an anomaly; None: unknown.
        anomaly: the label that says so.
        metric: a name in ``METRICS``: which error networks are chosen by.
        settings: which rows are learnt, the score, and the rate of false alarms.
    """

    rows: int
    labels: NDArray[np.bool_] | None
    anomaly: str
    metric: str
    settings: DataSettings

    kind = "anomaly"

    @property
    def error_name(self) -> str:
        """What the error is, without the rows."""
        if self.metric == "perturbed":
            return "1 - ROC-AUC of telling rows from perturbed ones by their reconstruction error"
        return f"1 - {self.metric.replace('_', ' ')} of the {self.settings.score} score"

    @property
    def strata(self) -> NDArray[np.intp]:
        """(rows,) what splits are stratified by: the label where there is one."""
        return np.zeros(self.rows, np.intp) if self.labels is None else self.labels.astype(np.intp)

    def learnt(self, rows: Rows) -> Rows:
        """Returns the normal rows among ``rows``, or all of them where the labels are not to be looked at."""
        if self.labels is None or self.settings.train_on == "all":
            return rows
        return rows[~self.labels[rows]]

    def yardstick(self, training: Rows, held_out: Rows) -> tuple[Rows, Rows, Rows]:
        """Returns the rows of a split that measure others: those that views are fitted on, and that set scale and threshold.

        The scale's are at most ``MOST_REFERENCE_ROWS`` of the first; where nothing is held out, they set the threshold too.
        """
        learnt = self.learnt(training)
        reference = _some(learnt, self.settings.seed, "reference rows")
        return learnt, reference, self.learnt(held_out) if len(held_out) else reference

    def refuse(self, plan: NetworkPlan, inputs: int) -> None:
        """Refuses nothing: whether a network copies its inputs is measured, as ``copies``."""

    def judge(self, rows: FoldRows) -> Judged:
        """Returns reference, held-out, clean, perturbed and measured rows, in this order, and who judges the outputs on them."""
        seed = self.settings.seed
        learnt, *known = self.yardstick(rows.training, rows.held_out)
        reference, held_out = map(rows.inputs, known)
        measured = rows.inputs(rows.measured)
        labels = None if self.labels is None else self.labels[rows.measured]
        clean = rows.inputs(_some(self.learnt(rows.measured), seed, "rows to perturb"))
        copies = -(-FEWEST_PERTURBED_ROWS // len(clean))
        perturbed = perturb(np.repeat(clean, copies, axis=0), reference, seed)
        parts = (reference, held_out, clean, perturbed, measured)
        views = SCORES[self.settings.score]
        others = None
        if len(views) > 1:
            fitted = AnomalyScore.fit(rows.inputs(learnt), views=views, seed=seed)
            others = other_surprise(fitted, np.concatenate([reference, held_out]), measured)
        sizes = tuple(len(part) for part in parts)
        x = np.concatenate(parts)
        return Judged(
            x, AnomalyMeasure(x, sizes, labels, others, self.metric, len(views), self.settings.false_alarm_rate)
        )

    def notes(self, held_out: int) -> list[str]:
        """Warns of a threshold that rests on few of the ``held_out`` rows it may look at."""
        if held_out >= FEWEST_HELD_OUT:
            return []
        return [f"warning: {few_held_out(held_out, self.settings.false_alarm_rate)}"]

    def output(self) -> dict[str, Any]:
        """Says that outputs are reconstructions to be scored."""
        return {"reconstructs": True, "score": self.settings.score, "false_alarm_rate": self.settings.false_alarm_rate}

    def in_words(self) -> str:
        """Describes labels and what is trained on."""
        if self.labels is None:
            return "anomaly detection without labels: networks are trained on all rows"
        found = (
            f"{int(self.labels.sum()):,} rows are labelled {self.anomaly!r}" if self.anomaly else "no row is labelled"
        )
        which = "normal rows" if self.settings.train_on == "normal" else "all rows, labels unseen"
        return f"anomaly detection: {found}, {self.rows - int(self.labels.sum()):,} are normal; trained on {which}"

    def identity(self) -> dict[str, Any]:
        """Returns what decides the answers."""
        settings = self.settings
        said = {name: getattr(settings, name) for name in ("train_on", "score", "false_alarm_rate")}
        return {"metric": self.metric, "anomaly": self.anomaly, **said}


@dataclass(frozen=True)
class AnomalyMeasure:
    """Judges reconstructions of ``x``: reference, held-out, clean, perturbed and measured rows, one below the other.

    Attributes:
        sizes: the rows of each.
        labels: (measured,) whether a row is an anomaly, or None.
        others: (reference + held-out + measured,) the sum of the surprises of the views that need no network, or None.
        metric: which error counts.
        views: the number of views that the score averages.
        false_alarm_rate: of the threshold.
    """

    x: FloatArray
    sizes: tuple[int, ...]
    labels: NDArray[np.bool_] | None
    others: Doubles | None
    metric: str
    views: int
    false_alarm_rate: float
    step: ClassVar[float] = 0.0

    def __call__(self, outputs: FloatArray) -> dict[str, float]:
        """Returns the error, and what labels and threshold say of (rows, columns) ``outputs``.

        Raises:
            DataError: the error is by labels, and the measured rows are all of one kind.
        """
        reference = slice(0, self.sizes[0])
        scale = error_scale(self.x[reference], outputs[reference])
        raw = reconstruction_columns(self.x, outputs, scale).sum(axis=1)
        *parts, clean, perturbed, measured = np.split(raw, np.cumsum(self.sizes)[:-1])
        is_perturbed = np.arange(len(clean) + len(perturbed)) >= len(clean)
        told_apart = area_under_roc(np.concatenate([clean, perturbed]), is_perturbed)
        known = np.concatenate(parts)
        scores = Surprise.fit(known).of(np.concatenate([known, measured]))
        if self.others is not None:
            scores = (scores + self.others) / self.views
        known_scores, scores = scores[: len(known)], scores[len(known) :]
        threshold = detection_threshold(known_scores[self.sizes[0] :], known_scores, self.false_alarm_rate)
        squared = float(((self.x - outputs) ** 2)[-len(measured) :].mean())
        is_copied = self._is_copied(outputs, slice(sum(self.sizes[:3]), sum(self.sizes[:4])))
        measures = {"told_from_perturbed": told_apart, "squared_error": squared, "threshold": threshold}
        measures["copies"] = float(is_copied)
        measures |= judge_flags(scores, threshold, self.labels)
        if self.metric != "perturbed" and self.metric not in measures:
            raise DataError(f"{self.metric}: the measured rows are all of one kind; give normal rows and anomalies")
        gain = told_apart if self.metric == "perturbed" else measures[self.metric]
        return {"error": 1 - gain, **measures}

    def _is_copied(self, outputs: FloatArray, perturbed: slice) -> bool:
        """Returns whether perturbed rows are given back as they are, which nobody can who knows how columns hang together."""
        x = self.x[perturbed].astype(np.float64)
        return float(((x - outputs[perturbed]) ** 2).mean()) < COPYING * float(x.var(axis=0).mean())


def few_held_out(rows: int, false_alarm_rate: float) -> str:
    """Says that so few held-out ``rows`` support a threshold."""
    return (
        f"only {rows:,} held-out normal rows support the threshold; expected at least {FEWEST_HELD_OUT}, so false alarms may "
        f"be far from {false_alarm_rate:g}; give more rows, or hold out more"
    )


def other_surprise(fitted: AnomalyScore, known: FloatArray, x: FloatArray) -> Doubles:
    """Returns (known + x,) the sum of the surprises of the views that need no network; the ``known`` rows set the scale."""
    total = np.zeros(len(known) + len(x))
    for values in fitted.sums(np.concatenate([known, x])).values():
        total += Surprise.fit(values[: len(known)]).of(values)
    return total


def perturb(x: FloatArray, others: FloatArray, seed: int) -> FloatArray:
    """Returns a perturbed copy of (rows, columns) ``x``: about a tenth of each row's values, at least one, are drawn anew.

    They are uniform over the column's range in ``others``, stretched by a tenth at both ends: the uniform contrast by which
    telling rows apart becomes estimating their density (Hastie, Tibshirani & Friedman 2009, section 14.2.4). Few values
    are changed, so that a row stays close to the rest of itself and only its relations break.
    """
    rng = stream(seed, "perturbed rows")
    rows, columns = x.shape
    is_drawn = rng.random((rows, columns)) < PERTURBED
    is_drawn[np.arange(rows), rng.integers(columns, size=rows)] = True
    low, high = others.min(axis=0), others.max(axis=0)
    margin = STRETCHED * (high - low)
    return np.where(is_drawn, rng.uniform(low - margin, high + margin, (rows, columns)), x).astype(np.float32)


def threshold_at(scores: Doubles, false_alarm_rate: float) -> float:
    """Returns the score that a new normal row exceeds with at most the given probability.

    It is the conformal quantile of the (rows,) ``scores`` of held-out normal rows (Bates et al. 2023,
    https://arxiv.org/abs/2104.08279). Too few of them for so small a rate have no such quantile: there the largest quarter
    is taken for the beginning of an exponential tail, which is followed beyond the largest score.
    """
    rows = len(scores)
    place = int(np.ceil((rows + 1) * (1 - false_alarm_rate))) - 1
    ordered = np.sort(scores)
    if place < rows or rows < 2:
        return float(ordered[min(place, rows - 1)])
    count = max(1, rows // 4)
    start, tail = ordered[-count - 1], ordered[-count:]
    beyond = start + (tail - start).mean() * np.log(count / (rows + 1) / false_alarm_rate)
    return float(max(beyond, ordered[-1]))


def detection_threshold(held_out: Doubles, known: Doubles, false_alarm_rate: float) -> float:
    """Returns the threshold of (rows,) ``held_out`` scores; where they are few, not below the one that all ``known`` would set.

    The networks hardly overfit, so that training rows, of which there are more, score much as new ones do; but the
    promise of a rate rests on held-out rows alone.
    """
    threshold = threshold_at(held_out, false_alarm_rate)
    if len(held_out) >= FEWEST_HELD_OUT:
        return threshold
    return max(threshold, threshold_at(known, false_alarm_rate))


def judge_flags(scores: Doubles, threshold: float, labels: NDArray[np.bool_] | None) -> dict[str, float]:
    """Returns what a threshold on (rows,) ``scores`` amounts to; with labels of both kinds, ranking measures too."""
    flags = scores > threshold
    if labels is None:
        return {"flagged": float(flags.mean())}
    hits, alarms = float((flags & labels).sum()), float((flags & ~labels).sum())
    missed, passed = float((~flags & labels).sum()), float((~flags & ~labels).sum())
    rows, anomalies = len(labels), float(labels.sum())
    precision = hits / (hits + alarms) if hits + alarms else 0.0
    recall = hits / anomalies if anomalies else 0.0
    both = precision + recall
    measures = {
        "flagged": float(flags.mean()),
        "accuracy": (hits + passed) / rows,
        "always_normal_accuracy": 1 - anomalies / rows,
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / both if both else 0.0,
        "lift": precision / (anomalies / rows) if anomalies else 0.0,
        "false_alarm_rate": alarms / (alarms + passed) if alarms + passed else 0.0,
        "true_positives": hits,
        "false_positives": alarms,
        "false_negatives": missed,
        "true_negatives": passed,
    }
    if 0 < anomalies < rows:
        measures |= {
            "roc_auc": area_under_roc(scores, labels),
            "average_precision": average_precision(scores, labels),
        }
    return measures


def average_precision(scores: Doubles, labels: NDArray[np.bool_]) -> float:
    """Returns the mean precision at the anomalies' scores, rows of equal score taken together; (rows,) each."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(labels[order])[ends]
    gained = np.diff(np.concatenate([[0], hits]))
    return float((gained * hits / (ends + 1)).sum() / max(hits[-1], 1))


def _some(rows: Rows, seed: int, name: str) -> Rows:
    if len(rows) <= MOST_REFERENCE_ROWS:
        return rows
    return np.sort(stream(seed, name).choice(rows, MOST_REFERENCE_ROWS, replace=False))


def _text(value: Any) -> str:
    """Returns a label as text; 1.0 is "1"."""
    return str(int(value)) if isinstance(value, float | np.floating) and float(value).is_integer() else str(value)


def _refuse_rows_of_one_kind(task: AutoencoderTask, purpose: AnomalyDetection) -> None:
    """Refuses folds without normal rows to learn from, and rows to measure that leave the error without a value."""
    for training, held_out in task.splits.folds:
        if len(purpose.learnt(training)) < 2 or (len(held_out) and not len(purpose.learnt(held_out))):
            raise DataError(f"{task.name}: too few normal rows to train on and to hold out; give more rows")
    labels = purpose.labels
    for where, rows in task.rows_to_measure():
        if not len(purpose.learnt(rows)):
            raise DataError(f"{task.name}: {where} are all labelled anomalies; give normal ones among them, to perturb")
        if purpose.metric != "perturbed" and labels is not None and len(set(labels[rows].tolist())) < 2:
            which = "all" if labels[rows[0]] else "none"
            raise DataError(
                f"{task.name}: of {where} {which} are labelled anomalies, so they have no {purpose.metric}; give more rows or "
                'other splits, or choose by metric = "perturbed"'
            )


def _refuse_label_as_feature(table: Table, labels: NDArray[np.bool_]) -> None:
    """Refuses a column with one value on all anomalies and another on all normal rows, holes aside."""
    for name in columns_that_tell_classes(table.features, labels.astype(np.intp)):
        raise DataError(f"{table.name}: column {name!r} is the label in other words; leave it out of the features")
