"""Features: how well a simple probe can tell classes apart by what an autoencoder's bottleneck says of a row.

The autoencoder sees no labels. After its training the probe is fitted on the codes of training rows, and the error is the
probe's on the measured rows. Beside it: how active the units of the bottleneck are (Jeon & Moon 2017).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganas.errors import ConfigError, DataError, SpaceError
from ganas.search.plan import NetworkPlan
from ganas.seeds import stream
from ganas.tasks.autoencoding import AutoencoderTask, FoldRows, Judged
from ganas.tasks.classification import encode_labels
from ganas.tasks.settings import DataSettings
from ganas.tasks.splits import Rows
from ganas.tasks.table import Table, require_target
from ganas.training.contract import FloatArray

MOST_PROBE_ROWS = 10_000
"""Training rows that the probe is fitted on, drawn where there are more."""
IS_ACTIVE = 1e-3
"""A unit counts as active on a row where its output is at least this far from 0."""


def features_task(table: Table, settings: DataSettings) -> AutoencoderTask:
    """Makes the task of finding a code by which the classes of ``table`` are told apart.

    Raises:
        DataError: there is no target, or a single class.
        ConfigError: a metric is asked for that is not the probe's accuracy.
    """
    if settings.metric not in (None, "accuracy"):
        raise ConfigError(f'[task] metric: features are measured by the "accuracy" of a probe, got {settings.metric!r}')
    labels, codes = encode_labels(require_target(table))
    if len(labels) < 2:
        raise DataError(f"{table.name}: the target has one class only ({labels[0]!r}); expected at least two")
    return AutoencoderTask(table, Features(codes, len(labels), settings.probe, settings.seed), settings)


@dataclass(frozen=True, eq=False)
class Features:
    """What finding features is about; ``codes``: (rows,) the class of every row, which the probe alone sees."""

    codes: NDArray[np.intp]
    classes: int
    probe: str
    seed: int

    kind = "features"

    @property
    def error_name(self) -> str:
        """What the error is, without the rows."""
        return f"1 - accuracy of a {self.probe} probe on the code"

    @property
    def strata(self) -> NDArray[np.intp]:
        """(rows,) the class."""
        return self.codes

    def learnt(self, rows: Rows) -> Rows:
        """Returns all rows."""
        return rows

    def refuse(self, plan: NetworkPlan, inputs: int) -> None:
        """Refuses a code as wide as the input that is trained without noise on its inputs: it could copy them.

        Raises:
            SpaceError: it could.
        """
        is_noisy = plan.corruption is not None and plan.corruption.rate > 0
        if not is_noisy and min(layer.units for layer in plan.layers) >= inputs:
            raise SpaceError(
                f"bottleneck: must be narrower than the {inputs} inputs, or the inputs be corrupted; it could copy them"
            )

    def judge(self, rows: FoldRows) -> Judged:
        """Returns training rows for the probe and the measured rows, one below the other, and the probe."""
        fitted = rows.training
        if len(fitted) > MOST_PROBE_ROWS:
            fitted = np.sort(stream(self.seed, "probe rows").choice(fitted, MOST_PROBE_ROWS, replace=False))
        both = np.concatenate([fitted, rows.measured])
        return Judged(rows.inputs(both), ProbeMeasure(self.codes[both], len(fitted), self.probe), layer="bottleneck")

    def notes(self, held_out: int) -> list[str]:
        """Returns nothing."""
        return []

    def output(self) -> dict[str, Any]:
        """Says that outputs are scaled inputs."""
        return {"reconstructs": True}

    def in_words(self) -> str:
        """Describes the purpose."""
        return f"features: a {self.probe} probe tells {self.classes} classes apart by the code of an autoencoder"

    def identity(self) -> dict[str, Any]:
        """Returns what decides the answers."""
        return {"probe": self.probe, "classes": self.classes}


@dataclass(frozen=True)
class ProbeMeasure:
    """Judges codes: fits a probe on the first ``fitted`` rows and asks it about the others; ``codes``: (rows,) their classes."""

    codes: NDArray[np.intp]
    fitted: int
    probe: str

    @property
    def step(self) -> float:
        """The share of one row that the probe is asked about."""
        return 1 / (len(self.codes) - self.fitted)

    def __call__(self, outputs: FloatArray) -> dict[str, float]:
        """Returns the probe's error and accuracy, and how active the units of (rows, units) ``outputs`` are."""
        known, asked = outputs[: self.fitted].astype(np.float64), outputs[self.fitted :].astype(np.float64)
        spread = known.std(axis=0)
        centre, scale = known.mean(axis=0), np.where(spread > 0, spread, 1.0)
        said = PROBES[self.probe]((known - centre) / scale, self.codes[: self.fitted], (asked - centre) / scale)
        accuracy = float(np.mean(said == self.codes[self.fitted :]))
        return {"error": 1 - accuracy, "accuracy": accuracy, **activity(asked)}


def activity(codes: NDArray[np.float64]) -> dict[str, float]:
    """Returns how active units are, from their (rows, units) outputs: the mean, its extremes over units, and shares.

    ``mean_activation`` is the mean output; ``active_share`` the share of (row, unit) pairs away from 0; ``dead_share`` the
    share of units that are so on no row.
    """
    means = codes.mean(axis=0)
    is_active = np.abs(codes) >= IS_ACTIVE
    return {
        "mean_activation": float(means.mean()),
        "least_active_unit": float(means.min()),
        "most_active_unit": float(means.max()),
        "active_share": float(is_active.mean()),
        "dead_share": float((~is_active.any(axis=0)).mean()),
    }


def linear_probe(x: NDArray[np.float64], codes: NDArray[np.intp], asked: NDArray[np.float64]) -> NDArray[np.intp]:
    """Fits multinomial logistic regression and returns the classes of ``asked`` rows."""
    from sklearn.linear_model import LogisticRegression

    return _fitted(LogisticRegression(max_iter=200, C=1.0), x, codes, asked)


def network_probe(x: NDArray[np.float64], codes: NDArray[np.intp], asked: NDArray[np.float64]) -> NDArray[np.intp]:
    """Fits a ReLU network of three equal layers by plain gradient descent (the paper's classifier, a quarter as wide)."""
    from sklearn.neural_network import MLPClassifier

    options = {"solver": "sgd", "learning_rate_init": 0.05, "momentum": 0.0, "batch_size": 100, "alpha": 0.0}
    network = MLPClassifier((256, 256, 256), max_iter=20, random_state=0, n_iter_no_change=20, **options)
    return _fitted(network, x, codes, asked)


def _fitted(
    probe: Any, x: NDArray[np.float64], codes: NDArray[np.intp], asked: NDArray[np.float64]
) -> NDArray[np.intp]:
    from threadpoolctl import threadpool_limits

    # One thread: the last bits of a product may depend on the number of threads, and answers must not.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unfinished fit is a poor probe, and its error says so
        return np.asarray(probe.fit(x, codes).predict(asked))


PROBES = {"linear": linear_probe, "network": network_probe}
"""Probes by name."""
