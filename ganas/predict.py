"""Predictions for new rows with a finished run's ``best.keras``: reads a table, writes a CSV file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganas.errors import RunError
from ganas.history import Run
from ganas.predict_anomalies import anomalies
from ganas.predict_autoencoders import codes, reconstructions
from ganas.tasks.inputs import read_inputs
from ganas.tasks.preprocessing import Preprocessing
from ganas.training.contract import FloatArray

Column = NDArray[Any]


def predict_file(run: Run, rows: Path, output: Path, *, say: Callable[[str], None] = lambda text: None) -> None:
    """Predicts the rows of a table and writes ``output``: a CSV file with a row for each, in order.

    Its columns are ``prediction``, in the target's own labels or units, and for classes ``probability_<label>``. Of
    anomaly detection they are ``prediction`` (1: flagged), ``score``, and ``columns``, those that the score is owed to; of
    reconstruction ``error`` and ``reconstructed_<column>``; of features ``feature_<unit of the bottleneck>``.
    Loads TensorFlow in this process.

    Args:
        run: a finished run.
        rows: the table's file; without the target column, or with it (it is not looked at).
        output: the file to write.
        say: is told a line about each thing worth knowing.

    Raises:
        RunError: the run has no network yet, or the output cannot be written.
        DataError: the file cannot be read, or lacks columns.
    """
    import pandas as pd

    pipeline = read_pipeline(run.folder)
    inputs, notes = read_inputs(rows, pipeline)
    columns = PREDICTIONS[pipeline["task"]](run, pipeline, inputs)
    try:
        pd.DataFrame(columns).to_csv(output, index=False)
    except OSError as error:
        raise RunError(f"{output}: cannot be written ({error.strerror or error})") from None
    for note in notes:
        say(note)
    say(f"{output}: {len(next(iter(columns.values()))):,} predictions")


def read_pipeline(folder: Path) -> dict[str, Any]:
    """Reads what a run's ``pipeline.json`` says about its network's inputs and outputs.

    Raises:
        RunError: the run has no finished network, or it is of another version or kind.
    """
    path = folder / "pipeline.json"
    if not path.is_file() or not (folder / "best.keras").is_file():
        raise RunError(
            f"{folder}: lacks best.keras or pipeline.json; finish the run first, or have them made again: "
            f"ganas resume {folder.name}"
        )
    try:
        pipeline: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        kind, *_ = (pipeline[name] for name in ("task", "source", "output", "preprocessing"))
        Preprocessing.from_json(pipeline["preprocessing"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RunError(
            f"{path}: is no pipeline of this version of ganas; delete it and resume the run, which writes it again"
        ) from None
    if kind not in PREDICTIONS:
        raise RunError(f"{path}: predicting is for {', '.join(PREDICTIONS)}, not for {kind}")
    return pipeline


def _answers(run: Run, inputs: Mapping[str, Column]) -> FloatArray:
    from ganas.training.export import answer

    return answer(run.folder / "best.keras", inputs)


def predict_classes(run: Run, pipeline: Mapping[str, Any], inputs: Mapping[str, Column]) -> dict[str, Column]:
    """Returns the most probable label of each row, and each label's probability."""
    outputs = _answers(run, inputs)
    labels = pipeline["output"]["labels"]
    best = np.array(labels, object)[outputs.argmax(axis=1)]
    return {"prediction": best, **{f"probability_{label}": outputs[:, code] for code, label in enumerate(labels)}}


def predict_numbers(run: Run, pipeline: Mapping[str, Any], inputs: Mapping[str, Column]) -> dict[str, Column]:
    """Returns the numbers the network answers, which are in target units already."""
    return {"prediction": _answers(run, inputs)[:, 0]}


PREDICTIONS: dict[str, Callable[[Run, Mapping[str, Any], Mapping[str, Column]], dict[str, Column]]] = {
    "classification": predict_classes,
    "regression": predict_numbers,
    "reconstruction": reconstructions,
    "features": codes,
    "anomaly": anomalies,
}
"""What is written about new rows, by kind of task."""
