"""What is written about new rows by a finished search of autoencoders: how unusual each is, and because of which columns.

The score needs a scale and the threshold held-out rows, so the run's own data are read again and its network answers them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganas.errors import RunError
from ganas.history import Run
from ganas.rebuild import task_of_run
from ganas.tasks.anomaly import SCORES, AnomalyDetection
from ganas.tasks.anomaly_score import AnomalyScore
from ganas.tasks.autoencoding import AutoencoderTask
from ganas.tasks.detector import fit_detector
from ganas.tasks.inputs import columns_of_inputs, network_input_names
from ganas.tasks.preprocessing import Preprocessing
from ganas.training.contract import FloatArray

COLUMNS_NAMED = 3


def anomalies(run: Run, pipeline: Mapping[str, Any], inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Returns, by column of the output: ``prediction`` (1: flagged), ``score``, and ``columns``, those that the score is owed to.

    Args:
        run: a finished search of anomaly detection.
        pipeline: what its ``pipeline.json`` holds.
        inputs: (rows,) arrays of the new rows by input name. Loads TensorFlow in this process.

    Raises:
        RunError: the run's data were given as arrays in Python, so that they cannot be read again, or they changed.
    """
    if run.facts["from_arrays"]:
        raise RunError(
            f"{run.folder}: its data were arrays in Python; score new rows with ganas.AnomalyDetector instead"
        )
    from ganas.training.export import answer_scaled

    task = task_of_run(run)
    assert isinstance(task, AutoencoderTask)
    preprocessing = Preprocessing.from_json(pipeline["preprocessing"])
    purpose = task.purpose
    assert isinstance(purpose, AnomalyDetection)
    # the rows by which the run itself judged this network on the test rows
    learnt, reference, held_out = (
        preprocessing.transform(task.table.features.take(rows)) for rows in purpose.yardstick(*task.splits.folds[0])
    )
    known = np.concatenate([reference, held_out])
    x = preprocessing.transform(columns_of_inputs(inputs, preprocessing))
    outputs = answer_scaled(run.folder / "best.keras", np.concatenate([known, x]))
    settings = run.config.task
    detector = fit_detector(
        known,
        [outputs[: len(known)]],
        reference=len(reference),
        score=AnomalyScore.fit(learnt, views=SCORES[settings.score], seed=task.settings.seed),
        false_alarm_rate=settings.false_alarm_rate,
    )
    answers: list[FloatArray] = [outputs[len(known) :]]
    scores = detector.scores(x, answers)
    names = np.array(network_input_names(preprocessing), object)
    owed = _per_name(detector.contributions(x, answers), names)
    return {"prediction": (scores > detector.threshold).astype(int), "score": scores, "columns": owed}


def _per_name(owed: NDArray[np.float64], names: NDArray[np.object_]) -> NDArray[np.object_]:
    """Returns, per row, the columns that contributed most, the first one most; inputs of one column count together."""
    distinct = list(dict.fromkeys(names.tolist()))
    totals = np.stack([owed[:, names == name].sum(axis=1) for name in distinct], axis=1)
    order = np.argsort(-totals, axis=1, kind="stable")[:, :COLUMNS_NAMED]
    return np.array([", ".join(distinct[place] for place in row) for row in order], object)
