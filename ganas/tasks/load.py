"""The doors to tasks: from a name, a file or arrays to a :class:`~ganas.tasks.task.Task`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganas.errors import ConfigError
from ganas.tasks.anomaly import anomaly_task
from ganas.tasks.classification import classification_task
from ganas.tasks.datasets import DATASETS, OPENML, find_file, load_dataset
from ganas.tasks.features import features_task
from ganas.tasks.files import FILE_SETTINGS, read_table, refuse_file_settings
from ganas.tasks.frames import table_of_arrays
from ganas.tasks.reconstruction import reconstruction_task
from ganas.tasks.regression import regression_task
from ganas.tasks.settings import DataSettings, make_settings
from ganas.tasks.table import Table, require_target
from ganas.tasks.task import Task
from ganas.tasks.text import is_file_name

MOST_INTEGER_CLASSES = 20


def load_task(source: str | Path = "digits", **options: Any) -> Task:
    """Makes a task of a data set's name (see ``DATASETS``) or a file.

    Args:
        source: such as ``"digits"``, ``"openml:31"``, ``"table.csv"``.
        **options: the other fields of :class:`~ganas.tasks.settings.DataSettings`.

    Raises:
        DataError: the data cannot be had or cannot be used as asked.
        ConfigError: an option is unknown or out of range.
    """
    return make_task(make_settings(source=str(source), **options))


def task_from_arrays(
    features: Any, target: Any, *, kind: str | None = None, name: str = "arrays", **options: Any
) -> Task:
    """Makes a task of own data.

    Args:
        features: (rows, columns) numbers (uint8: pixels from 0 to 255), or a DataFrame of any types.
        target: (rows,) labels or numbers.
        kind: a name in ``KINDS``; None: infer it from the target.
        name: what to call the data.
        **options: the other fields of :class:`~ganas.tasks.settings.DataSettings` but those that say how to read a file.

    Raises:
        DataError: the data cannot be used as asked.
        ConfigError: an option is unknown, out of range, or says how to read a file.
    """
    for option in FILE_SETTINGS:
        if options.get(option) is not None:
            raise ConfigError(
                f"data option {option!r}: is for files, and the data is given as arrays; got {options[option]!r}, leave it out"
            )
    return task_of_table(table_of_arrays(features, target, name), make_settings(source=name, kind=kind, **options))


def make_task(settings: DataSettings) -> Task:
    """Makes the task that the settings describe; raises what :func:`load_task` raises."""
    return task_of_table(load_table(settings), settings)


def load_table(settings: DataSettings) -> Table:
    """Reads the table that the settings name: a file here, a file in ``GANAS_DATA``, or a data set by name."""
    name = settings.source
    known = DATASETS.get(name)
    here = Path(name) if is_file_name(name) else None
    if here is None or not here.exists():
        found = None if known is not None and known.is_bundled else find_file(name)
        here = found or here
    if here is None:
        if known is not None or name.startswith(OPENML):
            refuse_file_settings(settings, name)
        return load_dataset(name)
    # The file of a known data set ends with its target, whatever that is called.
    return read_table(here, dataclasses.replace(settings, target=-1) if known and settings.target is None else settings)


def task_of_table(table: Table, settings: DataSettings) -> Task:
    """Makes the task of the kind that is asked for, or inferred from the target."""
    kind = settings.kind or infer_kind(require_target(table))
    if kind not in KINDS:
        raise ConfigError(f"[task] kind: must be one of {', '.join(KINDS)}, got {kind!r}")
    settings.refuse_what_is_of_others(kind)
    return KINDS[kind](table, settings)


def infer_kind(target: NDArray[Any]) -> str:
    """Returns ``classification`` for strings, truth values and at most 20 distinct whole numbers, else ``regression``."""
    if target.dtype == np.bool_ or not np.issubdtype(target.dtype, np.number):
        return "classification"
    distinct = np.unique(target)
    is_whole = bool((np.isfinite(distinct) & (distinct == np.round(distinct))).all())
    return "classification" if is_whole and len(distinct) <= MOST_INTEGER_CLASSES else "regression"


KINDS: dict[str, Callable[[Table, DataSettings], Task]] = {
    "classification": classification_task,
    "regression": regression_task,
    "reconstruction": reconstruction_task,
    "features": features_task,
    "anomaly": anomaly_task,
}
"""Kinds of tasks by name."""
