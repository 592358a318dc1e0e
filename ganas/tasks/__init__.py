"""What a network is for: data, splits, preprocessing, and what "error" means.

- ``task``: the contract every kind of task keeps
- ``settings``: what a user may say about data and task
- ``load``: the doors (``load_task``, ``task_from_arrays``) and ``KINDS``
- ``datasets``: ``DATASETS`` by name; ``files`` (and ``text``): CSV, TSV, Parquet and NPZ; ``frames``: arrays and frames in memory
- ``table``, ``columns``: a data set as all kinds of tasks receive it; ``leaks``: columns that are the target in other words
- ``splits``, ``preprocessing``: which rows do what; from raw columns to inputs
- ``inputs``: new rows, read for an exported network
- ``table_task``: what all kinds of tasks on a table share
- ``supervised``, ``classification``, ``regression``: predicting a target
- ``autoencoding``, ``reconstruction``, ``features``, ``anomaly``: giving back the inputs; ``anomaly_score``: how unusual a row is;
  ``detector``: what ``ganas.AnomalyDetector`` fits
- ``losses``, ``metrics``: which losses fit; ``METRICS`` by name

Nothing here loads TensorFlow; pandas and scikit-learn are imported where they are used. Names are imported when first
used, so that listing the data sets does not pay for every kind of task.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganas.tasks.datasets import DATASETS, describe_datasets
    from ganas.tasks.load import KINDS, load_task, make_task, task_from_arrays
    from ganas.tasks.metrics import METRICS
    from ganas.tasks.settings import DataSettings
    from ganas.tasks.task import Fold, Measure, Task

_HOMES = {
    "DATASETS": "datasets",
    "describe_datasets": "datasets",
    "KINDS": "load",
    "load_task": "load",
    "make_task": "load",
    "task_from_arrays": "load",
    "METRICS": "metrics",
    "DataSettings": "settings",
    "Fold": "task",
    "Measure": "task",
    "Task": "task",
}

__all__ = [
    "DATASETS",
    "KINDS",
    "METRICS",
    "DataSettings",
    "Fold",
    "Measure",
    "Task",
    "describe_datasets",
    "load_task",
    "make_task",
    "task_from_arrays",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ganas.tasks' has no attribute {name!r}")
    return getattr(importlib.import_module(f"ganas.tasks.{_HOMES[name]}"), name)
