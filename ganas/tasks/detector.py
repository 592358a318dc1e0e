"""A detector: what a few trained autoencoders and the other views say of new rows, with a threshold.

It holds numbers only, no networks: who has reconstructions asks it for scores. Several networks count by the mean of
their surprises, so that none outweighs the others by the size of its errors.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ganas.tasks.anomaly import detection_threshold
from ganas.tasks.anomaly_score import AnomalyScore, Doubles, Surprise, error_scale, reconstruction_columns
from ganas.training.contract import FloatArray

RECONSTRUCTION = "reconstruction"
ROWS_AT_ONCE = 10_000
"""Rows that are scored at a time, so that memory does not grow with their number."""


@dataclass(frozen=True)
class Detector:
    """How unusual rows are.

    Attributes:
        score: the views that need no network.
        scales: (columns,) errors on reference rows, for each network.
        surprises: the scale of each network's reconstruction errors.
        views: the scale of each other view, by name.
        held_out: the scale of the scores of held-out rows.
        known: that of the scores of reference and held-out rows.
        threshold: rows with a higher score are flagged.
    """

    score: AnomalyScore
    scales: tuple[Doubles, ...]
    surprises: tuple[Surprise, ...]
    views: Mapping[str, Surprise]
    held_out: Surprise
    known: Surprise
    threshold: float

    def scores(self, x: FloatArray, outputs: Sequence[FloatArray]) -> Doubles:
        """Returns the (rows,) scores of (rows, columns) inputs, given each network's reconstruction of them."""
        return np.asarray(np.mean(list(self.by_view(x, outputs).values()), axis=0))

    def by_view(self, x: FloatArray, outputs: Sequence[FloatArray]) -> dict[str, Doubles]:
        """Returns the (rows,) surprise of each view by name; of reconstruction, the mean over the networks."""
        starts = range(0, max(1, len(x)), ROWS_AT_ONCE)
        blocks = [slice(start, start + ROWS_AT_ONCE) for start in starts]
        parts = [self._by_view(x[block], [given[block] for given in outputs]) for block in blocks]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _by_view(self, x: FloatArray, outputs: Sequence[FloatArray]) -> dict[str, Doubles]:
        networks = [
            surprise.of(reconstruction_columns(x, given, scale).sum(axis=1))
            for scale, surprise, given in zip(self.scales, self.surprises, outputs, strict=True)
        ]
        others = {name: self.views[name].of(sums) for name, sums in self.score.sums(x).items()}
        return {RECONSTRUCTION: np.asarray(np.mean(networks, axis=0)), **others}

    def with_best_network(self) -> Detector:
        """Returns the detector that listens to the first network alone; its threshold is no longer calibrated."""
        return dataclasses.replace(self, scales=self.scales[:1], surprises=self.surprises[:1])

    def contributions(self, x: FloatArray, outputs: Sequence[FloatArray]) -> Doubles:
        """Returns how much of each row's score is owed to each column: (rows, columns), summing to the scores."""
        parts = self._parts(x, outputs)
        networks = [part for name, part in parts if name == RECONSTRUCTION]
        weights = {RECONSTRUCTION: 1 / max(1, len(networks))}
        views = len({name for name, _ in parts})
        total = np.zeros(x.shape)
        for name, (columns, surprise) in parts:
            share = columns / np.maximum(columns.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
            total += share * surprise[:, None] * weights.get(name, 1.0) / views
        return total

    def probabilities(self, scores: Doubles) -> Doubles:
        """Returns the (rows,) share of held-out rows that are less unusual than each of ``scores``; near 1 beyond them."""
        return np.asarray(-np.expm1(-self.held_out.of(scores)))

    def threshold_at(self, false_alarm_rate: float) -> float:
        """Returns the threshold at another rate of false alarms."""
        return detection_threshold(self.held_out.reference, self.known.reference, false_alarm_rate)

    def _parts(self, x: FloatArray, outputs: Sequence[FloatArray]) -> list[tuple[str, tuple[Doubles, Doubles]]]:
        """Returns each view's columns and surprises; reconstruction once per network."""
        parts = []
        for scale, surprise, given in zip(self.scales, self.surprises, outputs, strict=True):
            columns = reconstruction_columns(x, given, scale)
            parts.append((RECONSTRUCTION, (columns, surprise.of(columns.sum(axis=1)))))
        for name, columns in self.score.columns(x).items():
            parts.append((name, (_positive(columns), self.views[name].of(columns.sum(axis=1)))))
        return parts


def fit_detector(
    x: FloatArray,
    outputs: Sequence[FloatArray],
    *,
    reference: int,
    score: AnomalyScore,
    false_alarm_rate: float,
) -> Detector:
    """Fits a detector.

    Args:
        x: (rows, columns) inputs of the reference rows, which were trained on, and, below them, of the held-out rows; normal
            ones, as far as known.
        outputs: each network's reconstruction of ``x``.
        reference: so many first rows are reference rows.
        score: the views that need no network, fitted on training rows.
        false_alarm_rate: the share of rows like the held-out ones that may be flagged.
    """
    scales = tuple(error_scale(x[:reference], given[:reference]) for given in outputs)
    errors = [reconstruction_columns(x, given, scale) for given, scale in zip(outputs, scales, strict=True)]
    surprises = tuple(Surprise.fit(error.sum(axis=1)) for error in errors)
    known = {name: Surprise.fit(sums) for name, sums in score.sums(x).items()}
    nothing = Surprise.fit(np.zeros(1))
    unfinished = Detector(score, scales, surprises, known, nothing, nothing, 0.0)
    scores = unfinished.scores(x, outputs)
    detector = dataclasses.replace(unfinished, held_out=Surprise.fit(scores[reference:]), known=Surprise.fit(scores))
    return dataclasses.replace(detector, threshold=detector.threshold_at(false_alarm_rate))


def _positive(columns: Doubles) -> Doubles:
    """Returns columns from 0 on, because the penalty of the fullest bin of a histogram lies a little below 0."""
    return np.maximum(columns, 0.0)
