"""Data sets by name: where each comes from, and the table it gives.

A name that needs a download is looked up in the folder that the environment variable ``GANAS_DATA`` names, then in the
library's own cache and download. Loading is lazy: listing the names imports neither NumPy nor scikit-learn nor pandas.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganas.errors import DataError, did_you_mean, first_line
from ganas.tasks.text import SUFFIXES

if TYPE_CHECKING:
    from ganas.tasks.table import Table

DATA_FOLDER = "GANAS_DATA"
OPENML = "openml:"
SCIKIT_LEARN, KERAS = "scikit-learn", "Keras"


@dataclass(frozen=True)
class Dataset:
    """A named data set.

    Attributes:
        kind: the task it is usually used for.
        rows, columns: its size, without the target.
        library: what it comes with, under the same name.
        load: makes the table of its name.
        is_bundled: whether it comes without a download.
    """

    kind: str
    rows: int
    columns: int
    library: str
    load: Callable[[str], Table]
    is_bundled: bool = False


def describe_datasets() -> list[dict[str, Any]]:
    """Returns a row per name, for the list of data sets: name, kind, rows, columns, origin, and whether it is here already."""
    rows = [
        {
            "name": name,
            "kind": dataset.kind,
            "rows": dataset.rows,
            "columns": dataset.columns,
            "origin": dataset.library if dataset.is_bundled else f"{dataset.library}, downloaded",
            "is_here": dataset.is_bundled or find_file(name) is not None,
        }
        for name, dataset in DATASETS.items()
    ]
    openml = {
        "name": f"{OPENML}<id>",
        "kind": "any",
        "rows": None,
        "columns": None,
        "origin": "openml.org",
        "is_here": False,
    }
    return [*rows, openml]


def load_dataset(name: str) -> Table:
    """Returns the table of a data set by name.

    Raises:
        DataError: the name is unknown, or the data is neither here nor to be had.
    """
    if name.startswith(OPENML):
        return _load_openml(name)
    if name not in DATASETS:
        known, hint = ", ".join(DATASETS), did_you_mean(name, DATASETS)
        raise DataError(f"[data] source: {name!r} is neither a file nor a known data set ({known}, {OPENML}<id>){hint}")
    return DATASETS[name].load(name)


def find_file(name: str) -> Path | None:
    """Returns the file of a name in the folder that ``GANAS_DATA`` names, or None."""
    folder = os.environ.get(DATA_FOLDER)
    if not folder:
        return None
    candidates = [Path(folder) / name, *(Path(folder) / f"{name}{suffix}" for suffix in SUFFIXES)]
    return next((path for path in candidates if path.is_file()), None)


def _load_bundled(name: str) -> Table:
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    return _table_of_bunch(name, bunch)


def _load_digits(name: str) -> Table:
    from sklearn import datasets

    from ganas.tasks.frames import table_of_frame

    bunch = datasets.load_digits(as_frame=True)
    # Every pixel counts as one, also those that are 0 in every image: nothing is dropped from pictures.
    return table_of_frame(bunch.data, bunch.target.to_numpy(), name, pixel_maximum=16.0, image_shape=(8, 8))


def _load_housing(name: str) -> Table:
    from sklearn import datasets

    bunch = _or_explain(name, lambda: datasets.fetch_california_housing(as_frame=True))
    return _table_of_bunch(name, bunch)


def _load_openml(name: str) -> Table:
    from sklearn import datasets

    number = name.removeprefix(OPENML)
    if not number.isdigit():
        raise DataError(
            f"[data] source: {name!r} is not an OpenML id; expected {OPENML} and a number, such as {OPENML}31"
        )
    bunch = _or_explain(name, lambda: datasets.fetch_openml(data_id=int(number), as_frame=True, parser="auto"))
    if bunch.target is None or bunch.target.ndim != 1:
        raise DataError(f"{name}: has no single target column; choose another data set")
    return _table_of_bunch(name, bunch)


def _table_of_bunch(name: str, bunch: Any) -> Table:
    import numpy as np

    from ganas.tasks.frames import table_of_frame, target_values

    target = target_values(bunch.target)
    labels = bunch.get("target_names")
    if labels is not None and np.issubdtype(target.dtype, np.integer) and len(labels) > 1:
        target = np.asarray(labels, object)[target]
    return table_of_frame(bunch.data, target, name)


def _load_images(name: str) -> Table:
    """Fetches images with Keras in a process of its own, because this one must stay free of TensorFlow."""
    from ganas.tasks.files import read_images

    with tempfile.TemporaryDirectory(prefix="ganas-") as folder:
        path = Path(folder) / f"{name}.npz"
        command = [sys.executable, "-m", "ganas.training.fetch", name, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise DataError(_not_to_be_had(name, reason))
        return read_images(path, name)


def _or_explain(name: str, fetch: Callable[[], Any]) -> Any:
    try:
        return fetch()
    except (OSError, ValueError) as error:
        raise DataError(_not_to_be_had(name, first_line(error))) from None


def _not_to_be_had(name: str, reason: str) -> str:
    folder = os.environ.get(DATA_FOLDER)
    looked = f"not in {DATA_FOLDER} ({folder})" if folder else f"{DATA_FOLDER} is not set"
    return f"{name}: {looked}, and the download failed ({reason}); connect, or put {name} as CSV, Parquet or NPZ into {DATA_FOLDER}"


DATASETS = {
    "digits": Dataset("classification", 1797, 64, SCIKIT_LEARN, _load_digits, is_bundled=True),
    "iris": Dataset("classification", 150, 4, SCIKIT_LEARN, _load_bundled, is_bundled=True),
    "wine": Dataset("classification", 178, 13, SCIKIT_LEARN, _load_bundled, is_bundled=True),
    "breast_cancer": Dataset("classification", 569, 30, SCIKIT_LEARN, _load_bundled, is_bundled=True),
    "diabetes": Dataset("regression", 442, 10, SCIKIT_LEARN, _load_bundled, is_bundled=True),
    "california_housing": Dataset("regression", 20640, 8, SCIKIT_LEARN, _load_housing),
    "mnist": Dataset("classification", 70000, 784, KERAS, _load_images),
    "fashion_mnist": Dataset("classification", 70000, 784, KERAS, _load_images),
    "cifar10": Dataset("classification", 60000, 3072, KERAS, _load_images),
}
"""Data sets by name."""
