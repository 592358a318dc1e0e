"""What a user may say about data and task, as one frozen noun: the ``[data]`` and ``[task]`` sections of a config."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from ganas.errors import ConfigError

SCALINGS = ("standard", "min_max")
VALIDATION_ON_TEST = "test"
TRAINED_ON = ("normal", "all")
SCORES = ("reconstruction", "combined")
PROBES = ("linear", "network")
OF_KINDS = {
    "class_weights": ("classification",),
    "anomaly": ("anomaly",),
    "train_on": ("anomaly",),
    "score": ("anomaly",),
    "false_alarm_rate": ("anomaly",),
    "probe": ("features",),
}
"""Settings that mean something for some kinds of tasks only; the others do for all."""


@dataclass(frozen=True)
class DataSettings:
    """Which data, how it is split and prepared, and what is asked of it.

    Attributes:
        source: a name in ``DATASETS``, ``openml:<id>``, or a CSV, TSV (gzipped too), Parquet or NPZ file.
        target: the target column's name or position (-1: the last); None: the one that is called "target", "class" or "label".
        header: whether the file's first line names the columns; None: look.
        test: a file of test rows; None: the data set's official ones, else drawn.
        test_fraction: share of rows drawn for the test where there are no others; 0: none.
        validation: share of the other rows (from 2 on: their number) that validate; 0: all rows train and are measured;
            ``"test"``: all rows train and the test rows validate, as some publications do.
        train_rows: so many of the rows that are left to train on are drawn, and the others not used; None: all train.
        folds: from 2 on, cross-validation over the rows that are not test rows, instead of ``validation``.
        pca: principal components that replace the columns; None: the columns themselves.
        scaling: of number columns: ``"standard"`` (mean 0, standard deviation 1) or ``"min_max"`` (0 to 1). Pixels are always
            divided by their largest possible value instead.
        seed: of the splits.
        kind: a name in ``KINDS``; None: infer it from the target.
        metric: a name in ``METRICS``; None: accuracy or RMSE.
        class_weights: whether the loss weighs rows so that every class counts the same.
        anomaly: of anomaly detection, the label of an anomaly; None: see ``ganas.tasks.anomaly.read_labels``.
        train_on: of anomaly detection, ``"normal"`` rows or ``"all"`` of them, whatever their labels.
        score: of anomaly detection: ``"reconstruction"`` error alone, or ``"combined"`` with what needs no network.
        false_alarm_rate: of anomaly detection, the share of normal rows that may be flagged.
        probe: of features, what tells classes apart by them: a ``"linear"`` classifier or a ``"network"``.
    """

    source: str = "digits"
    target: str | int | None = None
    header: bool | None = None
    test: str | None = None
    test_fraction: float = 0.2
    validation: float | str = 0.2
    train_rows: int | None = None
    folds: int = 1
    pca: int | None = None
    scaling: str = "standard"
    seed: int = 0
    kind: str | None = None
    metric: str | None = None
    class_weights: bool = False
    anomaly: str | None = None
    train_on: str = "normal"
    score: str = "reconstruction"
    false_alarm_rate: float = 0.01
    probe: str = "linear"

    def __post_init__(self) -> None:
        if not 0 <= self.test_fraction < 1:
            raise ConfigError(f"[data] test_fraction: must be at least 0 and below 1, got {self.test_fraction}")
        if isinstance(self.validation, str):
            if self.validation != VALIDATION_ON_TEST:
                raise ConfigError(
                    f'[data] validation: must be a share, a number of rows or "test", got {self.validation!r}'
                )
        elif not (0 <= self.validation < 1 or (self.validation >= 2 and float(self.validation).is_integer())):
            raise ConfigError(
                "[data] validation: must be a share of at least 0 and below 1, or a number of rows from 2 on, got "
                f"{self.validation}"
            )
        if self.train_rows is not None and self.train_rows < 1:
            raise ConfigError(f"[data] train_rows: must be at least 1, got {self.train_rows}")
        if self.folds < 1:
            raise ConfigError(f"[data] folds: must be at least 1, got {self.folds}")
        if self.pca is not None and self.pca < 1:
            raise ConfigError(f"[data] pca: must be at least 1 component, got {self.pca}")
        if self.scaling not in SCALINGS:
            raise ConfigError(f"[data] scaling: must be one of {', '.join(SCALINGS)}, got {self.scaling!r}")
        for name, known in (("train_on", TRAINED_ON), ("score", SCORES), ("probe", PROBES)):
            if getattr(self, name) not in known:
                raise ConfigError(f"[task] {name}: must be one of {', '.join(known)}, got {getattr(self, name)!r}")
        if not 0 < self.false_alarm_rate < 1:
            raise ConfigError(f"[task] false_alarm_rate: must be above 0 and below 1, got {self.false_alarm_rate}")

    def refuse_what_is_of_others(self, kind: str) -> None:
        """Refuses settings that mean nothing for tasks of a ``kind``.

        Raises:
            ConfigError: one of them is not left at its default.
        """
        for name, kinds in OF_KINDS.items():
            value = getattr(self, name)
            if kind not in kinds and value != getattr(DataSettings, name):
                known = ", ".join(kinds)
                raise ConfigError(
                    f"[task] {name}: is for {known}, and this is {kind}; leave {value!r} out, or set the kind"
                )


def make_settings(**options: Any) -> DataSettings:
    """Makes settings of keyword arguments.

    Raises:
        ConfigError: an option is unknown or out of range.
    """
    known = [field.name for field in fields(DataSettings)]
    for name in options:
        if name not in known:
            raise ConfigError(f"data option {name!r}: unknown; known are {', '.join(known)}")
    return DataSettings(**options)
